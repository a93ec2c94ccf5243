"""Real prompts of every kind, made from one mask: for golden vectors and for the parity report."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from server.domain.geometry import InputFrame
from server.domain.ports import Decoder, DecoderInputs, Float32, Tensors
from server.domain.prompts import Prompt, assemble


def inner_points(mask: NDArray[np.bool_], count: int) -> NDArray[np.float64]:
    """`count` points (x, y) ImagePx well inside a mask that is not empty, the most central first, spread apart."""
    distance = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1].astype(np.float64)
    points = []
    ys, xs = np.mgrid[: mask.shape[0], : mask.shape[1]]
    for _ in range(count):
        y, x = np.unravel_index(int(distance.argmax()), distance.shape)
        points.append((float(x) + 0.5, float(y) + 0.5))
        distance *= 1 - np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / (2 * (0.08 * max(mask.shape)) ** 2))
    return np.array(points)


def bounding_box(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """x1, y1, x2, y2 ImagePx around a mask that is not empty."""
    ys, xs = np.nonzero(mask)
    return np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], np.float64)


def prompts_from_mask(mask: NDArray[np.bool_], points: int = 16) -> dict[str, list[Prompt]]:
    """Prompts by case name; every case but `batch` has one prompt. The mask is of the upright original."""
    inside = inner_points(mask, points)
    outside = inner_points(~mask, points // 2) if not mask.all() else inside[:0]
    box = bounding_box(mask)
    foreground, background = np.ones(points, np.float32), np.zeros(len(outside), np.float32)
    mixed_coords = np.concatenate([inside[: points - len(outside)], outside])
    mixed_labels = np.concatenate([foreground[: points - len(outside)], background])
    none = np.empty((0, 2)), np.empty(0, np.float32)
    cases = {
        "point": [Prompt(inside[:1], foreground[:1])],
        "box": [Prompt(*none, box=box)],
        "box_negative_point": [Prompt(outside[:1], background[:1], box=box)],
        "three_points": [Prompt(np.concatenate([inside[:2], outside[:1]]), np.append(foreground[:2], background[:1]))],
        "many_points": [Prompt(mixed_coords, mixed_labels)],
    }
    cases["batch"] = (
        [Prompt(inside[k : k + 1], foreground[:1]) for k in range(6)] + cases["box"] + cases["three_points"]
    )
    return cases


def decoder_cases(
    decoder: Decoder, embedding: Tensors, frame: InputFrame, mask: NDArray[np.bool_], mask_shape: tuple[int, int]
) -> dict[str, DecoderInputs]:
    """Decoder inputs by case name: those of `prompts_from_mask`, logits fed back (`mask_prompt`, `mask_only`), and a
    point with further padding (`padding`)."""
    cases = {name: assemble(prompts, frame, mask_shape) for name, prompts in prompts_from_mask(mask).items()}
    answer = decoder.decode(embedding, cases["point"])
    best = 1 + int(answer.iou_predictions[0, 1:].argmax())
    logits: Float32 = np.ascontiguousarray(answer.low_res_masks[:1, best : best + 1])
    point = cases["point"]
    ones = np.ones(1, np.float32)
    three = cases["three_points"]
    cases["mask_prompt"] = replace(three, mask_input=logits, has_mask_input=ones)
    cases["mask_only"] = replace(
        point,
        point_coords=np.zeros((1, 1, 2), np.float32),
        point_labels=np.full((1, 1), -1, np.float32),
        mask_input=logits,
        has_mask_input=ones,
    )
    cases["padding"] = replace(
        point,
        point_coords=np.pad(point.point_coords, ((0, 0), (0, 3), (0, 0))),
        point_labels=np.pad(point.point_labels, ((0, 0), (0, 3)), constant_values=-1),
    )
    return cases
