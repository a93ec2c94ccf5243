"""What a run can begin with and go on from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from model_export.train.config import TrainConfig, load_config
from model_export.train.distributed import World
from model_export.train.loop import to_resume, train, train_process
from model_export.train.run import load_run, start_run
from tests.unit.model_export.drawn_set import draw_set
from tests.unit.model_export.test_training import TINY, tiny


def test_settings_may_change_in_between_but_not_what_learns(tmp_path: Path) -> None:
    draw_set(tmp_path / "data")
    config = tiny(tmp_path, "run")
    checkpoint = train(config, stop_after=1)
    changed = start_run(replace(config, weight_decay=0.5), World(), resume=True)
    load_run(changed, checkpoint)
    assert max(group["weight_decay"] for group in changed.optimizer.param_groups) == 0.5
    with pytest.raises(ValueError, match="another network, optimizer, `guidance` or `freeze`"):
        load_run(start_run(replace(config, freeze="encoder"), World(), resume=True), checkpoint)
    torch.save({"ema": {}}, checkpoint)
    with pytest.raises(ValueError, match="mean of runs"):
        load_run(changed, checkpoint)


def test_a_resumed_run_keeps_the_sets_of_its_sittings(tmp_path: Path) -> None:
    draw_set(tmp_path / "data")
    config = tiny(tmp_path, "run")
    checkpoint = train(config, stop_after=1)
    state = torch.load(checkpoint, weights_only=True)
    assert state["training"]["pictures"] == {"shapes": 4}
    state["training"]["pictures"] = {"shapes": 3, "before": 7}
    torch.save(state, checkpoint)
    again = torch.load(train(config, stop_after=2), weights_only=True)
    assert again["training"]["pictures"] == {"shapes": 4, "before": 7}


@dataclass(frozen=True)
class Apart(World):
    """Two machines, of which the other one says `other`."""

    other: bool = False

    def gather(self, item: Any) -> list[Any]:
        return [item, self.other]


def test_a_checkpoint_that_only_some_machines_see_is_not_gone_on_from(tmp_path: Path) -> None:
    config = tiny(tmp_path, "run")
    with pytest.raises(ValueError, match=r"not for others \(of rank 0\): `out` must lie on storage that all machines"):
        train_process(Apart(other=True), config, None)
    (tmp_path / "run" / "last.pt").write_bytes(b"")
    with pytest.raises(ValueError, match=r"of rank 1"):
        train_process(Apart(other=False), config, None)
    assert to_resume(tmp_path / "run" / "last.pt", Apart(other=True))
    assert not to_resume(tmp_path / "elsewhere", Apart(other=False))


def test_what_cannot_be_trained_is_said(tmp_path: Path) -> None:
    config = replace(TINY, data=str(draw_set(tmp_path)))
    with pytest.raises(ValueError, match=r"no network is called 'big'; known: .*segserve-lite"):
        start_run(replace(config, model="big"), World())
    with pytest.raises(ValueError, match="start_from is empty"):
        start_run(replace(config, freeze="encoder"), World())


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('steps = "600"', "steps is '600'; it must be a whole number"),
        ("steps = 600.5", "steps is 600.5; it must be a whole number"),
        ("learning_rate = true", "learning_rate is True; it must be a number"),
        ("data = 3", "data is 3; it must be text"),
        ("sizes = 256", "sizes is 256; it must be like"),
        ("sizes = [[0.0, 0]]", "multiple of 32"),
        ("weights = 2", "weights is 2; it must be a table of numbers"),
        ("donors = 'mine'", "donors is 'mine'; it must be a list of names"),
    ],
)
def test_a_setting_of_another_kind_is_named(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "a.toml").write_text(line)
    with pytest.raises(ValueError, match=message):
        load_config(tmp_path / "a.toml", {})


def test_whole_numbers_do_for_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("paste = 1\nweights = {mine = 4}")
    assert load_config(tmp_path / "a.toml", {}) == TrainConfig(paste=1, weights={"mine": 4})
