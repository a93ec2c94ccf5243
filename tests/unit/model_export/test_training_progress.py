"""What a run tells: metrics, TensorBoard, pictures of predictions."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from model_export.data.readers import read_sets
from model_export.models import MODELS
from model_export.train import previews
from model_export.train.config import TrainConfig
from model_export.train.distributed import World
from model_export.train.loop import one_step, train
from model_export.train.previews import Previews, choose, contact_sheet
from model_export.train.run import start_run
from model_export.train.schedule import at_progress, learning_rate, rounds_of
from model_export.train.source import Batch
from tests.unit.model_export.drawn_set import draw_set
from tests.unit.model_export.test_training import tiny


def test_metrics_board_and_pictures(tmp_path: Path) -> None:
    draw_set(tmp_path / "data")
    config = replace(tiny(tmp_path, "run"), preview_every=2)
    train(config, stop_after=3)
    metrics = tmp_path / "run" / "metrics.jsonl"
    with metrics.open("a") as file:  # as of steps after the checkpoint, lost in an interruption
        file.write('{"step": 9}\n{"step": 9, "lo')
    train(config)
    lines = [json.loads(line) for line in metrics.read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4]
    assert {"loss", "grad_norm", "first_best3", "last_single", "learning_rate", "pictures_per_second"} <= lines[
        0
    ].keys()
    assert lines[0]["pictures_per_second"] > 0
    board = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    assert [event.step for event in board.Scalars("loss")] == [2, 4]
    assert board.Scalars("loss")[1].value == pytest.approx(lines[1]["loss"], rel=1e-3)
    assert [event.step for event in board.Images("predictions")] == [2, 4]
    sheets = sorted(path.name for path in (tmp_path / "run" / "predictions").iterdir())
    assert sheets == ["step-0000002.png", "step-0000004.png"]


def test_a_sheet_shows_truth_click_and_box(tmp_path: Path) -> None:
    pictures = read_sets(draw_set(tmp_path, pictures=4, val=2), "val")
    chosen = choose(pictures, 64)
    assert len(chosen) == 2
    for preview, picture in zip(chosen, pictures, strict=True):
        height, width = preview.valid
        assert (height < width) == (picture.height < picture.width)
        x, y = preview.click
        x1, y1, x2, y2 = preview.box
        assert x1 < x < x2
        assert y1 < y < y2
        assert preview.mask[int(y // 4), int(x // 4)] > 0.5
    torch.manual_seed(0)
    sheet = contact_sheet(MODELS["segserve-lite"]().eval(), chosen, torch.device("cpu"))
    assert sheet.shape == (2 * previews.TILE, 3 * previews.TILE, 3)
    truth, box = sheet[: previews.TILE, : previews.TILE], sheet[: previews.TILE, -previews.TILE :]
    assert (truth == previews.TRUTH).all(-1).any()
    assert (box == 255).all(-1).sum() > 20


def test_old_sheets_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "SHEETS", 2)
    model = MODELS["segserve-lite"]()
    drawer = Previews(tmp_path, model, read_sets(draw_set(tmp_path / "data"), "val")[:1], torch.device("cpu"))
    for step in (1, 2, 3):
        sheet = drawer.draw(model.state_dict(), step)
    kept = sorted(tmp_path.glob("predictions/*.png"))
    assert [path.name for path in kept] == ["step-0000002.png", "step-0000003.png"]
    assert (cv2.imread(str(kept[-1]))[..., ::-1] == sheet).all()


def test_a_signal_ends_the_run_after_its_step(tmp_path: Path) -> None:
    config = replace(tiny(tmp_path, "run"), steps=10**6, data=str(draw_set(tmp_path / "data")), log_every=1)

    def interrupt() -> None:
        while not (tmp_path / "run" / "metrics.jsonl").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=interrupt)
    thread.start()
    state = torch.load(train(config), weights_only=True)
    thread.join()
    told = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert state["step"] == len(told) >= 1


def test_a_signal_during_a_step_counts_in_that_step(tmp_path: Path) -> None:
    config = replace(tiny(tmp_path, "run"), data=str(draw_set(tmp_path / "data")))
    run = start_run(config, World())
    asked: list[int] = []
    batch = run.source.batch

    def batch_and_signal(size: int) -> Batch:
        asked.append(signal.SIGTERM)
        return batch(size)

    run.source.batch = batch_and_signal  # type: ignore[method-assign]
    _, stop = one_step(run, asked)
    assert stop


def test_constant_rate_and_then_a_decay() -> None:
    config = TrainConfig(warmup=1, learning_rate=1.0, constant_until=0.6)
    assert learning_rate(config, 5, 0.5) == learning_rate(config, 5, 0.6) == pytest.approx(1.0)
    assert learning_rate(config, 5, 0.8) == pytest.approx(0.01 + 0.99 / 2)
    assert learning_rate(config, 5, 1.0) == pytest.approx(0.01)
    straight = replace(config, decay="linear")
    assert learning_rate(straight, 5, 0.7) == pytest.approx(0.01 + 0.99 * 0.75)
    assert learning_rate(straight, 5, 1.2) == pytest.approx(0.01)


def test_rounds_grow_with_progress() -> None:
    config = TrainConfig(max_rounds=((0.0, 3), (0.5, 11)))
    assert at_progress(config.max_rounds, 0.49) == 3
    early = {rounds_of(config, step, 0.2) for step in range(200)}
    late = {rounds_of(config, step, 0.5) for step in range(200)}
    assert (early, late) == ({2, 3}, set(range(2, 12)))
    assert rounds_of(replace(config, max_rounds=((0.0, 1),)), 0, 0.0) == 2
    assert np.mean([rounds_of(config, step, 1.0) for step in range(500)]) == pytest.approx(6.5, abs=0.5)


def test_processor_time_drives_the_schedule(tmp_path: Path) -> None:
    config = replace(tiny(tmp_path, "run"), data=str(draw_set(tmp_path / "data")), max_minutes=0.004, clock="cpu")
    before = time.process_time()
    state = torch.load(train(config), weights_only=True)
    assert 0.24 <= state["seconds"] <= time.process_time() - before
    with pytest.raises(ValueError, match="clock is 'moon'"):
        TrainConfig(clock="moon")
