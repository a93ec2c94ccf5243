"""Fine-tuning: training that begins with a bundle's weights."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model_export.arguments import BUNDLE
from model_export.export.weights import load_bundle_weights, load_checkpoint
from model_export.train.distributed import World
from model_export.train.loop import train
from model_export.train.run import start_run
from server.errors import BundleError
from tests.unit.model_export.drawn_set import draw_set
from tests.unit.model_export.test_training import tiny


def test_decoder_only_leaves_the_encoder_as_it_was_to_the_bit(tmp_path: Path) -> None:
    draw_set(tmp_path / "data")
    config = replace(tiny(tmp_path, "run"), steps=2, start_from=str(BUNDLE), freeze="encoder")
    checkpoint = train(config)
    tuned = load_checkpoint("segserve-lite", checkpoint).state_dict()
    before = load_bundle_weights("segserve-lite", BUNDLE / "weights.safetensors").state_dict()
    changed = {name for name, value in before.items() if not torch.equal(tuned[name], value)}
    assert {name.split(".")[0] for name in changed} == {"decoder"}
    assert len(changed) > 20
    state = torch.load(checkpoint, weights_only=True)
    assert state["origin"]["id"] == "segserve-lite"
    assert all(torch.equal(state["ema"][n], v) for n, v in state["model"].items() if n.startswith("encoder."))


def test_all_weights_learn_and_a_resumed_run_needs_the_bundle_no_more(tmp_path: Path) -> None:
    draw_set(tmp_path / "data")
    bundle = shutil.copytree(BUNDLE, tmp_path / "bundle")
    config = replace(tiny(tmp_path, "run"), steps=2, start_from=str(bundle))
    begun = start_run(config, World())
    start = {name: value.clone() for name, value in begun.model.state_dict().items()}
    train(config, stop_after=1)
    shutil.rmtree(bundle)
    state = torch.load(train(config), weights_only=True)
    assert state["step"] == 2
    assert state["origin"]["id"] == "segserve-lite"
    changed = {name.split(".")[0] for name, value in state["model"].items() if not torch.equal(value, start[name])}
    assert changed == {"encoder", "decoder"}


def test_a_bundle_without_torch_weights_or_with_a_wrong_hash(tmp_path: Path) -> None:
    config = replace(tiny(tmp_path, "run"), data=str(draw_set(tmp_path / "data")), start_from=str(tmp_path / "bundle"))
    shutil.copytree(BUNDLE, tmp_path / "bundle")
    text = (BUNDLE / "bundle.json").read_text()
    (tmp_path / "bundle" / "bundle.json").write_text(text.replace('"role": "weights"', '"role": "other"'))
    with pytest.raises(ValueError, match="does not keep its torch weights"):
        start_run(config, World())
    (tmp_path / "bundle" / "bundle.json").write_text(text)
    (tmp_path / "bundle" / "weights.safetensors").write_bytes(b"another")
    with pytest.raises(BundleError, match=r"weights\.safetensors"):
        start_run(config, World())
