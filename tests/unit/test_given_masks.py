"""Masks that somebody brings along and that would take more memory or time than any object's."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from server.domain.polygons import MOST_RINGS
from server.domain.rle import MOST_CHANGES
from server.errors import PromptError
from server.runtime.png import encode_png
from server.services.given_masks import read_mask


def test_a_mask_of_stripes_is_refused_before_its_runs_are_built() -> None:
    height, width = 3000, 3001
    assert height * width > MOST_CHANGES
    logits = {"shape": [2, 2], "logits": "AAAAAAAAAAA="}
    assert not read_mask(logits, width, height, 0.0, {}).any()
    stripes = {"size": [height, width], "counts": "1" * (height * width)}
    with pytest.raises(PromptError, match="runs") as refused:
        read_mask(stripes, width, height, 0.0, {"prompt": 3})
    assert (refused.value.code, refused.value.details["prompt"]) == ("mask_invalid", 3)


def test_stripes_that_come_as_a_picture_are_refused_too() -> None:
    height, width = 3000, 3001
    mask = np.zeros((height, width), np.uint8)
    mask[::2] = 255
    with pytest.raises(PromptError, match="smooth it"):
        read_mask(base64.b64encode(encode_png(mask != 0)).decode(), width, height, 0.0, {})


@pytest.mark.parametrize(
    "given",
    [
        [[[[0, 0], [1, 1]]]] * (MOST_RINGS + 1),
        [[[[0, 0], [1, 1]]] * (MOST_RINGS + 1)],
        [[0, 0, 1, 1]] * (MOST_RINGS + 1),
        {"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 1]]]] + [[]] * MOST_RINGS},
    ],
)
def test_more_rings_than_any_object_has(given: Any) -> None:
    with pytest.raises(PromptError, match="rings") as refused:
        read_mask(given, 8, 8, 0.0, {})
    assert refused.value.code == "mask_invalid"


def test_one_ring_may_have_more_points_than_that() -> None:
    ring = [[k % 4, k // (MOST_RINGS // 2)] for k in range(MOST_RINGS + 5)]
    assert read_mask(ring, 8, 8, 0.0, {}).shape == (8, 8)
