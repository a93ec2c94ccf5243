"""`prompts.py` with torch, for all prompts at once and without waiting for the device.

The distance to a region's border is the chessboard distance, counted by repeated 3 x 3 erosion up to `DEEPEST` cells,
where prompts.py has an L2 distance transform.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from model_export.models.lite_decoder import MASK_STRIDE
from model_export.train.device_warp import Draw
from model_export.train.prompts import BOX_NOISE, BOX_NOISE_CHANCES, CENTRED, MOST_BOX_NOISE, PADDING

DEEPEST = 24


def depth(region: Tensor) -> Tensor:
    """float32 [P, h, w] of 0 and 1 -> distance to the nearest 0, also outside the grid; at most `DEEPEST`."""
    total = left = region.unsqueeze(1)
    for _ in range(DEEPEST - 1):
        left = -F.max_pool2d(-F.pad(left, (1, 1, 1, 1)), 3, 1)
        total = total + left
    return total.squeeze(1)


def pick(draw: Draw, region: Tensor) -> Tensor:
    """A uniform draw from each region [P, h, w] > 0 -> int64 [P, 2] (column, row); (0, 0) where it is empty."""
    chances = draw.uniform(1e-6, 1, *region.shape) * (region > 0)
    flat = chances.flatten(1).argmax(1)
    return torch.stack([flat % region.shape[2], flat // region.shape[2]], 1)


def centre(region: Tensor) -> Tensor:
    """The part of each region [P, h, w] that is at least half as deep as its deepest."""
    d = depth(region)
    return ((d >= 0.5 * d.amax((1, 2), keepdim=True)) & (d > 0)).float()


def place(draw: Draw, cells: Tensor) -> Tensor:
    """Cells int64 [P, 2] -> a place inside each, ModelPx float32 [P, 2]."""
    return (cells + draw.uniform(0.1, 0.9, len(cells), 2)) * MASK_STRIDE


def first_prompts(draw: Draw, masks: Tensor, boxes: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """As `prompts.first_prompts`: masks [P, h, w], boxes [P, 4] -> coords [P, 3, 2], labels [P, 3]."""
    count = len(masks)
    kind = draw.uniform(0, 1, count)
    region = (masks >= masks.amax((1, 2), keepdim=True).clamp(max=0.5)).float()
    region = torch.where((draw.uniform(0, 1, count) < 0.5).view(-1, 1, 1), centre(region), region)
    point = place(draw, pick(draw, region))
    sides = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    bounds = torch.tensor(BOX_NOISE_CHANCES[:-1], device=draw.device).cumsum(0)
    share = torch.tensor(BOX_NOISE, device=draw.device)[torch.bucketize(draw.uniform(0, 1, count, 1), bounds)]
    spread = (share * sides).clamp(max=MOST_BOX_NOISE)
    noise = torch.randn(boxes.shape, generator=draw.generator, device=draw.device)
    noisy = (boxes + noise * spread).clamp(0, size)
    low, high = torch.minimum(noisy[:, :2], noisy[:, 2:]), torch.maximum(noisy[:, :2], noisy[:, 2:])
    coords = torch.stack([point, low, torch.maximum(high, low + 1)], 1)
    has_point, has_box = kind < 0.65, kind >= 0.6
    used = torch.stack([has_point, has_box, has_box], 1)
    labels = torch.where(used, torch.tensor([1.0, 2.0, 3.0], device=draw.device), PADDING)
    return coords * used.unsqueeze(-1), labels


def next_clicks(draw: Draw, logits: Tensor, masks: Tensor, new_point: float, count: int) -> tuple[Tensor, Tensor]:
    """As `prompts.next_clicks`: logits, masks [P, h, w] -> coords [P, count, 2], labels [P, count]."""
    prompts = len(masks)
    truth, predicted = masks >= 0.5, logits > 0
    missed, extra = truth & ~predicted, predicted & ~truth
    larger = torch.where((missed.sum((1, 2)) >= extra.sum((1, 2))).view(-1, 1, 1), missed, extra).float()
    error = (missed | extra).float()
    first = torch.where((draw.uniform(0, 1, prompts) < CENTRED).view(-1, 1, 1), centre(larger), error)
    cells = torch.stack([pick(draw, first if turn == 0 else error) for turn in range(count)], 1)  # [P, count, 2]
    label = truth[torch.arange(prompts, device=draw.device).unsqueeze(1), cells[..., 1], cells[..., 0]].float()
    clicked = (draw.uniform(0, 1, prompts) < new_point) & (error.amax((1, 2)) > 0)
    wanted = draw.uniform(1, count + 1, prompts, 1).floor()
    used = clicked.unsqueeze(1) & (torch.arange(count, device=draw.device) < wanted)
    coords = place(draw, cells.flatten(0, 1)).view(prompts, count, 2)
    return coords * used.unsqueeze(-1), torch.where(used, label, PADDING)
