"""The training loop, flat: draw, prompt, rounds of clicks, one step. Resumable from `last.pt`."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model_export.models import MODELS
from model_export.models.lite import SegserveLite
from model_export.train.config import TrainConfig
from model_export.train.data import read_sets
from model_export.train.losses import prompt_loss
from model_export.train.prompts import first_prompts, next_clicks
from model_export.train.sampler import PictureSampler

CHECKPOINT = "last.pt"


def learning_rate(config: TrainConfig, step: int, progress: float) -> float:
    """Linear warm-up, then a cosine to 1 % of the peak."""
    warm = min(1.0, (step + 1) / max(1, config.warmup))
    return config.learning_rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


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


@dataclass
class Run:
    """Everything that a checkpoint holds: after `load_run` the next step is the one that an unbroken run would take."""

    config: TrainConfig
    model: SegserveLite
    optimizer: torch.optim.Optimizer
    sampler: PictureSampler
    average: dict[str, Tensor]
    step: int = 0
    seconds: float = 0.0

    @property
    def progress(self) -> float:
        config = self.config
        return self.seconds / 60 / config.max_minutes if config.max_minutes else self.step / config.steps

    def update_average(self) -> None:
        """Exponential moving average of weights and batch-norm statistics, with a short memory at the start."""
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                if value.dtype.is_floating_point:
                    self.average[name].lerp_(value, 1 - decay)
                else:
                    self.average[name].copy_(value)


def start_run(config: TrainConfig) -> Run:
    torch.manual_seed(config.seed)
    pictures = read_sets(Path(config.data), "train")
    if config.limit_pictures:
        pictures = pictures[:: max(1, len(pictures) // config.limit_pictures)][: config.limit_pictures]
    model = MODELS[config.model]().to(torch.device(config.device))
    model.encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    plain = [p for p in model.parameters() if p.ndim < 2]
    decayed = [p for p in model.parameters() if p.ndim >= 2]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, config.learning_rate)
    average = {name: value.detach().clone() for name, value in model.state_dict().items()}
    sampler = PictureSampler(pictures, config.weights, config.seed, config.paste, config.donors)
    return Run(config, model, optimizer, sampler, average)


def save_run(run: Run, path: Path) -> None:
    state = {
        "model_name": run.config.model,
        "model": run.model.state_dict(),
        "ema": run.average,
        "optimizer": run.optimizer.state_dict(),
        "step": run.step,
        "seconds": run.seconds,
        "torch_rng": torch.get_rng_state(),
        "numpy_rng": json.dumps(run.sampler.rng.bit_generator.state),
    }
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def load_run(run: Run, path: Path) -> None:
    state = torch.load(path, map_location=torch.device(run.config.device), weights_only=True)
    run.model.load_state_dict(state["model"])
    run.optimizer.load_state_dict(state["optimizer"])
    run.average, run.step, run.seconds = state["ema"], state["step"], state["seconds"]
    torch.set_rng_state(state["torch_rng"].cpu())
    run.sampler.rng.bit_generator.state = json.loads(state["numpy_rng"])


def one_step(run: Run) -> tuple[dict[str, float], int]:
    """Draw a batch, one optimizer step, update the average -> (log, input size). A non-finite gradient is skipped."""
    config, progress = run.config, run.progress
    began = time.perf_counter()
    size = [s for start, s in config.sizes if progress >= start][-1]
    for group in run.optimizer.param_groups:
        group["lr"] = learning_rate(config, run.step, progress)
    run.model.train()
    loss, log = train_step(run.model, run.sampler, config, size)
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    log["grad_norm"] = float(torch.nn.utils.clip_grad_norm_(run.model.parameters(), config.clip))
    if math.isfinite(log["grad_norm"]):
        run.optimizer.step()
    run.step += 1
    run.update_average()
    run.seconds += time.perf_counter() - began
    return log, size


def train(config: TrainConfig, stop_after: int | None = None) -> Path:
    """Runs or resumes; writes `metrics.jsonl` and `last.pt` (model, EMA, optimizer, step, seconds, RNG) below `out`.
    `stop_after` ends this call early at that step, as an interruption would."""
    out = Path(config.out)
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(config.threads)
    run = start_run(config)
    checkpoint = out / CHECKPOINT
    if checkpoint.exists():
        load_run(run, checkpoint)
    count = sum(p.numel() for p in run.model.parameters())
    print(f"{len(run.sampler.pictures)} pictures, {count:,} parameters, from step {run.step}", flush=True)
    sums: dict[str, float] = {}
    while run.progress < 1 and run.step != stop_after:
        log, size = one_step(run)
        for key, number in log.items():
            sums[key] = sums.get(key, 0.0) + number
        if run.step % config.log_every == 0:
            report(out, run, size, {k: v / config.log_every for k, v in sums.items()})
            sums = {}
        if run.step % config.save_every == 0:
            save_run(run, checkpoint)
    save_run(run, checkpoint)
    return checkpoint


def report(out: Path, run: Run, size: int, means: dict[str, float]) -> None:
    """One line for a person, one JSON line for programs."""
    left = run.seconds / max(run.progress, 1e-6) - run.seconds
    line: dict[str, Any] = {"step": run.step, "progress": round(run.progress, 4), "size": size}
    line |= {"seconds": round(run.seconds, 1)} | {key: round(value, 4) for key, value in means.items()}
    with (out / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    rate = run.step * run.config.pictures / max(run.seconds, 1e-6)
    print(
        f"step {run.step} {run.progress:6.1%} size {size} loss {means['loss']:.3f} IoU first best3 "
        f"{means['first_best3']:.3f} single {means['first_single']:.3f} last {means['last_single']:.3f} "
        f"score error {means['first_score_error']:.3f} | {rate:.1f} pictures/s, {left / 60:.0f} min left",
        flush=True,
    )
