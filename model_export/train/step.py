"""One batch of simulated prompting: draw, prompt, rounds of clicks, loss."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from model_export.models.lite import SegserveLite
from model_export.train.config import TrainConfig
from model_export.train.losses import prompt_loss
from model_export.train.prompts import first_prompts, next_clicks
from model_export.train.sampler import PictureSampler


def feedback(logits: Tensor, scores: Tensor, single: Tensor) -> Tensor:
    """The mask that goes back in, [P, 1, h, w]: output 0 where `single` (several prompts), else the best-scored."""
    pick = torch.where(single, torch.zeros_like(scores[:, 0], dtype=torch.long), 1 + scores[:, 1:].argmax(1))
    return logits[torch.arange(len(logits)), pick].unsqueeze(1)


def train_step(
    model: SegserveLite, sampler: PictureSampler, config: TrainConfig, size: int
) -> tuple[Tensor, dict[str, float]]:
    """One batch: round 1 and the last round with gradient, the rounds between without."""
    rng = sampler.rng
    samples = [sampler.draw(size, config.masks) for _ in range(config.pictures)]
    device = torch.device(config.device)
    pixels = torch.from_numpy(np.stack([s.pixels for s in samples])).to(device)
    valid = torch.tensor([s.valid for s in samples], device=device)
    masks = np.concatenate([s.masks for s in samples])
    target = torch.from_numpy(masks).to(device)
    coords, labels = first_prompts(rng, masks, np.concatenate([s.boxes for s in samples]), size)
    coords, labels = coords.to(device), labels.to(device)

    with torch.autocast(device.type, torch.bfloat16):
        x = model.encoder.normalise(pixels, valid).contiguous(memory_format=torch.channels_last)
        features = [f.repeat_interleave(config.masks, 0) for f in model.encoder.features(x)]

    def decode(mask_input: Tensor, has_mask: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(device.type, torch.bfloat16):
            logits, scores = model.decoder(*features, coords, labels, mask_input, has_mask)
        return logits.float(), scores.float()

    nothing = torch.zeros(len(masks), 1, *masks.shape[1:], device=device)
    has_mask = torch.zeros(len(masks), device=device)
    logits, scores = decode(nothing, has_mask)
    loss, first = prompt_loss(logits, scores, target, config.focal, config.dice, config.iou)
    rounds = int(rng.integers(2, config.max_rounds + 1))
    previous = feedback(logits, scores, (labels >= 0).sum(1) > 1).detach()
    last = first
    for turn in range(1, rounds):
        new_coords, new_labels = next_clicks(rng, previous[:, 0].cpu().numpy(), masks, new_point=0.92)
        coords = torch.cat([coords, new_coords.to(device)], 1)
        labels = torch.cat([labels, new_labels.to(device)], 1)
        ones = torch.ones_like(has_mask)
        if turn < rounds - 1:
            with torch.no_grad():
                logits, scores = decode(previous, ones)
            previous = logits[:, :1]
        else:
            logits, scores = decode(previous, ones)
            more, last = prompt_loss(logits, scores, target, config.focal, config.dice, config.iou)
            loss = loss + more
    log = {f"first_{k}": float(v.detach()) for k, v in first.items()} | {
        f"last_{k}": float(v.detach()) for k, v in last.items()
    }
    return loss, {"loss": float(loss.detach()), **log}
