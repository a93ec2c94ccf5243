"""A published checkpoint on its way to a served bundle: a small SAM through every step, its answers against torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from safetensors.numpy import load_file

from model_export.arguments import PUBLISHED_NAMES
from model_export.cli import main
from model_export.export import pictures
from model_export.export import published as export
from model_export.export.build import open_bundle
from model_export.export.cases import decoder_cases
from model_export.export.parity import LIMITS, compare_case, parity_report, torch_decode
from model_export.export.weights import load_bundle_weights
from model_export.models.published import PUBLISHED, Published, load_tensors
from model_export.models.sam import Sam, VitSize, sam_config
from model_export.models.sam_layout import network_tensors
from model_export.models.vit_encoder import VitEncoder
from server.domain.geometry import InputFrame
from server.domain.masks import upsample_mask
from server.domain.ports import DecoderOutputs, Float32, LoadedBundle
from server.runtime.images import prepare_pixels
from server.runtime.onnx import OnnxBackend
from server.runtime.torch_backend import TorchBackend
from tests.unit.model_export.random_checkpoints import sam_vit

NAME = "small-sam"
SIZE = VitSize(hidden_size=64, layers=3, heads=2, global_layers=(1,))
SIDE = 320


def make() -> Sam:
    config = sam_config(SIZE, SIDE)
    return Sam(config, VitEncoder(config.vision_config))


@pytest.fixture(scope="module")
def known() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        entry = Published(
            "Small SAM", "For a test.", "Apache-2.0", "nowhere", make, network_tensors, lambda tensors: False
        )
        patch.setitem(PUBLISHED, NAME, entry)
        yield entry


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("published") / "small.pth"
    torch.save(sam_vit(SIZE.hidden_size, SIZE.layers, SIZE.heads, SIZE.global_layers, grid=SIDE // 16, seed=4), path)
    return path


@pytest.fixture(scope="module")
def bundle(known: Published, checkpoint: Path) -> LoadedBundle:
    steps: list[str] = []
    made = export.export_published(NAME, checkpoint, checkpoint.parent / NAME, say=steps.append)
    assert len(steps) > 4
    return made


def test_the_bundle_is_whole(bundle: LoadedBundle, checkpoint: Path) -> None:
    manifest = open_bundle(Path(bundle.directory)).manifest
    roles = {entry.role for entry in manifest.files.values()}
    assert {"encoder", "encoder_torch", "decoder", "decoder_fp16", "weights", "golden", "card", "parity"} <= roles
    assert manifest.preprocessing.resize == "longest_side"
    assert manifest.embedding[0].wire_dtype == "float16"
    assert (manifest.decoder.mask_height, manifest.decoder.mask_width) == (SIDE // 4, SIDE // 4)
    assert manifest.speed is not None
    assert checkpoint.name in manifest.source
    assert sorted(path.name for path in checkpoint.parent.iterdir()) == [NAME, checkpoint.name]
    report = json.loads((Path(bundle.directory) / "parity.json").read_text())
    for role, told in report["variants"].items():
        assert told.get("kept", True) == (manifest.file_for(role) is not None)


def test_the_weights_lie_on_disk_once(bundle: LoadedBundle) -> None:
    directory = Path(bundle.directory)
    graph = onnx.load(directory / "encoder.onnx", load_external_data=False).graph
    outside = [t for t in graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]
    places = {entry.key: entry.value for tensor in outside for entry in tensor.external_data}
    assert places["location"] == "weights.safetensors"
    weights = load_file(directory / "weights.safetensors")
    large = [
        name for name, value in weights.items() if name.startswith("encoder.") and value.ndim == 2 and value.size > 9999
    ]
    assert len(outside) >= len(large)
    assert (directory / "encoder.onnx").stat().st_size < 0.5 * (directory / "weights.safetensors").stat().st_size


def drawn(width: int, height: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Discs on a slope of colour."""
    ys, xs = np.mgrid[:height, :width]
    rgb = np.stack([xs * 255 // width, ys * 255 // height, (xs + ys) * 255 // (width + height)], -1)
    for k, colour in enumerate(((230, 30, 40), (20, 200, 60), (250, 240, 90))):
        inside = (xs - width * (k + 1) / 4) ** 2 + (ys - height / 2) ** 2 < (min(width, height) / 4) ** 2
        rgb[inside] = colour
    return rgb.astype(np.uint8)


def maps_of(outputs: DecoderOutputs) -> Float32:
    """[B * M, h, w]"""
    maps: Float32 = outputs.low_res_masks.reshape(-1, *outputs.low_res_masks.shape[2:])
    return maps


@pytest.mark.parametrize(("width", "height"), [(1, 1), (400, 100), (90, 360), (5000, 250), (320, 320), (321, 7)])
def test_pictures_of_every_size_agree_with_torch(
    bundle: LoadedBundle, known: Published, width: int, height: int
) -> None:
    manifest = bundle.manifest
    model = load_bundle_weights(NAME, Path(bundle.directory) / "weights.safetensors")
    rgb = drawn(width, height)
    pixels, valid = prepare_pixels(rgb, manifest.preprocessing)
    picture = pictures.TestPicture(
        "drawn", InputFrame.of(width, height, "longest_side", SIDE), pixels[None], np.array([valid]), None
    )
    backend = OnnxBackend(1)
    got = backend.load_encoder(bundle).encode(picture.pixels, picture.valid_size)[0]
    wanted = model.encoder(torch.from_numpy(picture.pixels), torch.from_numpy(picture.valid_size))[0].numpy()
    assert np.abs(got["image_embeddings"] - wanted).max() / np.abs(wanted).max() < LIMITS["encoder_relative"]
    decoder = backend.load_decoder(bundle)
    mask = np.ones((height, width), bool)
    mask[height // 2 :, width // 2 :] = width * height == 1
    exact = {"image_embeddings": wanted}
    for name, case in decoder_cases(decoder, exact, picture.frame, mask, (SIDE // 4, SIDE // 4)).items():
        reference, answer = torch_decode(model, exact, case), decoder.decode(got, case)
        found = compare_case(reference, answer, picture, 0.0)
        assert found["logits_relative"] < LIMITS["logits_relative"], name
        for a, b in zip(maps_of(reference), maps_of(answer), strict=True):
            one, other = upsample_mask(a, picture.frame, 0.0), upsample_mask(b, picture.frame, 0.0)
            union = np.count_nonzero(one | other)
            # The limit on IoU, except that one pixel, which may be more than a thousandth of a tiny mask, may differ.
            assert np.count_nonzero(one ^ other) <= max(1, (1 - LIMITS["mask_iou"]) * union), name
        assert found["score"] < LIMITS["score"], name


def test_the_exported_program_encodes_the_same(bundle: LoadedBundle) -> None:
    pixels, valid = prepare_pixels(drawn(300, 200), bundle.manifest.preprocessing)
    inputs = np.stack([pixels, pixels]), np.array([valid, valid])
    in_torch = TorchBackend("cpu").load_encoder(bundle).encode(*inputs)
    in_onnx = OnnxBackend(1).load_encoder(bundle).encode(*inputs)
    for a, b in zip(in_torch, in_onnx, strict=True):
        wanted = b["image_embeddings"]
        assert np.abs(a["image_embeddings"] - wanted).max() / np.abs(wanted).max() < LIMITS["encoder_relative"]


def test_swapped_weights_fail_parity(bundle: LoadedBundle, known: Published, tmp_path: Path) -> None:
    """The report would notice graphs of other weights."""
    other = tmp_path / "other.pth"
    torch.save(sam_vit(SIZE.hidden_size, SIZE.layers, SIZE.heads, SIZE.global_layers, grid=SIDE // 16, seed=9), other)
    model = load_tensors(NAME, torch.load(other))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("model_export.export.parity.load_bundle_weights", lambda name, path: model.eval())
        assert not parity_report(bundle, None, 1)["passed"]


def test_a_variant_that_changes_the_masks_is_left_out() -> None:
    good = {"mask_iou_mean": 0.999, "mask_iou_min": 0.97}
    report: dict[str, Any] = {"variants": {"encoder_int8": {**good, "mask_iou_mean": 0.98}, "decoder_fp16": dict(good)}}
    assert export.dropped(report) == ["encoder_int8"]
    assert [told["kept"] for told in report["variants"].values()] == [False, True]


def test_a_checkpoint_of_one_s_own_has_no_licence_but_its_owner_s(known: Published, checkpoint: Path) -> None:
    own = export.published_identity(NAME, checkpoint, "my-cells", None, None)
    assert (own.id, own.title, own.license) == ("my-cells", "my-cells", "not stated")
    authors = export.published_identity(NAME, checkpoint, None, None, None)
    assert (authors.id, authors.title, authors.license) == (NAME, known.title, "Apache-2.0")


def test_a_wrong_checkpoint_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "in" / "wrong.pth"
    path.parent.mkdir()
    torch.save({"weight": torch.ones(3)}, path)
    out = tmp_path / "out" / "mobile-sam"
    assert main(["export", "--model", "mobile-sam", "--checkpoint", str(path), "--out", str(out)]) == 1
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith("not exported: this is not a checkpoint of mobile-sam")
    assert not out.parent.exists() or not list(out.parent.iterdir())


def test_the_command_knows_every_published_network() -> None:
    assert set(PUBLISHED_NAMES) == set(PUBLISHED) - {NAME}
