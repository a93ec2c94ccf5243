"""The next click of the NoC protocol (RITM, Sofiiuk et al. 2021): the middle of the larger error."""

from __future__ import annotations

import math

import cv2
import numpy as np

from model_export.evaluate.predictor import Click, Mask


def deepest_pixel(region: Mask) -> tuple[float, int, int]:
    """(L2 distance to the region's border, x, y) of the pixel farthest from it; the picture's border is one too. The
    first in reading order among equals; distance 0 when the region is empty.

    Only the region's bounding box is looked at: one pixel around it is outside the region, which is all that the
    distance depends on. Squared distances are whole numbers and compared as such, so that OpenCV's rounding, which
    depends on the box, cannot break a tie.
    """
    rows = np.flatnonzero(region.any(axis=1))
    if not rows.size:
        return 0.0, 0, 0
    columns = np.flatnonzero(region.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    inside = region[top : rows[-1] + 1, left : columns[-1] + 1]
    padded = np.zeros((inside.shape[0] + 2, inside.shape[1] + 2), np.uint8)
    padded[1:-1, 1:-1] = inside
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    squared = np.rint(distance * distance)
    y, x = divmod(int(squared.argmax()), distance.shape[1])
    return math.sqrt(squared[y, x]), left + x - 1, top + y - 1


def next_click(truth: Mask, predicted: Mask, clicked: Mask, ignore: Mask | None = None) -> Click | None:
    """All bool [height, width]. The farthest point from the border inside missed or wrongly added pixels, whichever
    lies deeper; None when nothing is left to correct. `ignore` pixels are no error, `clicked` ones are not clicked
    again."""
    wrong = (truth ^ predicted) & ~clicked
    if ignore is not None:
        wrong &= ~ignore
    missed, extra = deepest_pixel(wrong & truth), deepest_pixel(wrong & predicted)
    positive = missed[0] >= extra[0]
    distance, x, y = missed if positive else extra
    return Click(x + 0.5, y + 0.5, positive) if distance > 0 else None
