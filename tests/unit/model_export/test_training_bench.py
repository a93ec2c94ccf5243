"""The benchmark of training: its pictures and what it reads from a run. Nothing here looks at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from model_export.bench.training import CASES, PICTURES, SIDES, WARMUP, draw_set, speeds_of
from model_export.data.readers import read_sets
from tests.unit.model_export.test_training import TINY


def test_a_speed_for_each_step_after_the_warm_up(tmp_path: Path) -> None:
    draw_set(tmp_path / "data" / "drawn")
    pictures = read_sets(tmp_path / "data", "train")
    assert len(pictures) == PICTURES
    assert {(p.width, p.height, len(p.rles), p.source) for p in pictures} == {(*SIDES, 4, "drawn")}
    config = replace(TINY, steps=WARMUP + 2, log_every=1, preview_every=0)
    speeds = speeds_of(config, {"data": str(tmp_path / "data"), "out": str(tmp_path / "run")})
    assert len(speeds) == 2
    assert min(speeds) > 0


def test_processes_and_threads_use_the_same_number_of_cores() -> None:
    assert {processes * threads for processes, threads in CASES.values()} == {1, 2}
