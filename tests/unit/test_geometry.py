from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.geometry import InputFrame, resized_side

SIDES = st.integers(1, 20_000)
SIZES = st.sampled_from([64, 384, 1008, 1024])


@given(SIDES, SIDES, SIZES)
def test_the_longest_side_fills_the_input(width: int, height: int, size: int) -> None:
    frame = InputFrame.longest_side(width, height, size)
    assert max(frame.input_width, frame.input_height) == size
    assert 1 <= min(frame.input_width, frame.input_height) <= size


@given(SIDES, SIDES, SIZES)
def test_whole_numbers_agree_with_the_published_formula(side: int, longest: int, size: int) -> None:
    assert resized_side(side, longest, size) == max(1, int(side * size / longest + 0.5))


@given(SIDES, SIDES, SIZES, st.floats(0, 1), st.floats(0, 1))
def test_there_and_back_is_the_identity(width: int, height: int, size: int, across: float, down: float) -> None:
    frame = InputFrame.longest_side(width, height, size)
    point = [[across * width, down * height]]
    np.testing.assert_allclose(frame.to_image(frame.to_model(point)), point, rtol=1e-12)


@given(SIDES, SIDES, SIZES)
def test_corners_map_onto_corners(width: int, height: int, size: int) -> None:
    frame = InputFrame.longest_side(width, height, size)
    corners = frame.to_model([[0, 0], [width, height]])
    np.testing.assert_array_equal(corners, [[0, 0], [frame.input_width, frame.input_height]])


@given(SIDES, SIDES, SIZES, st.sampled_from([16, 96, 256]))
def test_the_valid_region_covers_the_picture_and_no_cell_more(width: int, height: int, size: int, grid: int) -> None:
    frame = InputFrame.longest_side(width, height, size)
    rows, columns = frame.valid_region(grid, grid)
    for cells, side in ((rows, frame.input_height), (columns, frame.input_width)):
        assert (cells - 1) * size < side * grid <= cells * size


def test_the_border_belongs_to_the_picture() -> None:
    frame = InputFrame.longest_side(10, 6, 64)
    inside = frame.contains([[0, 0], [10, 6], [10.01, 3], [3, 6.01], [-0.01, 3], [5, -0.01]])
    assert inside.tolist() == [True, True, False, False, False, False]


@pytest.mark.parametrize("sides", [(0, 5, 64), (5, 0, 64), (5, 5, 0)])
def test_sides_of_zero_are_a_programming_error(sides: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        InputFrame.longest_side(*sides)


def test_the_square_rule_stretches_each_side_by_itself() -> None:
    frame = InputFrame.of(200, 50, "square", 64)
    assert (frame.input_width, frame.input_height) == (64, 64)
    assert frame.to_model([[100, 25]]).tolist() == [[32, 32]]
    assert frame.valid_region(16, 16) == (16, 16)
    assert InputFrame.of(200, 50, "longest_side", 64) == InputFrame.longest_side(200, 50, 64)
