"""Boundary F-score (F of Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object
Segmentation", CVPR 2016, as the DAVIS benchmark computes it): how much of each outline lies near the other one."""

from __future__ import annotations

import math
from functools import cache

import cv2
import numpy as np

from model_export.evaluate.predictor import Mask
from server.domain.ports import UInt8

TOLERANCE = 0.008  # of the picture's diagonal, rounded up to whole pixels


def outline(mask: Mask) -> Mask:
    """bool [height, width]: pixels whose right, lower or lower right neighbour differs. The picture's border is no
    outline."""
    lower = np.concatenate([mask[1:], mask[-1:]])
    right = np.concatenate([mask[:, 1:], mask[:, -1:]], axis=1)
    diagonal = np.concatenate([lower[:, 1:], lower[:, -1:]], axis=1)
    result: Mask = (mask != right) | (mask != lower) | (mask != diagonal)
    return result


@cache
def disk(radius: int) -> UInt8:
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(x * x + y * y <= radius * radius, np.uint8)


def _both_boxes(a: Mask, b: Mask) -> tuple[slice, slice]:
    """Rows and columns of the box around both masks and one pixel more."""
    either = a | b
    ranges = []
    for axis in (1, 0):
        found = np.flatnonzero(either.any(axis=axis))
        ranges.append(slice(max(0, int(found[0]) - 1), int(found[-1]) + 2) if found.size else slice(0, 0))
    return ranges[0], ranges[1]


def boundary_f(truth: Mask, predicted: Mask, ignore: Mask | None = None, tolerance: float = TOLERANCE) -> float:
    """Harmonic mean of precision (share of the predicted outline within `tolerance` of the true one) and recall (the
    reverse). bool [height, width]; pixels of `ignore` belong to neither mask. 1 when neither has an outline, 0 when
    one alone has."""
    if ignore is not None:
        truth, predicted = truth & ~ignore, predicted & ~ignore
    near = disk(math.ceil(tolerance * math.hypot(*truth.shape)))
    box = _both_boxes(truth, predicted)
    true_outline, found_outline = (
        np.ascontiguousarray(outline(mask[box]), np.uint8) if mask[box].size else np.zeros((1, 1), np.uint8)
        for mask in (truth, predicted)
    )
    true_length, found_length = np.count_nonzero(true_outline), np.count_nonzero(found_outline)
    if not true_length or not found_length:
        return float(true_length == found_length)
    precision = np.count_nonzero(cv2.dilate(true_outline, near)[found_outline > 0]) / found_length
    recall = np.count_nonzero(cv2.dilate(found_outline, near)[true_outline > 0]) / true_length
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0
