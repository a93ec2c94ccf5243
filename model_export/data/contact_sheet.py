"""A sheet of pictures with their masks drawn in, to see at a glance whether a set was read as it was meant."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from model_export.data.errors import AnnotationError
from model_export.data.picture import Picture
from model_export.data.rle import area

CELL = 240  # side of a picture's square on the sheet
CAPTION = 18
COLUMNS = 6
GOLDEN = 0.618  # hues that follow each other at this distance stay apart


def contact_sheet(pictures: Sequence[Picture], count: int = 24) -> NDArray[np.uint8]:
    """uint8 [H, W, 3] RGB: `count` pictures evenly spread over all, masks coloured (small ones on top), ignored pixels
    hatched; grey with the kind of problem below where a file cannot be decoded."""
    chosen = [pictures[k] for k in np.unique(np.linspace(0, len(pictures) - 1, min(count, len(pictures))).astype(int))]
    cells = [cell(picture) for picture in chosen]
    columns = min(COLUMNS, len(cells))
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % columns)
    rows = [np.concatenate(cells[k : k + columns], axis=1) for k in range(0, len(cells), columns)]
    return np.concatenate(rows, axis=0)


def cell(picture: Picture) -> NDArray[np.uint8]:
    """uint8 [CELL + CAPTION, CELL, 3] RGB."""
    try:
        return _captioned(_drawn(picture), f"{picture.path.name[:24]} {len(picture.rles)}")
    except AnnotationError as problem:
        return _captioned(np.full((CELL, CELL, 3), 128, np.uint8), f"{picture.path.name[:18]} {problem.kind}")


def _drawn(picture: Picture) -> NDArray[np.uint8]:
    """uint8 [h, w, 3] RGB, the longer side CELL."""
    scale = CELL / max(picture.width, picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    pixels = np.asarray(cv2.resize(picture.pixels(), size, interpolation=cv2.INTER_AREA), np.float32)
    order = sorted(range(len(picture.rles)), key=lambda k: -area(picture.rles[k]))
    for rank, index in enumerate(order):
        mask = cv2.resize(picture.mask(index), size, interpolation=cv2.INTER_NEAREST)
        colour = np.array(colorsys.hsv_to_rgb(rank * GOLDEN % 1, 0.9, 1.0), np.float32) * 255
        pixels[mask == 1] += 0.45 * (colour - pixels[mask == 1])
        border = mask - cv2.erode(mask, np.ones((3, 3), np.uint8))
        pixels[border == 1] = colour
    ignored = picture.ignore_mask()
    if ignored is not None:
        y, x = np.indices((size[1], size[0]))
        pixels[(cv2.resize(ignored, size, interpolation=cv2.INTER_NEAREST) == 1) & ((x + y) % 6 < 2)] = 255
    return pixels.clip(0, 255).astype(np.uint8)


def _captioned(pixels: NDArray[np.uint8], text: str) -> NDArray[np.uint8]:
    """`pixels` uint8 [h, w, 3] in the top left of a cell, `text` below."""
    sheet = np.full((CELL + CAPTION, CELL, 3), 255, np.uint8)
    sheet[: pixels.shape[0], : pixels.shape[1]] = pixels
    cv2.putText(sheet, text, (3, CELL + 13), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
    return sheet
