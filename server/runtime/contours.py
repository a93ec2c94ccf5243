"""Masks as polygons that follow the pixels' edges.

A pixel of column i covers [i, i + 1), so a single pixel is the square (0, 0) .. (1, 1), and filling the rings by the
pixel-centre rule (+0.5) gives the mask back exactly, area included. (Tracers that run through pixel centres lose half
a pixel all around, and a line one pixel wide.) Pixels that touch at a corner only are separate parts.

The boundary turns only at lattice points where an odd number of the four pixels around is set, or two opposite ones.
Sorted along rows, these corners are the ends of the horizontal pieces, pair by pair; along columns, of the vertical
ones. Following the pieces with the mask on the right hand gives every ring: outer ones with a positive shoelace sum,
holes with a negative one, as RFC 7946 asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.errors import PromptError

Ints = NDArray[np.int64]
Ring = list[list[float]]
Polygon = list[Ring]

DEFAULT_TOLERANCE = 0.75
MOST_CORNERS = 1_000_000  # some seconds of work, and tens of megabytes of JSON


def trace_polygons(mask: NDArray[np.bool_], *, tolerance: float = DEFAULT_TOLERANCE) -> list[Polygon]:
    """mask bool [height, width] -> its parts, top to bottom, each an outer ring followed by its holes.

    A ring is closed (the first point again at the end), points (x, y) in ImagePx. `tolerance` is the distance in pixels
    that Douglas and Peucker's simplification may move the line; 0 keeps the exact edges. Above 0.5, lines one pixel
    wide may cross themselves. Raises PromptError `outline_too_long` beyond MOST_CORNERS.
    """
    if tolerance < 0:
        raise ValueError("tolerance must not be negative")
    corners = _Corners.of(mask)
    if len(corners.x) > MOST_CORNERS:
        message = f"The mask has {len(corners.x)} corners; as polygons at most {MOST_CORNERS}. Ask for coco_rle or png."
        raise PromptError(message, code="outline_too_long", limit=MOST_CORNERS)
    rings = _follow(corners)
    outers = [index for index, ring in enumerate(rings) if ring.is_outer]
    parts: dict[int, list[Ring]] = {index: [_finish(rings[index].points, tolerance)] for index in outers}
    for hole, outer in _holes(corners, rings).items():
        parts[outer].append(_finish(rings[hole].points, tolerance))
    return [parts[index] for index in outers]


def to_geojson(polygons: list[Polygon]) -> dict[str, Any]:
    """A GeoJSON MultiPolygon in image pixels, y down."""
    return {"type": "MultiPolygon", "coordinates": polygons}


@dataclass(frozen=True, slots=True)
class _Corners:
    """`x`, `y` int64 [n]: corners sorted by row, a point where two opposite pixels meet twice. Corner i is joined
    with i ^ 1 horizontally, by_column[2k] with by_column[2k + 1] vertically. `following` int64 [n]: the next corner of
    the ring. `padded` is the mask with a border of zeros: pixel (x, y) at [y + 1, x + 1]."""

    x: Ints
    y: Ints
    crossing: NDArray[np.bool_]
    following: Ints
    by_column: Ints
    padded: NDArray[np.uint8]

    @classmethod
    def of(cls, mask: NDArray[np.bool_]) -> _Corners:
        padded = np.pad(np.ascontiguousarray(mask, np.uint8), 1)
        north_west, north_east = padded[:-1, :-1], padded[:-1, 1:]
        south_west, south_east = padded[1:, :-1], padded[1:, 1:]
        turns = (north_west ^ north_east ^ south_west ^ south_east).astype(np.bool_)
        crossings = (north_west == south_east) & (south_west == north_east) & (north_west != north_east)
        y, x = np.nonzero(turns | crossings)
        copies = np.where(crossings[y, x], 2, 1)
        x, y = np.repeat(x, copies), np.repeat(y, copies)
        crossing = crossings[y, x]
        number = np.arange(len(x))
        second = np.zeros(len(x), np.bool_)
        second[1:] = crossing[1:] & (x[1:] == x[:-1]) & (y[1:] == y[:-1])
        # At a crossing the first copy ends the piece from the left, the second begins the one to the right. The ring
        # hugs each of the two pixels: with the north-west one set, the left piece goes on upwards, else downwards.
        lower_first = crossing & (north_west[y, x] == 0)
        by_column = np.lexsort((second ^ lower_first, y, x))
        vertical = np.empty(len(x), np.int64)
        vertical[by_column[0::2]], vertical[by_column[1::2]] = by_column[1::2], by_column[0::2]
        set_below = np.repeat(south_east[y[0::2], x[0::2]] == 1, 2)
        leaves_horizontally = set_below == (number % 2 == 0)
        following = np.where(leaves_horizontally, number ^ 1, vertical)
        return cls(x, y, crossing, following, by_column, padded)


@dataclass(frozen=True, slots=True)
class _Ring:
    """`corners`: numbers of its corners in order; `points` int64 [n, 2] (x, y), not closed."""

    corners: list[int]
    points: Ints
    is_outer: bool


def _follow(corners: _Corners) -> list[_Ring]:
    following, crossing = corners.following.tolist(), corners.crossing.tolist()
    points = np.stack([corners.x, corners.y], axis=1)
    visited = [False] * len(following)
    rings: list[_Ring] = []
    for start in range(len(following)):
        path: list[int] = []
        number = start
        while not visited[number]:
            visited[number] = True
            path.append(number)
            number = following[number]
        rings.extend(_ring(piece, points) for piece in _split(path, crossing, points))
    return rings


def _split(path: list[int], crossing: list[bool], points: Ints) -> list[list[int]]:
    """Cuts a ring that passes twice through a point into rings that do not."""
    if not any(crossing[number] for number in path):
        return [path] if path else []
    pieces: list[list[int]] = []
    kept: list[int] = []
    place: dict[tuple[int, int], int] = {}
    for number in path:
        if crossing[number]:
            point = (int(points[number, 0]), int(points[number, 1]))
            earlier = place.get(point)
            if earlier is not None:
                loop = kept[earlier:]
                pieces.append(loop)
                for inner in loop:
                    place.pop((int(points[inner, 0]), int(points[inner, 1])), None)
                del kept[earlier:]
            place[point] = len(kept)
        kept.append(number)
    return [*pieces, kept]


def _ring(corners: list[int], points: Ints) -> _Ring:
    ring = points[corners]
    x, y = ring[:, 0], ring[:, 1]
    doubled_area = int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())
    return _Ring(corners, ring, doubled_area > 0)


def _holes(corners: _Corners, rings: list[_Ring]) -> dict[int, int]:
    """Which outer ring each hole belongs to. The mask's run to the left of a hole's leftmost edge begins at an edge of
    the same part: of its outer ring, or of a hole further left, whose answer is known by then."""
    holes = [index for index, ring in enumerate(rings) if not ring.is_outer]
    if not holes:
        return {}
    ring_of = np.zeros(len(corners.x), np.int64)
    for index, ring in enumerate(rings):
        ring_of[ring.corners] = index
    stride = corners.padded.shape[0]
    upper, lower = corners.by_column[0::2], corners.by_column[1::2]
    edges = corners.x[upper] * stride + corners.y[upper]
    lefts = {index: min(map(tuple, rings[index].points.tolist())) for index in holes}
    owner: dict[int, int] = {}
    for hole in sorted(holes, key=lambda index: lefts[index]):
        x, y = lefts[hole]
        run_start = int(np.flatnonzero(corners.padded[y + 1, : x + 1] == 0)[-1])
        edge = int(np.searchsorted(edges, run_start * stride + y, side="right")) - 1
        found = int(ring_of[lower[edge]])
        owner[hole] = owner.get(found, found)
    return {hole: owner[hole] for hole in holes}


def _finish(points: Ints, tolerance: float) -> Ring:
    ring: NDArray[Any] = points.astype(np.float32)
    if tolerance > 0:
        import cv2

        simplified = cv2.approxPolyDP(ring[:, None, :], tolerance, True)[:, 0, :]
        if len(simplified) >= 3:
            ring = simplified
    closed: Ring = [*ring.tolist(), ring[0].tolist()]
    return closed
