from __future__ import annotations

import itertools
import json

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from server.domain.geometry import InputFrame
from server.domain.masks import upsample_mask
from server.runtime.contours import Polygon, Ring, to_geojson, trace_polygons

Mask = NDArray[np.bool_]
MASKS = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12))


def fill(polygons: list[Polygon], shape: tuple[int, ...]) -> Mask:
    """Even-odd filling at the pixels' centres."""
    rows, columns = np.arange(shape[0]) + 0.5, np.arange(shape[1]) + 0.5
    filled = np.zeros(shape, np.bool_)
    for ring in (ring for polygon in polygons for ring in polygon):
        for (x1, y1), (x2, y2) in itertools.pairwise(ring):
            if y1 != y2:
                crossed = (rows > min(y1, y2)) & (rows < max(y1, y2))
                at = x1 + (rows - y1) * (x2 - x1) / (y2 - y1)
                filled ^= crossed[:, None] & (columns[None] > at[:, None])
    return filled


def signed_area(ring: Ring) -> float:
    x, y = np.array(ring[:-1]).T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


@given(MASKS)
def test_exact_rings_fill_back_to_the_mask(mask: Mask) -> None:
    polygons = trace_polygons(mask, tolerance=0)
    np.testing.assert_array_equal(fill(polygons, mask.shape), mask)
    assert sum(signed_area(ring) for polygon in polygons for ring in polygon) == mask.sum()


@given(MASKS)
def test_every_part_is_one_polygon_with_its_own_holes(mask: Mask) -> None:
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    polygons = trace_polygons(mask, tolerance=0)
    assert len(polygons) == count - 1
    for polygon in polygons:
        part = fill([polygon], mask.shape)
        assert len(set(labels[part].tolist())) == 1
        np.testing.assert_array_equal(part, labels == labels[part][0])


@given(MASKS)
def test_rings_are_closed_simple_and_turn_the_right_way(mask: Mask) -> None:
    for outer, *holes in trace_polygons(mask, tolerance=0):
        assert signed_area(outer) > 0
        assert all(signed_area(hole) < 0 for hole in holes)
        for ring in (outer, *holes):
            assert ring[0] == ring[-1]
            assert len(ring) >= 5
            assert len({tuple(point) for point in ring}) == len(ring) - 1


def test_a_single_pixel_is_a_unit_square() -> None:
    mask = np.zeros((3, 4), np.bool_)
    mask[1, 2] = True
    assert trace_polygons(mask) == [[[[2, 1], [3, 1], [3, 2], [2, 2], [2, 1]]]]


def test_an_empty_mask_has_no_polygon() -> None:
    assert trace_polygons(np.zeros((3, 4), np.bool_)) == []


def test_pixels_that_touch_at_a_corner_are_two_parts() -> None:
    assert len(trace_polygons(np.eye(2, dtype=np.bool_))) == 2


def test_an_island_in_a_hole_is_a_part_of_its_own() -> None:
    mask = np.ones((9, 9), np.bool_)
    mask[2:7, 2:7] = False
    mask[4, 4] = True
    polygons = trace_polygons(mask)
    assert [len(polygon) for polygon in polygons] == [2, 1]


@given(st.integers(0, 30), st.sampled_from([0.4, 0.75, 1.0]))
def test_simplified_rings_stay_close_and_are_much_shorter(seed: int, tolerance: float) -> None:
    logits = np.random.default_rng(seed).normal(size=(5, 5)).astype(np.float32)
    mask = upsample_mask(logits, InputFrame.longest_side(160, 120, 64))
    exact, simple = trace_polygons(mask, tolerance=0), trace_polygons(mask, tolerance=tolerance)
    assert [len(polygon) for polygon in simple] == [len(polygon) for polygon in exact]
    filled = fill(simple, mask.shape)
    union = np.count_nonzero(filled | mask)
    boundary = sum(len(ring) for polygon in exact for ring in polygon)
    assert union - np.count_nonzero(filled & mask) <= boundary
    if tolerance >= 0.75 and boundary > 100:
        assert sum(len(ring) for polygon in simple for ring in polygon) < boundary


def test_a_negative_tolerance_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="tolerance"):
        trace_polygons(np.ones((2, 2), np.bool_), tolerance=-1)


def test_geojson_is_a_multipolygon_of_plain_numbers() -> None:
    mask = np.ones((2, 3), np.bool_)
    assert json.loads(json.dumps(to_geojson(trace_polygons(mask)))) == {
        "type": "MultiPolygon",
        "coordinates": [[[[0, 0], [3, 0], [3, 2], [0, 2], [0, 0]]]],
    }
