"""What a training step shows the decoder: simulated prompts, and features as they are served."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model_export.train.prompts import CENTRED, first_prompts, next_clicks
from model_export.train.step import as_stored
from server.domain.quantisation import dequantise, quantise


def test_first_prompts_lie_in_the_mask_or_around_it() -> None:
    rng = np.random.default_rng(0)
    mask = np.zeros((1, 16, 16), np.float32)
    mask[0, 4:8, 6:10] = 1
    box = np.array([[24, 16, 40, 32]], np.float32)
    kinds = set()
    for _ in range(60):
        coords, labels = first_prompts(rng, mask, box, 64)
        (point, low, high), (label, first, second) = coords[0].numpy(), labels[0].tolist()
        kinds.add((label, first))
        if label == 1:
            assert mask[0, int(point[1] // 4), int(point[0] // 4)] == 1
        if first == 2:
            assert second == 3
            assert (low < high).all()
            assert (low >= 0).all()
            assert (high <= 64).all()
    assert kinds == {(1.0, -1.0), (-1.0, 2.0), (1.0, 2.0)}


def test_boxes_are_exact_near_or_rough() -> None:
    masks = np.ones((3000, 16, 16), np.float32)
    boxes = np.tile(np.array([[24, 16, 44, 36]], np.float32), (3000, 1))
    coords, labels = first_prompts(np.random.default_rng(0), masks, boxes, 64)
    off = (coords[:, 1] - torch.tensor([24.0, 16.0]))[labels[:, 1] == 2]
    assert float((off == 0).float().mean()) == pytest.approx(0.4, abs=0.05)
    expected = (0.4 * 0.03**2 + 0.2 * 0.1**2) ** 0.5 * 20  # of a side of 20
    assert float(off.std()) == pytest.approx(expected, rel=0.1)


def test_next_clicks_correct_the_error() -> None:
    rng = np.random.default_rng(0)
    truth = np.zeros((2, 16, 16), np.float32)
    truth[:, 4:12, 4:12] = 1
    logits = np.where(truth, 5.0, -5.0).astype(np.float32)
    logits[1, :, 4:8] = -5.0
    for _ in range(20):
        coords, labels = next_clicks(rng, logits, truth, new_point=1.0)
        assert labels[0, 0] == -1  # nothing to correct
        assert labels[1, 0] == 1
        x, y = (coords[1, 0] / 4).int().tolist()
        assert 4 <= x < 8
        assert 4 <= y < 12


def test_the_first_click_of_a_round_is_mostly_at_the_centre_of_the_larger_error() -> None:
    rng = np.random.default_rng(0)
    truth = np.zeros((400, 16, 16), np.float32)
    truth[:, 2:11, 2:11] = 1  # 81 cells missed, their deeper half 25
    coords, _ = next_clicks(rng, np.full_like(truth, -5.0), truth, new_point=1.0, count=3)
    central = ((coords / 4).int() - 6).abs().amax(-1) <= 2
    assert float(central[:, 0].float().mean()) == pytest.approx(CENTRED + (1 - CENTRED) * 25 / 81, abs=0.06)
    assert float(central[:, 1].float().mean()) < 0.5


def test_features_are_rounded_as_they_are_served_and_the_gradient_passes() -> None:
    feature = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    feature[1, 2] = 0
    rounded = as_stored(feature.requires_grad_())
    for row in range(2):
        expected = dequantise(*quantise(feature[row : row + 1].detach().numpy()))
        np.testing.assert_allclose(rounded[row : row + 1].detach().numpy(), expected, atol=1e-6)
    rounded.sum().backward()  # type: ignore[no-untyped-call]
    assert feature.grad is not None
    assert (feature.grad == 1).all()
