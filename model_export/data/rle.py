"""Masks as COCO RLEs, and set operations on them without a bitmap.

An RLE is a dict with `size` [height, width] and `counts`, the lengths of alternating runs of 0 and 1 in column-major
order, starting with 0. COCO packs them into a string: five bits a character, lowest first, and from the fourth run on
the difference to the run two before (`rleToString` in cocoapi's maskApi.c).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

RLE: TypeAlias = dict[str, Any]
FARTHEST = 10  # times the picture's longer side: no coordinate that means anything lies farther away
PACKED = re.compile(rb"[0-o]*[0-O]")  # any characters of six bits, the last one without the sign that more follows


def to_rle(segmentation: Any, height: int, width: int) -> RLE:
    """COCO's `segmentation` -> one compressed RLE of `height` x `width`.

    `segmentation`: polygons ([[x1, y1, x2, y2, ...], ...], pixels, corners of pixels at integers), or an RLE whose
    counts are a list or a string. Raises ValueError, without naming a file, when it is none of them or of another size.
    """
    if isinstance(segmentation, list):
        return from_polygons(segmentation, height, width)
    if not isinstance(segmentation, dict) or not {"size", "counts"} <= segmentation.keys():
        raise ValueError("a segmentation is neither a list of polygons nor an RLE with `size` and `counts`")
    if list(segmentation["size"]) != [height, width]:
        raise ValueError(f"an RLE's size is {segmentation['size']}, the picture's [height, width] is {[height, width]}")
    rle = {"size": [height, width], "counts": segmentation["counts"]}
    if isinstance(rle["counts"], list):
        if sum(rle["counts"]) != height * width or min(rle["counts"]) < 0:
            raise ValueError(f"an RLE's runs do not add up to {height} x {width} pixels")
        return dict(coco_mask.frPyObjects(rle, height, width))
    if int(runs(rle).sum()) != height * width:
        raise ValueError(f"an RLE's runs do not add up to {height} x {width} pixels")
    return rle


def from_polygons(polygons: Sequence[Sequence[float]], height: int, width: int) -> RLE:
    """The union of polygons [x1, y1, x2, y2, ...]; one of fewer than three corners has no area and is left out."""
    usable = [[float(value) for value in polygon] for polygon in polygons if len(polygon) >= 6]
    if any(len(polygon) % 2 for polygon in usable):
        raise ValueError("a polygon has an odd number of coordinates")
    limit = FARTHEST * max(height, width)
    if not all(-limit <= value <= limit for polygon in usable for value in polygon):
        raise ValueError(f"a polygon lies farther than {FARTHEST} pictures away")  # pycocotools walks along its edges
    if not usable:
        raise ValueError("no polygon with three corners or more")
    return dict(coco_mask.merge(coco_mask.frPyObjects(usable, height, width)))


def from_bitmap(bitmap: NDArray[np.bool_] | NDArray[np.uint8]) -> RLE:
    """`bitmap` [height, width], 0 or not."""
    return dict(coco_mask.encode(np.asfortranarray(bitmap != 0, dtype=np.uint8)))


def to_bitmap(rle: RLE) -> NDArray[np.uint8]:
    """uint8 [height, width], 0 and 1."""
    return np.asarray(coco_mask.decode(rle), np.uint8)


def area(rle: RLE) -> int:
    return int(coco_mask.area(rle))


def runs(rle: RLE) -> NDArray[np.int64]:
    """int64 [n]: lengths of the runs of a compressed RLE, 0 first. Raises ValueError for a broken string."""
    counts = rle["counts"].encode() if isinstance(rle["counts"], str) else rle["counts"]
    if not PACKED.fullmatch(counts):
        raise ValueError("an RLE's `counts` is no string of COCO's format")
    codes = np.frombuffer(counts, np.uint8).astype(np.int64) - 48
    ends = np.flatnonzero(codes < 32)
    starts = np.concatenate([[0], ends[:-1] + 1])
    place = np.arange(len(codes)) - np.repeat(starts, ends - starts + 1)
    if place.max() > 11:
        raise ValueError("an RLE's `counts` is no string of COCO's format")
    values = np.add.reduceat((codes & 31) << (5 * place), starts)
    negative = (codes[ends] & 16) != 0
    values[negative] -= 1 << (5 * (place[ends][negative] + 1))
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values


def borders(rle: RLE) -> NDArray[np.int64]:
    """int64 [n]: where the mask begins and ends in column-major order, in turn; n is even."""
    lengths = runs(rle)
    return np.cumsum(lengths)[: len(lengths) - len(lengths) % 2]


def covers(rle: RLE, x: int, y: int) -> bool:
    """Whether the mask has the pixel in column `x` and row `y`."""
    before = np.searchsorted(borders(rle), x * rle["size"][0] + y, side="right")
    return bool(before % 2)


def from_borders(places: NDArray[np.int64], height: int, width: int) -> RLE:
    """The mask that changes between 0 and 1 at each of `places` (any order; two at one place cancel each other)."""
    found, count = np.unique(places, return_counts=True)
    changes = found[(count % 2 == 1) & (found < height * width)]
    lengths = np.diff(changes, prepend=0, append=height * width)
    return dict(coco_mask.frPyObjects({"size": [height, width], "counts": lengths.tolist()}, height, width))


def complement(rle: RLE) -> RLE:
    return from_borders(np.append(borders(rle), 0), *rle["size"])


def union(rles: Sequence[RLE]) -> RLE:
    return dict(coco_mask.merge(list(rles)))


def intersection(rles: Sequence[RLE]) -> RLE:
    return dict(coco_mask.merge(list(rles), intersect=True))


def subtract(rle: RLE, other: RLE) -> RLE:
    """What is in `rle` and not in `other`."""
    return intersection([rle, complement(other)])
