"""Things that lie over a picture: objects cut out of others (copy-paste, Ghiasi et al. 2021) and textured shapes.

Both come as alpha uint8 [S, S] and pixels uint8 [S, S, 3]; what they hide is taken out of the masks below.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from model_export.data.picture import Picture
from model_export.data.rle import area

DONOR_AREA = (0.01, 0.5)  # of the donor's picture: whole objects, neither specks nor scenes
PASTED_SIDE = (0.12, 0.5)  # of the input's side
SHAPE_SIDE = (0.05, 0.4)
BAR_WIDTH = (0.008, 0.06)

Layer = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def cut_out(
    rng: np.random.Generator, donor: Picture, pixels: NDArray[np.uint8], height: int, width: int, size: int
) -> Layer | None:
    """One object of `donor` at a random place of height x width and of random size, with a soft edge of about a pixel;
    None where the donor has no fitting object."""
    share = np.array([area(rle) for rle in donor.rles]) / (donor.width * donor.height)
    fitting = np.flatnonzero((share > DONOR_AREA[0]) & (share < DONOR_AREA[1]))
    if not len(fitting):
        return None
    mask = donor.mask(int(fitting[rng.integers(len(fitting))]))
    x, y, w, h = cv2.boundingRect(mask)
    scale = size * rng.uniform(*PASTED_SIDE) / max(w, h)
    to = (max(1, round(w * scale)), max(1, round(h * scale)))
    alpha = cv2.resize(mask[y : y + h, x : x + w] * 255, to, interpolation=cv2.INTER_LINEAR)
    part = cv2.resize(pixels[y : y + h, x : x + w], to, interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.5:
        alpha, part = alpha[:, ::-1], part[:, ::-1]
    left, top = round(rng.uniform(0, width) - to[0] / 2), round(rng.uniform(0, height) - to[1] / 2)
    over = np.zeros((size, size), np.uint8)
    colours = np.zeros((size, size, 3), np.uint8)
    x1, y1, x2, y2 = max(left, 0), max(top, 0), min(left + to[0], width), min(top + to[1], height)
    if x1 >= x2 or y1 >= y2:
        return None
    inside = np.s_[y1 - top : y2 - top, x1 - left : x2 - left]
    over[y1:y2, x1:x2] = cv2.GaussianBlur(np.ascontiguousarray(alpha[inside]), (3, 3), 0)
    colours[y1:y2, x1:x2] = part[inside]
    return over, colours


def textured_shape(rng: np.random.Generator, texture: NDArray[np.uint8], height: int, width: int, size: int) -> Layer:
    """A blob, or a few parallel bars as of a fence, filled with a mirrored, magnified part of `texture` [H, W, 3]."""
    over = np.zeros((size, size), np.uint8)
    centre = np.array([rng.uniform(0, width), rng.uniform(0, height)])
    if rng.random() < 0.7:
        angles = np.arange(12) * (np.pi / 6)
        radii = size * rng.uniform(*SHAPE_SIDE) / 2 * rng.uniform(0.6, 1.2, 12)
        corners = centre + radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
        cv2.fillPoly(over, [np.round(corners).astype(np.int32)], 255, cv2.LINE_AA)
    else:
        angle, gap = rng.uniform(0, np.pi), size * rng.uniform(0.08, 0.25)
        along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        thickness = max(1, round(size * rng.uniform(*BAR_WIDTH)))
        for number in range(int(rng.integers(1, 5))):
            middle = centre + number * gap * across
            ends = np.round([middle - 2 * size * along, middle + 2 * size * along]).astype(int).tolist()
            cv2.line(over, ends[0], ends[1], 255, thickness, cv2.LINE_AA)
    over[height:] = 0
    over[:, width:] = 0
    shown = [max(1, round(side * rng.uniform(0.1, 0.5))) for side in texture.shape[:2]]
    top, left = (int(rng.integers(0, side - part + 1)) for side, part in zip(texture.shape[:2], shown, strict=True))
    part = texture[top : top + shown[0], left : left + shown[1]][:, ::-1]
    return over, np.asarray(cv2.resize(part, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)
