from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_export.evaluate.clicker import next_click
from model_export.evaluate.loop import ObjectResult
from model_export.evaluate.metrics import clicks_to_reach, iou_at, mask_iou, noc
from model_export.evaluate.report import accuracy, markdown_table


def disk(radius: int, x: int = 20, y: int = 20, size: int = 40) -> np.ndarray:
    ys, xs = np.mgrid[:size, :size]
    return (xs - x) ** 2 + (ys - y) ** 2 <= radius**2


def nothing() -> np.ndarray:
    return np.zeros((40, 40), bool)


def test_first_click_is_the_middle_of_the_object() -> None:
    click = next_click(disk(8), nothing(), nothing())
    assert click is not None
    assert (click.x, click.y, click.positive) == (20.5, 20.5, True)


def test_a_deeper_false_positive_gets_a_background_click() -> None:
    predicted = disk(4) | disk(7, x=32, y=32)
    click = next_click(disk(5), predicted, nothing())
    assert click is not None
    assert not click.positive
    assert disk(7, x=32, y=32)[int(click.y), int(click.x)]


def test_no_click_where_nothing_is_wrong_or_only_ignored_pixels_are() -> None:
    assert next_click(disk(8), disk(8), nothing()) is None
    assert next_click(disk(8), disk(7), nothing(), ignore=disk(9) & ~disk(6)) is None


def test_a_clicked_pixel_is_not_clicked_again() -> None:
    clicked = nothing()
    clicked[20, 20] = True
    click = next_click(disk(8), nothing(), clicked)
    assert click is not None
    assert (int(click.x), int(click.y)) != (20, 20)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_click_lies_inside_the_error_of_its_sign(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, predicted = rng.random((2, 12, 15)) > 0.5
    click = next_click(truth, predicted, np.zeros_like(truth))
    if click is None:
        assert np.array_equal(truth, predicted)
        return
    y, x = int(click.y), int(click.x)
    assert truth[y, x] != predicted[y, x]
    assert truth[y, x] == click.positive


def test_iou_by_hand() -> None:
    a = np.array([[1, 1, 0], [0, 0, 0]], bool)
    b = np.array([[1, 0, 0], [1, 0, 0]], bool)
    assert mask_iou(a, b) == pytest.approx(1 / 3)
    assert mask_iou(a, b, ignore=np.array([[0, 1, 0], [1, 0, 0]], bool)) == 1.0
    assert mask_iou(a & False, b & False) == 1.0


def test_number_of_clicks_by_hand() -> None:
    assert clicks_to_reach([0.5, 0.86, 0.9], 0.85) == (2, True)
    assert clicks_to_reach([0.5, 0.6], 0.85) == (20, False)
    assert noc([[0.9], [0.1, 0.9], [0.2] * 20], 0.85) == (pytest.approx((1 + 2 + 20) / 3), 1)
    assert iou_at([[0.2, 0.4], [0.8]], 5) == pytest.approx(0.6)


def test_a_perfect_predictor_needs_one_click_and_a_failing_one_is_a_failure() -> None:
    perfect = ObjectResult("a", "1.jpg", 1.0, 1.0, 0.9, (1.0,))
    failing = ObjectResult("b", "2.jpg", 0.1, 0.1, 0.9, (0.1,) * 20)
    figures = accuracy([perfect, failing])
    assert (figures["a"]["noc85"], figures["a"]["failures85"]) == (1.0, 0)
    assert (figures["b"]["noc85"], figures["b"]["failures85"]) == (20.0, 1)
    assert figures["all"]["objects"] == 2
    assert "| all | 2 | 0.550 |" in markdown_table(figures)
