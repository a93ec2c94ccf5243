"""Simulated clicks for click models (RITM, Sofiiuk et al. 2021), the disks that the network sees, and focus crops.

Masks here are bool [S, S] on the coarse input's pixels; a click is (column, row, positive) there.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from model_export.train.prompts import centre_point, uniform_point
from server.runtime.components import component_at

Click = tuple[int, int, bool]
Bitmap = NDArray[np.bool_]
EXPANSION, SMALLEST_FOCUS, GROWN = 1.4, 48, 2 / 3
FEWER = 0.7  # chance of one more of the clicks that a person might have made before
MOST_EARLIER = 10
NEAR = 0.15  # of the side: background clicks near the object


def draw_disks(clicks: Sequence[Click], side: int, radius: float, out: NDArray[np.float32]) -> None:
    """Sets the disks in `out` float32 [2, side, side], zeros before; a later disk takes its pixels from the other."""
    reach = int(radius) + 1
    for column, row, positive in clicks:
        x1, x2 = max(0, column - reach), min(side, column + reach + 1)
        y1, y2 = max(0, row - reach), min(side, row + reach + 1)
        if x1 >= x2 or y1 >= y2:
            continue
        ys, xs = np.ogrid[y1:y2, x1:x2]
        disk = (xs - column) ** 2 + (ys - row) ** 2 <= radius**2
        out[0, y1:y2, x1:x2][disk] = positive
        out[1, y1:y2, x1:x2][disk] = not positive


def depth(region: Bitmap) -> float:
    """L2 distance of the region's deepest pixel to its border."""
    padded = np.pad(region, 1).astype(np.uint8)
    return float(cv2.distanceTransform(padded, cv2.DIST_L2, 3).max())


def click_on_error(rng: np.random.Generator, truth: Bitmap, predicted: Bitmap, counts: Bitmap) -> Click | None:
    """In the deeper of the missed and the wrongly added pixels, where the distance to the border exceeds half of its
    maximum; now and then anywhere in the error. None where nothing is wrong."""
    missed, extra = truth & ~predicted & counts, predicted & ~truth & counts
    if not (missed.any() or extra.any()):
        return None
    if rng.random() < 0.1:
        column, row = uniform_point(rng, missed | extra)
        return column, row, bool(missed[row, column])
    positive = depth(missed) >= depth(extra)
    column, row = centre_point(rng, missed if positive else extra)
    return column, row, positive


def earlier_clicks(rng: np.random.Generator, truth: Bitmap, counts: Bitmap) -> list[Click]:
    """None to MOST_EARLIER correct clicks without a mask to go with them (RITM's initial points)."""
    clicks: list[Click] = []
    while len(clicks) < MOST_EARLIER and rng.random() < FEWER:
        positive = bool(rng.random() < 0.5)
        region = truth & counts if positive else ~truth & counts
        if not positive and rng.random() < 0.6:
            side = int(NEAR * len(truth))
            kernel = np.ones((3, 3), np.uint8)
            small = cv2.dilate(truth[::8, ::8].astype(np.uint8), kernel, iterations=max(1, side // 8))
            region = region & (np.repeat(np.repeat(small, 8, 0), 8, 1) > 0)
        if region.any():
            clicks.append((*uniform_point(rng, region), positive))
    return clicks


def focus_box(rng: np.random.Generator, before: Bitmap, after: Bitmap, click: Click) -> tuple[int, int, int, int]:
    """x1 y1 x2 y2 inside S x S: as the loop's, with some noise, around the change at the click."""
    side = len(before)
    component = component_at(before != after, click[0], click[1])
    x, y, w, h = (click[0], click[1], 1, 1) if component is None else cv2.boundingRect(component.astype(np.uint8))
    lengths = np.maximum(np.array([w, h]) * EXPANSION * np.exp(rng.uniform(-0.15, 0.35)), SMALLEST_FOCUS)
    lengths = np.minimum(np.maximum(lengths, GROWN * lengths.max()), side)
    centre = np.array([x + w / 2, y + h / 2]) + rng.normal(0, 0.04, 2) * lengths
    low = np.clip(np.round(centre - lengths / 2), 0, side - lengths).astype(int)
    high = np.minimum(np.round(low + lengths), side).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])
