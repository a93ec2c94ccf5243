"""Masks as PNG files."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def decode_png(data: bytes, width: int, height: int) -> NDArray[np.bool_] | None:
    """A PNG -> bool [height, width], or None where it has another size, which is looked at before anything is decoded.

    Grey and colour: brighter than half of its brightest pixel; a palette: any index but 0; with transparency: alpha
    above 127. Raises ValueError for what is no readable PNG."""
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            if image.size != (width, height):
                return None
            image.load()
            if image.mode in ("LA", "RGBA") and image.getchannel("A").getextrema() != (255, 255):
                return np.asarray(np.asarray(image.getchannel("A")) > 127, np.bool_)
            if image.mode == "P":
                return np.asarray(np.asarray(image) != 0, np.bool_)
            grey = np.asarray(image if image.mode.startswith("I") else image.convert("L"))
    except Exception as error:  # Pillow's plugins raise whatever the bytes lead them to
        raise ValueError("the PNG cannot be decoded") from error
    return np.asarray(grey > int(grey.max()) // 2, np.bool_)


def encode_png(mask: NDArray[np.bool_]) -> bytes:
    """mask bool [height, width] -> a grey PNG of 0 and 255."""
    buffer = io.BytesIO()
    grey = np.ascontiguousarray(mask, np.uint8) * np.uint8(255)
    Image.fromarray(grey).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()
