"""Several processes on one run (torch.distributed): gloo on CPUs, nccl on CUDA, started here or by torchrun.

Gradients are averaged by hand in one all-reduce a step and not by DistributedDataParallel: encoder and decoder are
called apart, the decoder several times and partly without gradient, which DDP's hooks do not allow. Batch norm uses the
pictures of its own process, as DDP's does; its running statistics go into the same all-reduce, so that weights, buffers
and their moving average are the same bits in every process.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch

# Its functions' defaults hold the process group that there is when it is first imported. torch.optim imports it, by way
# of torch._dynamo, in the first step: the group's threads would then outlive it, and now and then abort the interpreter
# at its end ("terminate called without an active exception").
import torch.distributed.nn.functional
from torch import Tensor, distributed
from torch.multiprocessing.spawn import ProcessException, spawn

from server.errors import BundleError

TIMEOUT = timedelta(minutes=10)  # a process that dies breaks its connections at once; this is for one that hangs


@dataclass(frozen=True)
class World:
    """This process among all of a run. `local_rank` counts within the machine and names the CUDA device."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    def device(self, kind: str) -> torch.device:
        return torch.device(f"cuda:{self.local_rank}" if kind == "cuda" else kind)

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace float32 tensors by their mean over the processes, in place."""
        if self.size == 1:
            return
        flat = torch.cat([t.flatten() for t in tensors])
        distributed.all_reduce(flat)
        flat /= self.size
        for tensor, mean in zip(tensors, torch.split(flat, [t.numel() for t in tensors]), strict=True):
            tensor.copy_(mean.view_as(tensor))

    def share_first(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by those of the first process, in place."""
        if self.size > 1:
            for tensor in tensors:
                distributed.broadcast(tensor.data, 0)

    def mean(self, values: Sequence[float], device: torch.device) -> list[float]:
        """Mean of each number over the processes."""
        if self.size == 1:
            return list(values)
        shared = torch.tensor(values, dtype=torch.float64, device=device)
        distributed.all_reduce(shared)
        result: list[float] = (shared / self.size).tolist()
        return result

    def gather(self, item: Any) -> list[Any]:
        """`item` of every process, in the order of their ranks, in every process."""
        if self.size == 1:
            return [item]
        items: list[Any] = [None] * self.size
        distributed.all_gather_object(items, item)
        return items


def launch(worker: Callable[..., None], processes: int, device: str, *args: Any) -> None:
    """Run `worker(world, *args)`: in this process when it is alone or was started by torchrun, else in `processes` new
    ones, to which SIGINT and SIGTERM are passed on. When one fails the others are ended, and the failure is raised
    here: a ValueError where it is an error of configuration, data or files, else a ProcessException."""
    if "RANK" in os.environ and "WORLD_SIZE" in os.environ:
        local = int(os.environ.get("LOCAL_RANK", "0"))
        world = World(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]), local)
        with _joined(world, device, "env://"):
            worker(world, *args)
    elif processes == 1:
        worker(World(), *args)
    else:
        with tempfile.TemporaryDirectory() as directory:
            parts = (worker, processes, device, directory, args)
            context = spawn(_enter, parts, nprocs=processes, join=False)  # type: ignore[no-untyped-call]

            def pass_on(number: int) -> None:
                for process in context.processes:
                    if process.is_alive():
                        os.kill(process.pid, number)

            with signals_to(pass_on):
                try:
                    while not context.join():
                        pass
                except ProcessException as failure:
                    causes = sorted(Path(directory).glob("error-*"))
                    if causes:
                        raise ValueError(causes[0].read_text()) from failure
                    raise


def _enter(rank: int, worker: Callable[..., None], processes: int, device: str, directory: str, args: Any) -> None:
    """One of the new processes. `directory` is for all of them: there they meet, and there they say what is wrong."""
    if sys.platform == "linux":
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # all on this machine, whatever its name resolves to
    world = World(rank, processes, rank)
    try:
        with _joined(world, device, (Path(directory) / "meeting").as_uri()):
            worker(world, *args)
    except (ValueError, OSError, BundleError) as error:
        (Path(directory) / f"error-{rank}").write_text(str(error))
        raise
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)  # torch would call it a success


@contextmanager
def signals_to(act: Callable[[int], object]) -> Iterator[None]:
    """Within, SIGINT and SIGTERM call `act` with their number instead of ending the process."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda received, _frame: act(received))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _joined(world: World, device: str, meeting: str) -> Iterator[None]:
    if device == "cuda":
        torch.cuda.set_device(world.local_rank)
    distributed.init_process_group(
        "nccl" if device == "cuda" else "gloo", init_method=meeting, rank=world.rank, world_size=world.size,
        timeout=TIMEOUT,
    )  # fmt: skip
    try:
        yield
    finally:
        distributed.destroy_process_group()
