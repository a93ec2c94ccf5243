"""Golden vectors of an interactive bundle: the inputs and outputs of its graphs, run again on this machine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.domain.bundle import BundleManifest
from server.domain.ports import ClickStages
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
    pixels, disks, previous = (tensors[f"coarse.{name}"] for name in ("pixels", "clicks", "previous_mask"))
    logits, features = stages.coarse(np.array(pixels), disks.astype(np.float32), previous.astype(np.float32))
    error = relative_error(logits, tensors["coarse.logits"])
    ious = [_iou(logits, tensors["coarse.logits"], threshold)]
    if stages.refines:
        pixels, disks, box = (tensors[f"refine.{name}"] for name in ("pixels", "clicks", "focus_box"))
        refined = stages.refine(np.array(pixels), disks.astype(np.float32), logits, features, np.array(box))
        error = max(error, relative_error(refined, tensors["refine.logits"]))
        ious.append(_iou(refined, tensors["refine.logits"], threshold))
    return GoldenReport(len(ious), largest_error=error, mask_iou=min(ious), score_error=0.0)


def _iou(actual: NDArray[Any], expected: NDArray[Any], threshold: float) -> float:
    one, two = actual > threshold, expected > threshold
    union = int((one | two).sum())
    return float((one & two).sum() / union) if union else 1.0
