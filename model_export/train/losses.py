"""Losses over mask logits. Shapes: logits [P, M, h, w], target [P, h, w] in 0..1, iou [P, M]."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def focal_loss(logits: Tensor, target: Tensor, gamma: float = 2.0) -> Tensor:
    """Focal loss (Lin et al. 2017) per mask, mean over pixels -> [P, M]. Soft targets by |p - t|^gamma."""
    t = target.unsqueeze(1).expand_as(logits)
    bce = F.binary_cross_entropy_with_logits(logits, t, reduction="none")
    weight = (torch.sigmoid(logits) - t).abs() ** gamma
    return (weight * bce).mean((-2, -1))


def dice_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Dice loss (Milletari et al. 2016) per mask -> [P, M]."""
    p = torch.sigmoid(logits)
    t = target.unsqueeze(1).expand_as(p)
    overlap = (p * t).sum((-2, -1))
    return 1 - (2 * overlap + 1) / (p.sum((-2, -1)) + t.sum((-2, -1)) + 1)


def mask_iou(logits: Tensor, target: Tensor) -> Tensor:
    """IoU of logits > 0 against target >= 0.5 -> [P, M]; two empty masks give 0."""
    p, t = logits > 0, (target >= 0.5).unsqueeze(1)
    return (p & t).sum((-2, -1)) / (p | t).sum((-2, -1)).clamp(min=1)


def prompt_loss(
    logits: Tensor, scores: Tensor, target: Tensor, focal: float, dice: float, iou: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """SAM's loss: the best of outputs 1 to 3 and output 0 learn the mask, the IoU head (L1, as in SAM 2) learns all.

    -> scalar loss and means for the log (best-of-three IoU, IoU of output 0, error of the predicted IoU)."""
    masks = focal * focal_loss(logits, target) + dice * dice_loss(logits, target)  # [P, M]
    best = masks[:, 1:].min(1).values
    true_iou = mask_iou(logits, target).float()
    score_error = (scores - true_iou).abs()
    loss = best.mean() + masks[:, 0].mean() + iou * score_error.mean()
    return loss, {
        "best3": true_iou[:, 1:].max(1).values.mean(),
        "single": true_iou[:, 0].mean(),
        "score_error": score_error.mean(),
    }
