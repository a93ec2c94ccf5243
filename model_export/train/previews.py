"""A contact sheet of predictions on the same few pictures, so that a person sees what the figures mean."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_export.data.errors import AnnotationError
from model_export.data.picture import Picture
from model_export.models.lite import SegserveLite
from model_export.train.augment import place, to_grid
from model_export.train.placement import Placement
from model_export.train.prompts import PADDING, centre_point
from server.domain.geometry import InputFrame, ResizeRule

PICTURES = 8
SHEETS = 20  # kept on disk
TILE = 192  # pixels
FITTING = (0.01, 0.67)  # of the picture: masks to see something of
TRUTH, ANSWER = (60, 200, 90), (250, 140, 30)  # RGB


@dataclass(frozen=True)
class Preview:
    """A picture placed as in serving, one of its masks float32 [S/4, S/4], a click in its middle, its box (ModelPx)."""

    pixels: NDArray[np.uint8]
    valid: tuple[int, int]
    mask: NDArray[np.float32]
    click: tuple[float, float]
    box: tuple[int, int, int, int]


def choose(pictures: Sequence[Picture], size: int, resize: ResizeRule = "longest_side") -> list[Preview]:
    """Up to `PICTURES` spread over the list, each with the largest of its masks that fits; always the same ones."""
    result = []
    for picture in pictures[:: max(1, len(pictures) // PICTURES)][:PICTURES]:
        frame = InputFrame.of(picture.width, picture.height, resize, size)
        width, height = frame.input_width, frame.input_height
        whole = Placement(0, 0, picture.width, picture.height, width, height, size, flipped=False)
        masks = [whole.apply(picture.mask(k) * 255) for k in range(len(picture.rles))]
        fitting = [mask for mask in masks if FITTING[0] < mask.mean() / 255 * size**2 / (width * height) < FITTING[1]]
        if fitting:
            mask = np.asarray(max(fitting, key=np.mean) > 127)
            column, row = centre_point(np.random.default_rng(0), mask)
            x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
            try:
                pixels = place(picture, picture.pixels(), whole, smooth=True).pixels
            except AnnotationError:  # readers do not decode; a damaged file is no reason not to train
                continue
            grid = to_grid(mask.astype(np.uint8) * 255)
            result.append(Preview(pixels, (height, width), grid, (column + 0.5, row + 0.5), (x, y, x + w, y + h)))
    return result


@torch.no_grad()
def contact_sheet(model: SegserveLite, previews: Sequence[Preview], device: torch.device) -> NDArray[np.uint8]:
    """uint8 [h, w, 3] RGB: a row a picture with its truth, the answer to the click (best by score of three), the answer
    to the box. `model` in eval mode."""
    rows = []
    for preview in previews:
        pixels, valid = torch.from_numpy(preview.pixels)[None].to(device), torch.tensor([preview.valid], device=device)
        x1, y1, x2, y2 = preview.box
        coords = torch.tensor([[preview.click, (0, 0)], [(x1, y1), (x2, y2)]], dtype=torch.float32, device=device)
        labels = torch.tensor([[1.0, PADDING], [2.0, 3.0]], device=device)
        features = [f.repeat_interleave(2, 0) for f in model.encoder(pixels, valid)]
        grid = torch.zeros(2, 1, *preview.mask.shape, device=device)
        logits, scores = model.decoder(*features, coords, labels, grid, torch.zeros(2, device=device))
        by_score = logits[0, 1 + int(scores[0, 1:].argmax())]
        truth = torch.from_numpy(preview.mask) - 0.5
        tiles = [
            tile(preview.pixels, logit, c) for logit, c in ((truth, TRUTH), (by_score, ANSWER), (logits[1, 0], ANSWER))
        ]
        x, y = (round(at * TILE / len(preview.pixels)) for at in preview.click)
        cv2.circle(tiles[1], (x, y), 4, (255, 255, 255), -1, cv2.LINE_AA)
        corners = [round(at * TILE / len(preview.pixels)) for at in preview.box]
        cv2.rectangle(tiles[2], corners[:2], corners[2:], (255, 255, 255), 1)
        rows.append(np.concatenate(tiles, 1))
    return np.concatenate(rows, 0)


def tile(pixels: NDArray[np.uint8], logits: Tensor, colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    """`pixels` uint8 [h, w, 3] with logits [h', w'] > 0 tinted and outlined, uint8 [TILE, TILE, 3]."""
    result = cv2.resize(pixels, (TILE, TILE), interpolation=cv2.INTER_AREA)
    large = cv2.resize(logits.float().cpu().numpy(), (TILE, TILE), interpolation=cv2.INTER_LINEAR)
    mask = np.asarray(large > 0, np.uint8)
    result[mask == 1] = (result[mask == 1] * 0.6 + np.array(colour) * 0.4).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    return np.asarray(cv2.drawContours(result, contours, -1, colour, 1), np.uint8)


# (network in eval mode, what is shown, device) -> uint8 [h, w, 3] RGB
Sheet: TypeAlias = Callable[[Any, Sequence[Preview], torch.device], NDArray[np.uint8]]


class Previews:
    """Draws sheets of the averaged weights into `out/predictions/`; the oldest beyond `SHEETS` are removed."""

    def __init__(
        self,
        out: Path,
        model: Any,
        pictures: Sequence[Picture],
        device: torch.device,
        sheet: Sheet = contact_sheet,
        resize: ResizeRule = "longest_side",
    ) -> None:
        self.folder, self.device, self.sheet = out / "predictions", device, sheet
        self.model = copy.deepcopy(model).eval()
        self.previews = choose(pictures, model.input_size, resize)

    def draw(self, average: dict[str, Tensor], step: int) -> NDArray[np.uint8] | None:
        """-> uint8 [h, w, 3] RGB, or None when no picture has a mask that fits."""
        if not self.previews:
            return None
        self.model.load_state_dict(average)
        sheet = self.sheet(self.model, self.previews, self.device)
        self.folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(self.folder / f"step-{step:07d}.png"), sheet[..., ::-1])
        for old in sorted(self.folder.glob("step-*.png"))[:-SHEETS]:
            old.unlink()
        return sheet
