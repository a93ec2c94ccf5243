from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from server.domain import masks
from server.domain.geometry import InputFrame
from server.domain.masks import stability_score, upsample_logits, upsample_mask


def noise(side: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 5, (side, side)).astype(np.float32)


@pytest.mark.parametrize(("width", "height"), [(640, 427), (427, 640), (1000, 250), (500, 500)])
def test_upscaling_is_pillows_bilinear_on_a_fractional_box(width: int, height: int) -> None:
    frame = InputFrame.longest_side(width, height, 384)
    # A round size of the valid region: beyond its edge Pillow sees nothing, the definition sees the padding.
    logits = noise(96)
    box = (0.0, 0.0, frame.input_width * 96 / 384, frame.input_height * 96 / 384)
    expected = np.asarray(Image.fromarray(logits).resize((width, height), Image.Resampling.BILINEAR, box=box))
    inner = np.s_[: int(height * 0.99), : int(width * 0.99)]
    np.testing.assert_allclose(upsample_logits(logits, frame)[inner], expected[inner], atol=1e-3)


@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 5), st.floats(-3, 3))
def test_the_mask_is_the_thresholded_logits(width: int, height: int, seed: int, threshold: float) -> None:
    frame = InputFrame.longest_side(width, height, 64)
    logits = noise(16, seed)
    values = upsample_logits(logits, frame)
    mask = upsample_mask(logits, frame, threshold)
    assert mask.shape == values.shape == (height, width)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(mask, values > np.float32(threshold))


@given(st.integers(1, 400), st.integers(1, 400), st.floats(-10, 10, width=32))
def test_a_flat_grid_stays_flat(width: int, height: int, level: float) -> None:
    frame = InputFrame.longest_side(width, height, 64)
    values = upsample_logits(np.full((16, 16), level, np.float32), frame)
    np.testing.assert_array_equal(values, np.float32(level))


def test_blocks_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = InputFrame.longest_side(301, 203, 64)
    whole = upsample_mask(noise(16), frame)
    monkeypatch.setattr(masks, "BLOCK_VALUES", 1)
    np.testing.assert_array_equal(upsample_mask(noise(16), frame), whole)
    monkeypatch.setattr(masks, "STRIP_VALUES", 1)
    np.testing.assert_array_equal(upsample_mask(noise(16), frame), whole)


def test_a_wide_grid_on_a_narrow_and_high_picture_needs_little_memory() -> None:
    logits = np.random.default_rng(0).normal(0, 5, (2, 4096)).astype(np.float32)
    frame = InputFrame.square(60, 500_000, 4096)
    tracemalloc.start()
    mask = upsample_mask(logits, frame)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * mask.nbytes  # all the columns that it needs at once: 16 for each of their values
    whole = upsample_logits(logits, InputFrame.square(60, 40, 4096))
    np.testing.assert_array_equal(mask[0], whole[0] > 0)


def test_padding_does_not_reach_into_the_picture_unasked() -> None:
    """A landscape picture's rows end with the valid region; what the decoder says below is not stretched in."""
    frame = InputFrame.longest_side(80, 40, 64)
    logits = np.full((16, 16), -5.0, np.float32)
    logits[:8] = 5.0
    mask = upsample_mask(logits, frame)
    assert mask[:37].all()


def reference_stability(logits: NDArray[np.float32], frame: InputFrame, threshold: float, offset: float) -> float:
    side = len(logits)
    rows = math.ceil(frame.input_height * side / frame.size)
    columns = math.ceil(frame.input_width * side / frame.size)
    inner = outer = 0
    for value in logits[:rows, :columns].ravel():
        inner += bool(value > threshold + offset)
        outer += bool(value > threshold - offset)
    return inner / outer if outer else 0.0


@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 9), st.floats(0, 3))
def test_stability_is_the_iou_of_two_cuts(width: int, height: int, seed: int, offset: float) -> None:
    frame = InputFrame.longest_side(width, height, 64)
    logits = np.stack([noise(16, seed), noise(16, seed + 100)])
    scores = stability_score(logits, frame, threshold=0.5, offset=offset)
    assert scores.tolist() == [reference_stability(grid, frame, 0.5, offset) for grid in logits]


def test_an_empty_mask_has_no_stability() -> None:
    frame = InputFrame.longest_side(10, 10, 64)
    assert stability_score(np.full((16, 16), -9, np.float32), frame) == 0.0
