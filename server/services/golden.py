"""Golden vectors: a bundle's own picture, embedding and decoder cases, run again on this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.domain.bundle import BundleManifest
from server.domain.ports import Decoder, DecoderInputs, Encoder, Float32
from server.domain.quantisation import dequantise
from server.errors import BundleError, RequestError
from server.storage.container import Container, read_container

FORMAT = "segserve-golden/1"
MAX_ERROR = 0.05
MIN_MASK_IOU = 0.99
MAX_SCORE_ERROR = 0.02


@dataclass(frozen=True, slots=True)
class GoldenReport:
    """`largest_error`: relative L2 distance of a tensor of the embedding, or of an interactive model's logits;
    `mask_iou`: least IoU of a mask; `score_error`: largest difference of a predicted IoU."""

    cases: int
    largest_error: float
    mask_iou: float
    score_error: float


def check_golden(data: bytes, manifest: BundleManifest, encoder: Encoder, decoder: Decoder) -> GoldenReport:
    """Blocking. `data`: the bundle's golden.safetensors. Raises BundleError `bundle_golden_mismatch`."""
    try:
        report = _compare(read_container(data), manifest, encoder, decoder)
    except (RequestError, KeyError, ValueError, TypeError) as error:
        message = f"The golden vectors of {manifest.id} cannot be read: {error!r}. Fetch the bundle again."
        raise BundleError(message, code="bundle_golden_mismatch") from error
    return held_to_bounds(report, manifest)


def held_to_bounds(report: GoldenReport, manifest: BundleManifest) -> GoldenReport:
    """The report itself, or BundleError `bundle_golden_mismatch`."""
    if report.largest_error > MAX_ERROR or report.mask_iou < MIN_MASK_IOU or report.score_error > MAX_SCORE_ERROR:
        raise BundleError(
            f"{manifest.id} does not give its golden answers here: values off by {report.largest_error:.3f}, mask "
            f"IoU {report.mask_iou:.4f}, score off by {report.score_error:.3f}.",
            code="bundle_golden_mismatch",
        )
    return report


def _compare(container: Container, manifest: BundleManifest, encoder: Encoder, decoder: Decoder) -> GoldenReport:
    tensors, metadata = container.tensors, container.metadata
    if metadata.get("format") != FORMAT:
        raise BundleError(f"The golden vectors of {manifest.id} are not {FORMAT}.", code="bundle_golden_mismatch")
    expected = _embedding(tensors, json.loads(metadata["scales"]), manifest)
    valid = np.array([[int(metadata["input_height"]), int(metadata["input_width"])]], np.int64)
    actual = encoder.encode(_padded(tensors["pixels"], manifest.preprocessing.size)[None], valid)[0]
    cases: list[str] = json.loads(metadata["cases"])
    compared = [_compare_case(tensors, name, expected, manifest, decoder) for name in cases]
    return GoldenReport(
        cases=len(cases),
        largest_error=max(relative_error(actual[name], expected[name]) for name in expected),
        mask_iou=min((iou for iou, _ in compared), default=1.0),
        score_error=max((error for _, error in compared), default=0.0),
    )


def _padded(pixels: NDArray[Any], size: int) -> NDArray[Any]:
    """uint8 [h, w, 3] of the picture alone -> [size, size, 3], padded bottom right."""
    height, width = pixels.shape[:2]
    return np.pad(pixels, ((0, size - height), (0, size - width), (0, 0)))


def _inputs(tensors: Mapping[str, NDArray[Any]], case: str, manifest: BundleManifest) -> DecoderInputs:
    """A case without a mask prompt may leave out its empty `mask_input`."""
    spec = manifest.decoder
    coords, labels, has_mask = (
        np.ascontiguousarray(tensors[f"{case}.{name}"], np.float32)
        for name in ("point_coords", "point_labels", "has_mask_input")
    )
    mask = tensors.get(f"{case}.mask_input")
    if mask is None:
        mask = np.zeros((len(labels), 1, spec.mask_height, spec.mask_width), np.float32)
    return DecoderInputs(coords, labels, np.ascontiguousarray(mask, np.float32), has_mask)


def _embedding(
    tensors: Mapping[str, NDArray[Any]], scales: Mapping[str, list[float]], manifest: BundleManifest
) -> dict[str, Float32]:
    embedding: dict[str, Float32] = {}
    for spec in manifest.embedding:
        stored = tensors[f"embedding.{spec.name}"].reshape(1, *spec.shape)
        if spec.wire_dtype == "int8":
            embedding[spec.name] = dequantise(stored, np.array(scales[spec.name], np.float32))
        else:
            embedding[spec.name] = stored.astype(np.float32)
    return embedding


def _compare_case(
    tensors: Mapping[str, NDArray[Any]],
    case: str,
    embedding: dict[str, Float32],
    manifest: BundleManifest,
    decoder: Decoder,
) -> tuple[float, float]:
    """(least IoU of a mask, largest score difference) of one case."""
    outputs = decoder.decode(embedding, _inputs(tensors, case, manifest))
    expected = tensors[f"{case}.low_res_masks"].astype(np.float32) > manifest.mask_threshold
    actual = outputs.low_res_masks > manifest.mask_threshold
    union = (expected | actual).sum(axis=(-2, -1))
    common = (expected & actual).sum(axis=(-2, -1))
    iou = np.where(union > 0, common / np.maximum(union, 1), 1.0)
    scores = np.abs(outputs.iou_predictions - tensors[f"{case}.iou_predictions"])
    return float(iou.min()), float(scores.max())


def relative_error(actual: Float32, expected: Float32) -> float:
    return float(np.linalg.norm(actual - expected) / max(float(np.linalg.norm(expected)), 1e-12))
