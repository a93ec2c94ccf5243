"""How RITM and FocalClick prepare what their networks see: normalised pixels, and the maps of clicks and mask."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model_export.models.click_network import CLICK_CHANNELS
from model_export.models.hrnet import STEM
from model_export.models.vit_encoder import PIXEL_MEAN, PIXEL_STD

MAPS = 1 + CLICK_CHANNELS
LEAK = 0.2


class Normalised(nn.Module):
    """pixels uint8 [B, S, S, 3] -> [B, 3, S, S] with the mean and deviation of ImageNet."""

    def __init__(self) -> None:
        super().__init__()
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(PIXEL_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(PIXEL_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        return (pixels.permute(0, 3, 1, 2).float() - self.mean) / self.std


class Maps(nn.Module):
    """Previous mask, foreground and background disks [B, 3, S, S] -> what they add to the stem, [B, 64, S/2, S/2]."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(MAPS, 16, 1)
        self.out = nn.Conv2d(16, STEM, 3, 2, 1)
        self.scale = nn.Parameter(torch.full((1,), 0.05))

    def forward(self, maps: Tensor) -> Tensor:
        result: Tensor = self.out(F.leaky_relu(self.mix(maps), LEAK)) * self.scale.abs()
        return result


# The authors' name behind `maps_transform.` -> ours.
MAPS_RULES = {"0.": "mix.", "2.": "out.", "3.": ""}
