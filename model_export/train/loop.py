"""The training loop, flat. Resumable from `last.pt`."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import torch

from model_export.train.config import TrainConfig
from model_export.train.run import CHECKPOINT, Run, load_run, save_run, start_run
from model_export.train.step import train_step


def learning_rate(config: TrainConfig, step: int, progress: float) -> float:
    """Linear warm-up, then a cosine to 1 % of the peak."""
    warm = min(1.0, (step + 1) / max(1, config.warmup))
    return config.learning_rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


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
