"""One batch of simulated prompting: draw, prompt, rounds of clicks, loss."""

from __future__ import annotations

import torch
from torch import Tensor

from model_export.models.lite import SegserveLite
from model_export.train.config import TrainConfig
from model_export.train.half_decoder import HalfDecoder
from model_export.train.losses import prompt_loss
from model_export.train.source import Source
from server.domain.quantisation import INT8_LIMIT

NEW_POINT = 0.92  # chance that a round brings a click; SAM: 8 of its 10 later rounds


def feedback(logits: Tensor, scores: Tensor, single: Tensor) -> Tensor:
    """The mask that goes back in, [P, 1, h, w]: output 0 where `single` (several prompts), else the best-scored."""
    pick = torch.where(single, torch.zeros_like(scores[:, 0], dtype=torch.long), 1 + scores[:, 1:].argmax(1))
    return logits[torch.arange(len(logits), device=logits.device), pick].unsqueeze(1)


def as_stored(feature: Tensor) -> Tensor:
    """[B, C, h, w] rounded as in the embedding that a decoder is served with (`server.domain.quantisation`: int8, one
    scale a channel of each picture), so that the decoder learns on it; the gradient passes as if nothing were rounded
    (Bengio et al. 2013)."""
    value = feature.detach().float()
    scale = (value.abs().amax((2, 3), keepdim=True) / INT8_LIMIT).clamp(min=1e-12)
    return feature + ((value / scale).round() * scale - value).to(feature.dtype)


def train_step(
    model: SegserveLite, source: Source, config: TrainConfig, size: int, rounds: int
) -> tuple[Tensor, dict[str, Tensor]]:
    """One batch of input size `size`: round 1 and the last round with gradient, the rounds between without."""
    batch = source.batch(size)
    coords, labels = source.first_prompts(batch)
    kind = batch.pixels.device.type

    with torch.autocast(kind, torch.bfloat16), torch.set_grad_enabled(config.freeze != "encoder"):
        x = model.encoder.normalise(batch.pixels, batch.valid).contiguous(memory_format=torch.channels_last)
        features = [as_stored(feature) for feature in model.encoder.features(x)]
    decode = HalfDecoder(model.decoder, features, config.masks)
    nothing = torch.zeros_like(batch.masks).unsqueeze(1)
    has_mask = torch.zeros_like(batch.masks[:, 0, 0])
    logits, scores = decode(coords, labels, nothing, has_mask)
    loss, first = prompt_loss(logits, scores, batch.masks, config.focal, config.dice, config.iou, batch.counts)
    previous = feedback(logits, scores, (labels >= 0).sum(1) > 1).detach()
    last = first
    for turn in range(1, rounds):
        new_coords, new_labels = source.next_clicks(batch, previous[:, 0], NEW_POINT, config.clicks)
        coords, labels = torch.cat([coords, new_coords], 1), torch.cat([labels, new_labels], 1)
        if turn < rounds - 1:
            with torch.no_grad():
                logits, scores = decode(coords, labels, previous, torch.ones_like(has_mask))
            previous = logits[:, :1]
        else:
            logits, scores = decode(coords, labels, previous, torch.ones_like(has_mask))
            more, last = prompt_loss(logits, scores, batch.masks, config.focal, config.dice, config.iou, batch.counts)
            loss = loss + more
    log = {f"first_{k}": v.detach() for k, v in first.items()} | {f"last_{k}": v.detach() for k, v in last.items()}
    return loss, {"loss": loss.detach(), **log}
