"""Symmetric int8 with one scale per channel, as embeddings are stored and sent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from server.domain.ports import Float32

INT8_LIMIT = 127


def quantise(value: Float32) -> tuple[NDArray[np.int8], Float32]:
    """value float32 [1, C, ...] -> int8 of the same shape and float32 scales [C] (max|x| / 127, 1.0 for zeros)."""
    axes = tuple(axis for axis in range(value.ndim) if axis != 1)
    scales = (np.abs(value).max(axis=axes, initial=0.0) / np.float32(INT8_LIMIT)).astype(np.float32)
    scales[scales < np.finfo(np.float32).tiny] = 1.0  # a subnormal scale has too few bits to multiply by 127
    steps = np.rint(value / per_channel(scales, value.ndim))
    return np.clip(steps, -INT8_LIMIT, INT8_LIMIT).astype(np.int8), scales


def dequantise(value: NDArray[np.int8], scales: Float32) -> Float32:
    """value int8 [1, C, ...], scales float32 [C] -> float32 of value's shape."""
    return np.multiply(value, per_channel(scales, value.ndim), dtype=np.float32)


def per_channel(scales: Float32, rank: int) -> Float32:
    return scales.reshape((1, -1) + (1,) * (rank - 2))
