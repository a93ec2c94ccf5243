"""Pictures in memory while a run draws from them again and again."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from model_export.data.errors import AnnotationError
from model_export.data.picture import Picture, ignore_band
from model_export.data.rle import RLE, area, from_bitmap, to_bitmap

LARGEST = 1024  # pixels: a longer side is shrunk to it, as no placement shows more of a picture than that
MOST_BYTES = 4 << 30  # of pixels in each process; what comes after is decoded each time
log = logging.getLogger(__name__)


class Opened(NamedTuple):
    """`picture` with masks of the size of its `pixels`, uint8 [height, width, 3] RGB."""

    picture: Picture
    pixels: NDArray[np.uint8]


def shrunk(picture: Picture, pixels: NDArray[np.uint8], longest: int) -> Opened:
    """Both with their longer side at most `longest`; masks of which nothing is left are dropped."""
    scale = longest / max(picture.width, picture.height)
    if scale >= 1:
        return Opened(picture, pixels)
    width, height = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))

    def small(rle: RLE) -> RLE:
        return from_bitmap(cv2.resize(to_bitmap(rle) * 255, (width, height), interpolation=cv2.INTER_AREA) > 127)

    masks = [(mask, name) for rle, name in zip(picture.rles, picture.names, strict=True) if area(mask := small(rle))]
    rles, names = tuple(mask for mask, _ in masks), tuple(name for _, name in masks)
    ignore = None if picture.ignore is None else ignore_band([small(picture.ignore)], rles)
    reduced = Picture(picture.source, picture.path, width, height, rles, names, ignore)
    return Opened(reduced, np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8))


class PictureCache:
    """Decodes each picture once, as far as `most_bytes` go. A file that cannot be decoded is told of once and given as
    None from then on, so that it does not end a run."""

    def __init__(self, pictures: Sequence[Picture], longest: int = LARGEST, most_bytes: int = MOST_BYTES) -> None:
        self.pictures, self.longest, self.left = pictures, longest, most_bytes
        self.kept: dict[int, Opened | None] = {}

    def open(self, index: int) -> Opened | None:
        if index in self.kept:
            return self.kept[index]
        picture = self.pictures[index]
        try:
            opened = shrunk(picture, picture.pixels(), self.longest)
        except AnnotationError as problem:
            log.warning("left out: %s", problem)
            self.kept[index] = None
            return None
        if opened.pixels.nbytes <= self.left:
            self.left -= opened.pixels.nbytes
            self.kept[index] = opened
        return opened
