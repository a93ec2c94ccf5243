"""A published checkpoint as a bundle: its weights once on disk, every graph a reference to them, each variant judged by
the masks that it gives."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from model_export.bench.machine import cpu_model
from model_export.export.build import finished, parameters
from model_export.export.bundle_writer import Contents, lay_out, write_bundle
from model_export.export.card import published_card
from model_export.export.examples import example_sheet
from model_export.export.golden import golden_vectors
from model_export.export.graphs import decoder_onnx, encoder_onnx, encoder_program, serialised
from model_export.export.identity import Identity, converted_identity
from model_export.export.manifest import manifest_of
from model_export.export.outside import keep_outside
from model_export.export.parity import Report, parity_report
from model_export.export.pictures import open_picture, sample_paths
from model_export.export.variants import half_decoder, int8_encoder
from model_export.export.weights import dump_weights, open_checkpoint
from model_export.models.network import Network
from model_export.models.published import PUBLISHED
from server.domain.bundle import BundleManifest, Calibration, FileRole, Speed
from server.domain.limits import available_cores
from server.domain.ports import LoadedBundle
from server.domain.prompts import Prompt, assemble
from server.runtime.onnx import OnnxBackend

AUTHORS_CALIBRATION = Calibration(pred_iou_thresh=0.88, stability_score_thresh=0.95)  # of SAM's everything mode
PICTURES = 2  # to judge parity on; a large encoder takes a minute for each
# A variant that keeps less of the masks is left out.
LEAST_VARIANT_IOU = {"mask_iou_mean": 0.99, "mask_iou_min": 0.95}
DECODES = 20
VARIANTS: dict[FileRole, str] = {"encoder_int8": "encoder_int8.onnx", "decoder_fp16": "decoder_fp16.onnx"}
Say = Callable[[str], None]


def export_published(
    name: str,
    checkpoint: Path,
    out: Path,
    data: Path | None = None,
    *,
    bundle_id: str | None = None,
    title: str | None = None,
    license_text: str | None = None,
    say: Say = lambda step: None,
) -> LoadedBundle:
    """The bundle of `checkpoint`, a file of the published network `name` in its authors' layout or the Hub's.

    `data`: annotated pictures to judge parity on, else the page's samples. `say` hears of each step, some of which take
    minutes. Raises CheckpointError (a ValueError) when the file does not fit, ValueError when the graphs do not agree
    with torch; nothing is left at `out` then.
    """
    say("reading and checking the weights")
    model = open_checkpoint(name, checkpoint)
    identity = published_identity(name, checkpoint, bundle_id, title, license_text)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-draft-") as work:
        contents = graph_files(name, model, Path(work), say)
        draft = draft_of(Path(work), contents, identity, model)
        say("comparing the graphs with torch, picture by picture")
        parity = parity_report(draft, data, PICTURES)
        if not parity["passed"]:
            raise ValueError(f"the exported graphs do not agree with torch: {json.dumps(parity)}")
        for role in dropped(parity):
            del contents[VARIANTS[role]]
        draft = draft_of(Path(work), contents, identity, model)
        say("golden vectors, example masks and speed")
        golden, examples, speed = golden_vectors(draft, sample_paths()[0]), example_sheet(draft), speed_of(draft)
        card = published_card(
            identity=identity, parity=parity, speed=speed, encoder=parameters(model.encoder),
            decoder=parameters(model.decoder), size=model.input_size, least=LEAST_VARIANT_IOU,
        )  # fmt: skip
        whole = finished(contents, golden=golden, parity=parity, card=card, examples=examples)
        manifest = manifest_for(identity, model, parity, speed)
        say("writing the bundle")
        return write_bundle(out, lambda directory: lay_out(directory, whole, manifest))


def graph_files(name: str, model: Network, work: Path, say: Say) -> Contents:
    """Every graph and the weights, in `work` or in memory."""
    graphs = work / "graphs"
    graphs.mkdir()
    weights = graphs / "weights.safetensors"
    weights.write_bytes(dump_weights(model, name))
    say("exporting the decoder")
    decoder = serialised(decoder_onnx(model))
    say("exporting the encoder")
    program = encoder_onnx(model)
    int8_encoder(program, graphs / VARIANTS["encoder_int8"])
    keep_outside(program, weights, graphs / "encoder.onnx")
    return {
        "weights.safetensors": ("weights", weights),
        "decoder.onnx": ("decoder", decoder),
        VARIANTS["decoder_fp16"]: ("decoder_fp16", half_decoder(decoder)),
        "encoder.onnx": ("encoder", graphs / "encoder.onnx"),
        VARIANTS["encoder_int8"]: ("encoder_int8", graphs / VARIANTS["encoder_int8"]),
        "encoder.pt2": ("encoder_torch", encoder_program(model)),
    }


def manifest_for(
    identity: Identity, model: Network, parity: Report | None = None, speed: Speed | None = None
) -> BundleManifest:
    """float16 on the wire, so that a mask is the authors' to the pixel."""
    return manifest_of(identity, model, calibration=AUTHORS_CALIBRATION, parity=parity, speed=speed, wire="float16")


def draft_of(work: Path, contents: Contents, identity: Identity, model: Network) -> LoadedBundle:
    directory = work / "draft"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    return lay_out(directory, contents, manifest_for(identity, model))


def dropped(parity: Report) -> list[FileRole]:
    """Variants that change the masks too much; the report keeps their figures and says so."""
    roles: list[FileRole] = []
    for role in VARIANTS:
        told = parity["variants"][role]
        told["kept"] = all(told[key] >= least for key, least in LEAST_VARIANT_IOU.items())
        if not told["kept"]:
            roles.append(role)
    return roles


def published_identity(
    name: str, checkpoint: Path, bundle_id: str | None, title: str | None, license_text: str | None
) -> Identity:
    return converted_identity(name, PUBLISHED[name], checkpoint, bundle_id, title, license_text)


def speed_of(bundle: LoadedBundle) -> Speed:
    """One encode and the median decode of a click, warm, with every core that this process may use."""
    threads = available_cores()
    backend = OnnxBackend(threads)
    encoder, decoder = backend.load_encoder(bundle), backend.load_decoder(bundle)
    picture = open_picture(sample_paths()[0], bundle)
    embedding = encoder.encode(picture.pixels, picture.valid_size)[0]
    began = time.perf_counter()
    encoder.encode(picture.pixels, picture.valid_size)
    encode = time.perf_counter() - began
    frame, shape = picture.frame, (bundle.manifest.decoder.mask_height, bundle.manifest.decoder.mask_width)
    click = Prompt(np.array([[frame.width / 2, frame.height / 2]]), np.ones(1, np.float32))
    inputs = assemble([click], frame, shape, padding_is_neutral=True)
    taken = []
    for _ in range(DECODES):
        began = time.perf_counter()
        decoder.decode(embedding, inputs)
        taken.append(time.perf_counter() - began)
    return Speed(
        encode_ms=round(encode * 1e3, 1), decode_ms=round(float(np.median(taken)) * 1e3, 2), threads=threads,
        machine=cpu_model(),
    )  # fmt: skip
