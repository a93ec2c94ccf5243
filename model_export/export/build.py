"""Checkpoint -> bundle, and the verification of a bundle."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from model_export.data.readers import read_sets
from model_export.evaluate.calibration import calibrate
from model_export.evaluate.loop import Protocol, UnreadablePictureError
from model_export.evaluate.opening import open_predictor
from model_export.evaluate.results import ObjectResult
from model_export.evaluate.run import Progress, refuse
from model_export.evaluate.run import evaluate as run_evaluation
from model_export.evaluate.summary import accuracy as accuracy_of
from model_export.export.bundle_writer import Contents, lay_out, write_bundle
from model_export.export.card import model_card
from model_export.export.examples import example_sheet
from model_export.export.golden import golden_vectors
from model_export.export.graphs import DECODER_OUTPUTS, PROMPT_INPUTS, decoder_onnx, encoder_onnx, encoder_program
from model_export.export.identity import Identity, identity_of
from model_export.export.parity import Report, parity_report
from model_export.export.pictures import sample_paths
from model_export.export.weights import dump_weights, load_checkpoint
from model_export.models.lite import SegserveLite
from model_export.models.lite_decoder import NUM_MASKS
from server.domain.bundle import (
    FORMAT_VERSION,
    MANIFEST_NAME,
    BundleManifest,
    Calibration,
    Decoder,
    EmbeddingTensor,
    Preprocessing,
    TensorSpec,
)
from server.domain.limits import available_cores
from server.domain.ports import LoadedBundle
from server.runtime.bundle_files import read_manifest, verify_bundle

MAX_WORKERS = 8
LEAST_PROBES = 50
# Cut-offs of a bundle that was never evaluated; SAM's order of magnitude, good enough to be able to run.
UNCALIBRATED = Calibration(pred_iou_thresh=0.7, stability_score_thresh=0.9)


def manifest_of(
    identity: Identity,
    model: SegserveLite,
    accuracy: dict[str, Any],
    parity: Report,
    calibration: Calibration = UNCALIBRATED,
) -> BundleManifest:
    size = model.input_size
    grid = size // model.mask_stride
    shapes = [
        (channels, size // stride, size // stride)
        for channels, stride in zip(model.embedding_channels, model.embedding_strides, strict=True)
    ]
    names = model.encoder.output_names
    prompt_shapes: dict[str, tuple[int | str, ...]] = {
        "point_coords": ("B", "N", 2), "point_labels": ("B", "N"), "mask_input": ("B", 1, grid, grid),
        "has_mask_input": ("B",),
    }  # fmt: skip
    output_shapes: dict[str, tuple[int | str, ...]] = {
        "low_res_masks": ("B", NUM_MASKS, grid, grid),
        "iou_predictions": ("B", NUM_MASKS),
    }
    inputs = [TensorSpec(name=n, shape=(1, *shape), dtype="float32") for n, shape in zip(names, shapes, strict=True)]
    inputs += [TensorSpec(name=n, shape=prompt_shapes[n], dtype="float32") for n in PROMPT_INPUTS]
    return BundleManifest(
        format_version=FORMAT_VERSION,
        id=identity.id,
        revision="0" * 16,
        kind="promptable",
        title=identity.title,
        description=identity.description,
        license=identity.license,
        source=identity.source,
        preprocessing=Preprocessing(size=size, mean=model.pixel_mean, std=model.pixel_std),
        embedding=tuple(
            EmbeddingTensor(name=n, shape=shape, wire_dtype="int8") for n, shape in zip(names, shapes, strict=True)
        ),
        decoder=Decoder(
            inputs=tuple(inputs),
            outputs=tuple(TensorSpec(name=n, shape=output_shapes[n], dtype="float32") for n in DECODER_OUTPUTS),
            mask_height=grid,
            mask_width=grid,
            padding_is_neutral=True,
        ),
        calibration=calibration,
        files={},
        accuracy=accuracy,
        parity=parity,
    )


def measured(
    draft: LoadedBundle, data: Path, progress: Progress, left_out: Callable[[UnreadablePictureError], None]
) -> list[ObjectResult]:
    """The evaluation of the pictures held out, a process a core; nothing where there are none."""
    loaders = {draft.manifest.id: partial(open_predictor, draft)}
    pictures = read_sets(data, "val")
    workers = max(1, min(available_cores(), len(pictures), MAX_WORKERS))
    found = run_evaluation(loaders, pictures, Protocol(), workers=workers, progress=progress, left_out=left_out)
    return found[draft.manifest.id]


def calibration_of(results: Sequence[ObjectResult]) -> Calibration:
    """Measured cut-offs, where enough clicks speak for them."""
    if sum(result.probe is not None for result in results) < LEAST_PROBES:
        return UNCALIBRATED
    return calibrate(results, UNCALIBRATED.stability_offset) or UNCALIBRATED


def export_bundle(
    name: str,
    checkpoint: Path,
    out: Path,
    data: Path | None,
    evaluate: bool = True,
    *,
    bundle_id: str | None = None,
    title: str | None = None,
    license_text: str | None = None,
    progress: Progress = lambda done, total, seconds_left: None,
    left_out: Callable[[UnreadablePictureError], None] = refuse,
) -> LoadedBundle:
    """Graphs first; then parity, accuracy and golden vectors are measured on them, and everything is written at once.

    `name`: of the network; the bundle has the same one unless `bundle_id` says otherwise. `progress` hears of the
    evaluation, which takes minutes, `left_out` of pictures held out that cannot be read. Raises ValueError when the
    checkpoint does not fit or the graphs do not agree with torch.
    """
    model = load_checkpoint(name, checkpoint)
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    identity = identity_of(name, state, bundle_id, title, license_text)
    graphs: Contents = {
        "weights.safetensors": ("weights", dump_weights(model, name)),
        "decoder.onnx": ("decoder", decoder_onnx(model)),
        "encoder.onnx": ("encoder", encoder_onnx(model)),
        "encoder.pt2": ("encoder_torch", encoder_program(model)),
    }
    with tempfile.TemporaryDirectory() as draft_directory:
        draft = lay_out(Path(draft_directory), graphs, manifest_of(identity, model, {}, {}))
        parity = parity_report(draft, data)
        if not parity["passed"]:
            raise ValueError(f"the exported graphs do not agree with torch: {json.dumps(parity['cases'])}")
        results = measured(draft, data, progress, left_out) if evaluate and data is not None and data.is_dir() else []
        golden = golden_vectors(draft, sample_paths()[0])
        examples = example_sheet(draft)
    accuracy = accuracy_of(results)
    calibration = calibration_of(results)
    counts = [sum(p.numel() for p in part.parameters()) for part in (model.encoder, model.decoder)]
    card = model_card(
        parity=parity, accuracy=accuracy, identity=identity, size=model.input_size, encoder=counts[0],
        decoder=counts[1],
    )  # fmt: skip
    contents: Contents = graphs | {
        "golden.safetensors": ("golden", golden),
        "parity.json": ("parity", (json.dumps(parity, indent=2) + "\n").encode()),
        "MODEL_CARD.md": ("card", card.encode()),
        "examples.jpg": ("other", examples),
    }
    manifest = manifest_of(identity, model, accuracy, parity, calibration)
    return write_bundle(out, lambda directory: lay_out(directory, contents, manifest))


def open_bundle(directory: Path) -> LoadedBundle:
    """Read a bundle and check every hash. Raises BundleError naming what differs."""
    bundle = LoadedBundle(read_manifest(directory / MANIFEST_NAME), str(directory.resolve()))
    verify_bundle(bundle)
    return bundle
