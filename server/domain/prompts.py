"""A prompt as a person gives it (ImagePx), checked, and as the decoder takes it (ModelPx, padded).

Labels: 1 foreground, 0 background; inside the decoder also 2 and 3 for a box's top left and bottom right corner and
-1 for padding. Clicks keep their order. A prompt without a box gets one padding point, as SAM was trained with.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from server.domain.geometry import Float64, InputFrame
from server.domain.ports import DecoderInputs, Float32
from server.errors import PromptError

FOREGROUND = 1.0
BACKGROUND = 0.0
BOX_TOP_LEFT = 2.0
BOX_BOTTOM_RIGHT = 3.0
PADDING = -1.0
MOST_TOGETHER = 16  # prompts in one run of the decoder; the embedded one takes 7 to 13 MB of memory for each
MOST_CELLS = 16 * 120 * 120  # of one mask, times the prompts: 16 of segserve-lite's size, 3 of SAM's


@dataclass(frozen=True, slots=True)
class Prompt:
    """One checked prompt: `point_coords` float64 [K, 2] (x, y) ImagePx, `point_labels` float32 [K] of 0 and 1, `box`
    float64 [4] (x1, y1, x2, y2) ImagePx or None, `mask_input` float32 [h, w] logits of the decoder's grid or None."""

    point_coords: Float64
    point_labels: Float32
    box: Float64 | None = None
    mask_input: Float32 | None = None

    @property
    def token_count(self) -> int:
        """Points that the decoder sees for this prompt alone: clicks, then two corners or one padding point."""
        return self.point_count + (1 if self.box is None else 0)

    @property
    def point_count(self) -> int:
        """Clicks and corners."""
        return len(self.point_labels) + (0 if self.box is None else 2)


def parse_prompt(
    frame: InputFrame,
    mask_shape: tuple[int, int],
    *,
    point_coords: Sequence[Sequence[float]] | None = None,
    point_labels: Sequence[float] | None = None,
    box: Sequence[float] | None = None,
    mask_input: NDArray[Any] | None = None,
    max_points: int = 128,
    index: int | None = None,
) -> Prompt:
    """Check one prompt against its picture and the decoder's `mask_shape` (h, w).

    Raises PromptError with code prompt_empty, too_many_points, point_labels_mismatch, point_label_invalid,
    number_not_finite, point_outside_image, box_invalid or mask_input_invalid. `index` is the prompt's place in the
    request and goes into the error's details.
    """
    where: dict[str, Any] = {} if index is None else {"prompt": index}
    coords = [] if point_coords is None else list(point_coords)
    labels = [] if point_labels is None else list(point_labels)
    if not coords and not labels and box is None and mask_input is None:
        _refuse("prompt_empty", "Empty prompt: give point_coords with point_labels, a box or a mask_input.", where)
    points, checked_labels = _check_points(frame, coords, labels, max_points, where)
    checked_box = None if box is None else _check_box(frame, box, where)
    checked_mask = None if mask_input is None else _check_mask(mask_shape, mask_input, where)
    return Prompt(points, checked_labels, checked_box, checked_mask)


def assemble(
    prompts: Sequence[Prompt], frame: InputFrame, mask_shape: tuple[int, int], *, padding_is_neutral: bool = False
) -> DecoderInputs:
    """A batch of prompts for one picture -> the decoder's inputs, padded at the end with (0, 0, label -1) to the
    longest prompt. Where padding changes nothing (the manifest says so) none is added that the shape does not need: a
    decoder's time grows with its points. Raises ValueError for an empty batch."""
    if not prompts:
        raise ValueError("a batch needs at least one prompt")
    batch = len(prompts)
    if padding_is_neutral:
        length = max(1, *(prompt.point_count for prompt in prompts))
    else:
        length = max(prompt.token_count for prompt in prompts)
    coords = np.zeros((batch, length, 2), np.float32)
    labels = np.full((batch, length), PADDING, np.float32)
    masks = np.zeros((batch, 1, *mask_shape), np.float32)
    has_mask = np.zeros(batch, np.float32)
    for row, prompt in enumerate(prompts):
        clicks = len(prompt.point_labels)
        coords[row, :clicks] = frame.to_model(prompt.point_coords)
        labels[row, :clicks] = prompt.point_labels
        if prompt.box is not None:
            coords[row, clicks : clicks + 2] = frame.to_model(prompt.box.reshape(2, 2))
            labels[row, clicks : clicks + 2] = (BOX_TOP_LEFT, BOX_BOTTOM_RIGHT)
        if prompt.mask_input is not None:
            masks[row, 0] = prompt.mask_input
            has_mask[row] = 1.0
    return DecoderInputs(coords, labels, masks, has_mask)


def most_together(mask_shape: tuple[int, int]) -> int:
    """How many prompts one decoder batch may have: what it takes in memory grows with the cells of its masks."""
    return max(1, min(MOST_TOGETHER, MOST_CELLS // (mask_shape[0] * mask_shape[1])))


def share_batches(prompts: Sequence[Prompt], padding_is_neutral: bool, most: int = MOST_TOGETHER) -> list[list[int]]:
    """Indices of the prompts that may share a decoder batch. Where padding changes the answer, only prompts with the
    same number of tokens go together, so that none gets more padding than it would alone. At most `most` do."""
    groups: dict[int, list[int]] = {}
    for position, prompt in enumerate(prompts):
        groups.setdefault(0 if padding_is_neutral else prompt.token_count, []).append(position)
    return [group[start : start + most] for group in groups.values() for start in range(0, len(group), most)]


def _check_points(
    frame: InputFrame, coords: list[Sequence[float]], labels: list[float], max_points: int, where: dict[str, Any]
) -> tuple[Float64, Float32]:
    if len(coords) != len(labels):
        message = f"point_coords has {len(coords)} points and point_labels {len(labels)}: give one label per point."
        _refuse("point_labels_mismatch", message, where, points=len(coords), labels=len(labels))
    if len(coords) > max_points:
        message = f"The prompt has {len(coords)} points; at most {max_points} are allowed."
        _refuse("too_many_points", message, where, points=len(coords), limit=max_points)
    for position, label in enumerate(labels):
        if isinstance(label, bool) or label not in (FOREGROUND, BACKGROUND):
            message = f"point_labels[{position}] must be 1 (foreground) or 0 (background)."
            _refuse("point_label_invalid", message, where, point=position)
    points = np.zeros((len(coords), 2), np.float64)
    for position, point in enumerate(coords):
        if len(point) != 2:
            _refuse("invalid_request", f"point_coords[{position}] must be [x, y].", where, point=position)
        points[position] = _finite(point, f"point_coords[{position}]", where)
    outside = np.flatnonzero(~frame.contains(points))
    if outside.size:
        first = int(outside[0])
        message = (
            f"point_coords[{first}] lies outside the image of {frame.width} x {frame.height} pixels: "
            f"x goes from 0 to {frame.width}, y from 0 to {frame.height}."
        )
        _refuse("point_outside_image", message, where, point=first, width=frame.width, height=frame.height)
    return points, np.asarray(labels, np.float32).reshape(-1)


def _check_box(frame: InputFrame, box: Sequence[float], where: dict[str, Any]) -> Float64:
    if len(box) != 4:
        _refuse("box_invalid", "box must be [x1, y1, x2, y2].", where)
    corners = _finite(box, "box", where)
    x1, y1, x2, y2 = corners
    if x2 <= x1 or y2 <= y1:
        message = "box must be [x1, y1, x2, y2] with the top left corner first: x1 < x2 and y1 < y2."
        _refuse("box_invalid", message, where)
    if not frame.contains([(x1, y1), (x2, y2)]).all():
        message = (
            f"box reaches outside the image of {frame.width} x {frame.height} pixels: clip it to "
            f"[0, 0, {frame.width}, {frame.height}]."
        )
        _refuse("box_invalid", message, where, width=frame.width, height=frame.height)
    return np.asarray(corners, np.float64)


def _check_mask(mask_shape: tuple[int, int], mask_input: NDArray[Any], where: dict[str, Any]) -> Float32:
    expected = list(mask_shape)
    if mask_input.shape != mask_shape:
        message = f"mask_input must be logits of shape {expected}, got {list(mask_input.shape)}."
        _refuse("mask_input_invalid", message, where, expected=expected, got=list(mask_input.shape))
    if mask_input.dtype.kind != "f":
        message = f"mask_input must hold floating-point logits, not {mask_input.dtype} values."
        _refuse("mask_input_invalid", message, where, expected=expected)
    logits = np.ascontiguousarray(mask_input, np.float32)
    if not np.isfinite(logits).all():
        _refuse("number_not_finite", "mask_input holds NaN or infinity.", where, field="mask_input")
    return logits


def _finite(numbers: Sequence[float], field: str, where: dict[str, Any]) -> list[float]:
    try:
        values = [float(number) for number in numbers]
    except OverflowError:  # a whole number beyond float's range
        values = [math.inf]
    if not all(map(math.isfinite, values)):
        _refuse("number_not_finite", f"{field} holds NaN or infinity: give finite numbers.", where, field=field)
    return values


def _refuse(code: str, message: str, where: dict[str, Any], **details: Any) -> NoReturn:
    raise PromptError(message, code=code, **where, **details)
