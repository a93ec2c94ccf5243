"""Where an interactive model looks: crops of the picture, stretched to the square input of a graph.

Rules after RITM's zoom-in (Sofiiuk et al. 2021) and FocalClick's target and focus crops (Chen et al. 2022);
tests/golden/click_loop.json holds the browser to the same numbers.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from server.domain.geometry import InputFrame
from server.domain.masks import Mask
from server.domain.ports import Float32, UInt8

HALF = np.float32(0.501)  # so that an exact half goes up whatever the arithmetic before it
GROWN = 2 / 3  # the shorter side of a crop is at least this share of the longer


@dataclass(frozen=True, slots=True)
class Crop:
    """Whole ImagePx: columns `left` to `right` and rows `top` to `bottom`, the last ones excluded."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def whole(cls, width: int, height: int) -> Crop:
        return cls(0, 0, width, height)

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns of an array of the picture."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def area(self) -> int:
        return max(0, self.width) * max(0, self.height)

    def contains(self, x: float, y: float) -> bool:
        return self.left <= x <= self.right and self.top <= y <= self.bottom

    def iou(self, other: Crop) -> float:
        common = Crop(
            max(self.left, other.left), max(self.top, other.top),
            min(self.right, other.right), min(self.bottom, other.bottom),
        ).area  # fmt: skip
        return common / (self.area + other.area - common)

    def to_model(self, x: float, y: float, size: int) -> tuple[float, float]:
        """ImagePx -> pixels of the `size` x `size` input that the crop is stretched to."""
        return (x - self.left) * size / self.width, (y - self.top) * size / self.height

    def frame(self, size: int) -> InputFrame:
        """Of the crop as if it were a picture, for `upsample_mask` and the like."""
        return InputFrame.square(self.width, self.height, size)


def mask_box(mask: Mask) -> tuple[int, int, int, int] | None:
    """mask bool [H, W] -> left, top, right, bottom around its pixels; None where it is empty."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return None
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def around(box: Sequence[float], within: Crop, *, expansion: float, smallest: int) -> Crop:
    """The crop for a box x1 y1 x2 y2: its sides `expansion` as long and at least `smallest`, the shorter one grown to
    two thirds of the longer, about the same middle; what is outside `within` is cut off."""
    lengths = [max(expansion * (high - low), smallest) for low, high in ((box[0], box[2]), (box[1], box[3]))]
    half = [max(length, GROWN * max(lengths)) / 2 for length in lengths]
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return Crop(
        max(within.left, math.floor(x - half[0])), max(within.top, math.floor(y - half[1])),
        min(within.right, math.ceil(x + half[0])), min(within.bottom, math.ceil(y + half[1])),
    )  # fmt: skip


def halved(image: UInt8) -> UInt8:
    """uint8 [H, W, 3] -> [ceil(H/2), ceil(W/2), 3]: (a + b + c + d + 2) // 4; odd sides repeat their last line."""
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    total = image[::2, ::2].astype(np.uint16)
    for rows, columns in ((0, 1), (1, 0), (1, 1)):
        total += image[rows::2, columns::2]
    result: UInt8 = ((total + 2) >> 2).astype(np.uint8)
    return result


@dataclass
class Pyramid:
    """A picture uint8 [H, W, 3] and its halvings, made when they are first wanted; for any number of threads."""

    image: UInt8
    levels: list[UInt8] = field(default_factory=list)
    making: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def level(self, number: int) -> UInt8:
        with self.making:
            while len(self.levels) <= number:
                self.levels.append(halved(self.levels[-1]) if self.levels else self.image)
        return self.levels[number]

    def sample(self, crop: Crop, size: int) -> UInt8:
        """The crop as uint8 [size, size, 3]: from the level at which a pixel of the input is 1 to 2 pixels long,
        bilinear, rounded half up."""
        scale = max(crop.width, crop.height) / size
        number = max(0, math.floor(math.log2(scale)))
        found = bilinear(self.level(number), crop, size, 2**number)
        rounded: UInt8 = np.floor(found + HALF).astype(np.uint8)
        return rounded


def sample_mask(mask: Mask, crop: Crop, size: int) -> Float32:
    """mask bool [H, W] -> float32 [size, size] in 0..1: bilinear at the same places as the crop's pixels."""
    return bilinear(mask[..., None], crop, size, 1)[..., 0]


def bilinear(image: NDArray[np.generic], crop: Crop, size: int, step: int) -> Float32:
    """image [h, w, C], of which a pixel is `step` ImagePx long -> float32 [size, size, C]."""

    def taps(low: int, length: int, count: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Float32]:
        at = (low + (np.arange(size) + 0.5) * length / size) / step - 0.5
        first = np.floor(at)
        share = (at - first).astype(np.float32)
        index = first.astype(np.intp)
        return np.clip(index, 0, count - 1), np.clip(index + 1, 0, count - 1), share

    top, below, down = taps(crop.top, crop.height, image.shape[0])
    left, right, along = taps(crop.left, crop.width, image.shape[1])
    across = along[None, :, None]

    def row(rows: NDArray[np.intp]) -> Float32:
        one = image[rows][:, left].astype(np.float32)
        two = image[rows][:, right].astype(np.float32)
        return one + (two - one) * across

    upper, lower = row(top), row(below)
    result: Float32 = upper + (lower - upper) * down[:, None, None]
    return result
