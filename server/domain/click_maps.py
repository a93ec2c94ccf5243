"""Clicks as an interactive model sees them, and where a click lies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from server.domain.crops import Crop
from server.domain.masks import Mask
from server.domain.ports import Float32


@dataclass(frozen=True, slots=True)
class Click:
    """x, y in ImagePx; `positive`: belongs to the object."""

    x: float
    y: float
    positive: bool

    @property
    def pixel(self) -> tuple[int, int]:
        """(column, row)."""
        return math.floor(self.x), math.floor(self.y)


def superseded(clicks: Sequence[Click]) -> list[int]:
    """Indices of clicks on whose pixel a later one lies: the last one wins."""
    last = {click.pixel: index for index, click in enumerate(clicks)}
    return [index for index, click in enumerate(clicks) if last[click.pixel] != index]


def standing(clicks: Sequence[Click]) -> list[Click]:
    """Those that no later one supersedes, in order."""
    gone = set(superseded(clicks))
    return [click for index, click in enumerate(clicks) if index not in gone]


def draw_disks(clicks: Sequence[Click], crop: Crop, size: int, radius: float) -> Float32:
    """float32 [2, size, size]: disks of the foreground (0) and background (1) clicks, `radius` in pixels of the input;
    a later disk takes its pixels from the other channel."""
    maps = np.zeros((2, size, size), np.float32)
    for click in clicks:
        cx, cy = crop.to_model(click.x, click.y, size)
        x1, x2 = max(0, math.floor(cx - radius)), min(size, math.ceil(cx + radius) + 1)
        y1, y2 = max(0, math.floor(cy - radius)), min(size, math.ceil(cy + radius) + 1)
        if x1 >= x2 or y1 >= y2:
            continue
        rows, columns = np.ogrid[y1:y2, x1:x2]
        disk = (columns + 0.5 - cx) ** 2 + (rows + 0.5 - cy) ** 2 <= radius**2
        maps[0, y1:y2, x1:x2][disk] = click.positive
        maps[1, y1:y2, x1:x2][disk] = not click.positive
    return maps


def nearest_pixel(region: Mask, column: int, row: int) -> tuple[int, int] | None:
    """(column, row) of the region's pixel nearest to a place (the first in reading order among equals); None where it
    is empty. bool [h, w]."""
    height, width = region.shape
    reach = 0
    while True:
        found = _nearest_within(region, column, row, reach)
        if found is not None:
            # Something nearer may lie just outside the square, for its corners are farther than its sides.
            away = math.hypot(found[0] - column, found[1] - row)
            return found if away <= reach else _nearest_within(region, column, row, math.ceil(away))
        if reach >= max(abs(column), abs(width - 1 - column), abs(row), abs(height - 1 - row)):
            return None
        reach = max(1, 2 * reach)


def _nearest_within(region: Mask, column: int, row: int, reach: int) -> tuple[int, int] | None:
    """As `nearest_pixel`, in the square of `reach` pixels around the place."""
    left, top = max(0, column - reach), max(0, row - reach)
    rows, columns = np.nonzero(region[top : max(0, row + reach + 1), left : max(0, column + reach + 1)])
    if not rows.size:
        return None
    best = int(((columns + (left - column)) ** 2 + (rows + (top - row)) ** 2).argmin())
    return int(columns[best]) + left, int(rows[best]) + top
