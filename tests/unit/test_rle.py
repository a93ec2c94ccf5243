from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from pycocotools import mask as coco

from server.domain.rle import MOST_CHANGES, Rle, compress, count_changes, decompress

MASKS = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=24))


@given(MASKS)
def test_pycocotools_writes_the_same_string(mask: NDArray[np.bool_]) -> None:
    expected = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    rle = Rle.from_mask(mask)
    assert rle.to_coco() == {"size": list(mask.shape), "counts": expected["counts"].decode()}
    assert rle.area == coco.area(expected) == mask.sum()
    assert list(rle.bbox) == coco.toBbox(expected).tolist()


@given(MASKS)
def test_both_forms_come_back(mask: NDArray[np.bool_]) -> None:
    rle = Rle.from_mask(mask)
    np.testing.assert_array_equal(Rle.from_coco(rle.to_coco()).to_mask(), mask)
    np.testing.assert_array_equal(Rle.from_coco(rle.to_uncompressed()).to_mask(), mask)
    np.testing.assert_array_equal(coco.decode(rle.to_coco()), mask)


@given(st.lists(st.integers(0, 2**31), min_size=1, max_size=40))
def test_counts_of_any_length_come_back(lengths: list[int]) -> None:
    counts = np.array(lengths, np.int64)
    assert decompress(compress(counts)).tolist() == lengths


@given(MASKS, st.sampled_from(["C", "F"]))
def test_changes_are_one_less_than_runs(mask: NDArray[np.bool_], order: str) -> None:
    arranged = np.array(mask, order="C" if order == "C" else "F")
    runs = Rle.from_mask(mask).counts
    assert count_changes(arranged) == np.count_nonzero(runs) - 1


def test_a_string_of_more_runs_than_any_mask_may_have() -> None:
    with pytest.raises(ValueError, match="runs"):
        decompress(b"0" * (MOST_CHANGES + 3))


@given(MASKS, st.sampled_from(["C", "F"]), st.sampled_from([np.bool_, np.uint8, np.int32]))
def test_memory_order_and_type_do_not_matter(mask: NDArray[np.bool_], order: str, dtype: type) -> None:
    arranged = np.array(mask, dtype=dtype, order="C" if order == "C" else "F")
    assert Rle.from_mask(arranged).to_coco() == Rle.from_mask(mask).to_coco()


def test_values_other_than_one_count_as_set() -> None:
    assert Rle.from_mask(np.array([[0, 255], [7, 0]], np.uint8)).counts.tolist() == [1, 2, 1]


@given(st.binary(max_size=40))
def test_damaged_strings_raise_value_error_alone(text: bytes) -> None:
    try:
        rle = Rle.from_coco({"size": [5, 5], "counts": text})
    except ValueError:
        return
    assert rle.to_mask().shape == (5, 5)


@pytest.mark.parametrize("counts", [[3, 3], [-1, 26], "", "é", [30, -5]])
def test_counts_that_do_not_fill_the_picture_are_refused(counts: object) -> None:
    with pytest.raises(ValueError, match="counts"):
        Rle.from_coco({"size": [5, 5], "counts": counts})
