"""What the evaluation asks of a model, whatever its kind: open a picture, answer clicks and boxes with masks.

`promptable.py` and `interactive.py` implement it for bundles of these kinds, `refine.py` for one after the other; flip
averaging and zoom-in wrap promptable ones, interactive ones have their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from server.domain.ports import Float32, UInt8

Mask: TypeAlias = NDArray[np.bool_]
Box: TypeAlias = NDArray[np.float64]  # x1, y1, x2, y2 ImagePx


@dataclass(frozen=True)
class Click:
    """x, y in ImagePx (a pixel's centre); `positive` when the mask missed this place."""

    x: float
    y: float
    positive: bool


class Answer(Protocol):
    """Masks that a model gave to one prompt; indices are the model's own."""

    @property
    def shown(self) -> int:
        """The mask that a person would see first."""
        ...

    @property
    def threshold(self) -> float:
        """Logits above it belong to the mask."""
        ...

    @property
    def candidates(self) -> Sequence[int]:
        """The masks offered to choose from: several for an ambiguous prompt, else `shown` alone."""
        ...

    def mask(self, index: int) -> Mask:
        """bool [height, width] of the picture."""
        ...

    def logits(self, index: int) -> Float32:
        """float32 [height, width] of the picture; the mask is where they exceed the threshold."""
        ...

    def score(self, index: int) -> float | None:
        """Predicted IoU, None where the model predicts none."""
        ...

    def stability(self, index: int) -> float | None:
        """Stability score as everything mode computes it, None where the model takes no part in that."""
        ...

    def showing(self, index: int) -> Answer:
        """The same answer with another mask as `shown`."""
        ...


# What a prompt refines: an answer (its `shown` mask), in its place logits float32 [height, width], or a mask bool
# [height, width] that somebody brought along.
Previous: TypeAlias = Answer | Float32 | Mask


class OpenPicture(Protocol):
    """One picture, encoded, ready to be prompted. Holds no state of the object that is being segmented."""

    def ask(self, clicks: Sequence[Click], box: Box | None = None, previous: Previous | None = None) -> Answer:
        """All clicks made so far, in order. `previous` need not be this model's own."""
        ...


class Predictor(Protocol):
    """A loaded model."""

    @property
    def takes_boxes(self) -> bool: ...

    def open(self, rgb: UInt8) -> OpenPicture:
        """rgb uint8 [height, width, 3], upright."""
        ...
