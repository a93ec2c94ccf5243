"""Faulty masks: their IoU to the true one, that a seed says all, and that each kind does what its name says."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_export.data.faulty_masks import (
    CHANCES,
    KINDS,
    Scene,
    carry_on,
    depths,
    faulty_mask,
    hollow,
    iou,
    island,
    leak,
)
from tests.unit.model_export.fake_predictor import disk

SHAPE = (96, 128)


def random_object(seed: int, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """One to three disks that may overlap or lie apart, cut off by the picture's edge where they reach it."""
    rng = np.random.default_rng(seed)
    height, width = shape
    parts = [
        disk(width, height, rng.uniform(0, width), rng.uniform(0, height), rng.uniform(3, 40))
        for _ in range(rng.integers(1, 4))
    ]
    return np.logical_or.reduce(parts)


def scene_of(truth: np.ndarray, pixels: np.ndarray | None = None) -> Scene:
    return Scene(truth, depths(truth), float(np.sqrt(truth.sum())), pixels)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(0.75, 0.85), (0.6, 0.9), (0.3, 0.4), (0.94, 0.97)]))
def test_the_iou_is_in_the_range_and_a_seed_says_all(seed: int, bounds: tuple[float, float]) -> None:
    truth = random_object(seed)
    if not truth.any():
        return
    pixels = np.random.default_rng(seed).integers(0, 256, (*SHAPE, 3)).astype(np.uint8)
    found = faulty_mask(np.random.default_rng(seed), truth, *bounds, pixels=pixels)
    assert (found.dtype, found.shape) == (np.dtype(bool), SHAPE)
    if truth.sum() > 60:
        assert bounds[0] <= iou(truth, found) <= bounds[1]
    again = faulty_mask(np.random.default_rng(seed), np.asfortranarray(truth) * np.uint8(7), *bounds, pixels=pixels)
    np.testing.assert_array_equal(again, found)


@pytest.mark.parametrize("size", [3, 4, 5, 6, 8, 20])
@pytest.mark.parametrize("seed", range(6))
def test_objects_of_a_few_pixels_meet_the_range_too(size: int, seed: int) -> None:
    truth = np.zeros((20, 20), bool)
    truth[10, :size] = True
    assert 0.75 <= iou(truth, faulty_mask(np.random.default_rng(seed), truth)) <= 0.85


def test_a_mask_of_the_whole_picture_loses_a_part_and_nothing_stays_nothing() -> None:
    whole = np.ones((40, 30), bool)
    for seed in range(10):
        assert 0.75 <= iou(whole, faulty_mask(np.random.default_rng(seed), whole)) <= 0.85
    assert not faulty_mask(np.random.default_rng(0), ~whole).any()
    single = np.zeros((9, 9), np.uint8)
    single[4, 4] = 1
    assert faulty_mask(np.random.default_rng(0), single).any()


@pytest.mark.parametrize("bounds", [(0.85, 0.75), (0.0, 0.5), (0.5, 1.0), (0.8, 0.8)])
def test_a_range_that_is_none_is_refused(bounds: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="is no range"):
        faulty_mask(np.random.default_rng(0), np.ones((4, 4), bool), *bounds)


def test_most_masks_miss_something_many_hold_too_much_and_none_is_like_another() -> None:
    truth = disk(128, 96, 60, 50, 25)
    found = [faulty_mask(np.random.default_rng(seed), truth) for seed in range(60)]
    assert sum(bool((truth & ~mask).any()) for mask in found) > 30
    assert sum(bool((mask & ~truth).any()) for mask in found) > 30
    assert len({mask.tobytes() for mask in found}) == 60
    assert max(np.mean([iou(a, b) for b in found if b is not a]) for a in found) < 0.9


def test_each_kind_turns_right_pixels_wrong_and_keeps_to_its_iou() -> None:
    truth = disk(128, 96, 60, 50, 25)
    assert sum(CHANCES) == pytest.approx(1)
    for kind in KINDS:
        found = truth.copy()
        carry_on(found, kind(np.random.default_rng(1), scene_of(truth)), scene_of(truth), 0.9)
        assert iou(truth, found) == pytest.approx(0.9, abs=0.002), kind.__name__


def test_an_island_lies_apart_and_what_follows_colour_ends_where_the_colour_does() -> None:
    truth = disk(128, 96, 60, 50, 25)
    apart = truth.copy()
    carry_on(apart, island(np.random.default_rng(3), scene_of(truth)), scene_of(truth), 0.93)
    assert cv2.connectedComponents(apart.astype(np.uint8))[0] == 3
    # Left half of the picture one colour, right half another: a leak or a hole begins on one side and stays there.
    pixels = np.full((*SHAPE, 3), 30, np.uint8)
    pixels[:, 60:] = (200, 90, 160)
    for kind in (leak, hollow):
        for seed in range(8):
            found = truth.copy()
            carry_on(found, kind(np.random.default_rng(seed), scene_of(truth, pixels)), scene_of(truth), 0.85)
            wrong = found ^ truth
            left = wrong[:, :60].sum() / wrong.sum()
            assert left < 0.1 or left > 0.9, (kind.__name__, seed, left)
