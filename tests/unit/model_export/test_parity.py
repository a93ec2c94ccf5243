"""What a parity report looks at and what makes it fail, on the bundles that come with Segserve."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_export.arguments import BUNDLE
from model_export.cli import main
from model_export.export.build import open_bundle
from model_export.export.bundle_writer import Contents, lay_out
from model_export.export.click_cases import Graph, Inputs
from model_export.export.click_parity import click_parity, onnx_graph
from model_export.export.graphs import encoder_program
from model_export.export.parity import difference, largest, parity_report, smallest
from model_export.export.weights import kept, load_bundle_weights
from model_export.models import make_click_network
from model_export.models.click_network import ClickNetwork
from server.domain.ports import DecoderInputs, DecoderOutputs, LoadedBundle, Tensors
from server.runtime.onnx import OnnxDecoder, OnnxEncoder
from tests.unit.model_export.drawn_set import draw_set

CLICKS = BUNDLE.parent / "segserve-clicks"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_set(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def nothing_held_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_set(tmp_path_factory.mktemp("train"), val=0)


@pytest.fixture(scope="module")
def stages() -> tuple[ClickNetwork, dict[str, Graph]]:
    model = kept("segserve-clicks", CLICKS / "weights.safetensors", make_click_network)
    return model, {stage: onnx_graph(str(CLICKS / f"{stage}.onnx"), 1) for stage in ("coarse", "refine")}


def test_the_exported_program_itself_is_run(data: Path, tmp_path: Path) -> None:
    bundle = open_bundle(BUNDLE)
    report = parity_report(bundle, data, count=1)
    assert report["passed"]
    assert 0 <= report["encoder_torch_relative"] < 1e-4
    model = load_bundle_weights("segserve-lite", BUNDLE / "weights.safetensors")
    model.encoder.std.mul_(1.1)  # type: ignore[operator, union-attr]  # no weight, so it is part of the program
    shutil.copytree(BUNDLE, tmp_path / "other")
    (tmp_path / "other" / "encoder.pt2").write_bytes(encoder_program(model))
    report = parity_report(LoadedBundle(bundle.manifest, str(tmp_path / "other")), data, count=1)
    assert report["encoder_relative"] < 1e-3 < report["encoder_torch_relative"]
    assert not report["passed"]


def test_verify_says_what_is_wrong_with_the_exported_program(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = open_bundle(BUNDLE).manifest
    contents: Contents = {name: (entry.role, (BUNDLE / name).read_bytes()) for name, entry in manifest.files.items()}
    lay_out(tmp_path, contents | {"encoder.pt2": ("encoder_torch", b"no program")}, manifest)
    assert main(["verify", str(tmp_path), "--data", str(data)]) == 1
    assert "not verified: encoder.pt2 of segserve-lite could not be loaded" in capsys.readouterr().err


def test_what_is_no_number_is_the_worst() -> None:
    assert math.isnan(largest(1.0, math.nan))
    assert math.isnan(smallest(1.0, math.nan))
    assert (largest(1.0, 2.0), smallest(1.0, 2.0)) == (2.0, 1.0)
    exact = {"a": np.ones(3, np.float32), "b": np.array([1, -4, 2], np.float32)}
    assert difference(exact, {"a": exact["a"] + 0.5, "b": exact["b"] - 1}) == 0.5
    assert math.isnan(difference(exact, {"a": exact["a"], "b": np.array([1, np.nan, 2], np.float32)}))


def test_scores_that_are_no_numbers_fail(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of one case on the last of two pictures."""
    encode, decode, encoded = OnnxEncoder.encode, OnnxDecoder.decode, []

    def counted(self: OnnxEncoder, *inputs: Any) -> list[Tensors]:
        encoded.append(inputs)
        return encode(self, *inputs)

    def broken(self: OnnxDecoder, embedding: Tensors, inputs: DecoderInputs) -> DecoderOutputs:
        answer = decode(self, embedding, inputs)
        wrong = len(encoded) == 2 and len(answer.iou_predictions) > 1
        return replace(answer, iou_predictions=answer.iou_predictions * np.float32(math.nan if wrong else 1))

    monkeypatch.setattr(OnnxEncoder, "encode", counted)
    monkeypatch.setattr(OnnxDecoder, "decode", broken)
    report = parity_report(open_bundle(BUNDLE), data, count=2)
    assert len(encoded) == 2
    assert math.isnan(report["cases"]["batch"]["score"])
    assert report["cases"]["point"]["score"] < 1e-3
    assert not report["passed"]


def test_logits_of_a_stage_that_are_no_numbers_fail(data: Path, stages: tuple[ClickNetwork, dict[str, Graph]]) -> None:
    model, graphs = stages

    def refine(inputs: Inputs) -> dict[str, np.ndarray]:
        return {name: value * np.float32(np.nan) for name, value in graphs["refine"](inputs).items()}

    assert click_parity(model, graphs, data, count=1)["passed"]
    report = click_parity(model, graphs | {"refine": refine}, data, count=1)
    assert math.isnan(report["cases"]["refine"]["logits_relative"])
    assert not report["passed"]


def test_the_pages_samples_do_where_nothing_is_held_out(
    nothing_held_out: Path, stages: tuple[ClickNetwork, dict[str, Graph]]
) -> None:
    records = json.loads((nothing_held_out / "shapes" / "annotations.json").read_text())["images"]
    assert {record["split"] for record in records} == {"train"}
    assert parity_report(open_bundle(BUNDLE), nothing_held_out, count=1)["pictures"] == 1
    assert click_parity(*stages, nothing_held_out, count=1)["pictures"] == 1
