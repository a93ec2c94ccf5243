"""Clicks, curves and figures against cases worked by hand, and the loop with predictors whose answers are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_export.data.picture import Picture
from model_export.data.rle import from_bitmap
from model_export.evaluate.clicker import next_click
from model_export.evaluate.loop import Protocol, evaluate_object, probe, read_upright, targets_of
from model_export.evaluate.metrics import clicks_to_reach, iou_at, mask_iou, noc
from model_export.evaluate.results import ObjectResult
from model_export.evaluate.run import evaluate
from model_export.evaluate.summary import accuracy, markdown_table, speed
from tests.unit.model_export.fake_predictor import ColourPredictor, EmptyPredictor, disk, flat_picture

SIZE = (40, 40)


def round_mask(radius: int, x: int = 20, y: int = 20) -> np.ndarray:
    return disk(*SIZE, x, y, radius)


def nothing() -> np.ndarray:
    return np.zeros(SIZE, bool)


def random_masks(seed: int, count: int, shape: tuple[int, int] = (12, 15)) -> np.ndarray:
    """bool [count, *shape] of blocks, so that regions are more than single pixels."""
    coarse = np.random.default_rng(seed).random((count, -(-shape[0] // 3), -(-shape[1] // 3))) > 0.5
    return coarse.repeat(3, axis=1).repeat(3, axis=2)[:, : shape[0], : shape[1]]


def test_first_click_is_the_middle_of_the_object() -> None:
    click = next_click(round_mask(8), nothing(), nothing())
    assert click is not None
    assert (click.x, click.y, click.positive) == (20.5, 20.5, True)


def test_a_deeper_false_positive_gets_a_background_click() -> None:
    predicted = round_mask(4) | round_mask(7, x=32, y=32)
    click = next_click(round_mask(5), predicted, nothing())
    assert click is not None
    assert not click.positive
    assert round_mask(7, x=32, y=32)[int(click.y), int(click.x)]


def test_of_equal_depths_the_missed_one_and_the_first_in_reading_order_is_clicked() -> None:
    truth, predicted = nothing(), nothing()
    truth[30:33, 3:6] = truth[10:13, 20:23] = truth[10:13, 30:33] = True
    predicted[2:5, 2:5] = True
    click = next_click(truth, predicted, nothing())
    assert click is not None
    assert (click.x, click.y, click.positive) == (21.5, 11.5, True)


def test_the_border_of_the_picture_is_a_border_of_the_error() -> None:
    truth = nothing()
    truth[:, :21] = True
    click = next_click(truth, nothing(), nothing())
    assert click is not None
    assert click.x == 10.5


def test_no_click_where_nothing_is_wrong_or_only_ignored_pixels_are() -> None:
    assert next_click(round_mask(8), round_mask(8), nothing()) is None
    assert next_click(round_mask(8), round_mask(7), nothing(), ignore=round_mask(9) & ~round_mask(6)) is None


def test_a_clicked_pixel_is_not_clicked_again() -> None:
    clicked = nothing()
    clicked[20, 20] = True
    click = next_click(round_mask(8), nothing(), clicked)
    assert click is not None
    assert (int(click.x), int(click.y)) != (20, 20)


def test_ritm_clicks_beside_an_earlier_click_and_ours_elsewhere_in_the_same_error() -> None:
    clicked = nothing()
    clicked[20, 20] = True
    ours = next_click(round_mask(8), nothing(), clicked)
    theirs = next_click(round_mask(8), nothing(), clicked, as_ritm=True)
    assert ours is not None
    assert theirs is not None
    assert np.hypot(ours.x - 20.5, ours.y - 20.5) > 3
    assert np.hypot(theirs.x - 20.5, theirs.y - 20.5) == 1


def test_of_equal_depths_ritm_clicks_what_is_wrongly_added() -> None:
    truth, predicted = nothing(), nothing()
    truth[10:13, 20:23] = predicted[20:23, 2:5] = True
    click = next_click(truth, predicted, nothing(), as_ritm=True)
    assert click is not None
    assert (click.x, click.y, click.positive) == (3.5, 21.5, False)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_ritm_clicks_are_those_of_its_published_formula(seed: int) -> None:
    truth, predicted = random_masks(seed, 2)
    clicked = np.random.default_rng(seed).random(truth.shape) > 0.8
    distances = [
        np.rint(cv2.distanceTransform(np.pad(region, 1).astype(np.uint8), cv2.DIST_L2, 0)[1:-1, 1:-1] ** 2) * ~clicked
        for region in (truth & ~predicted, predicted & ~truth)
    ]
    positive = bool(distances[0].max() > distances[1].max())
    chosen = distances[0 if positive else 1]
    click = next_click(truth, predicted, clicked, as_ritm=True)
    if chosen.max() == 0:
        assert click is None
        return
    y, x = np.argwhere(chosen == chosen.max())[0]
    assert click is not None
    assert (click.x, click.y, click.positive) == (x + 0.5, y + 0.5, positive)


def depth_by_hand(region: np.ndarray, x: int, y: int) -> float:
    """Distance from a pixel to the nearest one outside the region, the surroundings of the picture included."""
    padded = np.pad(region, 1)
    ys, xs = np.nonzero(~padded)
    return float(np.hypot(ys - y - 1, xs - x - 1).min())


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_click_is_the_deepest_pixel_of_the_larger_error(seed: int) -> None:
    truth, predicted = random_masks(seed, 2)
    click = next_click(truth, predicted, np.zeros_like(truth))
    if click is None:
        assert np.array_equal(truth, predicted)
        return
    x, y = int(click.x), int(click.y)
    missed, extra = truth & ~predicted, predicted & ~truth
    assert (missed if click.positive else extra)[y, x]
    deepest = {
        name: max((depth_by_hand(region, *place[::-1]) for place in np.argwhere(region)), default=0.0)
        for name, region in (("missed", missed), ("extra", extra))
    }
    assert click.positive == (deepest["missed"] >= deepest["extra"])
    assert depth_by_hand(missed if click.positive else extra, x, y) == pytest.approx(max(deepest.values()), abs=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_what_is_ignored_changes_neither_click_nor_iou(seed: int) -> None:
    truth, predicted, ignore, other = random_masks(seed, 4)
    changed = np.where(ignore, other, predicted)
    clicked = np.zeros_like(truth)
    assert next_click(truth, predicted, clicked, ignore) == next_click(truth, changed, clicked, ignore)
    assert mask_iou(truth, predicted, ignore) == mask_iou(truth, changed, ignore)


def test_iou_by_hand() -> None:
    a = np.array([[1, 1, 0], [0, 0, 0]], bool)
    b = np.array([[1, 0, 0], [1, 0, 0]], bool)
    assert mask_iou(a, b) == pytest.approx(1 / 3)
    assert mask_iou(a, b, ignore=np.array([[0, 1, 0], [1, 0, 0]], bool)) == 1.0
    assert mask_iou(a & False, b & False) == 1.0


def test_number_of_clicks_by_hand() -> None:
    assert clicks_to_reach([0.5, 0.86, 0.9], 0.85) == (2, True)
    assert clicks_to_reach([0.5, 0.6], 0.85) == (20, False)
    assert clicks_to_reach([0.1] * 19 + [0.85], 0.85) == (20, True)
    assert noc([[0.9], [0.1, 0.9], [0.2] * 20], 0.85) == (pytest.approx((1 + 2 + 20) / 3), 1)
    assert noc([[0.1] * 19 + [0.85], [0.1] * 20], 0.85) == (20.0, 1)
    assert iou_at([[0.2, 0.4], [0.8]], 5) == pytest.approx(0.6)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.floats(0, 1), min_size=20, max_size=20), min_size=1, max_size=5))
def test_a_higher_target_never_takes_fewer_clicks(curves: list[list[float]]) -> None:
    found = [noc(curves, target) for target in (0.8, 0.85, 0.9, 0.95)]
    assert found == sorted(found)
    assert all(1 <= clicks <= 20 and 0 <= failures <= len(curves) for clicks, failures in found)


def only_object(picture: Picture, predictor: ColourPredictor | EmptyPredictor) -> ObjectResult:
    [target] = targets_of(picture, 1)
    return evaluate_object(
        predictor.open(read_upright(picture)), target, Protocol(1), boxes=predictor.takes_boxes, encode_seconds=0.25
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(10, 50), st.integers(10, 50), st.integers(4, 18))
def test_a_perfect_predictor_needs_one_click_and_a_failing_one_is_a_failure(
    tmp_path_factory: pytest.TempPathFactory, x: int, y: int, radius: int
) -> None:
    picture = flat_picture(tmp_path_factory.mktemp("flat") / "1.png", [disk(60, 64, x, y, radius)])
    perfect, failing = only_object(picture, ColourPredictor()), only_object(picture, EmptyPredictor())
    assert (perfect.box, perfect.curve, perfect.boundary) == (1.0, (1.0,), (1.0,) * 4)
    assert perfect.candidate_ious == (1.0, pytest.approx(disk(60, 64, x, y, radius).mean()), 0.0)
    assert perfect.clicks[0].positive
    assert perfect.times.encode == 0.25
    assert (failing.box, failing.curve) == (None, (0.0,) * 20)
    assert len({(click.x, click.y) for click in failing.clicks}) == 20
    assert all(click.positive for click in failing.clicks)
    figures = accuracy([perfect, replace(failing, source="other")])
    assert (figures["flat"]["noc95"], figures["flat"]["failures95"]) == (1.0, 0)
    assert (figures["other"]["noc80"], figures["other"]["failures80"]) == (20.0, 1)
    assert "box_iou" not in figures["other"]
    assert figures["all"]["objects"] == 2
    assert figures["all"]["click1_iou"] == 0.5
    assert "| all | 2 | 1.000 |" in markdown_table(figures)
    assert "| other | 1 | – |" in markdown_table(figures)


def test_an_ignored_band_hides_what_lies_in_it(tmp_path: Path) -> None:
    """The annotation misses the object's rim by two pixels; the band covers the difference."""
    drawn, annotated = disk(60, 64, 30, 30, 15), disk(60, 64, 30, 30, 13)
    band = disk(60, 64, 30, 30, 18) & ~disk(60, 64, 30, 30, 12)
    picture = flat_picture(tmp_path / "1.png", [drawn])
    strict = only_object(replace(picture, rles=(from_bitmap(annotated),)), ColourPredictor())
    assert strict.curve[0] < 0.8
    banded = only_object(replace(picture, rles=(from_bitmap(annotated),), ignore=from_bitmap(band)), ColourPredictor())
    assert (banded.box, banded.curve, banded.boundary) == (1.0, (1.0,), (1.0,) * 4)


def test_objects_are_the_largest_between_a_thousandth_and_nine_tenths(tmp_path: Path) -> None:
    whole, speck = np.ones((64, 60), bool), nothing()
    speck = disk(60, 64, 5, 5, 0.5)
    small, large = disk(60, 64, 10, 40, 6), disk(60, 64, 35, 30, 15)
    picture = flat_picture(tmp_path / "1.png", [whole, small, speck, large])
    assert [target.index for target in targets_of(picture, 9)] == [3, 1]
    assert [target.index for target in targets_of(picture, 1)] == [3]
    covered = replace(picture, ignore=from_bitmap(large))
    assert [target.index for target in targets_of(covered, 9)] == [1]


def test_a_picture_of_another_size_than_its_masks_is_named(tmp_path: Path) -> None:
    picture = flat_picture(tmp_path / "1.png", [disk(60, 64, 30, 30, 15)])
    with pytest.raises(ValueError, match=r"1\.png: size mismatch: .* is 60 x 64, .* for 30 x 64"):
        read_upright(replace(picture, width=30))
    with pytest.raises(ValueError, match=r"2\.png: broken picture: No such file"):
        read_upright(replace(picture, path=tmp_path / "2.png"))
    (tmp_path / "1.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"1\.png"):
        read_upright(picture)


def test_the_click_at_a_random_place_means_every_mask_around_it(tmp_path: Path) -> None:
    """The disk lies in a larger one that has its colour; what is found fits the larger one. A mask elsewhere is not
    even looked at."""
    small, large, elsewhere = disk(60, 64, 25, 30, 10), disk(60, 64, 25, 30, 20), disk(60, 64, 52, 55, 5)
    picture = flat_picture(tmp_path / "1.png", [large])
    broken = from_bitmap(elsewhere)
    picture = replace(picture, rles=(from_bitmap(small), from_bitmap(large), broken), names=("",) * 3)
    [target] = [target for target in targets_of(picture, 3) if target.index == 0]
    broken["size"] = [1, 1]  # would not decode to the picture's size
    found = probe(ColourPredictor().open(read_upright(picture)), target, seed=0)
    assert found is not None
    assert found.ious == (1.0, pytest.approx(large.mean()), 0.0)


def test_two_processes_give_the_results_of_one(tmp_path: Path) -> None:
    pictures = [
        flat_picture(tmp_path / f"{k}.png", [disk(60, 64, 20 + k, 30, 12), disk(60, 64, 45, 12, 8)]) for k in range(5)
    ]
    loaders = {"colour": ColourPredictor, "empty": EmptyPredictor}
    heard: list[tuple[int, int]] = []
    one = evaluate(loaders, pictures, Protocol(seed=3), progress=lambda done, total, _: heard.append((done, total)))
    two = evaluate(loaders, pictures, Protocol(seed=3), workers=2)
    assert one == two
    assert list(one) == ["colour", "empty"]
    assert [len(results) for results in one.values()] == [10, 10]
    assert heard == [(k, 5) for k in range(1, 6)]
    for ours, theirs in zip(one["colour"], one["empty"], strict=True):
        assert (ours.picture, ours.mask) == (theirs.picture, theirs.mask)
        assert ours.clicks[0] == theirs.clicks[0]
    assert set(speed(one["colour"])) == {"encode_median", "encode_p95", "click_median", "click_p95"}
