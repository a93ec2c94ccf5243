"""One batch of simulated clicking on a two-stage click model (RITM's iterative training, FocalClick's stages)."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from model_export.models.clicks import SegserveClicks, resample, upsample
from model_export.train.click_losses import boundary_loss, normalised_focal_loss
from model_export.train.click_prompts import draw_disks
from model_export.train.click_source import ClickSource
from model_export.train.clicked import Clicked
from model_export.train.config import TrainConfig
from model_export.train.losses import dice_loss, mask_iou

BOUNDARY_REACH = 2  # cells


def coarse_inputs(batch: Sequence[Clicked], radius: float, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    size = len(batch[0].truth)
    disks = np.zeros((len(batch), 2, size, size), np.float32)
    for out, each in zip(disks, batch, strict=True):
        draw_disks(each.clicks, size, radius, out)
    masks = np.stack([each.mask for each in batch])[:, None].astype(np.float32)
    pixels = np.stack([each.pixels for each in batch])
    return torch.from_numpy(pixels).to(device), torch.from_numpy(disks).to(device), torch.from_numpy(masks).to(device)


def refine_inputs(
    batch: Sequence[Clicked], boxes: Sequence[tuple[int, int, int, int]], radius: float, device: torch.device
) -> tuple[Tensor, Tensor]:
    """pixels uint8 [B, S, S, 3] and disks [B, 2, S, S] of the focus crops `boxes` (pixels of the coarse input)."""
    size = len(batch[0].truth)
    pixels = np.zeros((len(batch), size, size, 3), np.uint8)
    disks = np.zeros((len(batch), 2, size, size), np.float32)
    for k, (each, (x1, y1, x2, y2)) in enumerate(zip(batch, boxes, strict=True)):
        part = each.sample.pixels[2 * y1 : 2 * y2, 2 * x1 : 2 * x2]
        kind = cv2.INTER_AREA if x2 - x1 > size // 2 else cv2.INTER_LINEAR
        pixels[k] = cv2.resize(part, (size, size), interpolation=kind)
        scale_x, scale_y = size / (x2 - x1), size / (y2 - y1)
        moved = [(floor((c + 0.5 - x1) * scale_x), floor((r + 0.5 - y1) * scale_y), p) for c, r, p in each.clicks]
        draw_disks(moved, size, radius, disks[k])
    return torch.from_numpy(pixels).to(device), torch.from_numpy(disks).to(device)


def targets(
    batch: Sequence[Clicked], boxes: Sequence[tuple[int, int, int, int]], side: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Truth and counts [B, side, side] of the boxes (pixels of the coarse input)."""
    found = np.zeros((2, len(batch), side, side), np.float32)
    for k, (each, (x1, y1, x2, y2)) in enumerate(zip(batch, boxes, strict=True)):
        for out, image in ((found[0], each.sample.truth), (found[1], each.sample.counts)):
            part = image[2 * y1 : 2 * y2, 2 * x1 : 2 * x2]
            kind = cv2.INTER_AREA if 2 * (x2 - x1) > side else cv2.INTER_LINEAR
            out[k] = cv2.resize(part, (side, side), interpolation=kind).astype(np.float32) / 255
    return torch.from_numpy(found[0]).to(device), (torch.from_numpy(found[1]) >= 0.5).float().to(device)


def stage_loss(logits: Tensor, target: Tensor, counts: Tensor, config: TrainConfig) -> Tensor:
    """logits [B, 1, h, w] -> mean over the batch."""
    one = logits.squeeze(1)
    focal = normalised_focal_loss(one, target, counts).mean()
    return focal + config.dice * dice_loss(logits, target, counts).mean()


def click_step(
    model: SegserveClicks, source: ClickSource, config: TrainConfig, size: int, rounds: int
) -> tuple[Tensor, dict[str, Tensor]]:
    """`rounds` - 1 rounds without gradient, in evaluation mode as RITM has it, then one with, both stages."""
    rng, device = source.sampler.rng, source.device
    batch = source.batch(size)
    radius = model.disk_radius
    learning = [module for module in model.modules() if module.training]  # none of a frozen stage
    model.eval()
    for _ in range(rounds - 1):
        for each in batch:
            each.click(rng)
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16):
            logits, _ = model.coarse(*coarse_inputs(batch, radius, device))
        for each, answer in zip(batch, logits[:, 0].float().cpu().numpy(), strict=True):
            each.answered(answer)
    for module in learning:
        module.training = True
    for each in batch:
        each.taken_over(rng)
        each.click(rng)
    with torch.autocast(device.type, torch.bfloat16):
        logits, features = model.coarse(*coarse_inputs(batch, radius, device))
    logits = logits.float()
    after = upsample(logits.detach(), size / logits.shape[-1])[:, 0].cpu().numpy() > 0
    boxes = [each.focus(rng, mask) for each, mask in zip(batch, after, strict=True)]
    pixels, disks = refine_inputs(batch, boxes, radius, device)
    box = torch.tensor(boxes, dtype=torch.float32, device=device) * (model.input_size / size)
    with torch.autocast(device.type, torch.bfloat16):
        refined = model.refine(pixels, disks, logits, features, box)
    refined = refined.float()
    truth, counts = targets(batch, [(0, 0, size, size)] * len(batch), size // 2, device)
    near, near_counts = targets(batch, boxes, refined.shape[-1], device)
    fine = upsample(logits, 2.0)
    loss = stage_loss(fine, truth, counts, config) + stage_loss(refined, near, near_counts, config)
    loss = loss + boundary_loss(refined.squeeze(1), near, near_counts, BOUNDARY_REACH).mean()
    with torch.no_grad():
        figures: dict[str, Any] = {
            "coarse_iou": mask_iou(fine, truth, counts).mean(),
            "focus_iou": mask_iou(refined, near, near_counts).mean(),
            "focus_coarse_iou": focus_iou(logits, box, near, near_counts, model.input_size),
        }
    return loss, {"loss": loss.detach(), **figures}


def focus_iou(logits: Tensor, box: Tensor, near: Tensor, counts: Tensor, size: int) -> Tensor:
    """IoU of the coarse logits inside the focus crop: what the refinement has to beat."""
    return mask_iou(resample(logits, box, (near.shape[1], near.shape[2]), size), near, counts).mean()
