"""The next click of the NoC protocol (RITM, Sofiiuk et al. 2021): the middle of the larger error.

RITM's code lets a click lie right beside an earlier one that did not help: it takes clicked pixels from the choice, but
not from the error region. Here they are no part of the region either, so that the next click goes elsewhere in the same
error, as a person's would. `as_ritm` gives RITM's clicks, to compare with published numbers.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from model_export.evaluate.predictor import Click, Mask


def deepest_pixel(region: Mask, excluded: Mask | None = None) -> tuple[float, int, int]:
    """(L2 distance to the region's border, x, y) of the pixel farthest from it; the picture's border is one too. The
    first in reading order among equals, none of `excluded`; distance 0 when nothing is left.

    Only the region's bounding box is looked at: one pixel around it is outside the region, which is all that the
    distance depends on. Squared distances are whole numbers and compared as such, so that OpenCV's rounding, which
    depends on the box, cannot break a tie.
    """
    rows = np.flatnonzero(region.any(axis=1))
    if not rows.size:
        return 0.0, 0, 0
    columns = np.flatnonzero(region.any(axis=0))
    box = np.s_[int(rows[0]) : int(rows[-1]) + 1, int(columns[0]) : int(columns[-1]) + 1]
    padded = np.pad(np.ascontiguousarray(region[box], np.uint8), 1)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    squared = np.rint(distance * distance)
    if excluded is not None:
        squared[excluded[box]] = 0
    y, x = divmod(int(squared.argmax()), squared.shape[1])
    return math.sqrt(squared[y, x]), int(columns[0]) + x, int(rows[0]) + y


def next_click(
    truth: Mask, predicted: Mask, clicked: Mask, ignore: Mask | None = None, *, as_ritm: bool = False
) -> Click | None:
    """All bool [height, width]. The farthest point from the border inside missed or wrongly added pixels, whichever
    lies deeper (of equals the missed ones, in RITM the others); None when nothing is left to correct. `ignore` pixels
    are no error, `clicked` ones are not clicked again."""
    wrong = truth ^ predicted if as_ritm else (truth ^ predicted) & ~clicked
    if ignore is not None:
        wrong &= ~ignore
    excluded = clicked if as_ritm else None
    missed, extra = deepest_pixel(wrong & truth, excluded), deepest_pixel(wrong & predicted, excluded)
    positive = missed[0] > extra[0] if as_ritm else missed[0] >= extra[0]
    distance, x, y = missed if positive else extra
    return Click(x + 0.5, y + 0.5, positive) if distance > 0 else None
