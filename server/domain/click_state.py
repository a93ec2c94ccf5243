"""What an interactive model refines: a mask and the clicks that led to it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from server.domain.click_maps import Click
from server.domain.masks import Mask


@dataclass(frozen=True)
class ClickState:
    """`mask` bool [H, W] of the picture, best in Fortran order, as run lengths count; `clicks` in the order in which
    they were made; `given`: it began with a mask that somebody had accepted, so that only what a click is about may
    change. `stability`: IoU of the first stage's mask cut one logit above and one below the threshold. Immutable, so
    keeping it is undo."""

    mask: Mask
    clicks: tuple[Click, ...] = ()
    given: bool = False
    predicted_iou: float = 0.0
    stability: float = 0.0

    @classmethod
    def empty(cls, width: int, height: int) -> ClickState:
        return cls(np.zeros((height, width), np.bool_, order="F"))

    def with_click(self, click: Click) -> ClickState:
        """The same mask with one more click that it does not show yet."""
        return replace(self, clicks=(*self.clicks, click))
