"""The two frames of the server and the way between them.

ImagePx: pixels of the upright original, W x H, continuous; pixel column i covers [i, i + 1), its centre is i + 0.5.
ModelPx: pixels of the S x S encoder input, where the picture lies at the top left and the rest, if any, is padding.
docs/coordinates.md has the same rules in prose; tests/golden/coordinates.json holds the browser to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float64 = NDArray[np.float64]
ResizeRule = Literal["longest_side", "square"]


def resized_side(side: int, longest: int, size: int) -> int:
    """`int(side * size / longest + 0.5)`, at least 1, in whole numbers so that ties never depend on rounding."""
    return max(1, (2 * side * size + longest) // (2 * longest))


@dataclass(frozen=True, slots=True)
class InputFrame:
    """How a `width` x `height` picture lies inside the `size` x `size` input: resized to `input_width` x
    `input_height`, top left, padded bottom right. The manifest's resize rule decides the two."""

    width: int
    height: int
    size: int
    input_width: int
    input_height: int

    @classmethod
    def longest_side(cls, width: int, height: int, size: int) -> InputFrame:
        """The manifest's rule `longest_side`: the longer side becomes `size`, the other keeps the proportion."""
        if width < 1 or height < 1 or size < 1:
            raise ValueError(f"sides must be at least 1, got {width} x {height} into {size}")
        longest = max(width, height)
        return cls(width, height, size, resized_side(width, longest, size), resized_side(height, longest, size))

    @classmethod
    def square(cls, width: int, height: int, size: int) -> InputFrame:
        """The manifest's rule `square`: both sides become `size`, whatever the proportion; nothing is padded."""
        if width < 1 or height < 1 or size < 1:
            raise ValueError(f"sides must be at least 1, got {width} x {height} into {size}")
        return cls(width, height, size, size, size)

    @classmethod
    def of(cls, width: int, height: int, rule: ResizeRule, size: int) -> InputFrame:
        """By the manifest's `preprocessing.resize` and `preprocessing.size`."""
        return cls.square(width, height, size) if rule == "square" else cls.longest_side(width, height, size)

    def to_model(self, points: ArrayLike) -> Float64:
        """points [..., 2] (x, y) ImagePx -> [..., 2] ModelPx, float64. The image's corners map onto the corners
        of the resized picture, exactly."""
        xy = np.asarray(points, dtype=np.float64)
        result: Float64 = xy * (self.input_width, self.input_height) / (self.width, self.height)
        return result

    def to_image(self, points: ArrayLike) -> Float64:
        """points [..., 2] (x, y) ModelPx -> [..., 2] ImagePx, float64: the inverse of `to_model`."""
        xy = np.asarray(points, dtype=np.float64)
        result: Float64 = xy * (self.width, self.height) / (self.input_width, self.input_height)
        return result

    def valid_region(self, grid_height: int, grid_width: int) -> tuple[int, int]:
        """(height, width) of the cells, in a grid that covers the S x S input, which the picture touches."""
        valid_height = -(-self.input_height * grid_height // self.size)
        valid_width = -(-self.input_width * grid_width // self.size)
        return valid_height, valid_width

    def contains(self, points: ArrayLike) -> NDArray[np.bool_]:
        """points [..., 2] ImagePx -> bool [...]: inside the picture, its border included."""
        xy = np.asarray(points, dtype=np.float64)
        inside = (xy >= 0.0) & (xy <= (self.width, self.height))
        return np.logical_and(inside[..., 0], inside[..., 1], dtype=np.bool_)
