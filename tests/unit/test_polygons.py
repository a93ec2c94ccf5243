"""Filling polygons is the inverse of tracing them."""

from __future__ import annotations

import numpy as np
import pytest

from server.domain.polygons import LEAST_COVERED, MOST_COVERED, MOST_CROSSINGS, MOST_RINGS, fill_polygons
from server.runtime.contours import trace_polygons


@pytest.mark.parametrize("seed", range(20))
def test_what_is_traced_fills_to_the_same_mask(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 30, 2)
    mask = rng.random((height, width)) < rng.choice([0.2, 0.5, 0.8])
    rings = [[np.array(ring, np.float64) for ring in part] for part in trace_polygons(mask, tolerance=0)]
    np.testing.assert_array_equal(fill_polygons(rings, int(width), int(height)), mask)


def test_what_is_outside_the_picture_is_cut_off() -> None:
    square = np.array([[-5.0, -1e9], [3, -1e9], [3, 1e9], [-5, 1e9]])
    mask = fill_polygons([[square]], 5, 4)
    assert mask.tolist() == [[True, True, True, False, False]] * 4


def test_parts_overlap_and_holes_are_holes() -> None:
    outer, inner = (np.array([[a, a], [b, a], [b, b], [a, b]], np.float64) for a, b in ((0, 6), (2, 4)))
    assert fill_polygons([[outer, inner]], 6, 6).sum() == 32
    assert fill_polygons([[outer], [inner]], 6, 6).sum() == 36
    assert not fill_polygons([[outer[:2]], []], 6, 6).any()


def test_a_pixel_belongs_by_its_centre() -> None:
    assert fill_polygons([[np.array([[0.6, 0], [1.4, 0], [1.4, 1], [0.6, 1]])]], 2, 1).sum() == 0
    assert fill_polygons([[np.array([[0.4, 0], [1.6, 0], [1.6, 1], [0.4, 1]])]], 2, 1).tolist() == [[True, True]]


def test_an_endless_outline_is_refused() -> None:
    zigzag = np.array([[k % 7, 1000.0 * (k % 2)] for k in range(MOST_CROSSINGS // 1000 + 2)])
    with pytest.raises(ValueError, match="too long"):
        fill_polygons([[zigzag]], 10, 1000)


def test_more_rings_than_any_object_has_are_refused() -> None:
    line = np.array([[0.0, 0.0], [1.0, 1.0]])
    with pytest.raises(ValueError, match="rings"):
        fill_polygons(([line] for _ in range(MOST_RINGS + 1)), 4, 4)
    assert not fill_polygons([[line] * MOST_RINGS], 4, 4).any()
    with pytest.raises(ValueError, match="rings"):
        fill_polygons([[line] * MOST_RINGS, []], 4, 4)


def test_parts_that_cover_each_other_for_ever_are_refused() -> None:
    side = 1024
    assert MOST_COVERED * side**2 > LEAST_COVERED
    square = [np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float64)]
    assert fill_polygons([square] * MOST_COVERED, side, side).all()
    with pytest.raises(ValueError, match="many times over"):
        fill_polygons([square] * (MOST_COVERED + 1), side, side)
    tiny = [np.array([[k % 4, 0], [4, 0], [4, 4]], np.float64) for k in range(500)]
    assert fill_polygons([[ring] for ring in tiny], 4, 4).any()
