"""The state of a training run, and its checkpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from model_export.data.picture import Picture
from model_export.data.readers import read_sets
from model_export.models.click_network import ClickNetwork
from model_export.train.config import TrainConfig
from model_export.train.distributed import World
from model_export.train.muon import Muon, parameter_groups
from model_export.train.sampler import weighted_pictures
from model_export.train.tasks import Draws, Task, task_of

CHECKPOINT = "last.pt"


@dataclass
class Run:
    """Everything that a checkpoint holds: after `load_run` the next step is the one that an unbroken run would take."""

    config: TrainConfig
    world: World
    task: Task
    model: nn.Module
    optimizer: torch.optim.Optimizer
    source: Draws
    average: dict[str, Tensor]
    sets: dict[str, int] = field(default_factory=dict)  # training pictures of each, of all sittings
    origin: dict[str, Any] = field(default_factory=dict)  # id and revision of the bundle that it began with
    step: int = 0
    seconds: float = 0.0

    @property
    def device(self) -> torch.device:
        return self.world.device(self.config.device)

    @property
    def progress(self) -> float:
        config = self.config
        return self.seconds / 60 / config.max_minutes if config.max_minutes else self.step / config.steps

    def train_mode(self) -> None:
        """A frozen encoder keeps its batch-norm statistics as well."""
        self.model.train()
        if self.config.freeze == "encoder":
            self.task.encoder(self.model).eval()

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


def start_run(config: TrainConfig, world: World, resume: bool = False) -> Run:
    """A run at step 0. Weights are the same in every process, random draws are not. With `resume` it is about to be
    loaded from a checkpoint, so it does not begin with a bundle's weights."""
    task = task_of(config)
    if config.freeze and not config.start_from and not resume:
        raise ValueError(
            f"freeze is {config.freeze!r} but start_from is empty: an encoder that never learnt is of no use"
        )
    torch.manual_seed(config.seed)
    pictures = training_pictures(config)
    source = task.source(config, world, pictures)
    origin: dict[str, Any] = {}
    if config.start_from and not resume:
        model, origin = task.start(config, source, world)
    else:
        model = task.make()
    model.to(world.device(config.device))
    # Convolutions on a CPU are two to five times as fast so; a promptable decoder has hardly any.
    convolves = model if isinstance(model, ClickNetwork) else task.encoder(model)
    convolves.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    world.share_first([*model.parameters(), *model.buffers()])
    if config.freeze == "encoder":
        task.encoder(model).requires_grad_(False)
    if config.guidance == "none":
        task.cut_guidance(model)
    learning = [p for p in model.parameters() if p.requires_grad]
    optimizer = Muon(parameter_groups(learning, config), config.learning_rate)
    average = {name: value.detach().clone() for name, value in model.state_dict().items()}
    torch.manual_seed(config.seed + world.rank)
    sets = dict(Counter(picture.source for picture in pictures))
    return Run(config, world, task, model, optimizer, source, average, sets, origin)


def training_pictures(config: TrainConfig) -> list[Picture]:
    """Without those of sets of weight 0."""
    pictures = weighted_pictures(read_sets(Path(config.data), "train"), config.weights)
    if config.limit_pictures:
        pictures = pictures[:: max(1, len(pictures) // config.limit_pictures)][: config.limit_pictures]
    return pictures


def most_of_each(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Every set that any of `counts` (pictures of each set) names, with the most pictures that it had."""
    names = {name: None for each in counts for name in each}
    return {name: max(each.get(name, 0) for each in counts) for name in names}


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
        "origin": run.origin,
        "training": {
            "pictures": run.sets, "processes": run.world.size, "device": run.config.device, "clock": run.config.clock,
            "freeze": run.config.freeze,
        },
        "random": random,  # of each process
    }  # fmt: skip
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def load_run(run: Run, path: Path) -> None:
    """Go on from a checkpoint. With another number of processes, or after a fork, random draws begin anew. Raises
    ValueError when it is not one of a run with this network and these learning weights."""
    state: dict[str, Any] = torch.load(path, map_location=run.device, weights_only=True)
    if "optimizer" not in state:
        raise ValueError(f"{path} is a mean of runs, from which training cannot go on")
    settings = [{k: v for k, v in group.items() if k != "params"} for group in run.optimizer.param_groups]
    try:
        run.model.load_state_dict(state["model"])
        run.optimizer.load_state_dict(state["optimizer"])
    except (RuntimeError, ValueError) as error:
        raise ValueError(
            f"{path} is of a run with another network, optimizer, `guidance` or `freeze` ({state['model_name']}, "
            f"freeze {state.get('training', {}).get('freeze', '')!r}); give another `out`: {error}"
        ) from error
    for group, wanted in zip(run.optimizer.param_groups, settings, strict=True):
        group.update(wanted)  # what the configuration says now
    run.average, run.step, run.seconds = state["ema"], state["step"], state["seconds"]
    run.origin = state["origin"]
    run.sets = most_of_each([state.get("training", {}).get("pictures", {}), run.sets])
    if len(state["random"]) == run.world.size:
        own = state["random"][run.world.rank]
        run.source.load_state(own["source"])
        torch.set_rng_state(own["torch"].cpu())
    else:
        run.source.reseed((state.get("seed", run.config.seed), run.step, run.world.rank))
