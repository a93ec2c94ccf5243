"""Set operations on RLEs against bitmaps, and the regions that follow from a picture's masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from model_export.data.hierarchy import GAP, further_regions, surroundings, touches
from model_export.data.rle import borders, complement, from_bitmap, from_borders, subtract, to_bitmap, to_rle


def block(x: int, y: int, width: int, height: int, shape: tuple[int, int] = (60, 80)) -> NDArray[np.uint8]:
    bitmap = np.zeros(shape, np.uint8)
    bitmap[y : y + height, x : x + width] = 1
    return bitmap


bitmaps = st.tuples(
    st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1), st.sampled_from([0.02, 0.5, 1.0])
)


def draw(case: tuple[int, int, int, float]) -> NDArray[np.uint8]:
    height, width, seed, chance = case
    return np.asarray(np.random.default_rng(seed).random((height, width)) < chance, np.uint8)


@given(bitmaps)
def test_operations_on_runs_equal_those_on_bitmaps(case: tuple[int, int, int, float]) -> None:
    bitmap = draw(case)
    height, width = bitmap.shape
    other = np.roll(bitmap, 1, axis=1)
    rle = from_bitmap(bitmap)
    assert from_borders(borders(rle), height, width) == rle
    assert (to_bitmap(complement(rle)) == 1 - bitmap).all()
    assert (to_bitmap(subtract(rle, from_bitmap(other))) == (bitmap & (1 - other))).all()
    around = np.zeros((5, height * width), np.uint8)
    for row, step in enumerate((0, GAP, GAP * height, -GAP, -GAP * height)):
        moved = np.roll(bitmap.ravel(order="F"), step)
        moved[: max(step, 0)] = 0
        moved[max(moved.size + min(step, 0), 0) :] = 0
        around[row] = moved
    assert (to_bitmap(surroundings(rle)).ravel(order="F") == around.max(axis=0)).all()


def test_every_kind_of_coco_segmentation_is_read() -> None:
    polygon = to_rle([[1, 1, 5, 1, 5, 4, 1, 4], [6, 0, 8, 0]], 6, 8)
    assert (to_bitmap(polygon) == block(1, 1, 4, 3, (6, 8))).all()
    assert to_bitmap(to_rle({"size": [2, 2], "counts": [1, 2, 1]}, 2, 2)).tolist() == [[0, 1], [1, 0]]
    packed = from_bitmap(block(10, 5, 30, 20))
    text = packed | {"counts": packed["counts"].decode()}
    assert (to_bitmap(to_rle(text, 60, 80)) == block(10, 5, 30, 20)).all()


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ("abc", "neither a list of polygons nor an RLE"),
        ([], "no polygon with three corners"),
        ([[1, 2, 3, 4, 5, 6, 7]], "odd number"),
        ([[0, 0, 1e12, 0, 1, 1]], "farther than 10 pictures"),
        ([[0, 0, float("nan"), 0, 1, 1]], "farther than 10 pictures"),
        ({"size": [3, 2], "counts": [6]}, r"an RLE's size is \[3, 2\]"),
        ({"size": [2, 2], "counts": [1, 2]}, "do not add up to 2 x 2"),
        ({"size": [2, 2], "counts": "1"}, "do not add up to 2 x 2"),
        ({"size": [2, 2], "counts": "4~"}, "no string of COCO's format"),
        ({"size": [2, 2], "counts": "oooooooooooooo0"}, "no string of COCO's format"),
    ],
)
def test_a_broken_segmentation_is_refused(segmentation: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_rle(segmentation, 2, 2)


def test_touching_is_a_matter_of_the_border_they_share() -> None:
    left = from_bitmap(block(10, 10, 20, 20))
    assert touches(left, from_bitmap(block(30, 10, 20, 20)))
    assert touches(left, from_bitmap(block(32, 10, 20, 20)))  # a seam of two pixels
    assert touches(left, from_bitmap(block(10, 31, 20, 20)))
    assert not touches(left, from_bitmap(block(36, 10, 20, 20)))
    assert not touches(left, from_bitmap(block(30, 29, 20, 20)))  # corner to corner


def test_groups_and_remainders_are_the_ones_that_a_person_would_name() -> None:
    person, coat = block(10, 5, 20, 50), block(10, 20, 20, 15)
    horse, far = block(30, 10, 20, 40), block(65, 40, 10, 10)
    rles = tuple(from_bitmap(bitmap) for bitmap in (person, coat, horse, far))
    expected = {
        "person without coat": person & (1 - coat),
        "person and horse": person | horse,
        "coat and horse": coat | horse,
    }
    found = set()
    for seed in range(30):
        for rle in further_regions(rles, np.random.default_rng(seed), 3):
            matches = [name for name, bitmap in expected.items() if (to_bitmap(rle) == bitmap).all()]
            assert len(matches) == 1
            found.update(matches)
    assert found == expected.keys()


def test_regions_are_bounded_new_and_follow_the_random_state() -> None:
    rng = np.random.default_rng(0)
    tiles = [block(x, y, 20, 20) for x in (0, 20, 40, 60) for y in (0, 20, 40)]
    rles = tuple(from_bitmap(tile) for tile in tiles)
    first = further_regions(rles, np.random.default_rng(3), 4)
    assert len(first) == 4
    assert first == further_regions(rles, np.random.default_rng(3), 4)
    bitmaps = [*tiles, *(to_bitmap(rle) for rle in first)]
    for k, one in enumerate(bitmaps):
        for other in bitmaps[:k]:
            assert (one & other).sum() < 0.9 * (one | other).sum()
    assert further_regions(rles[:1], rng, 4) == ()
    assert further_regions((rles[0], rles[-1]), rng, 4) == ()
    assert further_regions((from_bitmap(block(0, 0, 0, 0)), rles[0]), rng, 4) == ()
    thirds = (from_bitmap(block(0, 0, 27, 60)), from_bitmap(block(27, 0, 27, 60)))
    assert further_regions(thirds, rng, 4) == ()  # together they are most of the picture
    assert further_regions((rles[0], from_bitmap(block(20, 0, 4, 9))), rng, 4) == ()  # too small beside the other
