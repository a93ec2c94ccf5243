"""What every network that becomes a bundle of kind `interactive` has: a coarse stage on the target crop and, unless it
has one stage alone, a refinement on the focus crop (FocalClick, Chen et al. 2022).

docs/bundle-format.md has the graphs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

CLICK_CHANNELS = 2  # disks of the foreground and of the background clicks


class CoarseStage(nn.Module, ABC):
    @abstractmethod
    def forward(self, pixels: Tensor, clicks: Tensor, previous_mask: Tensor) -> tuple[Tensor, ...]:
        """pixels uint8 [B, S, S, 3] RGB, clicks [B, 2, S, S] disks, previous_mask [B, 1, S, S] in 0..1 -> logits
        [B, 1, h, w], then the features."""


class RefineStage(nn.Module, ABC):
    @abstractmethod
    def forward(self, pixels: Tensor, clicks: Tensor, coarse_logits: Tensor, *features_and_box: Tensor) -> Tensor:
        """pixels uint8 [B, S, S, 3] and clicks [B, 2, S, S] of the focus crop; coarse_logits [B, 1, h, w] and the
        features as the coarse stage gave them; last the focus crop [B, 4] x1 y1 x2 y2 in pixels of the coarse input ->
        logits [B, 1, h', w'] of the focus crop, merged with the coarse ones."""


class ClickNetwork(nn.Module):
    """`input_size` S of both stages; `pixel_mean`, `pixel_std` of RGB 0..255; `coarse_shape`, `refine_shape` (h, w) of
    the logits; `feature_shapes` (C, h, w) of the coarse stage's further outputs by name; `disk_radius` in pixels of the
    input; `look_twice`: the first click runs the coarse stage again on the crop around its first answer."""

    coarse: CoarseStage
    refine: RefineStage | None
    input_size: int = 256
    pixel_mean: tuple[float, float, float]
    pixel_std: tuple[float, float, float]
    coarse_shape: tuple[int, int]
    refine_shape: tuple[int, int] | None
    feature_shapes: ClassVar[Mapping[str, tuple[int, int, int]]]
    disk_radius: float = 5.0
    look_twice: bool = False
