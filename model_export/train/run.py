"""The state of a training run, and its checkpoint."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from model_export.data.readers import read_sets
from model_export.models import MODELS
from model_export.models.lite import SegserveLite
from model_export.train.config import TrainConfig
from model_export.train.sampler import PictureSampler

CHECKPOINT = "last.pt"


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
