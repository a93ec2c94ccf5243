"""Several processes on one run."""

from __future__ import annotations

import atexit
import importlib
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.multiprocessing.spawn import ProcessException, ProcessExitedException

from model_export.cli import main
from model_export.train.distributed import World, launch, signals_to
from model_export.train.run import training_pictures
from model_export.train.tasks import start_source
from tests.unit.model_export.drawn_set import draw_set
from tests.unit.model_export.test_training import TINY


def share(world: World, out: Path) -> None:
    pair = [torch.tensor([1.0, 2.0]) * world.rank, torch.full((2, 2), float(world.rank))]
    world.average(pair)
    first = torch.tensor([world.rank])
    world.share_first([first])
    assert first.item() == 0
    torch.save(
        [*pair, world.mean([world.rank + 1.0], torch.device("cpu")), world.gather(world.rank)], out / f"{world.rank}.pt"
    )


def die(world: World) -> None:
    if world.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    world.average([torch.ones(1)])


def test_means_and_gathering(tmp_path: Path) -> None:
    launch(share, 2, "cpu", tmp_path)
    for rank in range(2):
        vector, square, mean, ranks = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        assert vector.tolist() == [0.5, 1.0]
        assert square.tolist() == [[0.5, 0.5], [0.5, 0.5]]
        assert (mean, ranks) == ([1.5], [0, 1])


@pytest.mark.timeout(60)
def test_a_killed_process_ends_the_others() -> None:
    with pytest.raises(ProcessException):
        launch(die, 2, "cpu")


def note_threads(out: Path) -> None:
    names = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    out.write_text(" ".join(names))


def share_and_note_threads(world: World, out: Path) -> None:
    importlib.import_module("torch.distributed.nn.functional")  # as torch.optim does in the first step
    world.average([torch.ones(1)])
    atexit.register(note_threads, out / f"{world.rank}.txt")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_threads_of_the_group_end_with_it(tmp_path: Path) -> None:
    """Those that are left while the interpreter ends may abort it."""
    launch(share_and_note_threads, 2, "cpu", tmp_path)
    for rank in range(2):
        names = (tmp_path / f"{rank}.txt").read_text()
        assert names
        assert "gloo" not in names


def be_interrupted(world: World) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what was started with & in a script ignores it
    signal.raise_signal(signal.SIGINT)


def test_an_interrupted_process_is_no_success() -> None:
    with pytest.raises(ProcessExitedException, match="exit code 130"):
        launch(be_interrupted, 2, "cpu")


def test_what_is_wrong_is_told_without_a_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = str(tmp_path / "nowhere")
    (tmp_path / "c.toml").write_text("processes = 2")
    assert main(["train", "--config", str(tmp_path / "c.toml"), "--data", nowhere, "--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err == f"not trained: no folder {nowhere}\n"


def test_pictures_are_split_and_draws_differ(tmp_path: Path) -> None:
    config = replace(TINY, data=str(draw_set(tmp_path)))
    batches = [start_source(config, World(rank, 2), training_pictures(config)).batch(64) for rank in range(2)]
    assert [len(batch.pixels) for batch in batches] == [1, 1]
    assert not torch.equal(batches[0].pixels, batches[1].pixels)
    with pytest.raises(ValueError, match="2 pictures a step cannot be split over 3 processes"):
        start_source(config, World(0, 3), training_pictures(config))


def test_signals_are_told_and_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[int] = []
    with signals_to(seen.append):
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    assert seen == [signal.SIGTERM, signal.SIGINT]
    assert signal.getsignal(signal.SIGTERM) == before


def note_signal(world: World, out: Path) -> None:
    seen: list[int] = []
    with signals_to(seen.append):
        (out / f"ready-{world.rank}").touch()
        while not seen:
            time.sleep(0.01)
    (out / f"seen-{world.rank}").write_text(str(seen[0]))


def test_signals_are_passed_on(tmp_path: Path) -> None:
    def interrupt() -> None:
        while len(list(tmp_path.glob("ready-*"))) < 2:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=interrupt)
    thread.start()
    launch(note_signal, 2, "cpu", tmp_path)
    thread.join()
    assert [(tmp_path / f"seen-{rank}").read_text() for rank in range(2)] == [str(int(signal.SIGTERM))] * 2
