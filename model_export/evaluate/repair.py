"""The faulty mask of each object that all models are given to repair."""

from __future__ import annotations

import numpy as np

from model_export.data.faulty_masks import faulty_mask
from model_export.evaluate.metrics import mask_iou
from model_export.evaluate.predictor import Mask
from server.domain.ports import UInt8

GIVEN_IOU = (0.75, 0.85)  # as FocalClick's DAVIS-585
DRAWS = 20


def mask_to_repair(rng: np.random.Generator, truth: Mask, ignore: Mask | None, rgb: UInt8) -> Mask | None:
    """truth, ignore bool [height, width] -> bool [height, width] whose IoU over the pixels that count is within
    GIVEN_IOU. Faults may lie in ignored pixels: several are drawn then, and None is the answer where none will do."""
    for _ in range(1 if ignore is None else DRAWS):
        found = np.asfortranarray(faulty_mask(rng, truth, *GIVEN_IOU, pixels=rgb))
        if GIVEN_IOU[0] <= mask_iou(truth, found, ignore) <= GIVEN_IOU[1]:
            return found
    return None
