from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from server.domain.geometry import InputFrame
from server.domain.prompts import MOST_TOGETHER, Prompt, assemble, most_together, parse_prompt, share_batches
from server.errors import PromptError

FRAME = InputFrame.longest_side(100, 50, 64)
SHAPE = (16, 16)


def prompt(**fields: Any) -> Prompt:
    return parse_prompt(FRAME, SHAPE, **fields)


def click(x: float, y: float, label: int = 1) -> Prompt:
    return prompt(point_coords=[[x, y]], point_labels=[label])


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("nothing", {}, "prompt_empty"),
    ("empty lists", {"point_coords": [], "point_labels": []}, "prompt_empty"),
    ("labels missing", {"point_coords": [[1, 1]]}, "point_labels_mismatch"),
    ("points missing", {"point_labels": [1]}, "point_labels_mismatch"),
    ("fewer labels", {"point_coords": [[1, 1], [2, 2]], "point_labels": [1]}, "point_labels_mismatch"),
    ("label 2", {"point_coords": [[1, 1]], "point_labels": [2]}, "point_label_invalid"),
    ("label -1", {"point_coords": [[1, 1]], "point_labels": [-1]}, "point_label_invalid"),
    ("label 0.5", {"point_coords": [[1, 1]], "point_labels": [0.5]}, "point_label_invalid"),
    ("label true", {"point_coords": [[1, 1]], "point_labels": [True]}, "point_label_invalid"),
    ("label NaN", {"point_coords": [[1, 1]], "point_labels": [math.nan]}, "point_label_invalid"),
    ("three numbers", {"point_coords": [[1, 1, 1]], "point_labels": [1]}, "invalid_request"),
    ("NaN point", {"point_coords": [[math.nan, 1]], "point_labels": [1]}, "number_not_finite"),
    ("infinite point", {"point_coords": [[1, math.inf]], "point_labels": [1]}, "number_not_finite"),
    ("beyond floats", {"point_coords": [[10**400, 1]], "point_labels": [1]}, "number_not_finite"),
    ("right of the image", {"point_coords": [[100.5, 1]], "point_labels": [1]}, "point_outside_image"),
    ("below the image", {"point_coords": [[60, 51]], "point_labels": [1]}, "point_outside_image"),
    ("negative", {"point_coords": [[1, 1], [-1, 1]], "point_labels": [1, 0]}, "point_outside_image"),
    ("swapped corners", {"box": [40, 30, 10, 5]}, "box_invalid"),
    ("swapped rows", {"box": [10, 30, 40, 5]}, "box_invalid"),
    ("no area", {"box": [10, 5, 10, 30]}, "box_invalid"),
    ("three corners", {"box": [10, 5, 10]}, "box_invalid"),
    ("box outside", {"box": [10, 5, 101, 30]}, "box_invalid"),
    ("NaN box", {"box": [10, math.nan, 40, 30]}, "number_not_finite"),
    ("wrong shape", {"mask_input": np.zeros((8, 8), np.float32)}, "mask_input_invalid"),
    ("wrong rank", {"mask_input": np.zeros((1, 16, 16), np.float32)}, "mask_input_invalid"),
    ("a 0/1 mask", {"mask_input": np.zeros(SHAPE, np.uint8)}, "mask_input_invalid"),
    ("NaN logits", {"mask_input": np.full(SHAPE, np.nan, np.float16)}, "number_not_finite"),
    ("too many", {"point_coords": [[1, 1]] * 5, "point_labels": [1] * 5, "max_points": 4}, "too_many_points"),
]


@pytest.mark.parametrize(("fields", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_bad_prompt_is_refused_with_its_code_and_place(fields: dict[str, Any], code: str) -> None:
    with pytest.raises(PromptError) as caught:
        prompt(**fields, index=3)
    assert caught.value.code == code
    assert caught.value.details["prompt"] == 3
    assert caught.value.message.endswith((".", "]"))


def test_the_border_of_the_image_is_allowed() -> None:
    parsed = prompt(point_coords=[[0, 0], [100, 50]], point_labels=[1, 0], box=[0, 0, 100, 50])
    assert parsed.token_count == 4


def test_points_come_in_their_order_with_one_padding_point() -> None:
    inputs = assemble([prompt(point_coords=[[50, 25], [10, 5], [100, 50]], point_labels=[0, 1, 0])], FRAME, SHAPE)
    assert inputs.point_labels.tolist() == [[0, 1, 0, -1]]
    np.testing.assert_allclose(inputs.point_coords[0], [[32, 16], [6.4, 3.2], [64, 32], [0, 0]], rtol=1e-6)
    assert inputs.has_mask_input.tolist() == [0]
    assert not inputs.mask_input.any()


def test_a_box_follows_the_points_and_needs_no_padding() -> None:
    inputs = assemble([prompt(point_coords=[[50, 25]], point_labels=[0], box=[0, 0, 50, 50])], FRAME, SHAPE)
    assert inputs.point_labels.tolist() == [[0, 2, 3]]
    np.testing.assert_allclose(inputs.point_coords[0], [[32, 16], [0, 0], [32, 32]])


def test_a_mask_alone_has_just_the_padding_point() -> None:
    logits = np.arange(256, dtype=np.float16).reshape(SHAPE)
    inputs = assemble([prompt(mask_input=logits)], FRAME, SHAPE)
    assert inputs.point_labels.tolist() == [[-1]]
    assert inputs.has_mask_input.tolist() == [1]
    np.testing.assert_array_equal(inputs.mask_input[0, 0], logits.astype(np.float32))


def test_many_prompts_are_padded_at_the_end_to_the_longest() -> None:
    long = prompt(point_coords=[[1, 1]] * 4, point_labels=[1, 0, 1, 0])
    inputs = assemble([click(50, 25), long, prompt(box=[0, 0, 10, 10])], FRAME, SHAPE)
    assert inputs.point_labels.tolist() == [[1, -1, -1, -1, -1], [1, 0, 1, 0, -1], [2, 3, -1, -1, -1]]
    for array in (inputs.point_coords, inputs.point_labels, inputs.mask_input, inputs.has_mask_input):
        assert array.dtype == np.float32
        assert array.flags.c_contiguous


def test_an_empty_batch_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        assemble([], FRAME, SHAPE)


def test_large_masks_share_smaller_batches() -> None:
    assert most_together((120, 120)) == MOST_TOGETHER
    assert most_together((256, 256)) == 3
    assert most_together((1024, 1024)) == 1
    click = parse_prompt(FRAME, (16, 16), point_coords=[[1, 2]], point_labels=[1])
    assert share_batches([click] * 5, True, most=2) == [[0, 1], [2, 3], [4]]


def test_neutral_padding_is_not_added_for_nothing() -> None:
    click = parse_prompt(FRAME, (16, 16), point_coords=[[1, 2]], point_labels=[1])
    box = parse_prompt(FRAME, (16, 16), box=[1, 2, 30, 40])
    mask = parse_prompt(FRAME, (16, 16), mask_input=np.zeros((16, 16), np.float32))

    def labels(*prompts: Prompt) -> list[list[float]]:
        result: list[list[float]] = assemble(prompts, FRAME, (16, 16), padding_is_neutral=True).point_labels.tolist()
        return result

    assert labels(click) == [[1]]
    assert labels(box) == [[2, 3]]
    assert labels(mask) == [[-1]], "a graph may not like to have no points at all"
    assert labels(click, box, mask) == [[1, -1], [2, 3], [-1, -1]]
    assert assemble([click], FRAME, (16, 16)).point_labels.tolist() == [[1, -1]]


def test_prompts_share_a_batch_where_padding_is_neutral() -> None:
    prompts = [click(1, 1), prompt(box=[0, 0, 9, 9]), prompt(mask_input=np.zeros(SHAPE, np.float32)), click(2, 2)]
    assert share_batches(prompts, padding_is_neutral=True) == [[0, 1, 2, 3]]
    assert share_batches(prompts, padding_is_neutral=False) == [[0, 1, 3], [2]]
    many = prompts[:1] * (2 * MOST_TOGETHER + 1)
    for neutral in (True, False):
        batches = share_batches(many, padding_is_neutral=neutral)
        assert [len(batch) for batch in batches] == [MOST_TOGETHER, MOST_TOGETHER, 1]
        assert sorted(index for batch in batches for index in batch) == list(range(len(many)))
    assert share_batches([], padding_is_neutral=True) == []
    assert share_batches([], padding_is_neutral=False) == []
