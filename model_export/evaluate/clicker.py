"""The next click of the NoC protocol (RITM, Sofiiuk et al. 2021): the middle of the larger error."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Click:
    """x, y in ImagePx (a pixel's centre); `positive` when the mask missed this place."""

    x: float
    y: float
    positive: bool


def depth(region: Mask, clicked: Mask) -> NDArray[np.float32]:
    """L2 distance of each pixel to the region's border, the picture's border included; clicked pixels count 0."""
    padded = np.pad(region & ~clicked, 1).astype(np.uint8)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, 0)[1:-1, 1:-1]
    return np.where(clicked, 0, distance).astype(np.float32)


def next_click(truth: Mask, predicted: Mask, clicked: Mask, ignore: Mask | None = None) -> Click | None:
    """All bool [height, width]. The farthest point from the border inside missed or wrongly added pixels, whichever
    lies deeper; None when nothing is left to correct. `ignore` pixels are no error."""
    counts = np.ones_like(truth) if ignore is None else ~ignore
    missed = depth(truth & ~predicted & counts, clicked)
    extra = depth(predicted & ~truth & counts, clicked)
    positive = bool(missed.max() >= extra.max())
    deepest = missed if positive else extra
    if deepest.max() <= 0:
        return None
    y, x = np.unravel_index(int(deepest.argmax()), deepest.shape)
    return Click(float(x) + 0.5, float(y) + 0.5, positive)
