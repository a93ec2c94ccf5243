"""Polygons -> masks, by the pixel-centre rule: the inverse of server/runtime/contours.py."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from server.domain.geometry import Float64
from server.domain.masks import Mask

MOST_RINGS = 100_000
MOST_CROSSINGS = 10_000_000  # of edges with rows of pixels
MOST_COVERED = 8  # times the picture that the boxes of all polygons together may cover
LEAST_COVERED = 1 << 20  # pixels that they may cover of any picture

Ring = Float64  # [n, 2] (x, y) ImagePx, closed or not
Polygon = Sequence[Ring]  # the outer ring, then holes


def fill_polygons(polygons: Iterable[Polygon], width: int, height: int) -> Mask:
    """bool [height, width]: pixels whose centre (+0.5) lies inside any polygon. Inside is the even-odd rule over the
    rings of one polygon; what is outside the picture is cut off. Raises ValueError for more than MOST_RINGS,
    MOST_CROSSINGS or MOST_COVERED."""
    mask: Mask = np.zeros((height, width), np.bool_)
    crossings = covered = rings = 0
    for polygon in polygons:
        rings += max(len(polygon), 1)
        check_rings(rings)
        edges = [np.stack([ring, np.roll(ring, -1, axis=0)], axis=1) for ring in polygon if len(ring) >= 3]
        if not edges:
            continue
        every = np.concatenate(edges)  # [n, 2 ends, 2]
        (left, top), (right, bottom) = (
            (_first(x, width), _first(y, height)) for x, y in (every.min((0, 1)), every.max((0, 1)))
        )
        if bottom <= top or right <= left:
            continue
        covered += (bottom - top) * (right - left)
        if covered > max(MOST_COVERED * width * height, LEAST_COVERED):
            raise ValueError("its parts cover each other many times over: send a run-length encoding")
        crossings += _toggles(every, top, bottom, MOST_CROSSINGS - crossings, mask[:, left:right], left)
    return mask


def check_rings(count: int) -> None:
    """Each costs a little, however small it is. Raises ValueError."""
    if count > MOST_RINGS:
        raise ValueError(f"it has more than {MOST_RINGS} rings: send a run-length encoding")


def _first(place: float, length: int) -> int:
    """The first row or column whose centre is not before the place, 0 to length."""
    return int(np.clip(np.ceil(place - 0.5), 0, length))


def _toggles(edges: Float64, top: int, bottom: int, most: int, mask: Mask, left: int) -> int:
    """Ors one polygon into `mask`, whose columns begin at `left` of the picture; how many rows its edges cross in
    all."""
    width = mask.shape[1]
    (x1, y1), (x2, y2) = edges[:, 0].T, edges[:, 1].T
    low, high = np.minimum(y1, y2), np.maximum(y1, y2)
    first = np.clip(np.ceil(low - 0.5), top, bottom).astype(np.int64)
    last = np.clip(np.ceil(high - 0.5), top, bottom).astype(np.int64)
    counts = last - first
    total = int(counts.sum())
    if total > most:
        raise ValueError("its outline is too long: simplify it, or send a run-length encoding")
    parity = np.zeros((bottom - top, width + 1), np.uint8)
    index = np.repeat(np.arange(len(edges)), counts)
    rows = first[index] + np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    slope = (x2 - x1) / np.where(y2 == y1, 1.0, y2 - y1)
    x = x1[index] + (rows + 0.5 - y1[index]) * slope[index]
    columns = np.clip(np.ceil(x - 0.5) - left, 0, width).astype(np.int64)
    np.bitwise_xor.at(parity, (rows - top, columns), np.uint8(1))
    inside = np.bitwise_xor.accumulate(parity, axis=1)[:, :width]
    mask[top:bottom] |= inside.astype(np.bool_)
    return total
