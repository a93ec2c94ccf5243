"""Promptable first, interactive after: the first clicks are a promptable model's, which answers at once; the later ones
an interactive model's, which begins with its mask and keeps converging."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model_export.evaluate.interactive import InteractiveAnswer
from model_export.evaluate.predictor import Answer, Box, Click, OpenPicture, Predictor, Previous
from server.domain.ports import UInt8


@dataclass(frozen=True)
class RefinedPicture:
    """`after`: how many clicks are the first model's."""

    first: OpenPicture
    then: OpenPicture
    after: int

    def ask(self, clicks: Sequence[Click], box: Box | None = None, previous: Previous | None = None) -> Answer:
        """Boxes are the first model's. A mask brought along is the second's from the first click on."""
        handed_over = isinstance(previous, (InteractiveAnswer, np.ndarray))
        if box is not None or (len(clicks) <= self.after and not handed_over):
            return self.first.ask(clicks, box, previous)
        return self.then.ask(clicks, previous=previous)


@dataclass(frozen=True)
class Refined:
    """`first`: any predictor; `then`: one whose answers are `InteractiveAnswer`. A picture is opened by both."""

    first: Predictor
    then: Predictor
    after: int = 1

    @property
    def takes_boxes(self) -> bool:
        return self.first.takes_boxes

    def open(self, rgb: UInt8) -> RefinedPicture:
        return RefinedPicture(self.first.open(rgb), self.then.open(rgb), self.after)
