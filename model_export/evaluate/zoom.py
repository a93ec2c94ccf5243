"""Zoom-in (as RITM and FocalClick evaluate with): from the second click on, the model sees the part of the picture
around the mask so far and the clicks, encoded anew. A click that moves this window costs an encode."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model_export.evaluate.predictor import Answer, Box, Click, Mask, OpenPicture, Predictor, Previous
from server.domain.crops import Crop, mask_box
from server.domain.ports import Float32, UInt8

EXPANSION = 1.4  # of the box around mask and clicks
SMALLEST = 200  # pixels of a window's side, where the picture has them
KEEP_IOU = 0.5  # a wanted window this near to the present one does not move it


def inside(window: Crop, clicks: Sequence[Click]) -> list[Click]:
    return [Click(click.x - window.left, click.y - window.top, click.positive) for click in clicks]


def side(low: float, high: float, length: int) -> tuple[int, int]:
    """From and to, ImagePx: `low` to `high` made EXPANSION as long, at least SMALLEST, inside 0 to `length`."""
    half = max(EXPANSION * (high - low), SMALLEST) / 2
    middle = (low + high) / 2
    return max(0, math.floor(middle - half)), min(length, math.ceil(middle + half))


def window_around(mask: Mask, clicks: Sequence[Click]) -> Crop:
    """mask bool [height, width], not empty."""
    box = mask_box(mask)
    assert box is not None
    xs, ys = [box[0], box[2], *(click.x for click in clicks)], [box[1], box[3], *(click.y for click in clicks)]
    (left, right), (top, bottom) = side(min(xs), max(xs), mask.shape[1]), side(min(ys), max(ys), mask.shape[0])
    return Crop(left, top, right, bottom)


@dataclass(frozen=True)
class WindowAnswer:
    """An answer about a window of the picture; nothing outside belongs to its masks."""

    inner: Answer
    opened: OpenPicture
    window: Crop
    picture_shape: tuple[int, int]

    @property
    def shown(self) -> int:
        return self.inner.shown

    @property
    def threshold(self) -> float:
        return self.inner.threshold

    @property
    def candidates(self) -> Sequence[int]:
        return self.inner.candidates

    def mask(self, index: int) -> Mask:
        result = np.zeros(self.picture_shape, bool, order="F")
        result[self.window.slices] = self.inner.mask(index)
        return result

    def logits(self, index: int) -> Float32:
        inside = self.inner.logits(index)
        result = np.full(self.picture_shape, min(float(inside.min()), self.threshold - 1), np.float32)
        result[self.window.slices] = inside
        return result

    def score(self, index: int) -> float | None:
        return self.inner.score(index)

    def stability(self, index: int) -> float | None:
        return self.inner.stability(index)

    def showing(self, index: int) -> WindowAnswer:
        return WindowAnswer(self.inner.showing(index), self.opened, self.window, self.picture_shape)


@dataclass(frozen=True)
class ZoomedPicture:
    predictor: Predictor
    rgb: UInt8
    whole: OpenPicture

    def ask(self, clicks: Sequence[Click], box: Box | None = None, previous: Previous | None = None) -> Answer:
        """Boxes, first clicks and clicks after an empty mask see the whole picture."""
        if box is not None or len(clicks) < 2 or previous is None or isinstance(previous, np.ndarray):
            return self.whole.ask(clicks, box, previous)
        mask = previous.mask(previous.shown)
        if not mask.any():
            return self.whole.ask(clicks, box, previous)
        wanted = window_around(mask, clicks)
        shape = (self.rgb.shape[0], self.rgb.shape[1])
        if isinstance(previous, WindowAnswer):
            window = previous.window
            if all(window.contains(click.x, click.y) for click in clicks) and window.iou(wanted) >= KEEP_IOU:
                answer = previous.opened.ask(inside(window, clicks), previous=previous.inner)
                return WindowAnswer(answer, previous.opened, window, shape)
        opened = self.predictor.open(np.ascontiguousarray(self.rgb[wanted.slices]))
        logits = np.ascontiguousarray(previous.logits(previous.shown)[wanted.slices])
        return WindowAnswer(opened.ask(inside(wanted, clicks), previous=logits), opened, wanted, shape)


@dataclass(frozen=True)
class Zoomed:
    """Any predictor with zoom-in; around `Flipped` for both."""

    predictor: Predictor

    @property
    def takes_boxes(self) -> bool:
        return self.predictor.takes_boxes

    def open(self, rgb: UInt8) -> ZoomedPicture:
        return ZoomedPicture(self.predictor, rgb, self.predictor.open(rgb))
