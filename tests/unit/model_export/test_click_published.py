"""RITM and FocalClick: the authors' checkpoints against plain arithmetic on their tensors, and as graphs."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from model_export.export.click_graphs import COARSE_INPUTS, coarse_onnx, refine_inputs, refine_onnx
from model_export.export.click_parity import onnx_graph
from model_export.export.graphs import serialised
from model_export.export.parity import iou
from model_export.export.weights import fold_batch_norm
from model_export.models.checkpoint import CheckpointError, fit
from model_export.models.click_network import ClickNetwork
from model_export.models.click_published import (
    CLICK_PUBLISHED,
    has_layout,
    hrnet_tensors,
    load_click_published,
    load_click_tensors,
)
from model_export.models.focal_click import REFINE_RADIUS, Grown
from model_export.models.ocr import SPARE
from model_export.models.ritm import RITM_SIZES, Ritm
from tests.unit.model_export import click_reference as plain
from tests.unit.model_export.click_checkpoints import focal_hrnet, focal_segformer, ritm, saved
from tests.unit.model_export.random_checkpoints import Tensors

S = 256
RITM_SIDE = 160  # for speed; the bundle's is 400
B0 = ((32, 64, 160, 256), (2, 2, 2, 2), 256)
B3 = ((64, 128, 320, 512), (3, 4, 18, 3), 512)
SMALL = "ritm-hrnet18s-itm"
FOCAL = ("focalclick-segformer-b0-s1", "focalclick-segformer-b0-s2", "focalclick-hrnet18s-s1", "focalclick-hrnet18s-s2")
# MiB of the published files, as the authors' lists of models say (RITM's and ClickSEG's README).
PUBLISHED_MB = {
    "ritm-hrnet18s-itm": 16.5, "ritm-hrnet18-itm": 38.8, "ritm-hrnet32-itm": 119, "focalclick-segformer-b0-s1": 14.38,
    "focalclick-segformer-b0-s2": 14.38, "focalclick-segformer-b3-s2": 174.56, "focalclick-hrnet18s-s1": 16.58,
    "focalclick-hrnet18s-s2": 16.58,
}  # fmt: skip


@cache
def checkpoint(name: str) -> Tensors:
    if name.startswith("ritm"):
        size = RITM_SIZES[name]
        return ritm(size.width, size.context, small=size.small, seed=3)
    if "hrnet" in name:
        return focal_hrnet(18, 48, small=True, seed=5)
    return focal_segformer(*(B3 if "-b3-" in name else B0), seed=7)


@cache
def network(name: str) -> ClickNetwork:
    if name != SMALL:
        return load_click_tensors(name, checkpoint(name)).eval().requires_grad_(False)
    model = Ritm(RITM_SIZES[SMALL], RITM_SIDE).eval().requires_grad_(False)
    fit(model, {key: value for key, value in hrnet_tensors(checkpoint(name)).items() if SPARE not in key}, name)
    return model


def drawn(size: int, number: int) -> tuple[Tensor, Tensor, Tensor]:
    """pixels uint8 [1, S, S, 3], clicks [1, 2, S, S], previous mask [1, 1, S, S]: discs of colour, clicked."""
    random = np.random.default_rng(number)
    ys, xs = np.mgrid[:size, :size]
    rgb = np.stack([xs, ys, (xs + ys) // 2], -1) * 255 // size
    previous = np.zeros((size, size), np.float32)
    for k in range(4):
        (x, y), radius = random.uniform(0.2, 0.8, 2) * size, random.uniform(0.1, 0.3) * size
        inside = (xs - x) ** 2 + (ys - y) ** 2 < radius**2
        rgb[inside] = random.integers(0, 256, 3)
        previous[inside] = k % 2
    disks = np.zeros((2, size, size), np.float32)
    for k, (x, y) in enumerate(random.uniform(0.1, 0.9, (3 + number, 2)) * size):
        disks[k % 2][(xs + 0.5 - x) ** 2 + (ys + 0.5 - y) ** 2 <= 9] = 1
    picture = torch.from_numpy(rgb.astype(np.uint8))
    return picture[None], torch.from_numpy(disks)[None], torch.from_numpy(previous * (number > 0))[None, None]


def refine_case(name: str, number: int) -> tuple[Tensor, ...]:
    """Inputs of the refinement with what the coarse stage says."""
    model = network(name)
    logits, features = model.coarse(*drawn(S, number))
    pixels, clicks, _ = drawn(S, number + 10)
    box = [(31.5, 40, 200.25, 190), (0, 0, 256, 256), (100, 7, 140, 60)][number % 3]
    return pixels, clicks, logits, features, torch.tensor([box], dtype=torch.float32)


@pytest.mark.parametrize("name", [SMALL, *FOCAL])
def test_coarse_stage_is_the_authors_arithmetic(name: str) -> None:
    size = RITM_SIDE if name == SMALL else S
    pixels, clicks, previous = drawn(size, 1)
    answer = copy.deepcopy(network(name).coarse).double()(pixels, clicks.double(), previous.double())
    logits, _ = authors_coarse(name, pixels, clicks, previous)
    assert float(logits.std()) > 0.01
    torch.testing.assert_close(answer[0], logits, rtol=1e-5, atol=1e-5)


def authors_coarse(name: str, pixels: Tensor, clicks: Tensor, previous: Tensor) -> tuple[Tensor, Tensor]:
    t, size = plain.doubles(checkpoint(name)), plain.size_of(clicks)
    x, maps = plain.normalised(pixels), torch.cat([previous, clicks], 1).double()
    if name.endswith("-s1"):
        x, maps = plain.aligned(x, (size[0] // 2, size[1] // 2)), plain.aligned(maps, (size[0] // 2, size[1] // 2))
    logits, features = plain.hrnet(t, x, maps, small=True) if "hrnet" in name else plain.segformer(t, x, maps)
    return plain.aligned(logits, size), features


@pytest.mark.parametrize("name", FOCAL)
def test_refinement_is_the_authors_arithmetic(name: str) -> None:
    pixels, clicks, logits, features, box = refine_case(name, 0)
    model = network(name)
    answer = copy.deepcopy(model.refine).double()(pixels, clicks.double(), logits.double(), features.double(), box)
    authors_logits, authors_features = authors_coarse(name, *drawn(S, 0))
    grow = REFINE_RADIUS - int(model.disk_radius)
    disks = Grown(grow)(clicks) if grow else clicks
    wanted = plain.refined(plain.doubles(checkpoint(name)), pixels, disks, authors_features, authors_logits, box[0])
    assert float(wanted.std()) > 0.01
    torch.testing.assert_close(answer, wanted, rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize("name", [SMALL, "focalclick-segformer-b0-s2"])
def test_graphs_answer_as_torch(name: str) -> None:
    model = copy.deepcopy(network(name))
    fold_batch_norm(model)
    assert not [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    coarse, program = onnx_graph(serialised(coarse_onnx(model)), 1), refine_onnx(model)
    refine = onnx_graph(serialised(program), 1) if program else None
    for number in range(3):
        inputs = drawn(model.input_size, number)
        got = coarse(dict(zip(COARSE_INPUTS, (each.numpy() for each in inputs), strict=True)))
        compare(network(name).coarse(*inputs)[0], got["logits"])
        if refine:
            case = refine_case(name, number)
            got = refine(dict(zip(refine_inputs(model), (each.numpy() for each in case), strict=True)))
            compare(network(name).refine(*case), got["logits"])  # type: ignore[misc]


def compare(wanted: Tensor, got: np.ndarray) -> None:
    reference = wanted.numpy()
    middle = float(np.median(reference))  # a cut that half of the picture is above
    assert iou(reference > middle, got > middle) >= 0.999
    assert np.abs(reference - got).max() <= 1e-3 * np.ptp(reference)


@pytest.mark.parametrize("name", PUBLISHED_MB)
def test_the_published_layouts_fit(name: str) -> None:
    tensors = checkpoint(name)
    same = {other for other in CLICK_PUBLISHED if has_layout(other, tensors)}
    assert same == {other for other in CLICK_PUBLISHED if other[:-3] == name[:-3]}
    size = sum(value.numel() * value.element_size() for value in tensors.values()) / 2**20
    assert size <= PUBLISHED_MB[name] <= 1.03 * size  # the names and the archive's own part are the rest


def test_shapes_that_the_bundle_states_are_the_networks() -> None:
    for name in FOCAL:
        model = network(name)
        logits, features = model.coarse(*drawn(S, 0))
        assert logits.shape[1:] == (1, *model.coarse_shape)
        assert features.shape[1:] == model.feature_shapes["features"]
        assert model.refine is not None
        assert model.refine(*refine_case(name, 0)).shape[1:] == (1, *(model.refine_shape or ()))


@pytest.mark.parametrize("radius", [2, 3])
def test_grown_disks_are_nearly_those_of_the_refinement(radius: int) -> None:
    ys, xs = np.mgrid[:64, :64] + 0.5
    ious = []
    for x, y in np.random.default_rng(0).uniform(20, 44, (50, 2)):
        distance = (xs - x) ** 2 + (ys - y) ** 2
        clicks = torch.from_numpy(np.stack([distance <= radius**2] * 2)[None].astype(np.float32))
        grown = Grown(REFINE_RADIUS - radius)(clicks)[0, 0].numpy()
        assert set(np.unique(grown)) == {0, 1}
        ious.append(iou(grown > 0, distance <= REFINE_RADIUS**2))
    assert min(ious) > 0.88
    assert np.mean(ious) > 0.94


def put(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


def test_the_authors_file_is_read(tmp_path: Path) -> None:
    told = {"use_disks": True, "norm_radius": 5, "with_prev_mask": True, "use_leaky_relu": True, "width": 18}
    path = put(tmp_path / "coco_lvis_h18s_itermask.pth", saved(checkpoint(SMALL), "isegm.HRNetModel", **told))
    model = load_click_published(SMALL, path)
    assert not model.training
    state = network(SMALL).state_dict()
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


def test_stages_are_told_apart_by_the_files_own_words(tmp_path: Path) -> None:
    path = put(tmp_path / "b0.pth", saved(checkpoint(FOCAL[0]), "isegm.SegFormerModel", pipeline_version="s1"))
    assert load_click_published("focalclick-segformer-b0-s1", path).disk_radius == 3
    with pytest.raises(CheckpointError, match=r"not a checkpoint of .*-s2: its configuration says pipeline_version"):
        load_click_published("focalclick-segformer-b0-s2", path)
    maps = put(tmp_path / "maps.pth", saved(checkpoint(SMALL), "isegm.HRNetModel", use_disks=False, norm_radius=260))
    with pytest.raises(CheckpointError, match="its configuration says use_disks = False, not True"):
        load_click_published(SMALL, maps)


def without(name: str, key: str) -> Tensors:
    return {other: value for other, value in checkpoint(name).items() if other != key}


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        (without(SMALL, "maps_transform.2.bias"), r"1 of .* missing \(coarse.network.maps.out.bias\)"),
        (
            without(SMALL, "feature_extractor.ocr_distri_head.object_context_block.f_pixel.0.weight"),
            r"1 of .* missing \(spare.f_pixel.0.weight\)",
        ),
        (checkpoint(SMALL) | {"feature_extractor.stage5.0.weight": torch.ones(1)}, r"1 do not belong to it"),
        (
            checkpoint(SMALL) | {"maps_transform.0.weight": torch.ones(16, 2, 1, 1)},
            r"maps.mix.weight has shape \[16, 2, 1, 1\], not \[16, 3, 1, 1\]",
        ),
        (checkpoint(SMALL) | {"feature_extractor.cls_head.bias": torch.tensor([float("nan")])}, "not finite"),
        (checkpoint("ritm-hrnet18-itm"), r"It is one of ritm-hrnet18-itm\."),
        (checkpoint(FOCAL[2]), r"It is one of focalclick-hrnet18s-s1 or focalclick-hrnet18s-s2\."),
    ],
)
def test_other_tensors_are_refused_with_what_differs(tensors: Tensors, message: str) -> None:
    with pytest.raises(CheckpointError, match=f"ritm-hrnet18s-itm.*{message}"):
        load_click_tensors(SMALL, tensors)


def test_damaged_and_foreign_files_are_refused(tmp_path: Path) -> None:
    whole = put(tmp_path / "whole.pth", saved(checkpoint(SMALL), "isegm.HRNetModel")).read_bytes()
    (tmp_path / "cut.pth").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "random.pth").write_bytes(np.random.default_rng(0).bytes(5000))
    put(tmp_path / "objects.pth", {"state_dict": checkpoint(SMALL), "config": {"class": Path("isegm")}})
    for name, message in {
        "cut": "cut short|damaged", "random": "not a file that torch.save wrote", "objects": "Python objects",
        "none": "is not a file",
    }.items():  # fmt: skip
        with pytest.raises(CheckpointError, match=message):
            load_click_published(SMALL, tmp_path / f"{name}.pth")
