"""Pictures drawn for the benchmarks: as hard to decode as a photo, each different, the same on every machine."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw

from server.domain.ports import UInt8

QUALITY = 90
GRAIN = 4.0  # of 255; with it 12 megapixels make a file of about 3 MB, as those of phones


def photo_like(width: int, height: int, seed: int = 0) -> UInt8:
    """uint8 [height, width, 3]: noise of every scale, weaker the finer it is, as in photos, with some flat shapes."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), np.float32)
    cell = max(width, height) // 2
    while cell >= 1:
        grid = random.standard_normal((height // cell + 2, width // cell + 2, 3), np.float32)
        amplitude = 4.0 + 34.0 * (cell / max(width, height)) ** 0.5
        for channel in range(3):
            layer = Image.fromarray(grid[..., channel]).resize((width, height), Image.Resampling.BILINEAR)
            total[..., channel] += amplitude * np.asarray(layer)
        cell //= 4
    total += GRAIN * random.standard_normal((height, width, 1), np.float32)
    picture = Image.fromarray(np.clip(total + 128, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y = int(random.integers(0, width)), int(random.integers(0, height))
        side = int(random.integers(max(2, width // 20), max(3, width // 5)))
        draw.ellipse((x, y, x + side, y + side), fill=tuple(int(c) for c in random.integers(0, 256, 3)))
    return np.array(picture)


def jpeg(rgb: UInt8) -> bytes:
    """rgb uint8 [H, W, 3] as a JPEG of quality 90 with halved chroma, as cameras write it."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=QUALITY, subsampling="4:2:0")
    return buffer.getvalue()


def variant(base: UInt8, index: int) -> bytes:
    """A JPEG of `base` with other pixels for every `index`, so that nothing of it can be known already."""
    height, width = base.shape[:2]
    rolled = np.roll(base, index * max(1, width // 97), axis=1)
    side = max(8, height // 16)
    colour = np.random.default_rng(index).integers(0, 256, 3, np.uint8)
    rolled[:side, : 2 * side] = colour
    return jpeg(rolled)
