"""Simulated prompts: first a point or noisy box, then clicks from the error (SAM, section A.4; RITM's centres)."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_export.models.lite_decoder import MASK_STRIDE

PADDING = -1.0
# Noise of a box: chances, and the standard deviation as a share of the side. SAM has 10 % alone, from which a network
# learns to look away from the edges; people and detectors are mostly closer than that.
BOX_NOISE_CHANCES = (0.4, 0.4, 0.2)
BOX_NOISE = (0.0, 0.03, 0.1)
MOST_BOX_NOISE = 20.0  # ModelPx
CENTRED = 0.75  # chance that a round's first click is at the centre of the larger error, where people and NoC click


def centre_point(rng: np.random.Generator, region: NDArray[np.bool_]) -> tuple[int, int]:
    """(column, row) where the distance to the region's border exceeds half its maximum; the region is not empty."""
    distance = cv2.distanceTransform(np.pad(region, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    rows, columns = np.nonzero(distance >= 0.5 * distance.max())
    pick = int(rng.integers(len(rows)))
    return int(columns[pick]), int(rows[pick])


def uniform_point(rng: np.random.Generator, region: NDArray[np.bool_]) -> tuple[int, int]:
    flat = np.flatnonzero(region)
    row, column = divmod(int(flat[rng.integers(len(flat))]), region.shape[1])
    return column, row


def place(rng: np.random.Generator, cell: tuple[int, int]) -> tuple[float, float]:
    """A place inside a cell of the mask grid, in ModelPx."""
    return (cell[0] + rng.uniform(0.1, 0.9)) * MASK_STRIDE, (cell[1] + rng.uniform(0.1, 0.9)) * MASK_STRIDE


def first_prompts(
    rng: np.random.Generator, masks: NDArray[np.float32], boxes: NDArray[np.float32], size: int
) -> tuple[Tensor, Tensor]:
    """masks [P, h, w], boxes [P, 4] ModelPx -> coords [P, 3, 2], labels [P, 3]: a point, a box or both."""
    coords = np.zeros((len(masks), 3, 2), np.float32)
    labels = np.full((len(masks), 3), PADDING, np.float32)
    for k, mask in enumerate(masks):
        kind = rng.random()
        if kind < 0.65:
            region = mask >= min(0.5, float(mask.max()))
            pick = centre_point if rng.random() < 0.5 else uniform_point
            coords[k, 0], labels[k, 0] = place(rng, pick(rng, region)), 1
        if kind >= 0.6:
            x1, y1, x2, y2 = boxes[k]
            share = rng.choice(BOX_NOISE, p=BOX_NOISE_CHANCES)
            spread = np.minimum(share * np.array([x2 - x1, y2 - y1] * 2), MOST_BOX_NOISE)
            noisy = np.clip(boxes[k] + rng.normal(0, 1, 4) * spread, 0, size)
            low, high = np.minimum(noisy[:2], noisy[2:]), np.maximum(noisy[:2], noisy[2:])
            coords[k, 1], coords[k, 2], labels[k, 1:] = low, np.maximum(high, low + 1), (2, 3)
    return torch.from_numpy(coords), torch.from_numpy(labels)


def next_clicks(
    rng: np.random.Generator,
    logits: NDArray[np.float32],
    masks: NDArray[np.float32],
    new_point: float,
    count: int = 1,
) -> tuple[Tensor, Tensor]:
    """Up to `count` clicks a prompt from the error of logits > 0 against masks (both [P, h, w]): the first with
    chance CENTRED at the centre of the larger error, else like the others uniform in the whole error. With chance
    1 - new_point, or without error, padding points.
    -> coords [P, count, 2], labels [P, count]."""
    coords = np.zeros((len(masks), count, 2), np.float32)
    labels = np.full((len(masks), count), PADDING, np.float32)
    for k in range(len(masks)):
        truth, predicted = masks[k] >= 0.5, logits[k] > 0
        error = truth != predicted
        if rng.random() >= new_point or not error.any():
            continue
        for turn in range(int(rng.integers(1, count + 1))):
            if turn or rng.random() >= CENTRED:
                cell = uniform_point(rng, error)
            else:
                missed, extra = truth & ~predicted, predicted & ~truth
                cell = centre_point(rng, missed if missed.sum() >= extra.sum() else extra)
            coords[k, turn], labels[k, turn] = place(rng, cell), float(truth[cell[1], cell[0]])
    return torch.from_numpy(coords), torch.from_numpy(labels)
