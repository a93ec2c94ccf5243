"""The state of a training run, and its checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model_export.data.readers import read_sets
from model_export.models import MODELS
from model_export.models.lite import SegserveLite
from model_export.train.config import TrainConfig
from model_export.train.distributed import World
from model_export.train.sampler import Mixing, PictureSampler
from model_export.train.source import PictureSource, Source

CHECKPOINT = "last.pt"


@dataclass
class Run:
    """Everything that a checkpoint holds: after `load_run` the next step is the one that an unbroken run would take."""

    config: TrainConfig
    world: World
    model: SegserveLite
    optimizer: torch.optim.Optimizer
    source: Source
    average: dict[str, Tensor]
    step: int = 0
    seconds: float = 0.0

    @property
    def device(self) -> torch.device:
        return self.world.device(self.config.device)

    @property
    def progress(self) -> float:
        config = self.config
        return self.seconds / 60 / config.max_minutes if config.max_minutes else self.step / config.steps

    def share_gradients(self) -> None:
        """Mean over the processes of the gradients and of batch norm's running statistics."""
        buffers = [value for value in self.model.buffers() if value.dtype == torch.float32]
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        self.world.average([*gradients, *buffers])

    def update_average(self) -> None:
        """Exponential moving average of weights and batch-norm statistics, with a short memory at the start."""
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                if value.dtype.is_floating_point:
                    self.average[name].lerp_(value, 1 - decay)
                else:
                    self.average[name].copy_(value)


def start_run(config: TrainConfig, world: World) -> Run:
    """A run at step 0. Weights are the same in every process, random draws are not."""
    torch.manual_seed(config.seed)
    device = world.device(config.device)
    model = MODELS[config.model]().to(device)
    model.encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    plain = [p for p in model.parameters() if p.ndim < 2]
    decayed = [p for p in model.parameters() if p.ndim >= 2]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, config.learning_rate)
    average = {name: value.detach().clone() for name, value in model.state_dict().items()}
    torch.manual_seed(config.seed + world.rank)
    return Run(config, world, model, optimizer, start_source(config, world), average)


def start_source(config: TrainConfig, world: World) -> Source:
    """Pictures of a step are split over the processes. Raises ValueError when they cannot be."""
    if config.pictures % world.size:
        raise ValueError(f"{config.pictures} pictures a step cannot be split over {world.size} processes")
    pictures = read_sets(Path(config.data), "train")
    if config.limit_pictures:
        pictures = pictures[:: max(1, len(pictures) // config.limit_pictures)][: config.limit_pictures]
    mixing = Mixing(config.paste, config.donors, config.occlude, config.regions)
    sampler = PictureSampler(pictures, config.weights, config.seed, mixing)
    source = PictureSource(sampler, config.pictures // world.size, config.masks, world.device(config.device))
    source.reseed((config.seed, world.rank))
    return source


def save_run(run: Run, path: Path) -> None:
    """All processes together; the first one writes."""
    random = run.world.gather({"source": run.source.state(), "torch": torch.get_rng_state()})
    if run.world.rank:
        return
    state = {
        "model_name": run.config.model,
        "model": run.model.state_dict(),
        "ema": run.average,
        "optimizer": run.optimizer.state_dict(),
        "step": run.step,
        "seconds": run.seconds,
        "random": random,  # of each process
    }
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def load_run(run: Run, path: Path) -> None:
    """Go on from a checkpoint. With another number of processes, or after a fork, random draws begin anew."""
    state: dict[str, Any] = torch.load(path, map_location=run.device, weights_only=True)
    run.model.load_state_dict(state["model"])
    run.optimizer.load_state_dict(state["optimizer"])
    run.average, run.step, run.seconds = state["ema"], state["step"], state["seconds"]
    if len(state["random"]) == run.world.size:
        own = state["random"][run.world.rank]
        run.source.load_state(own["source"])
        torch.set_rng_state(own["torch"].cpu())
    else:
        run.source.reseed((state.get("seed", run.config.seed), run.step, run.world.rank))
