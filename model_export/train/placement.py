"""Where a picture lies in the network's input: large-scale jitter, aspect and flips, on whole pixels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from server.domain.geometry import ResizeRule

SCALE = (0.6, 2.0)
ASPECT = 0.15  # of the logarithm, either way
AS_SERVED = 0.33  # chance of the whole picture as the serving rule lays it


@dataclass(frozen=True)
class Placement:
    """The part `left` <= x < `right`, `top` <= y < `bottom` of a picture (ImagePx) fills `height` x `width` in the top
    left corner of the `size` x `size` input (ModelPx), perhaps mirrored."""

    left: int
    top: int
    right: int
    bottom: int
    width: int
    height: int
    size: int
    flipped: bool

    def apply(self, image: NDArray[np.uint8], smooth: bool = False) -> NDArray[np.uint8]:
        """uint8 [H, W] or [H, W, 3] -> uint8 [S, S] or [S, S, 3], 0 outside. `smooth` averages where it shrinks, as the
        serving resize does; else bilinear without that, which is ten times as quick."""
        part = image[self.top : self.bottom, self.left : self.right]
        shrinks = self.width < self.right - self.left
        flag = cv2.INTER_AREA if smooth and shrinks else cv2.INTER_LINEAR
        resized = cv2.resize(part, (self.width, self.height), interpolation=flag)
        placed = np.zeros((self.size, self.size, *image.shape[2:]), np.uint8)
        placed[: self.height, : self.width] = resized[:, ::-1] if self.flipped else resized
        return placed


def random_placement(
    rng: np.random.Generator, width: int, height: int, size: int, resize: ResizeRule = "longest_side"
) -> Placement:
    """For a picture of `width` x `height`. Jitter is about the rule `resize`: a network that sees stretched pictures is
    trained on them."""
    if resize == "square":
        scale_x, scale_y = size / width, size / height
    else:
        scale_x = scale_y = size / max(width, height)
    if rng.random() >= AS_SERVED:
        scale = float(np.exp(rng.uniform(np.log(SCALE[0]), np.log(SCALE[1]))))
        aspect = float(np.exp(rng.uniform(-ASPECT, ASPECT)))
        scale_x, scale_y = scale_x * scale * aspect, scale_y * scale / aspect
    left, right, placed_width = _visible(rng, width, scale_x, size)
    top, bottom, placed_height = _visible(rng, height, scale_y, size)
    return Placement(left, top, right, bottom, placed_width, placed_height, size, bool(rng.random() < 0.5))


def _visible(rng: np.random.Generator, side: int, scale: float, size: int) -> tuple[int, int, int]:
    """Along one axis -> (first pixel, pixel after the last, length in the input)."""
    if side * scale <= size:
        return 0, side, max(1, round(side * scale))
    shown = min(side, max(1, round(size / scale)))
    first = int(rng.integers(0, side - shown + 1))
    return first, first + shown, size
