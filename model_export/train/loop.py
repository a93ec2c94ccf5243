"""The training loop, flat: draw, prompt, rounds of clicks, one step. Resumable from `last.pt`."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model_export.models import MODELS
from model_export.models.lite import SegserveLite
from model_export.train.config import TrainConfig
from model_export.train.data import PictureSampler, read_sets
from model_export.train.losses import prompt_loss
from model_export.train.prompts import first_prompts, next_clicks

CHECKPOINT = "last.pt"


def learning_rate(config: TrainConfig, step: int, progress: float) -> float:
    """Linear warm-up, then a cosine to 1 % of the peak."""
    warm = min(1.0, (step + 1) / max(1, config.warmup))
    return config.learning_rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def feedback(logits: Tensor, scores: Tensor, single: Tensor) -> Tensor:
    """The mask that goes back in: output 0 where `single` (several prompts), else the best-scored of 1 to 3. [P, 1, h, w]."""
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
    log = {f"first_{k}": float(v.detach()) for k, v in first.items()} | {f"last_{k}": float(v.detach()) for k, v in last.items()}
    return loss, {"loss": float(loss.detach()), **log}


def train(config: TrainConfig) -> Path:
    """Runs or resumes; writes `metrics.jsonl` and `last.pt` (model, EMA, optimizer, step, seconds, RNG) below `out`."""
    out = Path(config.out)
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    pictures = read_sets(Path(config.data), "train")
    if config.limit_pictures:
        pictures = pictures[:: max(1, len(pictures) // config.limit_pictures)][: config.limit_pictures]
    sampler = PictureSampler(pictures, config.weights, config.seed)
    device = torch.device(config.device)
    model = MODELS[config.model]().to(device)
    model.encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    plain = [p for p in model.parameters() if p.ndim < 2]
    decayed = [p for p in model.parameters() if p.ndim >= 2]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}], config.learning_rate
    )
    average = {name: value.detach().clone() for name, value in model.state_dict().items()}
    step, seconds = 0, 0.0
    if (out / CHECKPOINT).exists():
        state = torch.load(out / CHECKPOINT, map_location=device, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        average, step, seconds = state["ema"], state["step"], state["seconds"]
        torch.set_rng_state(state["torch_rng"].cpu())
        sampler.rng.bit_generator.state = json.loads(state["numpy_rng"])

    def save() -> None:
        state = {
            "model": model.state_dict(), "ema": average, "optimizer": optimizer.state_dict(), "step": step,
            "seconds": seconds, "torch_rng": torch.get_rng_state(),
            "numpy_rng": json.dumps(sampler.rng.bit_generator.state), "model_name": config.model,
        }  # fmt: skip
        torch.save(state, out / "partial.pt")
        (out / "partial.pt").replace(out / CHECKPOINT)

    print(f"{len(pictures)} pictures, {sum(p.numel() for p in model.parameters()):,} parameters, from step {step}", flush=True)
    sums: dict[str, float] = {}
    while True:
        progress = seconds / 60 / config.max_minutes if config.max_minutes else step / config.steps
        if progress >= 1:
            break
        began = time.perf_counter()
        size = [s for start, s in config.sizes if progress >= start][-1]
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(config, step, progress)
        model.train()
        loss, log = train_step(model, sampler, config, size)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        log["grad_norm"] = float(torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip))
        if math.isfinite(log["grad_norm"]):
            optimizer.step()
        step += 1
        decay = min(config.ema, (1 + step) / (10 + step))
        with torch.no_grad():
            for name, value in model.state_dict().items():
                if value.dtype.is_floating_point:
                    average[name].lerp_(value, 1 - decay)
                else:
                    average[name].copy_(value)
        seconds += time.perf_counter() - began
        for key, number in log.items():
            sums[key] = sums.get(key, 0.0) + number
        if step % config.log_every == 0:
            report(out, step, progress, size, seconds, {k: v / config.log_every for k, v in sums.items()}, config)
            sums = {}
        if step % config.save_every == 0:
            save()
    save()
    return out / CHECKPOINT


def report(
    out: Path, step: int, progress: float, size: int, seconds: float, means: dict[str, float], config: TrainConfig
) -> None:
    """One line for a person, one JSON line for programs."""
    left = seconds / max(progress, 1e-6) - seconds
    line: dict[str, Any] = {"step": step, "progress": round(progress, 4), "size": size, "seconds": round(seconds, 1)}
    line |= {key: round(value, 4) for key, value in means.items()}
    with (out / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    rate = step * config.pictures / max(seconds, 1e-6)
    print(
        f"step {step} {progress:6.1%} size {size} loss {means['loss']:.3f} "
        f"IoU first best3 {means['first_best3']:.3f} single {means['first_single']:.3f} last {means['last_single']:.3f} "
        f"score error {means['first_score_error']:.3f} | {rate:.1f} pictures/s, {left / 60:.0f} min left",
        flush=True,
    )
