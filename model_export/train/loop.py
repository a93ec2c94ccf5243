"""The training loop, flat. Resumable from `last.pt`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch

from model_export.data.errors import DataError
from model_export.data.picture import Picture
from model_export.data.readers import read_sets
from model_export.train.config import TrainConfig
from model_export.train.distributed import World, launch, signals_to
from model_export.train.metrics import Metrics
from model_export.train.previews import Previews
from model_export.train.run import CHECKPOINT, Run, load_run, save_run, start_run
from model_export.train.schedule import CLOCKS, at_progress, learning_rate, rounds_of


def one_step(run: Run, asked_to_stop: Sequence[int]) -> tuple[dict[str, float], bool]:
    """Draw a batch, one optimizer step, update the average -> (log, whether to stop), the same in every process.
    `asked_to_stop` holds the signals received so far, those during the step too. A non-finite gradient is skipped."""
    config, progress = run.config, run.progress
    clock = CLOCKS[config.clock]
    began = clock()
    for group in run.optimizer.param_groups:
        group["lr"] = learning_rate(config, run.step, progress)
    run.train_mode()
    size = at_progress(config.sizes, progress)
    rounds = rounds_of(config, run.step, progress, run.task.least_rounds)
    loss, log = run.task.step(run.model, run.source, config, size, rounds)
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    run.share_gradients()
    log["grad_norm"] = torch.nn.utils.clip_grad_norm_(run.model.parameters(), config.clip)
    numbers: list[float] = torch.stack(list(log.values())).tolist()
    if math.isfinite(numbers[-1]):
        run.optimizer.step()
    run.step += 1
    run.update_average()
    *numbers, seconds, stop = run.world.mean([*numbers, clock() - began, float(bool(asked_to_stop))], run.device)
    run.seconds += seconds
    return dict(zip(log, numbers, strict=True)), stop > 0


def train(config: TrainConfig, stop_after: int | None = None) -> Path:
    """Runs or resumes in `config.processes` processes; writes below `out`: `last.pt` (model, EMA, optimizer, step,
    seconds, RNG of each process), `metrics.jsonl`, `tensorboard/` and `predictions/`. `stop_after` ends this call early
    at that step, as an interruption would; so do SIGINT and SIGTERM after the step in hand."""
    launch(train_process, config.processes, config.device, config, stop_after)
    return Path(config.out) / CHECKPOINT


def train_process(world: World, config: TrainConfig, stop_after: int | None) -> None:
    out = Path(config.out)
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(config.threads)
    checkpoint = out / CHECKPOINT
    resume = to_resume(checkpoint, world)
    run = start_run(config, world, resume)
    if resume:
        load_run(run, checkpoint)
    if world.rank == 0:
        parameters = sum(p.numel() for p in run.model.parameters())
        print(f"{config.model}, {parameters:,} parameters, from step {run.step}", flush=True)
    metrics, previews = (Metrics(out, run), start_previews(out, run)) if world.rank == 0 else (None, None)
    asked: list[int] = []
    stop = False
    with signals_to(asked.append):
        while run.progress < 1 and run.step != stop_after and not stop:
            log, stop = one_step(run, asked)
            if metrics:
                metrics.add(log)
                if run.step % config.log_every == 0:
                    metrics.write()
            if metrics and previews and run.step % config.preview_every == 0:
                sheet = previews.draw(run.average, run.step)
                if sheet is not None:
                    metrics.show(sheet)
            if run.step % config.save_every == 0:
                save_run(run, checkpoint)
        save_run(run, checkpoint)
    if metrics:
        metrics.close()


def to_resume(checkpoint: Path, world: World) -> bool:
    """Whether there is a run to go on with. Raises ValueError, in every process, where only some of them see it."""
    seen = world.gather(checkpoint.exists())
    if any(seen) != all(seen):
        blind = ", ".join(str(rank) for rank, sees in enumerate(seen) if not sees)
        raise ValueError(
            f"{checkpoint} is there for some processes and not for others (of rank {blind}): `out` must lie on storage "
            "that all machines share"
        )
    return all(seen)


def start_previews(out: Path, run: Run) -> Previews | None:
    if not run.config.preview_every:
        return None
    pictures = shown_pictures(Path(run.config.data))
    return Previews(out, run.model, pictures, run.device, run.task.sheet, run.task.resize)


def shown_pictures(data: Path) -> list[Picture]:
    """The pictures held out, or those for training where none is held out that can be used."""
    try:
        held_out = read_sets(data, "val")
    except DataError:
        held_out = []
    return held_out or read_sets(data, "train")
