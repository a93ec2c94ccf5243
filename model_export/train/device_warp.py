"""Batched augmentation with torch: axis-aligned warps, layers, colour. Every function is free of host synchronisation.

`draw` makes random numbers on the device from one generator, so that a run is repeatable there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from model_export.train import colour, placement
from server.domain.geometry import ResizeRule

BLUR_RADIUS = 4
WAVES = 4  # of a blob's outline


@dataclass(frozen=True)
class Draw:
    """Uniform and normal random numbers on a device."""

    generator: torch.Generator
    device: torch.device

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self.generator, device=self.device) * (high - low) + low

    def chance(self, share: float, *shape: int) -> Tensor:
        """float32 0 or 1, 1 with probability `share`."""
        return (self.uniform(0, 1, *shape) < share).float()

    def gumbel(self, *shape: int) -> Tensor:
        """Added to logarithms of weights, the largest are a draw without replacement."""
        return -(-self.uniform(1e-7, 1 - 1e-7, *shape).log()).log()


@dataclass(frozen=True)
class Warp:
    """Stored pixel (x, y) goes to ModelPx (x, y) * scale + origin; scale, origin float32 [B, 2], x before y. A negative
    scale mirrors. `stored` T and `size` S are the sides of the squares."""

    scale: Tensor
    origin: Tensor
    stored: int
    size: int

    def sample(self, images: Tensor, cells: int) -> Tensor:
        """float32 [B, C, t, t], a grid over the stored square of any resolution -> [B, C, cells, cells] over the input,
        bilinear, 0 outside."""
        places = (torch.arange(cells, device=images.device) + 0.5) * (self.size / cells)
        source = (places.view(1, 1, -1) - self.origin.unsqueeze(-1)) / self.scale.unsqueeze(-1)  # [B, 2, cells]
        x, y = (2 * source / self.stored - 1).unbind(1)
        grid = torch.stack([x.unsqueeze(1).expand(-1, cells, -1), y.unsqueeze(2).expand(-1, -1, cells)], -1)
        return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def random_warp(
    draw: Draw, extents: Tensor, stored: int, size: int, resize: ResizeRule = "longest_side"
) -> tuple[Warp, Tensor]:
    """As `placement.random_placement`, for extents float32 [B, 2] (height, width) -> warp, valid int64 [B, 2]."""
    count = len(extents)
    sides = extents.flip(1)  # x before y from here on
    jittered = draw.chance(1 - placement.AS_SERVED, count, 1)
    low, high = (math.log(limit) for limit in placement.SCALE)
    aspect = draw.uniform(-placement.ASPECT, placement.ASPECT, count, 1)
    change = draw.uniform(low, high, count, 1) + torch.cat([aspect, -aspect], 1)
    scale = size / (sides if resize == "square" else sides.amax(1, keepdim=True)) * (change * jittered).exp()
    shown = sides * scale
    origin = draw.uniform(0, 1, count, 2) * (size - shown).clamp(max=0)
    flipped = draw.chance(0.5, count) > 0
    mirror = torch.stack([flipped, torch.zeros_like(flipped)], 1)
    origin = torch.where(mirror, origin + shown, origin)
    valid = shown.round().clamp(1, size).long().flip(1)
    return Warp(torch.where(mirror, -scale, scale), origin, stored, size), valid


def inside(valid: Tensor, cells: int, size: int) -> Tensor:
    """float32 [B, 1, cells, cells]: 1 where the middle of a cell lies within valid int64 [B, 2] (height, width)."""
    places = (torch.arange(cells, device=valid.device) + 0.5) * (size / cells)
    rows, columns = places.view(1, -1, 1) < valid[:, :1, None], places.view(1, 1, -1) < valid[:, 1:, None]
    return (rows & columns).float().unsqueeze(1)


def blob(draw: Draw, valid: Tensor, size: int, sides: tuple[float, float]) -> Tensor:
    """float32 [B, 1, S, S] alpha of one shape with a wavy outline, its middle within `valid`; `sides`: share of S."""
    count = len(valid)
    centre = draw.uniform(0, 1, count, 2) * valid
    places = torch.arange(size, device=draw.device) + 0.5
    dy, dx = places.view(1, -1, 1) - centre[:, :1, None], places.view(1, 1, -1) - centre[:, 1:, None]
    angle = torch.atan2(dy.expand(-1, -1, size), dx.expand(-1, size, -1))
    radius = torch.ones_like(angle)
    for wave in range(1, WAVES + 1):
        strength, phase = draw.uniform(0, 0.3 / wave, count, 1, 1), draw.uniform(0, 2 * math.pi, count, 1, 1)
        radius = radius + strength * torch.cos(wave * angle + phase)
    radius = radius * draw.uniform(*sides, count, 1, 1) * (size / 2)
    return (radius - (dx**2 + dy**2).sqrt() + 0.5).clamp(0, 1).unsqueeze(1)


def recolour(draw: Draw, pixels: Tensor) -> Tensor:
    """float32 [B, 3, S, S] 0..255: the changes of `colour.jitter_colour` but for JPEG's."""
    count = len(pixels)
    contrast, brightness = draw.uniform(0.75, 1.25, count, 1, 1, 1), draw.uniform(-25, 25, count, 1, 1, 1)
    saturation = draw.uniform(0.6, 1.4, count, 1, 1, 1) * (1 - draw.chance(colour.GREY, count, 1, 1, 1))
    grey = pixels.mean(1, keepdim=True)
    x = (grey + (pixels - grey) * saturation - 128) * contrast + 128 + brightness
    x = _blurred(draw, x * draw.uniform(0.92, 1.08, count, 3, 1, 1))
    strength = draw.uniform(2, 10, count, 1, 1, 1) * draw.chance(colour.NOISE, count, 1, 1, 1)
    noise = torch.randn(x.shape, generator=draw.generator, device=draw.device)
    return (x + noise * strength).clamp(0, 255)


def _blurred(draw: Draw, pixels: Tensor) -> Tensor:
    """A share of `colour.BLUR` of the pictures with a Gaussian blur, the others as they are."""
    b, c, h, w = pixels.shape
    sigma = draw.uniform(0.4, 1.5, b, 1) * draw.chance(colour.BLUR, b, 1) + 1e-3
    offsets = torch.arange(-BLUR_RADIUS, BLUR_RADIUS + 1, device=draw.device).view(1, -1)
    kernel = (-(offsets**2) / (2 * sigma**2)).exp()
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(c, 0).unsqueeze(1)  # [B C, 1, 2 r + 1]
    x = F.pad(pixels.reshape(1, b * c, h, w), (BLUR_RADIUS,) * 4, mode="replicate")
    x = F.conv2d(x, kernel.unsqueeze(2), groups=b * c)
    return F.conv2d(x, kernel.unsqueeze(3), groups=b * c).view(b, c, h, w)
