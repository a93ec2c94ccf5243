"""COCO run-length encoding, as pycocotools reads and writes it.

Runs are counted down the columns (column-major), starting with a run of zeros that may be empty. The compressed form
writes each count as a variable number of characters of 6 bits (5 of value, 1 'more follows', offset 48), from the third
count on as the difference to the count two before (cocoapi, common/maskApi.c, rleToString).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]

_VALUE_BITS = 5
_MORE = 0x20
_SIGN = 0x10
_OFFSET = 48
# 2**35 exceeds any picture's pixel count; longer characters are a damaged string.
_MAX_CHARACTERS = 8
MOST_CHANGES = 8_000_000
"""Of a mask that somebody brings along, down its columns: each run takes some fifty bytes on its way to a string."""


@dataclass(frozen=True, slots=True)
class Rle:
    """`counts` int64 [n]: lengths of runs of 0, 1, 0, ... down the columns; their sum is height * width."""

    height: int
    width: int
    counts: Counts

    @classmethod
    def from_mask(cls, mask: NDArray[Any]) -> Rle:
        """mask bool or 0/1 uint8 [height, width]; fastest when it is in Fortran order."""
        height, width = mask.shape
        flat = mask.ravel(order="F").view(np.uint8) if mask.dtype == np.bool_ else mask.ravel(order="F") != 0
        changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        starts_with_one = flat.size > 0 and bool(flat[0])
        edges = np.concatenate(([0, 0] if starts_with_one else [0], changes, [flat.size]))
        return cls(height, width, np.diff(edges).astype(np.int64))

    @classmethod
    def from_coco(cls, segmentation: dict[str, Any]) -> Rle:
        """{"size": [height, width], "counts": string, bytes or list of lengths}. Raises ValueError when damaged."""
        height, width = (int(side) for side in segmentation["size"])
        counts = segmentation["counts"]
        lengths = decompress(counts) if isinstance(counts, str | bytes) else np.asarray(counts, np.int64)
        if ((lengths < 0) | (lengths > height * width)).any() or int(lengths.sum()) != height * width:
            raise ValueError(f"the counts do not add up to {height} x {width} pixels")
        return cls(height, width, lengths)

    def to_mask(self) -> NDArray[np.bool_]:
        """-> bool [height, width] (Fortran order)."""
        values = np.arange(len(self.counts)) % 2 == 1
        return np.repeat(values, self.counts).reshape(self.width, self.height).T

    def to_coco(self) -> dict[str, Any]:
        return {"size": [self.height, self.width], "counts": compress(self.counts)}

    def to_uncompressed(self) -> dict[str, Any]:
        return {"size": [self.height, self.width], "counts": self.counts.tolist()}

    @property
    def area(self) -> int:
        """Number of set pixels."""
        return int(self.counts[1::2].sum())

    @property
    def bbox(self) -> tuple[int, int, int, int]:
        """(x, y, width, height) of the set pixels in ImagePx; all zero when there are none."""
        ends = np.cumsum(self.counts)
        starts, stops = ends[0 : len(ends) - 1 : 2], ends[1::2]
        kept = stops > starts
        starts, lasts = starts[kept], stops[kept] - 1
        if not starts.size:
            return (0, 0, 0, 0)
        left, right = int(starts[0] // self.height), int(lasts[-1] // self.height)
        if (starts // self.height != lasts // self.height).any():
            top, bottom = 0, self.height - 1
        else:
            top, bottom = int((starts % self.height).min()), int((lasts % self.height).max())
        return (left, top, right - left + 1, bottom - top + 1)


def count_changes(mask: NDArray[np.bool_]) -> int:
    """How often the value changes down the columns of mask bool [height, width]: without the runs' own memory."""
    flat = mask.ravel(order="F")
    return int(np.count_nonzero(flat[1:] != flat[:-1]))


def compress(counts: Counts) -> str:
    """Lengths int64 [n] -> COCO's string."""
    remaining = counts.astype(np.int64)
    remaining[3:] -= counts[1:-2]
    characters = np.zeros((len(counts), _MAX_CHARACTERS), np.uint8)
    used = np.zeros((len(counts), _MAX_CHARACTERS), np.bool_)
    active = np.ones(len(counts), np.bool_)
    for place in range(_MAX_CHARACTERS):
        value = remaining & (_MORE - 1)
        remaining >>= _VALUE_BITS
        more = np.where(value & _SIGN, remaining != -1, remaining != 0)
        characters[:, place] = value + np.where(more, _MORE, 0) + _OFFSET
        used[:, place] = active
        active = active & more
        if not active.any():
            break
    return characters[used].tobytes().decode("ascii")


def decompress(text: str | bytes) -> Counts:
    """COCO's string -> lengths int64 [n]. Raises ValueError for characters that no encoder writes, and for more runs
    than MOST_CHANGES leave."""
    raw = np.frombuffer(text.encode("ascii", "replace") if isinstance(text, str) else text, np.uint8)
    if np.count_nonzero((raw - np.uint8(_OFFSET)) & _MORE == 0) > MOST_CHANGES + 2:
        raise ValueError(f"the counts are more than {MOST_CHANGES} runs")
    values = raw.astype(np.int64) - _OFFSET
    if ((values < 0) | (values >= 2 * _MORE)).any() or (values.size and values[-1] & _MORE):
        raise ValueError("the counts are not a COCO RLE string")
    ends = np.flatnonzero(values & _MORE == 0)
    starts = np.concatenate(([0], ends[:-1] + 1))[: len(ends)]
    place = np.arange(values.size) - np.repeat(starts, ends - starts + 1)
    if (place >= _MAX_CHARACTERS).any():
        raise ValueError("the counts hold a number that is too long")
    if not ends.size:
        return np.zeros(0, np.int64)
    shifted = (values & (_MORE - 1)) << (_VALUE_BITS * place)
    counts = np.add.reduceat(shifted, starts)
    negative = values[ends] & _SIGN != 0
    counts[negative] -= np.int64(1) << (_VALUE_BITS * (place[ends[negative]] + 1))
    counts[1::2] = np.cumsum(counts[1::2])
    counts[2::2] = np.cumsum(counts[2::2])
    return counts
