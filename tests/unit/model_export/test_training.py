from __future__ import annotations

import argparse
import json
import math
import re
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model_export.cli import main
from model_export.models.clicks import SegserveClicks
from model_export.models.lite import SegserveLite
from model_export.train.branches import average_checkpoints, fork_checkpoint
from model_export.train.command import add_train, overrides
from model_export.train.config import TrainConfig, load_config
from model_export.train.distributed import World
from model_export.train.half_decoder import repeated
from model_export.train.loop import train
from model_export.train.losses import dice_loss, focal_loss, mask_iou, prompt_loss
from model_export.train.run import training_pictures
from model_export.train.schedule import learning_rate
from model_export.train.source import PictureSource
from model_export.train.tasks import start_source
from tests.unit.model_export.drawn_set import draw_set

DOCS = Path(__file__).parents[3] / "docs" / "training.md"
RECIPES = Path(__file__).parents[3] / "model_export" / "recipes"
TINY = TrainConfig(
    steps=4, sizes=((0.0, 64),), pictures=2, masks=2, max_rounds=((0.0, 3),), warmup=1, log_every=2, save_every=2
)


def tiny(root: Path, name: str) -> TrainConfig:
    return replace(TINY, data=str(root / "data"), out=str(root / name))


@pytest.mark.parametrize("recipe", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_recipes_are_configurations_that_end_at_the_size_that_is_served(recipe: Path) -> None:
    config = load_config(recipe, {})
    served = {"segserve-lite": SegserveLite.input_size, "segserve-clicks": SegserveClicks.input_size}
    assert config.sizes[-1][1] == served[config.model]
    assert config.pictures % config.processes == 0
    assert f"--config {recipe.relative_to(RECIPES.parents[1])} " in recipe.read_text()


def test_losses_by_hand() -> None:
    target = torch.zeros(1, 2, 2)
    target[0, 0] = 1
    right = torch.tensor([[[[40.0, 40.0], [-40.0, -40.0]]]])
    assert float(focal_loss(right, target)) == pytest.approx(0, abs=1e-6)
    assert float(dice_loss(right, target)) == pytest.approx(0, abs=1e-6)
    assert float(mask_iou(right, target)) == 1.0
    # all wrong: |p - t| = 1, so focal is plain cross entropy; dice has no overlap: 1 - 1 / (2 + 2 + 1)
    assert float(focal_loss(-right, target)) == pytest.approx(40, rel=1e-4)
    assert float(dice_loss(-right, target)) == pytest.approx(0.8)
    half = torch.zeros(1, 1, 2, 2)
    assert float(focal_loss(half, target)) == pytest.approx(0.25 * np.log(2), rel=1e-5)


def test_only_the_best_of_the_three_candidates_learns_the_mask() -> None:
    target = torch.zeros(1, 4, 4)
    target[0, :2] = 1
    logits = torch.full((1, 4, 4, 4), -3.0)
    logits[0, 2, :2] = 3.0
    logits.requires_grad_()
    loss, _ = prompt_loss(logits, torch.full((1, 4), 0.5), target, focal=1.0, dice=1.0, iou=0.0)
    loss.backward()
    assert logits.grad is not None
    moved = logits.grad.abs().sum((0, 2, 3))
    assert moved[0] > 0
    assert moved[2] > 0
    assert moved[1] == moved[3] == 0


def test_learning_rate_warms_up_and_ends_at_one_percent() -> None:
    config = TrainConfig(warmup=10, learning_rate=1.0, steps=100)
    assert learning_rate(config, 0, 0.0) == pytest.approx(0.1)
    assert learning_rate(config, 50, 0.5) == pytest.approx(0.01 + 0.99 / 2)
    assert learning_rate(config, 100, 1.0) == pytest.approx(0.01)


@pytest.mark.parametrize(("processes", "source"), [(1, "pictures"), (1, "device"), (2, "pictures")])
def test_a_resumed_run_equals_an_unbroken_one(tmp_path: Path, processes: int, source: str) -> None:
    draw_set(tmp_path / "data")
    whole = torch.load(train(replace(tiny(tmp_path, "whole"), processes=processes, source=source)), weights_only=True)
    broken = replace(tiny(tmp_path, "broken"), processes=processes, source=source)
    train(broken, stop_after=2)
    resumed = torch.load(train(broken), weights_only=True)
    assert resumed["step"] == whole["step"] == 4
    for part in ("model", "ema"):
        for name, value in whole[part].items():
            assert torch.equal(value, resumed[part][name]), name
    states = [[str(own["source"]) for own in state["random"]] for state in (whole, resumed)]
    assert states[0] == states[1]
    assert len(set(states[0])) == processes


def test_a_fork_starts_the_same_and_goes_another_way(tmp_path: Path) -> None:
    draw_set(tmp_path / "data")
    config = tiny(tmp_path, "whole")
    start = train(config, stop_after=2)
    fork_checkpoint(start, 7, tmp_path / "fork" / "last.pt")
    with pytest.raises(ValueError, match="exists already"):
        fork_checkpoint(start, 7, tmp_path / "fork" / "last.pt")
    forked = torch.load(tmp_path / "fork" / "last.pt", weights_only=True)
    begun = torch.load(start, weights_only=True)
    assert all(torch.equal(forked["model"][name], value) for name, value in begun["model"].items())
    whole = torch.load(train(config), weights_only=True)["model"]
    other = torch.load(train(tiny(tmp_path, "fork")), weights_only=True)["model"]
    assert not all(torch.equal(whole[name], value) for name, value in other.items())


def test_average_of_two_checkpoints(tmp_path: Path) -> None:
    state = {"model_name": "m", "step": 3, "seconds": 9.0}
    weights = {"w": torch.tensor([1.0, 2.0]), "count": torch.tensor(7)}
    torch.save(state | {"ema": weights}, tmp_path / "a.pt")
    torch.save(state | {"ema": weights | {"w": torch.tensor([3.0, 2.0])}, "step": 5}, tmp_path / "b.pt")
    torch.save(state | {"ema": {"w": torch.zeros(3)}}, tmp_path / "c.pt")
    mean = torch.load(average_checkpoints([tmp_path / "a.pt", tmp_path / "b.pt"], tmp_path / "x" / "m.pt"))
    assert mean["ema"]["w"].tolist() == [2.0, 2.0]
    assert (int(mean["ema"]["count"]), mean["step"], mean["runs"]) == (7, 5, 2)
    with pytest.raises(ValueError, match=r"c\.pt is of another network"):
        average_checkpoints([tmp_path / "a.pt", tmp_path / "c.pt"], tmp_path / "y.pt")


def test_an_average_keeps_the_sets_of_every_run_and_needs_one_origin(tmp_path: Path) -> None:
    state = {"model_name": "m", "step": 3, "seconds": 9.0, "ema": {"w": torch.ones(2)}, "origin": {"id": "o"}}
    for name, pictures in (("a", {"one": 5}), ("b", {"one": 4, "two": 3})):
        torch.save(state | {"training": {"pictures": pictures, "device": name}}, tmp_path / f"{name}.pt")
    torch.save(state | {"origin": {"id": "other"}}, tmp_path / "c.pt")
    mean = torch.load(average_checkpoints([tmp_path / "a.pt", tmp_path / "b.pt"], tmp_path / "m.pt"))
    assert mean["training"] == {"pictures": {"one": 5, "two": 3}, "device": "a"}
    with pytest.raises(ValueError, match=r"c\.pt did not begin with the same bundle as .*a\.pt"):
        average_checkpoints([tmp_path / "a.pt", tmp_path / "c.pt"], tmp_path / "y.pt")


def test_a_file_and_the_command_line_make_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text("steps = 3\nsizes = [[0.0, 64]]\nmax_rounds = 5\ndonors = ['a']")
    assert load_config(tmp_path / "b.toml", {"threads": 2, "out": None}) == TrainConfig(
        steps=3, sizes=((0.0, 64),), max_rounds=((0.0, 5),), donors=("a",), threads=2
    )
    staged = load_config(None, {"max_rounds": [[0, 3], [0.5, 11]]})
    assert staged.max_rounds == ((0.0, 3), (0.5, 11))


def test_an_interactive_network_trains_at_the_size_that_it_is_served_at() -> None:
    assert load_config(None, {"model": "segserve-clicks"}).sizes == ((0.0, SegserveClicks.input_size),)
    assert load_config(None, {"model": "segserve-clicks", "sizes": [[0, 64]]}).sizes == ((0.0, 64),)
    assert load_config(None, {"model": "segserve-lite"}).sizes == TrainConfig().sizes


def test_steps_on_the_command_line_take_the_place_of_minutes_in_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.toml").write_text("max_minutes = 90\nsteps = 5")
    parser = argparse.ArgumentParser()
    add_train(parser.add_subparsers())

    def asked(*given: str) -> argparse.Namespace:
        return parser.parse_args(["train", "--config", str(tmp_path / "a.toml"), *given])

    for given, length in (((), (5, 90)), (("--steps", "7"), (7, 0)), (("--max-minutes", "2"), (5, 2))):
        args = asked(*given)
        config = load_config(args.config, overrides(args))
        assert (config.steps, config.max_minutes) == length
    args = asked("--steps", "7", "--max-minutes", "2", "--data", str(tmp_path / "nowhere"), "--out", str(tmp_path))
    assert args.run(args) == 1
    assert "so give one of them" in capsys.readouterr().err


def test_zero_turns_off() -> None:
    off = dict.fromkeys(
        ("seed", "warmup", "limit_pictures", "preview_every", "max_minutes", "weight_decay", "ema", "paste", "occlude",
         "regions", "dice", "iou"), 0,
    )  # fmt: skip
    config = load_config(None, {**off, "clip": math.inf, "weights": {"mine": 0}})
    assert {name: getattr(config, name) for name in off} == off


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("stepz = 3", "unknown setting.*stepz"),
        ("freeze = 'head'", "freeze is 'head'; it may be '' or 'encoder'"),
        ("pictures = 0", "pictures is 0; it must be at least 1"),
        ("constant_until = 1.0", "constant_until is 1.0"),
        ("clip = 0", "clip is 0; it must be above 0"),
        ("clip = nan", "clip is nan; it must be above 0"),
        ("learning_rate = nan", "learning_rate is nan; it must be above 0, and finite"),
        ("learning_rate = 0.0", "learning_rate is 0.0; it must be above 0"),
        ("max_minutes = -5", "max_minutes is -5; it must be at least 0"),
        ("max_minutes = inf", "max_minutes is inf; it must be at least 0, and finite"),
        ("weight_decay = -1", "weight_decay is -1; it must be at least 0"),
        ("dice = -0.5", "dice is -0.5; it must be at least 0"),
        ("ema = 1.5", "ema is 1.5; it must be from 0 to 1"),
        ("paste = 5", "paste is 5; it must be from 0 to 1"),
        ("occlude = nan", "occlude is nan; it must be from 0 to 1"),
        ("limit_pictures = -3", "limit_pictures is -3; it must be at least 0"),
        ("preview_every = -1", "preview_every is -1; it must be at least 0"),
        ("seed = -1", "seed is -1; it must be at least 0"),
        ("weights = {mine = -1}", "weights is {'mine': -1}; each must be at least 0"),
        ("sizes = [[0.5, 64]]", "must begin at progress 0.0"),
        ("sizes = [[0.0, 64], [0.6, 96], [0.3, 128]]", "and rise"),
        ("sizes = [[0.0, 50]]", "multiple of 32"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, message: str) -> None:
    (tmp_path / "a.toml").write_text(line)
    with pytest.raises(ValueError, match=message):
        load_config(tmp_path / "a.toml", {})
    assert main(["train", "--config", str(tmp_path / "a.toml")]) == 1
    assert line.split(" ", maxsplit=1)[0] in capsys.readouterr().err


def test_every_setting_is_documented() -> None:
    """Each field of TrainConfig has a row in docs/training.md that names its default."""
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", DOCS.read_text(), re.MULTILINE))
    for setting in fields(TrainConfig):
        assert setting.name in rows, setting.name
        value = getattr(TrainConfig(), setting.name)
        if isinstance(value, str | int | float):
            assert rows[setting.name] == f"`{json.dumps(value)}`", setting.name
    assert set(rows) == {setting.name for setting in fields(TrainConfig)}


def test_donors_are_the_sets_named_or_else_all(tmp_path: Path) -> None:
    config = replace(TINY, data=str(draw_set(tmp_path)), source="pictures")
    named = replace(config, donors=("shapes", "elsewhere"))
    for each in (config, named):
        source = start_source(each, World(), training_pictures(each))
        assert isinstance(source, PictureSource)
        assert source.sampler.mixing.donors == ("shapes",)


def test_features_are_repeated_for_each_prompt_with_channels_last() -> None:
    features = torch.rand(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    several = repeated(features, 2)
    assert torch.equal(several, features.repeat_interleave(2, 0))
    assert several.is_contiguous(memory_format=torch.channels_last)
