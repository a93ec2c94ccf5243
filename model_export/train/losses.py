"""Losses over mask logits. Shapes: logits [P, M, h, w]; target [P, h, w] in 0..1; scores (predicted IoU) [P, M];
counts [P, h, w], the weight of each pixel, 0 in an ignore band, or None where all count."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def focal_loss(logits: Tensor, target: Tensor, counts: Tensor | None = None, gamma: float = 2.0) -> Tensor:
    """Focal loss (Lin et al. 2017) per mask, mean over pixels -> [P, M]. Soft targets by |p - t|^gamma."""
    t = target.unsqueeze(1).expand_as(logits)
    bce = F.binary_cross_entropy_with_logits(logits, t, reduction="none")
    loss = (torch.sigmoid(logits) - t).abs() ** gamma * bce
    if counts is None:
        return loss.mean((-2, -1))
    share = counts / counts.sum((-2, -1), keepdim=True).clamp(min=1)
    return (loss * share.unsqueeze(1)).sum((-2, -1))


def dice_loss(logits: Tensor, target: Tensor, counts: Tensor | None = None) -> Tensor:
    """Dice loss (Milletari et al. 2016) per mask -> [P, M]."""
    p, t = torch.sigmoid(logits), target.unsqueeze(1)
    if counts is not None:
        p, t = p * counts.unsqueeze(1), t * counts.unsqueeze(1)
    overlap = (p * t).sum((-2, -1))
    return 1 - (2 * overlap + 1) / (p.sum((-2, -1)) + t.sum((-2, -1)) + 1)


def mask_iou(logits: Tensor, target: Tensor, counts: Tensor | None = None) -> Tensor:
    """IoU of logits > 0 against target >= 0.5 -> [P, M]; two empty masks give 0."""
    p, t = logits > 0, (target >= 0.5).unsqueeze(1)
    if counts is not None:
        p, t = p & (counts >= 0.5).unsqueeze(1), t & (counts >= 0.5).unsqueeze(1)
    return (p & t).sum((-2, -1)) / (p | t).sum((-2, -1)).clamp(min=1)


def prompt_loss(
    logits: Tensor,
    scores: Tensor,
    target: Tensor,
    focal: float,
    dice: float,
    iou: float,
    counts: Tensor | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """SAM's loss: the best of outputs 1 to 3 and output 0 learn the mask. The IoU head learns all four by cross entropy
    with the true IoU, least at the expected IoU, which is what a choice among candidates needs.

    -> scalar loss, and means for the log: IoU of the best of three, of the one with the best score and of output 0, and
    the error of the predicted IoU."""
    masks = focal * focal_loss(logits, target, counts) + dice * dice_loss(logits, target, counts)  # [P, M]
    best = masks[:, 1:].min(1).values
    true_iou = mask_iou(logits, target, counts).float()
    score_loss = F.binary_cross_entropy(scores.clamp(1e-4, 1 - 1e-4), true_iou)
    loss = best.mean() + masks[:, 0].mean() + iou * score_loss
    by_score = true_iou[torch.arange(len(scores), device=scores.device), 1 + scores[:, 1:].argmax(1)]
    return loss, {
        "best3": true_iou[:, 1:].max(1).values.mean(),
        "by_score": by_score.mean(),
        "single": true_iou[:, 0].mean(),
        "score_error": (scores - true_iou).abs().mean(),
    }
