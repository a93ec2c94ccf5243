"""What a run tells about itself: lines for a person, `metrics.jsonl`, TensorBoard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.tensorboard import SummaryWriter

from model_export.train.run import Run
from model_export.train.schedule import at_progress

METRICS = "metrics.jsonl"


class Metrics:
    """Means over the steps since the last line. What an interrupted run had written after its checkpoint is dropped
    when it goes on, so that no step is told twice."""

    def __init__(self, out: Path, run: Run) -> None:
        self.path, self.run = out / METRICS, run
        self.sums: dict[str, float] = {}
        self.steps, self.since = 0, run.seconds
        if self.path.exists():
            self.path.write_text("".join(lines_until(run.step, self.path.read_text())))
        self.board = SummaryWriter(str(out / "tensorboard"), purge_step=run.step + 1)

    def add(self, log: Mapping[str, float]) -> None:
        for key, number in log.items():
            self.sums[key] = self.sums.get(key, 0.0) + number
        self.steps += 1

    def write(self) -> None:
        run = self.run
        means = {key: value / self.steps for key, value in self.sums.items()}
        rate = self.steps * run.config.pictures / max(run.seconds - self.since, 1e-6)
        means |= {"learning_rate": run.optimizer.param_groups[0]["lr"], "pictures_per_second": rate}
        size = at_progress(run.config.sizes, run.progress)
        line: dict[str, Any] = {"step": run.step, "progress": round(run.progress, 4), "size": size}
        line |= {"seconds": round(run.seconds, 1)} | {key: float(f"{value:.5g}") for key, value in means.items()}
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        for key, value in means.items():
            self.board.add_scalar(key, value, run.step)
        left = run.seconds / max(run.progress, 1e-6) - run.seconds
        iou = " ".join(f"{label} {means[key]:.3f}" for label, key in run.task.shown.items())
        print(
            f"step {run.step} {run.progress:6.1%} size {size} loss {means['loss']:.3f} IoU {iou} | "
            f"{rate:.1f} pictures/s, {left / 60:.0f} min left",
            flush=True,
        )
        self.sums, self.steps, self.since = {}, 0, run.seconds

    def show(self, sheet: NDArray[np.uint8]) -> None:
        """A picture uint8 [h, w, 3] RGB into TensorBoard."""
        self.board.add_image("predictions", sheet, self.run.step, dataformats="HWC")

    def close(self) -> None:
        self.board.close()


def lines_until(step: int, text: str) -> list[str]:
    """The lines of a metrics file up to `step`; one that a crash cut short is dropped."""
    kept = []
    for line in text.splitlines(keepends=True):
        try:
            known = json.loads(line)["step"] <= step
        except ValueError:
            continue
        if known:
            kept.append(line)
    return kept
