"""A click model's checkpoint -> bundle, and what holds the bundle to it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from safetensors.numpy import load

from model_export.arguments import BUNDLE
from model_export.cli import main
from model_export.evaluate.results import Evaluation, ModelResults
from model_export.export.build import open_bundle
from model_export.export.click_parity import GOLDEN_TENSORS
from model_export.export.command import run_verify
from model_export.export.interactive import export_interactive, results_of, verify_interactive
from model_export.export.weights import kept
from model_export.models import make_click_network
from model_export.models.clicks import SegserveClicks
from model_export.train.loop import train
from server.domain.click_maps import Click
from server.domain.click_state import ClickState
from server.domain.crops import Pyramid
from server.domain.ports import LoadedBundle
from server.errors import BundleError
from server.runtime.click_loop import ClickLoop
from server.runtime.click_stages import OnnxStages
from server.runtime.onnx import OnnxBackend
from server.services.click_golden import check_click_golden
from tests.unit.model_export.drawn_set import draw_set
from tests.unit.model_export.test_click_training_runs import TINY
from tests.unit.model_export.test_evaluation_figures import PROTOCOL, RESULT


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run of two steps; the head is scaled, so that masks are neither empty nor full."""
    root = tmp_path_factory.mktemp("clicks")
    draw_set(root / "data")
    path = train(replace(TINY, data=str(root / "data"), out=str(root / "run"), steps=2))
    state = torch.load(path, weights_only=True)
    model = SegserveClicks().eval()
    model.load_state_dict(state["ema"])
    generator = torch.Generator().manual_seed(1)
    blobs = torch.nn.functional.interpolate(torch.rand(1, 3, 12, 12, generator=generator) * 255, (256, 256))
    pixels = blobs.permute(0, 2, 3, 1).to(torch.uint8)
    clicks, nothing = torch.zeros(1, 2, 256, 256), torch.zeros(1, 1, 256, 256)
    with torch.no_grad():
        logits, _ = model.coarse(pixels, clicks, nothing)
        state["ema"]["coarse.out.weight"] *= 4 / logits.std()
        state["ema"]["coarse.out.bias"] -= logits.median()
        state["ema"]["coarse.out.bias"] *= 4 / logits.std()
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def bundle(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> LoadedBundle:
    out = tmp_path_factory.mktemp("bundle") / "segserve-clicks"
    data = checkpoint.parents[1] / "data"
    return export_interactive("segserve-clicks", checkpoint, out, data, evaluate=False)


def test_its_files_and_its_manifest(bundle: LoadedBundle) -> None:
    manifest = open_bundle(Path(bundle.directory)).manifest
    assert manifest.kind == "interactive"
    assert manifest.interactive.coarse_height == 64
    assert manifest.interactive.refine_height == 128
    assert [each.name for each in manifest.interactive.features] == ["features"]
    assert manifest.parity["passed"]
    assert manifest.parity["cases"]["refine"]["mask_iou"] >= 0.999
    assert manifest.parity["pictures"] > 0
    card = (Path(bundle.directory) / "MODEL_CARD.md").read_text()
    assert "interactive" in card
    assert "Not measured" in card
    with pytest.raises(BundleError, match="no decoder"):
        _ = manifest.decoder


def test_torch_and_the_served_graphs_agree_over_a_session(bundle: LoadedBundle) -> None:
    model = kept("segserve-clicks", Path(bundle.directory) / "weights.safetensors", make_click_network)
    assert isinstance(model, SegserveClicks)

    class TorchStages:
        refines = True

        def coarse(self, pixels, clicks, previous_mask):  # type: ignore[no-untyped-def]
            with torch.no_grad():
                logits, features = model.coarse(*map(torch.from_numpy, (pixels, clicks, previous_mask)))
            return logits.numpy(), {"features": features.numpy()}

        def refine(self, pixels, clicks, coarse_logits, features, focus_box):  # type: ignore[no-untyped-def]
            parts = (pixels, clicks, coarse_logits, features["features"], focus_box)
            with torch.no_grad():
                return model.refine(*map(torch.from_numpy, parts)).numpy()

    rng = np.random.default_rng(4)
    picture = Pyramid(np.kron(rng.integers(0, 256, (12, 16, 3)), np.ones((30, 30, 1))).astype(np.uint8))
    rules = bundle.manifest.interactive
    for flip in (False, True):
        loops = [ClickLoop(s, rules, 256, flip=flip) for s in (OnnxStages(bundle, OnnxBackend(1)), TorchStages())]
        states = [ClickState.empty(480, 360)] * 2
        areas = []
        for number in range(5):
            click = Click(float(rng.uniform(0, 480)), float(rng.uniform(0, 360)), number % 2 == 0)
            states = [loop.click(picture, state, click).state for loop, state in zip(loops, states, strict=True)]
            a, b = (state.mask for state in states)
            assert np.count_nonzero(a & b) >= 0.999 * np.count_nonzero(a | b)
            areas.append(a.mean())
        assert 0.01 < max(areas) < 0.99


def test_its_golden_vectors_hold(bundle: LoadedBundle) -> None:
    data = (Path(bundle.directory) / "golden.safetensors").read_bytes()
    report = check_click_golden(data, bundle.manifest, OnnxStages(bundle, OnnxBackend(1)))
    assert report.cases == 2
    assert report.mask_iou > 0.999
    golden = load(data)
    assert golden["coarse.previous_mask"].any()
    assert golden["coarse.clicks"].any()
    assert set(golden) == {f"{stage}.{name}" for stage, names in GOLDEN_TENSORS.items() for name in names}


def test_verify_finds_a_changed_weight(
    bundle: LoadedBundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import argparse

    assert run_verify(argparse.Namespace(bundle=Path(bundle.directory), data=Path("nowhere"))) == 0
    assert "parity holds" in capsys.readouterr().out
    copy = tmp_path / "copy"
    shutil.copytree(bundle.directory, copy)
    graph = onnx.load(copy / "coarse.onnx")
    for node in graph.graph.initializer:
        if node.name.endswith("out.weight"):
            node.CopyFrom(onnx.numpy_helper.from_array(-onnx.numpy_helper.to_array(node), node.name))
    onnx.save(graph, copy / "coarse.onnx")
    changed = LoadedBundle(bundle.manifest, str(copy))
    assert not verify_interactive(changed, None)["passed"]


def test_what_was_measured_before_is_taken_over(bundle: LoadedBundle, checkpoint: Path, tmp_path: Path) -> None:
    data = checkpoint.parents[1] / "data"
    asked = ["evaluate", "--bundle", f"prompt={BUNDLE}", f"segserve-clicks={bundle.directory}", "--data", str(data)]
    refined = ["--refine", "refine=prompt", "segserve-clicks", "--limit", "1"]
    assert main([*asked, *refined, "--out", str(tmp_path / "found.json")]) == 0
    measured = export_interactive(
        "segserve-clicks", checkpoint, tmp_path / "again", data, measured_in=tmp_path / "found.json"
    )
    assert measured.manifest.accuracy["all"]["objects"] == 2
    card = (Path(measured.directory) / "MODEL_CARD.md").read_text()
    assert "Measured on 1 pictures of the split `val`, at most 1 of each set, by the graphs" in card
    coarse = [(Path(each.directory) / "coarse.onnx").read_bytes() for each in (measured, bundle)]
    assert coarse[0] == coarse[1]
    with pytest.raises(ValueError, match="no results of mine alone"):
        export_interactive(
            "segserve-clicks",
            checkpoint,
            tmp_path / "mine",
            data,
            bundle_id="mine",
            measured_in=tmp_path / "found.json",
        )


@pytest.mark.parametrize(
    ("protocol", "about", "message"),
    [
        ({"max_clicks": 3}, {}, "max_clicks 3, not 20"),
        ({"objects": 5}, {}, "objects 5, not 2"),
        ({"ritm_clicks": True}, {}, "ritm_clicks True, not False"),
        (
            {},
            {"score_slope": None},
            "does not say whether the scores of segserve-clicks were scaled: evaluate its draft",
        ),
        ({}, {"score_slope": 0.8}, r"scaled already \(slope 0.8, offset 0\): evaluate a draft"),
        ({}, {"score_offset": -1.5}, r"scaled already \(slope 1, offset -1.5\): evaluate a draft"),
    ],
)
def test_only_what_an_export_would_have_measured_is_taken_over(
    tmp_path: Path, protocol: dict[str, Any], about: dict[str, Any], message: str
) -> None:
    told = {"id": "segserve-clicks", "kind": "interactive", "score_slope": 1.0, "score_offset": 0.0, "options": []}
    told = {name: value for name, value in (told | about).items() if value is not None}
    model = ModelResults("clicks", told, (RESULT,))
    evaluation = Evaluation(PROTOCOL | {"max_clicks": 20, "objects": 2, "ritm_clicks": False} | protocol, {}, (model,))
    evaluation.save(tmp_path / "found.json")
    with pytest.raises(ValueError, match=message):
        results_of(tmp_path / "found.json", "segserve-clicks")


def test_a_checkpoint_of_another_network_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    state = torch.load(checkpoint, weights_only=True)
    torch.save(state | {"model_name": "other"}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match="checkpoint of 'other'"):
        export_interactive("segserve-clicks", tmp_path / "other.pt", tmp_path / "out", None, evaluate=False)
    assert not (tmp_path / "out").exists()
    assert json.dumps(sorted(p.name for p in tmp_path.iterdir())) == '["other.pt"]'
