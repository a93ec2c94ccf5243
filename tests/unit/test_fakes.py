"""The fake back end through the whole domain: what is drawn and clicked comes out as a mask, in every frame."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.domain.geometry import InputFrame
from server.domain.masks import upsample_mask
from server.domain.prompts import assemble, parse_prompt
from server.domain.rle import Rle
from server.runtime.images import prepare_pixels
from tests.fakes import GRID, INPUT_SIZE, FakeBackend, fake_manifest

# Twice the input's size, so that the rectangle lies on the decoder's grid.
WIDTH, HEIGHT = 128, 96
LEFT, TOP, RIGHT, BOTTOM = 32, 16, 96, 48


def picture() -> NDArray[np.uint8]:
    rgb = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    rgb[TOP:BOTTOM, LEFT:RIGHT] = (220, 60, 20)
    return rgb


def segment(rgb: NDArray[np.uint8], **prompt: Any) -> Rle:
    backend = FakeBackend()
    pixels, valid = prepare_pixels(rgb, fake_manifest().preprocessing)
    (embedding,) = backend.encoder.encode(pixels[None], np.array([valid]))
    frame = InputFrame.longest_side(rgb.shape[1], rgb.shape[0], INPUT_SIZE)
    inputs = assemble([parse_prompt(frame, (GRID, GRID), **prompt)], frame, (GRID, GRID))
    outputs = backend.decoder.decode(embedding, inputs)
    assert outputs.low_res_masks.shape == (1, 4, GRID, GRID)
    assert outputs.iou_predictions.shape == (1, 4)
    return Rle.from_mask(upsample_mask(outputs.low_res_masks[0, 0], frame))


def close_to(found: Rle, box: tuple[int, int, int, int]) -> None:
    x, y, width, height = found.bbox
    np.testing.assert_allclose((x, y, x + width, y + height), box, atol=3)
    assert found.area > 0.8 * (box[2] - box[0]) * (box[3] - box[1])


def test_a_click_selects_the_rectangle_and_nothing_else() -> None:
    close_to(segment(picture(), point_coords=[[40, 40]], point_labels=[1]), (LEFT, TOP, RIGHT, BOTTOM))


def test_the_same_on_its_side() -> None:
    turned = np.ascontiguousarray(picture().swapaxes(0, 1))
    close_to(segment(turned, point_coords=[[40, 40]], point_labels=[1]), (TOP, LEFT, BOTTOM, RIGHT))


def test_a_background_click_takes_its_colour_away() -> None:
    both = segment(picture(), point_coords=[[40, 40], [4, 4]], point_labels=[1, 1])
    assert both.area == WIDTH * HEIGHT
    rest = segment(picture(), point_coords=[[40, 40], [4, 4]], point_labels=[1, 0])
    close_to(rest, (LEFT, TOP, RIGHT, BOTTOM))


def test_a_box_limits_the_mask() -> None:
    close_to(segment(picture(), box=[8, 8, 64, 80]), (8, 8, 64, 80))
    close_to(segment(picture(), box=[8, 8, 64, 80], point_coords=[[40, 40]], point_labels=[1]), (32, 16, 64, 48))


def test_a_mask_prompt_alone_comes_back() -> None:
    logits = np.full((GRID, GRID), -4, np.float32)
    logits[4:12, 8:16] = 4
    close_to(segment(picture(), mask_input=logits), (32, 16, 64, 48))


def test_it_is_deterministic() -> None:
    first, second = (segment(picture(), point_coords=[[40, 40]], point_labels=[1]) for _ in range(2))
    assert first.to_coco() == second.to_coco()
