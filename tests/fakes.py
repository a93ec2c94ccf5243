"""A deterministic numpy back end that fits `server.domain.ports`, and a tiny bundle for it.

The fake really segments flat colours: a click selects the pixels whose colour is close to the clicked one, a background
click takes its colour away, a box limits the mask to its inside, a mask prompt is added to the logits. So a test can
draw a rectangle, click on it and compare the mask with the rectangle, which catches swapped axes and shifted frames.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.domain.bundle import (
    FORMAT_VERSION,
    MANIFEST_NAME,
    BundleFile,
    BundleManifest,
    Calibration,
    Decoder,
    EmbeddingTensor,
    FileRole,
    Preprocessing,
    TensorSpec,
    revision_of,
)
from server.domain.ports import ClickStages, DecoderInputs, DecoderOutputs, Float32, LoadedBundle, Tensors, UInt8
from server.runtime.onnx import OnnxBackend

INPUT_SIZE = 64
GRID = 32
MASKS = 4

DUMMY_FILES: dict[str, tuple[FileRole, bytes]] = {
    "encoder.onnx": ("encoder", b"fake encoder\n" * 50),
    "decoder.onnx": ("decoder", b"fake decoder\n" * 50),
    "encoder.pt2": ("encoder_torch", b"fake exported program\n"),
    "weights.safetensors": ("weights", b"fake weights\n"),
    "golden.safetensors": ("golden", b"fake golden vectors\n"),
    "MODEL_CARD.md": ("card", b"# Fake model\n"),
    "parity.json": ("parity", b"{}\n"),
}


class FakeEncoder:
    """`colour` [1, 3, GRID, GRID]: mean RGB / 255 of each cell; `luma` [1, 1, GRID / 2, GRID / 2]: mean of the colours.

    Test seams: `batches` records the batch sizes; while `gate` is cleared, encode blocks; a picture whose first pixel
    equals `poison` raises RuntimeError for its whole batch.
    """

    def __init__(self, poison: tuple[int, int, int] | None = None) -> None:
        self.batches: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.interrupted = threading.Event()
        self.poison = poison

    @property
    def pictures(self) -> int:
        """How many pictures were encoded in all."""
        return sum(self.batches)

    def interrupt(self) -> None:
        """As a long run would end: the gate opens, and the run fails."""
        self.interrupted.set()
        self.gate.set()

    def encode(self, pixels: UInt8, valid_size: NDArray[np.int64]) -> list[dict[str, Float32]]:
        self.entered.set()
        self.gate.wait()
        if self.interrupted.is_set():
            self.interrupted.clear()
            raise RuntimeError("interrupted")
        self.batches.append(len(pixels))
        if self.poison is not None and any(tuple(picture[0, 0].tolist()) == self.poison for picture in pixels):
            raise RuntimeError("poisoned picture")
        return [_embed(picture, valid) for picture, valid in zip(pixels, valid_size, strict=True)]


class FakeDecoder:
    """Masks [B, 4, GRID, GRID]: the same shape at four thresholds, 0 the plain one; `batches` records batch sizes."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def decode(self, embedding: Tensors, inputs: DecoderInputs) -> DecoderOutputs:
        batch = len(inputs.point_labels)
        self.batches.append(batch)
        colour = np.asarray(embedding["colour"], np.float32)[0]
        logits = np.stack([_segment(colour, inputs, row) for row in range(batch)])
        offsets = np.array([0.0, -2.0, 0.0, 2.0], np.float32)
        scores = np.array([0.9, 0.6, 0.95, 0.8], np.float32)
        clicks = (inputs.point_labels >= 0).sum(axis=1, keepdims=True).astype(np.float32)
        low_res_masks = (logits[:, None] + offsets[None, :, None, None]).astype(np.float32)
        return DecoderOutputs(low_res_masks, (scores[None] - 0.01 / (1 + clicks)).astype(np.float32))


class FakeBackend:
    """Hands out one encoder and one decoder, so that a test can look at them: `backend.encoder.batches`."""

    name = "fake"

    def __init__(self, poison: tuple[int, int, int] | None = None) -> None:
        self.encoder = FakeEncoder(poison)
        self.decoder = FakeDecoder()
        self.loaded: list[str] = []

    def load_encoder(self, bundle: LoadedBundle) -> FakeEncoder:
        self.loaded.append(f"encoder {bundle.manifest.id}")
        return self.encoder

    def load_decoder(self, bundle: LoadedBundle) -> FakeDecoder:
        self.loaded.append(f"decoder {bundle.manifest.id}")
        return self.decoder

    def load_stages(self, bundle: LoadedBundle) -> ClickStages:
        """Of a bundle with real graphs (tests/click_bundle.py)."""
        self.loaded.append(f"stages {bundle.manifest.id}")
        return OnnxBackend(1).load_stages(bundle)


def write_bundle(
    root: Path,
    *,
    model_id: str = "fake-model",
    nested: bool = True,
    files: dict[str, tuple[FileRole, bytes]] | None = None,
    **changes: Any,
) -> BundleManifest:
    """Write a valid bundle for the fake back end under `root`, as `<id>/<revision>/` or, not nested, `<id>/`.
    `changes` replace manifest fields."""
    contents = DUMMY_FILES if files is None else files
    manifest = fake_manifest(model_id, contents, **changes)
    directory = root / manifest.id / manifest.revision if nested else root / manifest.id
    directory.mkdir(parents=True)
    for name, (_, data) in contents.items():
        (directory / name).write_bytes(data)
    (directory / MANIFEST_NAME).write_text(manifest.model_dump_json(indent=2), encoding="utf-8")
    return manifest


def fake_manifest(
    model_id: str = "fake-model", contents: dict[str, tuple[FileRole, bytes]] | None = None, **changes: Any
) -> BundleManifest:
    files = {
        name: BundleFile(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), role=role)
        for name, (role, data) in (DUMMY_FILES if contents is None else contents).items()
    }
    fields: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "id": model_id,
        "revision": revision_of(files),
        "kind": "promptable",
        "title": "Fake model",
        "description": "Selects flat colours; for tests.",
        "license": "Apache-2.0",
        "source": "tests/fakes.py",
        "preprocessing": Preprocessing(size=INPUT_SIZE, mean=(123.0, 116.0, 104.0), std=(58.0, 57.0, 57.0)),
        "embedding": (
            EmbeddingTensor(name="colour", shape=(3, GRID, GRID), wire_dtype="int8"),
            EmbeddingTensor(name="luma", shape=(1, GRID // 2, GRID // 2), wire_dtype="float16"),
        ),
        "decoder": Decoder(
            inputs=decoder_inputs([("colour", (1, 3, GRID, GRID)), ("luma", (1, 1, GRID // 2, GRID // 2))]),
            outputs=(
                TensorSpec(name="low_res_masks", shape=("B", MASKS, GRID, GRID), dtype="float32"),
                TensorSpec(name="iou_predictions", shape=("B", MASKS), dtype="float32"),
            ),
            mask_height=GRID,
            mask_width=GRID,
            padding_is_neutral=True,
        ),
        "calibration": Calibration(pred_iou_thresh=0.88, stability_score_thresh=0.95),
        "files": files,
    }
    return BundleManifest(**(fields | changes))


def decoder_inputs(embedding: Iterable[tuple[str, tuple[int, ...]]]) -> tuple[TensorSpec, ...]:
    prompt = (
        TensorSpec(name="point_coords", shape=("B", "N", 2), dtype="float32"),
        TensorSpec(name="point_labels", shape=("B", "N"), dtype="float32"),
        TensorSpec(name="mask_input", shape=("B", 1, GRID, GRID), dtype="float32"),
        TensorSpec(name="has_mask_input", shape=("B",), dtype="float32"),
    )
    return tuple(TensorSpec(name=name, shape=shape, dtype="float32") for name, shape in embedding) + prompt


def _embed(picture: UInt8, valid: NDArray[np.int64]) -> dict[str, Float32]:
    cell = len(picture) // GRID
    kept = picture.astype(np.float32) / 255.0
    kept[int(valid[0]) :] = 0.0
    kept[:, int(valid[1]) :] = 0.0
    cells = kept.reshape(GRID, cell, GRID, cell, 3).mean(axis=(1, 3))
    luma = cells.mean(axis=2).reshape(GRID // 2, 2, GRID // 2, 2).mean(axis=(1, 3))
    colour = np.ascontiguousarray(cells.transpose(2, 0, 1)[None])
    return {"colour": colour.astype(np.float32), "luma": luma[None, None].astype(np.float32)}


def _segment(colour: Float32, inputs: DecoderInputs, row: int) -> Float32:
    """One prompt -> logits [GRID, GRID] in about -8 .. 8."""
    centres = (np.arange(GRID, dtype=np.float32) + 0.5) * (INPUT_SIZE / GRID)
    logits = np.full((GRID, GRID), -8.0, np.float32)
    coords, labels = inputs.point_coords[row], inputs.point_labels[row]
    clicked = [
        (_similarity(colour, point), label) for point, label in zip(coords, labels, strict=True) if 0 <= label <= 1
    ]
    corners = {int(label): point for point, label in zip(coords, labels, strict=True) if label >= 2}
    for near, label in clicked:
        logits = np.maximum(logits, near) if label == 1 else np.minimum(logits, -near)
    if corners:
        (left, top), (right, bottom) = corners[2], corners[3]
        inside = (centres[:, None] > top) & (centres[:, None] < bottom) & (centres > left) & (centres < right)
        if not any(label == 1 for _, label in clicked):
            logits = np.full_like(logits, 8.0)
        logits = np.where(inside, logits, np.float32(-8.0))
    if inputs.has_mask_input[row] > 0:
        logits = logits + inputs.mask_input[row, 0] if clicked or corners else inputs.mask_input[row, 0]
    return logits.astype(np.float32)


def _similarity(colour: Float32, point: Float32) -> Float32:
    column, line = (min(GRID - 1, int(value * GRID / INPUT_SIZE)) for value in point)
    distance = np.abs(colour - colour[:, line, column][:, None, None]).max(axis=0)
    similarity: Float32 = np.clip(8.0 - 80.0 * distance, -8.0, 8.0).astype(np.float32)
    return similarity
