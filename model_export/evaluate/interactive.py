"""Bundles of kind `interactive`: the loop of server/runtime/click_loop.py, which zooms in and may average by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from model_export.evaluate.predictor import Box, Click, Mask, Previous
from server.domain import click_maps
from server.domain.click_state import ClickState
from server.domain.crops import Pyramid
from server.domain.ports import Float32, LoadedBundle, UInt8
from server.runtime.click_loop import ClickLoop
from server.runtime.click_stages import OnnxStages
from server.runtime.onnx import OnnxBackend


@dataclass(frozen=True)
class InteractiveAnswer:
    """The one mask of a state of the loop, which answers `clicks`. Kept, it is undo: what is asked of it again gets the
    same answer."""

    state: ClickState
    clicks: tuple[Click, ...]
    threshold: float
    shown: int = 0
    candidates: tuple[int, ...] = (0,)

    def mask(self, index: int) -> Mask:
        return np.asfortranarray(self.state.mask)

    def logits(self, index: int) -> Float32:
        """The loop goes on with the mask alone: one above the threshold inside it, one below outside."""
        return np.where(self.mask(index), np.float32(self.threshold + 1), np.float32(self.threshold - 1))

    def score(self, index: int) -> float:
        return self.state.predicted_iou

    def stability(self, index: int) -> None:
        return None

    def showing(self, index: int) -> InteractiveAnswer:
        return self


@dataclass(frozen=True)
class InteractivePicture:
    loop: ClickLoop
    pyramid: Pyramid = field(compare=False)

    def ask(
        self, clicks: Sequence[Click], box: Box | None = None, previous: Previous | None = None
    ) -> InteractiveAnswer:
        """Makes the clicks that `previous` has not seen: all of them after nothing, the last one after another model's
        answer, whose mask is a draft that may change anywhere. A mask brought along is what somebody had accepted, so
        that only what a click is about may change (progressive merge from the first click on). Raises ValueError for
        boxes, without a click, and after an answer to other clicks."""
        if box is not None or not clicks:
            raise ValueError("interactive models take clicks alone, at least one")
        state, seen = self._begin(clicks, previous)
        for click in clicks[seen:]:
            made = click_maps.Click(click.x, click.y, click.positive)
            state = self.loop.click(self.pyramid, state, made).state
        return InteractiveAnswer(state, tuple(clicks), self.loop.threshold)

    def _begin(self, clicks: Sequence[Click], previous: Previous | None) -> tuple[ClickState, int]:
        """-> the state to go on with, and how many of the clicks it has seen."""
        if previous is None:
            height, width = self.pyramid.image.shape[:2]
            return ClickState.empty(width, height), 0
        if isinstance(previous, InteractiveAnswer):
            seen = len(previous.clicks)
            if tuple(clicks[:seen]) != previous.clicks:
                raise ValueError("these clicks do not go on from those of the answer before")
            return previous.state, seen
        if isinstance(previous, np.ndarray):
            given: Mask = np.asarray(
                previous if previous.dtype == np.bool_ else previous > self.loop.threshold, np.bool_
            )
            return ClickState(np.ascontiguousarray(given), given=True), 0
        made = tuple(click_maps.Click(click.x, click.y, click.positive) for click in clicks[:-1])
        return ClickState(np.ascontiguousarray(previous.mask(previous.shown)), made), len(made)


class InteractivePredictor:
    """`threads`: those of one run in ONNX Runtime; `flip`: flip averaging inside the loop."""

    takes_boxes = False

    def __init__(self, bundle: LoadedBundle, threads: int = 1, *, flip: bool = False) -> None:
        manifest = bundle.manifest
        stages = OnnxStages(bundle, OnnxBackend(threads))
        size = manifest.preprocessing.size
        self._loop = ClickLoop(stages, manifest.interactive, size, manifest.mask_threshold, flip=flip)

    def open(self, rgb: UInt8) -> InteractivePicture:
        return InteractivePicture(self._loop, Pyramid(rgb))
