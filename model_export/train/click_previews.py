"""A contact sheet of a click model: what it makes of one click and of three on the same few pictures."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from model_export.models.clicks import SegserveClicks
from model_export.train.click_samples import ClickSample
from model_export.train.click_step import coarse_inputs
from model_export.train.clicked import Clicked
from model_export.train.previews import ANSWER, TILE, TRUTH, Preview, tile

COLUMNS = (1, 3, 6)  # clicks


@torch.no_grad()
def click_sheet(model: SegserveClicks, previews: Sequence[Preview], device: torch.device) -> NDArray[np.uint8]:
    """uint8 [h, w, 3] RGB: a row a picture with its truth and the coarse answer after so many clicks on the error."""
    rng, size = np.random.default_rng(0), model.input_size
    fine = (2 * size, 2 * size)
    rows = []
    for preview in previews:
        height, width = preview.valid
        share = np.s_[: -(-height * len(preview.mask) // len(preview.pixels)),
                      : -(-width * len(preview.mask) // len(preview.pixels))]  # fmt: skip
        truth = cv2.resize((preview.mask[share] * 255).astype(np.uint8), fine, interpolation=cv2.INTER_LINEAR)
        pixels = cv2.resize(preview.pixels[:height, :width], fine, interpolation=cv2.INTER_LINEAR)
        sample = ClickSample(np.asarray(pixels, np.uint8), np.asarray(truth, np.uint8), np.full_like(truth, 255))
        one = Clicked(sample, size)
        tiles = [shown(preview, one.truth, [], TRUTH)]
        for turn in range(1, COLUMNS[-1] + 1):
            one.click(rng)
            logits, _ = model.coarse(*coarse_inputs([one], model.disk_radius, device))
            one.answered(logits[0, 0].float().cpu().numpy())
            if turn in COLUMNS:
                tiles.append(shown(preview, one.mask, one.clicks, ANSWER))
        rows.append(np.concatenate(tiles, 1))
    return np.concatenate(rows, 0)


def shown(
    preview: Preview, mask: NDArray[np.bool_], clicks: Sequence[tuple[int, int, bool]], colour: tuple[int, int, int]
) -> NDArray[np.uint8]:
    """uint8 [TILE, TILE, 3]: the picture stretched to a square with the mask and the clicks."""
    height, width = preview.valid
    found = tile(preview.pixels[:height, :width], torch.from_numpy(mask.astype(np.float32)) - 0.5, colour)
    for column, row, positive in clicks:
        at = (round((column + 0.5) * TILE / len(mask)), round((row + 0.5) * TILE / len(mask)))
        cv2.circle(found, at, 3, (60, 220, 60) if positive else (230, 60, 60), -1, cv2.LINE_AA)
    return found
