"""Figures from per-click IoU arrays; everything a report says is computed from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model_export.evaluate.predictor import Mask

MAX_CLICKS = 20


def mask_iou(truth: Mask, predicted: Mask, ignore: Mask | None = None) -> float:
    """IoU over the pixels that count; 1 when both are empty."""
    if ignore is not None:
        truth, predicted = truth & ~ignore, predicted & ~ignore
    union = np.count_nonzero(truth | predicted)
    return float(np.count_nonzero(truth & predicted) / union) if union else 1.0


def clicks_to_reach(ious: Sequence[float], threshold: float, max_clicks: int = MAX_CLICKS) -> tuple[int, bool]:
    """(clicks, reached): the first click whose IoU is at least `threshold`, or `max_clicks` and False."""
    for count, value in enumerate(ious[:max_clicks], 1):
        if value >= threshold:
            return count, True
    return max_clicks, False


def noc(curves: Sequence[Sequence[float]], threshold: float, max_clicks: int = MAX_CLICKS) -> tuple[float, int]:
    """(mean number of clicks, number of failures) over objects. A failure counts `max_clicks`; an object that got
    there with the last click is none."""
    counts = [clicks_to_reach(curve, threshold, max_clicks) for curve in curves]
    return float(np.mean([count for count, _ in counts])), sum(not reached for _, reached in counts)


def iou_at(curves: Sequence[Sequence[float]], click: int) -> float:
    """Mean IoU after `click` clicks; a curve that ended earlier (nothing left to correct) keeps its last value."""
    return float(np.mean([curve[min(click, len(curve)) - 1] for curve in curves]))
