"""A published checkpoint of FocalClick on its way to a bundle, and the bundle in the loop that the server runs."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest
import torch

from model_export.arguments import CLICK_PUBLISHED_NAMES
from model_export.cli import main
from model_export.export.build import open_bundle
from model_export.export.command import run_verify
from model_export.export.weights import kept
from model_export.models import make_click_network
from model_export.models.click_published import CLICK_PUBLISHED, load_click_tensors
from server.domain.catalogue import CATALOGUE
from server.domain.click_maps import Click
from server.domain.click_state import ClickState
from server.domain.crops import Pyramid
from server.domain.ports import LoadedBundle
from server.runtime.click_loop import ClickLoop
from server.runtime.click_stages import OnnxStages
from server.runtime.onnx import OnnxBackend
from tests.unit.model_export.click_checkpoints import focal_hrnet, ritm, saved
from tests.unit.model_export.test_click_published import drawn

NAME = "focalclick-hrnet18s-s1"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights as the authors save them; the logits are moved so that half of a picture is mask."""
    tensors = focal_hrnet(18, 48, small=True, seed=5)
    model = load_click_tensors(NAME, tensors).eval()
    with torch.no_grad():
        logits, _ = model.coarse(*drawn(256, 1))
    scale = 4 / logits.std()
    tensors["feature_extractor.cls_head.weight"] *= scale
    tensors["feature_extractor.cls_head.bias"] = (tensors["feature_extractor.cls_head.bias"] - logits.median()) * scale
    path = tmp_path_factory.mktemp("click-published") / "hrnet18s_s1.pth"
    torch.save(saved(tensors, "isegm.model.is_hrnet_model.HRNetModel", pipeline_version="s1", width=18), path)
    return path


@pytest.fixture(scope="module")
def bundle(checkpoint: Path) -> LoadedBundle:
    out = checkpoint.parent / NAME
    assert main(["export", "--model", NAME, "--checkpoint", str(checkpoint), "--out", str(out)]) == 0
    return open_bundle(out)


def test_the_bundle_is_whole(bundle: LoadedBundle, checkpoint: Path) -> None:
    manifest = bundle.manifest
    assert (manifest.id, manifest.kind, manifest.title) == (NAME, "interactive", "FocalClick HRNet18s-S1")
    assert manifest.license == "MIT"
    assert checkpoint.name in manifest.source
    rules = manifest.interactive
    assert (manifest.preprocessing.size, rules.disk_radius) == (256, 2)
    assert (rules.coarse_height, rules.refine_height) == (256, 256)
    assert [(each.name, each.shape) for each in rules.features] == [("features", (32, 32, 32))]
    for case in manifest.parity["cases"].values():
        assert case["mask_iou"] >= 0.999
    card = (Path(bundle.directory) / "MODEL_CARD.md").read_text()
    assert f"The weights of {checkpoint.name}, converted without loss." in card
    assert sorted(path.name for path in checkpoint.parent.iterdir()) == [NAME, checkpoint.name]


def test_its_weights_open_as_the_network_and_parity_is_recomputed(
    bundle: LoadedBundle, capsys: pytest.CaptureFixture[str]
) -> None:
    model = kept(NAME, Path(bundle.directory) / "weights.safetensors", make_click_network)
    assert isinstance(model, type(CLICK_PUBLISHED[NAME].make()))
    assert run_verify(argparse.Namespace(bundle=Path(bundle.directory), data=Path("nowhere"))) == 0
    assert "parity holds" in capsys.readouterr().out


def test_the_loop_runs_it(bundle: LoadedBundle) -> None:
    loop = ClickLoop(OnnxStages(bundle, OnnxBackend(1)), bundle.manifest.interactive, 256)
    picture = Pyramid(drawn(300, 2)[0][0].numpy())
    state, areas = ClickState.empty(300, 300), []
    for x, y, positive in ((150, 150, True), (40, 60, False), (220, 90, True)):
        state = loop.click(picture, state, Click(x + 0.5, y + 0.5, positive)).state
        areas.append(float(np.mean(state.mask)))
    assert 0.01 < max(areas) < 0.99
    assert len(set(areas)) == 3


def test_a_wrong_checkpoint_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "ritm.pth", tmp_path / "out" / NAME
    torch.save(saved(ritm(18, 48, small=True), "isegm.HRNetModel"), path)
    assert main(["export", "--model", NAME, "--checkpoint", str(path), "--out", str(out)]) == 1
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith(f"not exported: this is not a checkpoint of {NAME}")
    assert told.endswith("It is one of ritm-hrnet18s-itm.")
    assert not out.exists()


def test_the_command_knows_every_published_network() -> None:
    assert set(CLICK_PUBLISHED_NAMES) == set(CLICK_PUBLISHED)
    assert {known.id for known in CATALOGUE if known.kind == "interactive"} <= set(CLICK_PUBLISHED)
    text = (Path(__file__).parents[3] / "docs" / "models.md").read_text()
    assert [name for name in CLICK_PUBLISHED if f"| `{name}` |" not in text] == []
