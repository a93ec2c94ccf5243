"""Predictors whose answers are known beforehand, and flat pictures on which they can be right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from model_export.data.picture import Picture
from model_export.data.rle import from_bitmap
from model_export.evaluate.predictor import Answer, Box, Click, Mask


@dataclass(frozen=True)
class FakeAnswer:
    """`values` float32 [M, height, width] logits, the mask above 0."""

    values: NDArray[np.float32]
    shown: int = 0
    candidates: Sequence[int] = (0,)
    threshold: float = 0.0

    def mask(self, index: int) -> Mask:
        result: Mask = np.asfortranarray(self.values[index] > 0)
        return result

    def logits(self, index: int) -> NDArray[np.float32]:
        return self.values[index]

    def score(self, index: int) -> float:
        return 0.9 - 0.1 * index

    def stability(self, index: int) -> float:
        return 1.0

    def showing(self, index: int) -> FakeAnswer:
        return replace(self, shown=index)


@dataclass(frozen=True)
class ColourPicture:
    rgb: NDArray[np.uint8]

    def ask(
        self, clicks: Sequence[Click], box: Box | None = None, previous: Answer | NDArray[np.float32] | None = None
    ) -> FakeAnswer:
        """Everything of the colour at the first click or in the middle of the box. A first click has three candidates:
        that, the whole picture and nothing."""
        x, y = (clicks[0].x, clicks[0].y) if box is None else ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        same = (self.rgb == self.rgb[int(y), int(x)]).all(axis=2)
        right = np.where(same, 4, -4).astype(np.float32)
        values = np.stack([right, np.full_like(right, 4), np.full_like(right, -4)])
        return FakeAnswer(values, 0, (0, 1, 2) if len(clicks) == 1 else (0,))


class ColourPredictor:
    """Right at once about objects of one flat colour."""

    takes_boxes = True

    def open(self, rgb: NDArray[np.uint8]) -> ColourPicture:
        return ColourPicture(rgb)


@dataclass(frozen=True)
class EmptyPicture:
    rgb: NDArray[np.uint8]

    def ask(
        self, clicks: Sequence[Click], box: Box | None = None, previous: Answer | NDArray[np.float32] | None = None
    ) -> FakeAnswer:
        return FakeAnswer(np.full((1, *self.rgb.shape[:2]), -4, np.float32))


class EmptyPredictor:
    """Never finds anything, and takes no boxes."""

    takes_boxes = False

    def open(self, rgb: NDArray[np.uint8]) -> EmptyPicture:
        return EmptyPicture(rgb)


@dataclass(frozen=True)
class BrushAnswer:
    """One mask without a score; `strokes`: how many clicks it took over from the answers before, its state."""

    values: NDArray[np.float32]
    strokes: int = 0
    shown: int = 0
    candidates: Sequence[int] = (0,)
    threshold: float = 0.0

    def mask(self, index: int) -> Mask:
        result: Mask = np.asfortranarray(self.values > 0)
        return result

    def logits(self, index: int) -> NDArray[np.float32]:
        return self.values

    def score(self, index: int) -> None:
        return None

    def stability(self, index: int) -> None:
        return None

    def showing(self, index: int) -> BrushAnswer:
        return self


@dataclass(frozen=True)
class BrushPicture:
    shape: tuple[int, int]

    def ask(
        self, clicks: Sequence[Click], box: Box | None = None, previous: Answer | NDArray[np.float32] | None = None
    ) -> BrushAnswer:
        height, width = self.shape
        if isinstance(previous, BrushAnswer):
            values, strokes = previous.values, previous.strokes
        elif isinstance(previous, np.ndarray):
            values, strokes = previous, 0
        else:
            values, strokes = np.full((height, width), -4, np.float32), 0
        last = clicks[-1]
        touched = disk(width, height, last.x - 0.5, last.y - 0.5, 6)
        return BrushAnswer(np.where(touched, 4 if last.positive else -4, values).astype(np.float32), strokes + 1)


class BrushPredictor:
    """Of the shape of interactive models: no boxes, candidates or scores; takes over a given mask and keeps a state
    from click to click. Each click paints or wipes a disk."""

    takes_boxes = False

    def open(self, rgb: NDArray[np.uint8]) -> BrushPicture:
        return BrushPicture((rgb.shape[0], rgb.shape[1]))


def disk(width: int, height: int, x: float, y: float, radius: float) -> Mask:
    ys, xs = np.mgrid[:height, :width]
    inside: Mask = (xs - x) ** 2 + (ys - y) ** 2 <= radius**2
    return inside


def flat_picture(path: Path, masks: Sequence[Mask], ignore: Mask | None = None, source: str = "flat") -> Picture:
    """Writes a PNG in which each mask has its own colour."""
    height, width = masks[0].shape
    image = np.zeros((height, width, 3), np.uint8)
    for index, mask in enumerate(masks, 1):
        image[mask] = (40 * index, 255 - 40 * index, 90)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)
    rles = tuple(from_bitmap(mask) for mask in masks)
    return Picture(source, path, width, height, rles, ignore=None if ignore is None else from_bitmap(ignore))
