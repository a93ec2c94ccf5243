"""The interactive loop against vectors that are spelt out in plain loops (tests/golden/generate_clicks.py), and its
promises over random pictures, masks and clicks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from server.domain.bundle import Interactive
from server.domain.click_maps import Click, draw_disks, standing, superseded
from server.domain.click_state import ClickState
from server.domain.crops import Crop, Pyramid, around, halved, mask_box
from server.domain.ports import Float32, UInt8
from server.runtime.click_loop import ClickLoop, Features, calibrated, expected_iou
from server.runtime.components import component_at

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "click_loop.json").read_text())
RULES = Interactive(coarse_height=16, coarse_width=16, refine_height=16, refine_width=16)
SIZE = 32


def cells(values: NDArray[Any]) -> NDArray[np.float64]:
    """[32, 32] -> [16, 16], means."""
    return values.astype(np.float64).reshape(16, 2, 16, 2).mean((1, 3))


class GoldenStages:
    """The toy graphs of generate_clicks.py."""

    refines = True

    def coarse(self, pixels: UInt8, clicks: Float32, previous_mask: Float32) -> tuple[Float32, Features]:
        return np.stack([self._coarse(*row) for row in zip(pixels, clicks, previous_mask, strict=True)]), {}

    def _coarse(self, pixels: UInt8, clicks: Float32, previous: Float32) -> Float32:
        green, foreground = pixels[:, :, 1] / 255, clicks[0]
        mean = green[foreground > 0].mean() if foreground.any() else 0.5
        logits = 12 * (0.17 - np.abs(cells(green) - mean)) + 2 * (cells(previous[0]) - 0.5)
        return self._with_disks(logits, clicks)

    def refine(
        self, pixels: UInt8, clicks: Float32, coarse_logits: Float32, features: Features, focus_box: Float32
    ) -> Float32:
        assert len(coarse_logits) == len(pixels)
        return np.stack([self._refine(*row) for row in zip(pixels, clicks, focus_box, strict=True)])

    def _refine(self, pixels: UInt8, clicks: Float32, box: Float32) -> Float32:
        logits = 12 * (0.17 - np.abs(cells(pixels[:, :, 1] / 255) - 0.6)) + 0.01 * (box[2] - box[0]) + 0.02 * box[0]
        return self._with_disks(logits, clicks)

    @staticmethod
    def _with_disks(logits: NDArray[np.float64], clicks: Float32) -> Float32:
        logits = logits + 3 * cells(clicks[0]) - 9 * cells(clicks[1]) + 0.01 * np.arange(logits.shape[1])
        return logits[None].astype(np.float32)


class NoisyStages:
    """Any answer at all: noise that changes with each call."""

    refines = True

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def coarse(self, pixels: UInt8, clicks: Float32, previous_mask: Float32) -> tuple[Float32, Features]:
        return self.noise(len(pixels)), {}

    def refine(
        self, pixels: UInt8, clicks: Float32, coarse_logits: Float32, features: Features, focus_box: Float32
    ) -> Float32:
        assert (focus_box[:, :2] < focus_box[:, 2:]).all()
        assert (focus_box >= -1e-3).all()
        assert (focus_box <= SIZE + 1e-3).all()
        return self.noise(len(pixels))

    def noise(self, batch: int) -> Float32:
        coarse = self.rng.normal(-0.3, 1, (batch, 1, 4, 4)).repeat(4, 2).repeat(4, 3)
        return coarse.astype(np.float32)


def mask_of(rows: list[str]) -> NDArray[np.bool_]:
    return np.array([[value == "1" for value in row] for row in rows])


def picture_of(case: dict[str, Any]) -> UInt8:
    return np.array(case["pixels"], np.uint8).reshape(case["height"], case["width"], 3)


@pytest.mark.parametrize("case", GOLDEN["crops"], ids=lambda case: f"{case['width']}x{case['height']}")
def test_crops(case: dict[str, Any]) -> None:
    whole = Crop.whole(case["width"], case["height"])
    found = around(case["box"], whole, expansion=case["expansion"], smallest=case["smallest"])
    assert [found.left, found.top, found.right, found.bottom] == case["crop"]


@pytest.mark.parametrize("case", GOLDEN["samples"], ids=lambda case: f"{case['width']}x{case['height']}")
def test_pixels_of_a_crop(case: dict[str, Any]) -> None:
    sampled = Pyramid(picture_of(case)).sample(Crop(*case["crop"]), case["size"])
    np.testing.assert_array_equal(sampled.reshape(-1, 3), case["sampled"])


def test_disks() -> None:
    case = GOLDEN["disks"]
    clicks = [Click(x, y, positive) for x, y, positive in case["clicks"]]
    assert superseded(clicks) == case["superseded"]
    maps = draw_disks(standing(clicks), Crop(*case["crop"]), case["size"], case["radius"])
    np.testing.assert_array_equal(maps[0], mask_of(case["foreground"]))
    np.testing.assert_array_equal(maps[1], mask_of(case["background"]))


@pytest.mark.parametrize("session", GOLDEN["sessions"], ids=["plain", "look twice", "given", "flip"])
def test_a_session_with_undo(session: dict[str, Any]) -> None:
    rules = RULES.model_copy(update=session["rules"])
    loop = ClickLoop(GoldenStages(), rules, session["size"], flip=session["flip"])
    picture = Pyramid(picture_of(session))
    states = [ClickState(mask_of(session["start"]), given=session["given"])]
    for number, wanted in enumerate(session["steps"]):
        if "undo" in wanted:
            states.pop()
        else:
            step = loop.click(picture, states[-1], Click(wanted["x"], wanted["y"], wanted["positive"]))
            states.append(step.state)
            crops = [[crop.left, crop.top, crop.right, crop.bottom] for crop in (step.target, step.focus)]
            assert crops == [wanted["target"], wanted["focus"]], number
            assert step.state.predicted_iou == pytest.approx(wanted["predicted_iou"], abs=1e-5)
        np.testing.assert_array_equal(states[-1].mask, mask_of(wanted["mask"]), str(number))


SIZES = [(1, 1), (7, 200), (400, 100), (61, 47), (1000, 3)]


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_outside_the_focus_crop_nothing_moves_under_progressive_merge(size: tuple[int, int], flip: bool) -> None:
    width, height = size
    rng = np.random.default_rng(width)
    picture = Pyramid(rng.integers(0, 256, (height, width, 3), np.uint8))
    for seed in range(12):
        start = rng.random((height, width)) < 0.5 if seed % 2 else np.zeros((height, width), bool)
        loop = ClickLoop(
            NoisyStages(seed), RULES.model_copy(update={"merge_from": 1, "smallest_focus": 8}), SIZE, flip=flip
        )
        state = ClickState(start)
        for _ in range(4):
            click = Click(float(rng.uniform(0, width)), float(rng.uniform(0, height)), bool(rng.integers(2)))
            step = loop.click(picture, state, click)
            moved = step.state.mask ^ state.mask
            outside = np.ones_like(moved)
            outside[step.focus.slices] = False
            assert not (moved & outside).any()
            if moved.any():  # and what moved is one piece
                column, row = click.pixel
                assert np.array_equal(component_at(moved, column, row), moved)
            for crop in (step.target, step.focus):
                assert 0 <= crop.left < crop.right <= width
                assert 0 <= crop.top < crop.bottom <= height
            assert 0 <= step.state.predicted_iou <= 1
            state = step.state


def test_a_mask_that_somebody_accepted_merges_from_the_first_click() -> None:
    picture = Pyramid(np.zeros((60, 80, 3), np.uint8))
    start = np.zeros((60, 80), bool)
    start[5:15, 5:15] = start[40:55, 60:75] = True
    given = ClickLoop(NoisyStages(1), RULES, SIZE).click(picture, ClickState(start, given=True), Click(10, 10, False))
    free = ClickLoop(NoisyStages(1), RULES, SIZE).click(picture, ClickState(start), Click(10, 10, False))
    outside = np.ones_like(start)
    outside[given.focus.slices] = False
    assert not ((given.state.mask ^ start) & outside).any()
    assert np.count_nonzero(free.state.mask ^ start) > np.count_nonzero(given.state.mask ^ start)


class MirrorStages(GoldenStages):
    """Answers with the green channel, so that the mean of a picture and its mirror image is the picture's own."""

    refines = False

    def coarse(self, pixels: UInt8, clicks: Float32, previous_mask: Float32) -> tuple[Float32, Features]:
        return np.stack([cells(row[:, :, 1]) / 25.5 - 5 for row in pixels])[:, None].astype(np.float32), {}


def test_flip_averaging_mirrors_back() -> None:
    rng = np.random.default_rng(3)
    picture = Pyramid(rng.integers(0, 256, (40, 50, 3), np.uint8))
    loop = ClickLoop(MirrorStages(), RULES, SIZE)
    plain = loop.click(picture, ClickState.empty(50, 40), Click(20, 20, True))
    mirrored = replace(loop, flip=True).click(picture, ClickState.empty(50, 40), Click(20, 20, True))
    assert np.array_equal(plain.state.mask, mirrored.state.mask)
    assert plain.state.mask.any()


@pytest.mark.parametrize("seed", range(6))
def test_components_are_opencv_s(seed: int) -> None:
    import cv2

    rng = np.random.default_rng(seed)
    region = rng.random((40, 50)) < (0.3, 0.45, 0.6)[seed % 3]
    _, labels = cv2.connectedComponents(region.astype(np.uint8), connectivity=8)
    for _ in range(20):
        column, row = int(rng.integers(-5, 55)), int(rng.integers(-5, 45))
        ys, xs = np.nonzero(region)
        nearest = int(((xs - column) ** 2 + (ys - row) ** 2).argmin())
        expected = labels == labels[ys[nearest], xs[nearest]]
        assert np.array_equal(component_at(region, column, row), expected)
        assert np.array_equal(component_at(np.asfortranarray(region), column, row), expected)
    assert component_at(np.zeros((3, 4), bool), 1, 1) is None
    part = region[3:, 5:]  # of a larger array
    assert component_at(part, 4, 4) is not None
    assert component_at(part.T, 4, 4).T.tolist() == component_at(part, 4, 4).tolist()  # type: ignore[union-attr]


def test_halving_repeats_the_last_line() -> None:
    image = np.arange(9, dtype=np.uint8).reshape(3, 3, 1).repeat(3, 2)
    assert halved(image)[..., 0].tolist() == [[2, 4], [7, 8]]


def test_expected_iou_by_hand() -> None:
    shares = np.array([[0.9, 0.8], [0.1, 0.2]])
    logits = np.log(shares / (1 - shares)).astype(np.float32)
    assert expected_iou(logits, 0.0) == pytest.approx(1.7 / 2.3)
    assert expected_iou(logits, 10.0) == 0
    assert calibrated(0.9, 0.5, -1.0) == pytest.approx(1 / (1 + np.e / 3))
    assert calibrated(0.0, 0.5, 9.0) == 0


def test_a_box_around_a_mask() -> None:
    mask = np.zeros((9, 9), bool)
    assert mask_box(mask) is None
    mask[2, 3] = mask[6, 1] = True
    assert mask_box(mask) == (1, 2, 4, 7)
