"""Checkpoint -> bundle, and the verification of a bundle."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

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
from model_export.export.graphs import decoder_onnx, encoder_onnx, encoder_program, serialised
from model_export.export.identity import identity_of
from model_export.export.manifest import manifest_of
from model_export.export.parity import parity_report
from model_export.export.pictures import sample_paths
from model_export.export.weights import dump_weights, open_checkpoint
from server.domain.bundle import MANIFEST_NAME, Calibration
from server.domain.limits import available_cores
from server.domain.ports import LoadedBundle
from server.runtime.bundle_files import read_manifest, verify_bundle

MAX_WORKERS = 8
LEAST_PROBES = 50
# Cut-offs of a bundle that was never evaluated; SAM's order of magnitude, good enough to be able to run.
UNCALIBRATED = Calibration(pred_iou_thresh=0.7, stability_score_thresh=0.9)


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
    """A checkpoint of a training run as a bundle. Graphs first; then parity, accuracy and golden vectors are measured
    on them, and everything is written at once.

    `name`: of the network; the bundle has the same one unless `bundle_id` says otherwise. `progress` hears of the
    evaluation, which takes minutes, `left_out` of pictures held out that cannot be read. Raises ValueError when the
    checkpoint does not fit or the graphs do not agree with torch.
    """
    model = open_checkpoint(name, checkpoint)
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    identity = identity_of(name, state, bundle_id, title, license_text)
    graphs: Contents = {
        "weights.safetensors": ("weights", dump_weights(model, name)),
        "decoder.onnx": ("decoder", serialised(decoder_onnx(model))),
        "encoder.onnx": ("encoder", serialised(encoder_onnx(model))),
        "encoder.pt2": ("encoder_torch", encoder_program(model)),
    }
    with tempfile.TemporaryDirectory() as draft_directory:
        draft = lay_out(Path(draft_directory), graphs, manifest_of(identity, model, calibration=UNCALIBRATED))
        parity = parity_report(draft, data)
        if not parity["passed"]:
            raise ValueError(f"the exported graphs do not agree with torch: {json.dumps(parity)}")
        results = measured(draft, data, progress, left_out) if evaluate and data is not None and data.is_dir() else []
        golden = golden_vectors(draft, sample_paths()[0])
        examples = example_sheet(draft)
    accuracy = accuracy_of(results)
    calibration = calibration_of(results)
    card = model_card(
        parity=parity, accuracy=accuracy, identity=identity, size=model.input_size, encoder=parameters(model.encoder),
        decoder=parameters(model.decoder),
    )  # fmt: skip
    contents = finished(graphs, golden=golden, parity=parity, card=card, examples=examples)
    manifest = manifest_of(identity, model, calibration=calibration, accuracy=accuracy, parity=parity)
    return write_bundle(out, lambda directory: lay_out(directory, contents, manifest))


def finished(graphs: Contents, *, golden: bytes, parity: dict[str, object], card: str, examples: bytes) -> Contents:
    """The graphs with what was measured on them."""
    return graphs | {
        "golden.safetensors": ("golden", golden),
        "parity.json": ("parity", (json.dumps(parity, indent=2) + "\n").encode()),
        "MODEL_CARD.md": ("card", card.encode()),
        "examples.jpg": ("other", examples),
    }


def parameters(part: torch.nn.Module) -> int:
    return sum(p.numel() for p in part.parameters())


def open_bundle(directory: Path) -> LoadedBundle:
    """Read a bundle and check every hash. Raises BundleError naming what differs."""
    bundle = LoadedBundle(read_manifest(directory / MANIFEST_NAME), str(directory.resolve()))
    verify_bundle(bundle)
    return bundle
