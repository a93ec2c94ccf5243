"""Loss of click models. logits, target (0..1), counts (weight of each pixel): [B, h, w]."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

EPSILON = 1e-6


def normalised_focal_loss(logits: Tensor, target: Tensor, counts: Tensor, gamma: float = 2.0) -> Tensor:
    """RITM's loss (Sofiiuk et al. 2021, after adaptIS): focal loss whose weights sum to the number of pixels in each
    picture, so that it does not fade as the mask gets better -> [B]. Soft targets by |p - t|."""
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    weights = (torch.sigmoid(logits) - target).abs().detach() ** gamma * counts
    pixels = counts.sum((-2, -1)).clamp(min=1)
    scale = pixels / (weights.sum((-2, -1)) + EPSILON * pixels)
    # where next to nothing is wrong the scale would blow the last pixels up
    return (weights * bce).sum((-2, -1)) * scale.clamp(max=100.0) / pixels


def boundary_loss(logits: Tensor, target: Tensor, counts: Tensor, reach: int) -> Tensor:
    """Binary cross entropy on the cells within `reach` of the target's border -> [B]."""
    hard = (target >= 0.5).float().unsqueeze(1)
    side = 2 * reach + 1
    wide, thin = F.max_pool2d(hard, side, 1, reach), -F.max_pool2d(-hard, side, 1, reach)
    band = (wide - thin).squeeze(1) * counts
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (band * bce).sum((-2, -1)) / band.sum((-2, -1)).clamp(min=1)
