"""From the decoder's logits to masks of the original image, and what is measured on them.

The logits h x w cover the whole S x S input. For the centre of image pixel (X, Y):

    u = (X + 0.5) * input_width / width * w / S - 0.5        v likewise with heights

and the logit there is bilinear between the four neighbours of (u, v), indices clamped to the grid. The threshold comes
after, so edges are smooth. The browser has the same definition in a shader; tests/golden/coordinates.json holds both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.domain.geometry import InputFrame
from server.domain.ports import Float32

Mask = NDArray[np.bool_]

# Rows are interpolated in blocks of about this many values, so that temporaries stay in the processor's cache.
BLOCK_VALUES = 1 << 16
STRIP_VALUES = 1 << 22  # interpolated along y at once; nearly always all of the grid's columns


def upsample_logits(logits: Float32, frame: InputFrame) -> Float32:
    """logits float32 [h, w] -> float32 [height, width] of the original image (Fortran order)."""
    result = np.empty((frame.width, frame.height), np.float32)
    for start, stop, block in _blocks(logits, frame):
        result[start:stop] = block
    return result.T


def upsample_mask(logits: Float32, frame: InputFrame, threshold: float = 0.0) -> Mask:
    """logits float32 [h, w] -> bool [height, width] of the original image: upsampled logit > threshold.

    Column-major (Fortran order), as COCO RLE counts. Never holds the float image, only a block of it.
    """
    result = np.empty((frame.width, frame.height), np.bool_)
    for start, stop, block in _blocks(logits, frame):
        np.greater(block, np.float32(threshold), out=result[start:stop])
    return result.T


def stability_score(
    logits: NDArray[np.floating[Any]], frame: InputFrame, *, threshold: float = 0.0, offset: float = 1.0
) -> NDArray[np.float64]:
    """logits [..., h, w] -> [...]: IoU of the mask cut at threshold + offset against threshold - offset, on the
    decoder's grid inside the valid region; 0 where both are empty."""
    valid_height, valid_width = frame.valid_region(*logits.shape[-2:])
    valid = logits[..., :valid_height, :valid_width]
    inner = np.count_nonzero(valid > threshold + offset, axis=(-2, -1))
    outer = np.count_nonzero(valid > threshold - offset, axis=(-2, -1))
    score: NDArray[np.float64] = np.asarray(inner / np.maximum(outer, 1), np.float64)
    return score


class _Taps:
    """For each output position along one axis: the two grid neighbours and the weight of the second."""

    __slots__ = ("first", "second", "weight")

    def __init__(self, length: int, input_length: int, size: int, grid: int) -> None:
        position = (np.arange(length) + 0.5) * input_length / length * grid / size - 0.5
        floor = np.floor(position)
        self.first = np.clip(floor, 0, grid - 1).astype(np.intp)
        self.second = np.clip(floor + 1, 0, grid - 1).astype(np.intp)
        self.weight = (position - floor).astype(np.float32)


def _blocks(logits: Float32, frame: InputFrame) -> Iterator[tuple[int, int, Float32]]:
    """Yields (start, stop, float32 [stop - start, height]) along x; each block is gone when the next is asked for.
    Along y first, which is small: a strip of the grid's columns at a time, for a picture may be as high as it is
    large."""
    rows = _Taps(frame.height, frame.input_height, frame.size, logits.shape[0])
    across = _Taps(frame.width, frame.input_width, frame.size, logits.shape[1])
    needed = np.unique(np.concatenate([across.first, across.second]))
    transposed = np.ascontiguousarray(logits.T[needed], np.float32)
    first, second = np.searchsorted(needed, across.first), np.searchsorted(needed, across.second)
    step = max(1, BLOCK_VALUES // frame.height)
    strip = max(2, STRIP_VALUES // frame.height)
    left, right, columns = 0, 0, np.empty((0, frame.height), np.float32)
    for start in range(0, frame.width, step):
        stop = min(frame.width, start + step)
        if second[stop - 1] >= right:
            left = int(first[start])
            right = min(len(needed), max(int(second[stop - 1]) + 1, left + strip))
            columns = _along(transposed[left:right], rows)
        low = columns[first[start:stop] - left]
        block = columns[second[start:stop] - left]
        block -= low
        block *= across.weight[start:stop, None]
        block += low
        yield start, stop, block


def _along(lines: Float32, taps: _Taps) -> Float32:
    """float32 [n, grid] -> [n, length]."""
    low = lines[:, taps.first]
    result: Float32 = low + (lines[:, taps.second] - low) * taps.weight
    return result
