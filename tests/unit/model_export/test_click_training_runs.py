"""Training of click models: runs on a drawn set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from model_export.export.weights import averaged
from model_export.models.clicks import SegserveClicks
from model_export.train import click_loop, click_source
from model_export.train.click_loop import Drafts
from model_export.train.config import TrainConfig
from model_export.train.loop import train
from model_export.train.run import CHECKPOINT
from tests.unit.model_export.drawn_set import draw_set

LITE = Path(__file__).parents[3] / "server" / "bundles" / "segserve-lite"
CLICKS = LITE.parent / "segserve-clicks"
TINY = TrainConfig(
    model="segserve-clicks", steps=3, sizes=((0.0, 64),), pictures=2, max_rounds=((0.0, 3),), warmup=1, log_every=1,
    save_every=1, preview_every=0,
)  # fmt: skip


def test_a_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    draw_set(tmp_path / "data")
    whole = replace(TINY, data=str(tmp_path / "data"), out=str(tmp_path / "whole"), drafts=str(LITE))
    parts = replace(whole, out=str(tmp_path / "parts"))
    train(whole)
    train(parts, stop_after=2)
    train(parts)
    one, other = (torch.load(Path(c.out) / CHECKPOINT, weights_only=True) for c in (whole, parts))
    assert one["step"] == other["step"] == 3
    assert all(torch.equal(value, other["ema"][name]) for name, value in one["ema"].items())


def test_it_begins_with_the_encoder_of_a_promptable_bundle(tmp_path: Path) -> None:
    draw_set(tmp_path / "data")
    config = replace(TINY, data=str(tmp_path / "data"), out=str(tmp_path / "out"), steps=1, start_from=str(LITE))
    state = torch.load(train(config), weights_only=True)
    assert state["origin"]["id"] == "segserve-lite"
    theirs = {k.removeprefix("encoder."): v for k, v in load_file(LITE / "weights.safetensors").items()}
    for name in ("stage4.0.0.weight", "stage32.5.qkv.weight"):
        got, given = state["ema"][f"coarse.backbone.{name}"], theirs[name].float()
        assert torch.nn.functional.cosine_similarity(got.flatten(), given.flatten(), 0) > 0.99


def test_a_frozen_coarse_stage_stays_as_it_was_to_the_bit(tmp_path: Path) -> None:
    draw_set(tmp_path / "data")
    config = replace(TINY, data=str(tmp_path / "data"), out=str(tmp_path / "out"), start_from=str(CLICKS))
    state = torch.load(train(replace(config, freeze="encoder")), weights_only=True)
    tuned = averaged("segserve-clicks", tmp_path / "out" / CHECKPOINT, SegserveClicks).state_dict()
    before = load_file(CLICKS / "weights.safetensors")
    changed = {name.split(".")[0] for name, value in before.items() if not torch.equal(tuned[name], value.float())}
    assert changed == {"refine"}
    coarse = {name: value for name, value in state["model"].items() if name.startswith("coarse.")}
    assert all(torch.equal(state["ema"][name], value) for name, value in coarse.items())
    assert not any(coarse[name] for name in coarse if name.endswith("num_batches_tracked"))
    assert any(value for name, value in state["model"].items() if name.endswith("num_batches_tracked"))


def test_a_promptable_bundle_has_no_coarse_stage_to_freeze(tmp_path: Path) -> None:
    draw_set(tmp_path / "data")
    config = replace(TINY, data=str(tmp_path / "data"), out=str(tmp_path / "out"), start_from=str(LITE))
    with pytest.raises(ValueError, match="of kind promptable and has no coarse stage"):
        train(replace(config, freeze="encoder"))


def test_guidance_is_cut_and_stays_cut(tmp_path: Path) -> None:
    draw_set(tmp_path / "data")
    config = replace(
        TINY, data=str(tmp_path / "data"), out=str(tmp_path / "out"), guidance="none", start_from=str(LITE)
    )
    weights = torch.load(train(config), weights_only=True)["ema"]
    assert not weights["coarse.like8.weight"].any()
    model = SegserveClicks().eval()
    model.load_state_dict(weights)
    pixels, mask = torch.rand(1, 256, 256, 3) * 255, torch.zeros(1, 1, 256, 256)
    clicks = torch.zeros(1, 2, 256, 256)
    clicks[:, 0, 100:120, 100:120] = 1
    with torch.no_grad():
        logits, _ = model.coarse(pixels, clicks, mask)
        torch.nn.init.normal_(model.coarse.likeness.project.weight)
        assert torch.equal(model.coarse(pixels, clicks, mask)[0], logits)
        torch.nn.init.normal_(model.coarse.like8.weight)
        assert not torch.equal(model.coarse(pixels, clicks, mask)[0], logits)


def test_a_promptable_model_has_no_guidance_to_cut(tmp_path: Path) -> None:
    draw_set(tmp_path / "data")
    with pytest.raises(ValueError, match="leave it out"):
        train(replace(TINY, model="segserve-lite", data=str(tmp_path / "data"), out=str(tmp_path), guidance="none"))


def test_the_device_source_is_refused(tmp_path: Path) -> None:
    draw_set(tmp_path / "data")
    with pytest.raises(ValueError, match="draws its samples on the CPU"):
        train(replace(TINY, data=str(tmp_path / "data"), out=str(tmp_path / "out"), source="device"))


def test_drafts_are_asked_for_in_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw_set(tmp_path / "data")
    config = replace(TINY, data=str(tmp_path / "data"), out=str(tmp_path / "out"), steps=1, drafts=str(LITE))
    asked: list[tuple[int, ...]] = []
    answer = Drafts.answer

    def counted(self: Drafts, pixels: np.ndarray, click: tuple[int, int, bool]) -> np.ndarray:
        asked.append(pixels.shape)
        return answer(self, pixels, click)

    monkeypatch.setattr(Drafts, "answer", counted)
    monkeypatch.setattr(click_loop, "DRAFTED", 1)
    monkeypatch.setattr(click_source, "LOOPED", 1)
    train(config)
    assert len(asked) == 2
    with pytest.raises(ValueError, match="of kind interactive; it must be a promptable bundle"):
        train(replace(config, out=str(tmp_path / "other"), drafts=str(CLICKS)))
