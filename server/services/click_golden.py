"""Golden vectors of an interactive bundle: the inputs and outputs of its graphs, run again on this machine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.domain.bundle import BundleManifest
from server.domain.ports import ClickStages, Float32
from server.errors import BundleError, RequestError
from server.services.golden import FORMAT, GoldenReport, held_to_bounds, relative_error
from server.storage.container import read_container


def check_click_golden(data: bytes, manifest: BundleManifest, stages: ClickStages) -> GoldenReport:
    """Blocking. `data`: the bundle's golden.safetensors. Raises BundleError `bundle_golden_mismatch`."""
    try:
        report = _compare(data, manifest, stages)
    except (RequestError, KeyError, ValueError, TypeError) as error:
        message = f"The golden vectors of {manifest.id} cannot be read: {error!r}. Fetch the bundle again."
        raise BundleError(message, code="bundle_golden_mismatch") from error
    return held_to_bounds(report, manifest)


def _compare(data: bytes, manifest: BundleManifest, stages: ClickStages) -> GoldenReport:
    container = read_container(data)
    if container.metadata.get("format") != FORMAT:
        raise BundleError(f"The golden vectors of {manifest.id} are not {FORMAT}.", code="bundle_golden_mismatch")
    tensors, threshold = container.tensors, manifest.mask_threshold
    names = [each.name for each in manifest.interactive.features]
    pixels, disks, previous = (tensors[f"coarse.{name}"] for name in ("pixels", "clicks", "previous_mask"))
    logits, features = stages.coarse(np.array(pixels), disks.astype(np.float32), previous.astype(np.float32))
    errors = [relative_error(features[name], tensors[f"coarse.{name}"]) for name in names]
    ious = [_iou(logits, tensors["coarse.logits"], threshold)]
    if stages.refines:
        given: dict[str, Float32] = {name: np.array(tensors[f"refine.{name}"], np.float32) for name in names}
        pixels, disks, coarse, box = (
            tensors[f"refine.{name}"] for name in ("pixels", "clicks", "coarse_logits", "focus_box")
        )
        refined = stages.refine(np.array(pixels), disks.astype(np.float32), np.array(coarse), given, np.array(box))
        ious.append(_iou(refined, tensors["refine.logits"], threshold))
    return GoldenReport(len(ious), embedding_error=max(errors, default=0.0), mask_iou=min(ious), score_error=0.0)


def _iou(actual: NDArray[Any], expected: NDArray[Any], threshold: float) -> float:
    one, two = actual > threshold, expected > threshold
    union = int((one | two).sum())
    return float((one & two).sum() / union) if union else 1.0
