"""Masks as PNG files."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def encode_png(mask: NDArray[np.bool_]) -> bytes:
    """mask bool [height, width] -> a grey PNG of 0 and 255."""
    buffer = io.BytesIO()
    grey = np.ascontiguousarray(mask, np.uint8) * np.uint8(255)
    Image.fromarray(grey).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()
