"""SimpleClick against plain arithmetic on the authors' tensors, a small ViT for speed; its published layout."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path

import pytest
import torch

from model_export.export.click_graphs import COARSE_INPUTS, coarse_onnx
from model_export.export.click_parity import onnx_graph
from model_export.export.graphs import serialised
from model_export.models.checkpoint import CheckpointError, fit
from model_export.models.click_published import has_layout, load_click_published
from model_export.models.ocr import SPARE
from model_export.models.simple_click import (
    SIZE,
    SimpleClick,
    ViTSize,
    joined,
    simple_click_spare,
    simple_click_tensors,
    windows,
)
from tests.unit.model_export import click_reference as plain
from tests.unit.model_export.click_checkpoints import saved, simple_click
from tests.unit.model_export.random_checkpoints import Tensors
from tests.unit.model_export.test_click_published import compare, drawn

NAME = "simpleclick-vit-b"
SMALL = ViTSize(width=48, depth=4, heads=4, whole=2)


@cache
def checkpoint() -> Tensors:
    return simple_click(SMALL.width, SMALL.depth, seed=2)


@cache
def network() -> SimpleClick:
    model = SimpleClick(SMALL).eval().requires_grad_(False)
    fit(model, {key: value for key, value in simple_click_tensors(checkpoint()).items() if SPARE not in key}, "small")
    return model


def test_it_is_the_authors_arithmetic() -> None:
    pixels, clicks, previous = drawn(SIZE, 1)
    (answer,) = copy.deepcopy(network().coarse).double()(pixels, clicks.double(), previous.double())
    maps = torch.cat([previous, clicks], 1).double()
    logits = plain.simple_click(plain.doubles(checkpoint()), plain.normalised(pixels), maps, SMALL.heads, SMALL.whole)
    assert float(logits.std()) > 0.01
    torch.testing.assert_close(answer, plain.aligned(logits, (SIZE, SIZE)), rtol=1e-5, atol=1e-5)


def test_windows_are_squares_of_the_grid_and_come_back() -> None:
    places = torch.arange(28 * 28.0).view(1, -1, 1).expand(2, -1, 3)
    first = windows(places)[0, :, 0].view(14, 14)
    assert torch.equal(first, torch.arange(28 * 28.0).view(28, 28)[:14, :14])
    assert torch.equal(joined(windows(places)), places)


def test_its_graph_answers_as_torch() -> None:
    graph = onnx_graph(serialised(coarse_onnx(network())), 1)
    for number in range(3):
        inputs = drawn(SIZE, number)
        got = graph(dict(zip(COARSE_INPUTS, (each.numpy() for each in inputs), strict=True)))
        compare(network().coarse(*inputs)[0], got["logits"])


def test_the_published_layout_fits() -> None:
    tensors = simple_click(768, 12)
    assert has_layout(NAME, tensors)
    assert not has_layout(NAME, {**tensors, "backbone.pos_embed": torch.zeros(1, 197, 768)})
    assert not has_layout(NAME, {key: value for key, value in tensors.items() if key != "head.up_conv2.3.bias"})
    names = {SPARE + key for key in tensors}
    assert simple_click_spare(768).keys() <= names


def test_a_file_with_the_authors_loss_object_is_refused(tmp_path: Path) -> None:
    """Their configuration holds the loss as an object: such a file is not opened."""
    path = tmp_path / "cocolvis_vit_base.pth"
    head = {"channels": 256, "loss_decode": torch.nn.CrossEntropyLoss()}
    torch.save(saved(checkpoint(), "isegm.PlainVitModel", head_params=head), path)
    with pytest.raises(CheckpointError, match=r"holds Python objects beside its tensors.*save its state dict alone"):
        load_click_published(NAME, path)
