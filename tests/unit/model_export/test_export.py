"""A tiny training run, its export, its verification: the whole way from pictures to a served bundle."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save

from model_export.arguments import BUNDLE
from model_export.cli import main
from model_export.data.readers import read_sets
from model_export.evaluate.loop import evaluate_bundle
from model_export.evaluate.results import Probe
from model_export.export.build import LEAST_PROBES, UNCALIBRATED, calibration_of, export_bundle, open_bundle
from model_export.export.bundle_writer import Contents, lay_out
from model_export.export.examples import ASKED, HEIGHT
from model_export.export.identity import identity_of
from model_export.export.parity import parity_report
from model_export.export.pictures import SAMPLES
from model_export.export.weights import dump_weights, fold_batch_norm, load_bundle_weights
from model_export.models.lite import SegserveLite
from model_export.train.loop import train
from server.domain.ports import DecoderInputs, LoadedBundle
from server.errors import BundleError
from server.runtime.onnx import OnnxBackend
from server.runtime.torch_backend import TorchBackend
from tests.unit.model_export.drawn_set import draw_set
from tests.unit.model_export.test_evaluation_figures import RESULT
from tests.unit.model_export.test_training import TINY

SIZE = SegserveLite.input_size


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("work")
    draw_set(root / "data")
    train(replace(TINY, data=str(root / "data"), out=str(root / "run"), steps=2))
    return root


@pytest.fixture(scope="module")
def bundle(work: Path) -> LoadedBundle:
    return export_bundle("segserve-lite", work / "run" / "last.pt", work / "bundle", work / "data", evaluate=False)


def test_bundle_keeps_the_contract(bundle: LoadedBundle) -> None:
    manifest = open_bundle(Path(bundle.directory)).manifest
    roles = {entry.role for entry in manifest.files.values()}
    assert {"encoder", "decoder", "encoder_torch", "weights", "golden", "card", "parity"} <= roles
    assert sum(entry.bytes for entry in manifest.files.values()) < 12e6
    wire = sum(int(np.prod(tensor.shape)) for tensor in manifest.embedding)
    assert {tensor.wire_dtype for tensor in manifest.embedding} == {"int8"}
    assert wire <= 512 * 1024
    assert manifest.parity["passed"]
    assert str(Path(__file__).parents[3]).encode() not in (Path(bundle.directory) / "encoder.pt2").read_bytes()
    assert set(manifest.parity["cases"]) >= {"point", "box", "box_negative_point", "mask_prompt", "padding", "batch"}


def test_damage_is_found(bundle: LoadedBundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(bundle.directory, copy)
    data = bytearray((copy / "decoder.onnx").read_bytes())
    data[1000] ^= 1
    (copy / "decoder.onnx").write_bytes(data)
    with pytest.raises(BundleError, match=r"decoder\.onnx"):
        open_bundle(copy)
    assert main(["verify", str(copy)]) == 1
    assert "decoder.onnx" in capsys.readouterr().err


def test_verify_names_what_differs_in_the_weights_of_another_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = open_bundle(BUNDLE)
    contents: Contents = {
        name: (entry.role, (BUNDLE / name).read_bytes()) for name, entry in source.manifest.files.items()
    }
    strange = save({"encoder.strange": torch.zeros(2)}, {"network": source.manifest.id})
    lay_out(tmp_path, contents | {"weights.safetensors": ("weights", strange)}, source.manifest)
    assert main(["verify", str(tmp_path)]) == 1
    assert "encoder.strange" in capsys.readouterr().err


def test_parity_fails_for_graphs_of_other_weights(bundle: LoadedBundle, work: Path) -> None:
    other = SegserveLite().eval()
    fold_batch_norm(other)
    directory = work / "other"
    directory.mkdir()
    for name in bundle.manifest.files:
        (directory / name).write_bytes((Path(bundle.directory) / name).read_bytes())
    (directory / "weights.safetensors").write_bytes(dump_weights(other, "segserve-lite"))
    report = parity_report(LoadedBundle(bundle.manifest, str(directory)), work / "data", count=1)
    assert not report["passed"]


def test_padding_points_change_nothing(bundle: LoadedBundle) -> None:
    decoder = OnnxBackend(1).load_decoder(bundle)
    rng = np.random.default_rng(0)
    embedding = {
        tensor.name: rng.standard_normal((1, *tensor.shape)).astype(np.float32) for tensor in bundle.manifest.embedding
    }
    grid = bundle.manifest.decoder.mask_height
    none = np.zeros((1, 1, grid, grid), np.float32), np.zeros(1, np.float32)
    coords, labels = rng.uniform(0, SIZE, (1, 2, 2)).astype(np.float32), np.ones((1, 2), np.float32)
    plain = decoder.decode(embedding, DecoderInputs(coords, labels, *none))
    padded = DecoderInputs(
        np.pad(coords, ((0, 0), (0, 5), (0, 0))), np.pad(labels, ((0, 0), (0, 5)), constant_values=-1), *none
    )
    answer = decoder.decode(embedding, padded)
    np.testing.assert_allclose(answer.low_res_masks, plain.low_res_masks, atol=1e-4)
    np.testing.assert_allclose(answer.iou_predictions, plain.iou_predictions, atol=1e-5)


def test_padding_of_the_picture_is_masked_in_the_graph(bundle: LoadedBundle) -> None:
    encoder = OnnxBackend(1).load_encoder(bundle)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (1, SIZE, SIZE, 3), dtype=np.uint8)
    other = pixels.copy()
    other[:, 200:] = 255 - other[:, 200:]
    other[:, :, 300:] = 7
    valid = np.array([[200, 300]])
    a, b = encoder.encode(pixels, valid)[0], encoder.encode(other, valid)[0]
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])


def test_exported_program_runs_with_the_bundles_weights(bundle: LoadedBundle) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3), dtype=np.uint8)
    valid = np.array([[SIZE, 256], [100, SIZE]])
    got = TorchBackend("cpu", threads=1).load_encoder(bundle).encode(pixels, valid)
    wanted = OnnxBackend(1).load_encoder(bundle).encode(pixels, valid)
    for row in range(2):
        for name, reference in wanted[row].items():
            scale = float(np.abs(reference).max())
            np.testing.assert_allclose(got[row][name] / scale, reference / scale, atol=1e-3)


def test_evaluation_runs_the_shipped_graphs(
    bundle: LoadedBundle, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = list(evaluate_bundle(bundle, read_sets(work / "data", "val"), objects=1, max_clicks=3))
    assert len(results) == 2
    for result in results:
        assert 1 <= len(result.curve) <= 3
        assert all(0 <= value <= 1 for value in (*result.curve, result.box, result.first_best_of_three))
        assert result.first_best_of_three >= result.curve[0]
    out = work / "curves.json"
    assert main(["evaluate", "--bundle", bundle.directory, "--data", str(work / "data"), "--out", str(out)]) == 0
    assert "| shapes |" in capsys.readouterr().out
    assert len(json.loads(out.read_text())) >= 2


def test_export_measures_and_the_card_tells(work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint = str(work / "run" / "last.pt")
    arguments = ["export", "--model", "segserve-lite", "--checkpoint", checkpoint, "--out", str(tmp_path / "mine")]
    assert main([*arguments, "--data", str(work / "data"), "--id", "mine"]) == 0
    assert "2 of 2 pictures" in capsys.readouterr().err
    manifest = open_bundle(tmp_path / "mine").manifest
    assert set(manifest.accuracy) == {"shapes", "all"}
    card = (tmp_path / "mine" / "MODEL_CARD.md").read_text()
    assert f"| {manifest.accuracy['all']['box_iou']:.3f} |" in card
    assert all(column in card for column in ("never 95", "boundary F, 5 clicks", "ECE"))


def test_export_leaves_out_what_cannot_be_read(work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(work / "data", tmp_path / "data")
    held_out = read_sets(tmp_path / "data", "val")
    data = held_out[0].path.read_bytes()
    held_out[0].path.write_bytes(data[: len(data) // 2])
    arguments = ["export", "--model", "segserve-lite", "--checkpoint", str(work / "run" / "last.pt")]
    assert main([*arguments, "--data", str(tmp_path / "data"), "--out", str(tmp_path / "mine")]) == 0
    assert f"left out: {held_out[0].path}" in capsys.readouterr().err
    manifest = open_bundle(tmp_path / "mine").manifest
    assert manifest.accuracy["all"]["objects"] <= 2
    assert manifest.calibration == UNCALIBRATED  # from so few clicks nothing is concluded
    missing = [*arguments[:-1], str(tmp_path / "none.pt"), "--out", str(tmp_path / "other")]
    assert main(missing) == 1
    assert "not exported" in capsys.readouterr().err


def test_calibration_needs_enough_clicks() -> None:
    sure = Probe((0.9, 0.4, 0.3), (0.95, 0.5, 0.5), (0.9, 0.3, 0.2))
    few = [replace(RESULT, probe=sure)] * (LEAST_PROBES - 1)
    assert calibration_of([]) == calibration_of(few) == UNCALIBRATED
    found = calibration_of([*few, replace(RESULT, probe=sure)])
    assert (found.pred_iou_thresh, found.stability_score_thresh) != (0.7, 0.9)


def test_examples_are_the_samples_with_masks_drawn_in(bundle: LoadedBundle) -> None:
    sheet = cv2.imread(str(Path(bundle.directory) / "examples.jpg"))
    assert sheet is not None
    samples = [cv2.imread(str(SAMPLES / f"{name}.jpg")) for name in ASKED]
    scaled = [cv2.resize(x, (round(x.shape[1] * HEIGHT / x.shape[0]), HEIGHT)) for x in samples if x is not None]
    plain = np.hstack(scaled)
    assert sheet.shape == plain.shape
    changed = (np.abs(sheet.astype(int) - plain).max(-1) > 60).mean()
    assert 0.001 < changed < 0.9
    assert "](examples.jpg)" in (Path(bundle.directory) / "MODEL_CARD.md").read_text()


def test_checkpoint_of_another_model_is_refused(work: Path, tmp_path: Path) -> None:
    state = torch.load(work / "run" / "last.pt", weights_only=True)
    state["model_name"] = "another"
    torch.save(state, tmp_path / "x.pt")
    with pytest.raises(ValueError, match="another"):
        export_bundle("segserve-lite", tmp_path / "x.pt", tmp_path / "out", None)
    assert not (tmp_path / "out").exists()


def test_a_bundle_of_ones_own_has_its_name_and_says_what_it_came_from(work: Path, tmp_path: Path) -> None:
    tuned = replace(
        TINY, data=str(work / "data"), out=str(tmp_path / "run"), steps=1, start_from=str(BUNDLE), freeze="encoder"
    )
    checkpoint = train(tuned)
    arguments = ["export", "--model", "segserve-lite", "--checkpoint", str(checkpoint), "--out", str(tmp_path / "mine")]
    arguments += ["--data", str(work / "data"), "--id", "mine", "--title", "My shapes", "--license", "CC0"]
    assert main([*arguments, "--no-accuracy"]) == 0
    made, origin = open_bundle(tmp_path / "mine").manifest, open_bundle(BUNDLE).manifest
    assert (made.id, made.title, made.license) == ("mine", "My shapes", "CC0")
    card = (tmp_path / "mine" / "MODEL_CARD.md").read_text()
    assert card.startswith("# mine\n")
    begun = f"fine-tuned from segserve-lite (revision {origin.revision}, decoder only)"
    assert begun in card
    assert begun in made.source
    assert "1 steps, 0 minutes on a CPU in one process" in card
    assert "by set: shapes (4)" in card
    weights = load_bundle_weights(made.id, tmp_path / "mine" / "weights.safetensors").state_dict()
    for name, value in load_bundle_weights(origin.id, BUNDLE / "weights.safetensors").state_dict().items():
        assert name.startswith("decoder.") or torch.equal(value, weights[name])
    again = replace(tuned, start_from=str(tmp_path / "mine"), out=str(tmp_path / "again"), freeze="")
    assert torch.load(train(again), weights_only=True)["origin"]["id"] == "mine"


def test_the_default_model_is_the_one_of_that_name_from_the_projects_pictures() -> None:
    state: dict[str, Any] = {"step": 2000, "seconds": 1800.0, "runs": 2, "training": {"pictures": {"ecssd": 5}}}
    default = identity_of("segserve-lite", state, None, None, None)
    assert (default.id, default.title) == ("segserve-lite", "Segserve Lite")
    assert "research-only" in default.pictures
    assert "2,000 steps, 30 minutes on a CPU in one process, the mean of 2 runs" in default.training
    named = identity_of("segserve-lite", state, "other", None, None)
    assert (named.title, named.license, named.source.split(";")[0]) == (
        "other", "not stated", "model_export, trained from random initialisation"
    )  # fmt: skip
    own = identity_of("segserve-lite", state | {"training": {"pictures": {"ecssd": 5, "mine": 1}}}, None, None, None)
    assert own.pictures.startswith("Training pictures, by set: ecssd (5), mine (1).")


@pytest.mark.parametrize(
    ("name", "revision", "known"),
    [
        ("segserve-lite", "fb100375dbc680a1", True),  # embedded once
        ("segserve-lite", "", True),  # now
        ("segserve-clicks", "", True),
        ("segserve-lite", "0123456789abcdef", False),  # somebody's own under its name
        ("mine", "fb100375dbc680a1", False),
    ],
)
def test_the_default_terms_are_for_what_began_with_an_embedded_bundle_alone(
    name: str, revision: str, known: bool
) -> None:
    origin = {"id": name, "revision": revision or open_bundle(BUNDLE.parent / name).manifest.revision}
    state: dict[str, Any] = {"step": 9, "seconds": 60.0, "origin": origin, "training": {"pictures": {"ecssd": 5}}}
    found = identity_of("segserve-lite", state, None, None, None)
    assert found.license.startswith("Apache-2.0" if known else "not stated")
    assert ("research-only" in found.pictures) == known
