"""Flip averaging (as RITM's evaluation has it): the picture and its mirror image are both asked and their logits
averaged. Every encode and every click costs two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model_export.evaluate.predictor import Answer, Box, Click, Mask, OpenPicture, Predictor, Previous
from server.domain.ports import Float32, UInt8


@dataclass(frozen=True)
class FlippedAnswer:
    """Mask k is the mean of both answers' masks k; so are scores and stability scores."""

    plain: Answer
    mirrored: Answer
    shown: int

    @property
    def threshold(self) -> float:
        return self.plain.threshold

    @property
    def candidates(self) -> Sequence[int]:
        return self.plain.candidates

    def mask(self, index: int) -> Mask:
        result: Mask = self.logits(index) > self.threshold
        return result

    def logits(self, index: int) -> Float32:
        return (self.plain.logits(index) + self.mirrored.logits(index)[:, ::-1]) / np.float32(2)

    def score(self, index: int) -> float | None:
        return mean(self.plain.score(index), self.mirrored.score(index))

    def stability(self, index: int) -> float | None:
        return mean(self.plain.stability(index), self.mirrored.stability(index))

    def showing(self, index: int) -> FlippedAnswer:
        return FlippedAnswer(self.plain.showing(index), self.mirrored.showing(index), index)


def mean(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else (a + b) / 2


@dataclass(frozen=True)
class FlippedPicture:
    plain: OpenPicture
    mirrored: OpenPicture
    width: int

    def ask(self, clicks: Sequence[Click], box: Box | None = None, previous: Previous | None = None) -> FlippedAnswer:
        """Each side refines its own logits."""
        back: tuple[Previous | None, Previous | None]
        if isinstance(previous, FlippedAnswer):
            back = previous.plain, previous.mirrored
        elif previous is None:
            back = None, None
        else:
            seen = previous if isinstance(previous, np.ndarray) else previous.logits(previous.shown)
            back = seen, seen[:, ::-1].copy()
        mirrored_clicks = [Click(self.width - click.x, click.y, click.positive) for click in clicks]
        mirrored_box = None if box is None else np.array([self.width - box[2], box[1], self.width - box[0], box[3]])
        plain = self.plain.ask(clicks, box, back[0])
        answer = FlippedAnswer(plain, self.mirrored.ask(mirrored_clicks, mirrored_box, back[1]), plain.shown)
        scored = [(score, -k) for k in plain.candidates if (score := answer.score(k)) is not None]
        return answer.showing(-max(scored)[1] if scored else plain.shown)


@dataclass(frozen=True)
class Flipped:
    """Any predictor with flip averaging."""

    predictor: Predictor

    @property
    def takes_boxes(self) -> bool:
        return self.predictor.takes_boxes

    def open(self, rgb: UInt8) -> FlippedPicture:
        mirrored = np.ascontiguousarray(rgb[:, ::-1])
        return FlippedPicture(self.predictor.open(rgb), self.predictor.open(mirrored), rgb.shape[1])
