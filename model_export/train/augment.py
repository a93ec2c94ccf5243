"""Training samples from annotated pictures: large-scale jitter, flips, colour, blur, noise and copy-paste.

Copy-paste after Ghiasi et al. 2021: objects of other pictures are laid over this one, so that crowded scenes with exact
borders are seen as well; what they hide is taken out of the masks below.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from model_export.data.picture import Picture

MIN_AREA = 0.0008  # of the input's area, after augmentation
MAX_AREA = 0.9
DONOR_AREA = (0.01, 0.5)  # of the donor's picture: whole objects, neither specks nor scenes
PASTED_SIDE = (0.12, 0.5)  # of the input's side


@dataclass(frozen=True)
class Sample:
    """pixels uint8 [S, S, 3]; valid (height, width); masks float32 [K, S/4, S/4] in 0..1 (area share);
    boxes float32 [K, 4] x1 y1 x2 y2 in ModelPx."""

    pixels: NDArray[np.uint8]
    valid: tuple[int, int]
    masks: NDArray[np.float32]
    boxes: NDArray[np.float32]


@dataclass
class Canvas:
    """A picture on its way to a sample: pixels uint8 [S, S, 3], of which height x width are used; masks uint8 [S, S]
    of 0..255, in the order in which they are wanted."""

    pixels: NDArray[np.uint8]
    height: int
    width: int
    masks: list[NDArray[np.uint8]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.pixels)

    def crop(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """In place: nothing outside height x width."""
        image[self.height :] = 0
        image[:, self.width :] = 0
        return image


def random_affine(rng: np.random.Generator, width: int, height: int, size: int) -> NDArray[np.float64]:
    """Original -> input, 2 x 3: a third of the time the serving rule, else large-scale jitter; half are flipped."""
    scale = size / max(width, height)
    dx = dy = 0.0
    if rng.random() > 0.33:
        scale *= float(np.exp(rng.uniform(np.log(0.6), np.log(2.0))))
        aspect = float(np.exp(rng.uniform(-0.15, 0.15)))
    else:
        aspect = 1.0
    sx, sy = scale * aspect, scale / aspect
    slack_x, slack_y = size - width * sx, size - height * sy
    dx = rng.uniform(slack_x, 0) if slack_x < 0 else 0.0
    dy = rng.uniform(slack_y, 0) if slack_y < 0 else 0.0
    matrix = np.array([[sx, 0, dx], [0, sy, dy]])
    if rng.random() < 0.5:
        matrix[0] = [-sx, 0, width * sx + dx]
    # cv2 places pixel centres at integers: shift by half a pixel on both sides
    matrix[:, 2] += 0.5 * matrix[:, 0] + 0.5 * matrix[:, 1] - 0.5
    return matrix


def colour_jitter(rng: np.random.Generator, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    x = pixels.astype(np.float32)
    x = (x - 128) * rng.uniform(0.75, 1.25) + 128 + rng.uniform(-25, 25)
    grey = x.mean(-1, keepdims=True)
    x = grey + (x - grey) * (0.0 if rng.random() < 0.05 else rng.uniform(0.6, 1.4))
    x *= rng.uniform(0.92, 1.08, 3).astype(np.float32)
    if rng.random() < 0.15:
        x = cv2.GaussianBlur(x, (0, 0), float(rng.uniform(0.4, 1.5)))
    if rng.random() < 0.15:
        x += rng.normal(0, rng.uniform(2, 10), x.shape).astype(np.float32)
    result: NDArray[np.uint8] = np.clip(x, 0, 255).astype(np.uint8)
    return result


def warp(image: NDArray[np.uint8], matrix: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    flags = cv2.INTER_AREA if abs(matrix[0, 0]) < 0.5 else cv2.INTER_LINEAR
    border = cv2.BORDER_REPLICATE if image.ndim == 3 else cv2.BORDER_CONSTANT
    return np.asarray(cv2.warpAffine(image, matrix, (size, size), flags=flags, borderMode=border), np.uint8)


def lay_out(rng: np.random.Generator, picture: Picture, pixels: NDArray[np.uint8], size: int, count: int) -> Canvas:
    """The picture and up to 3 `count` of its masks, larger ones with a somewhat higher chance."""
    matrix = random_affine(rng, picture.width, picture.height, size)
    width = min(size, max(1, round(picture.width * abs(matrix[0, 0]))))
    height = min(size, max(1, round(picture.height * matrix[1, 1])))
    canvas = Canvas(warp(pixels, matrix, size), height, width)
    areas = np.array([float(coco_mask.area(rle)) for rle in picture.rles])
    chances = np.maximum(areas, 1.0) ** 0.25
    order = rng.choice(len(areas), len(areas), replace=False, p=chances / chances.sum())
    for index in order[: 3 * count]:
        canvas.masks.append(canvas.crop(warp(picture.mask(int(index)) * 255, matrix, size)))
    return canvas


def paste(rng: np.random.Generator, canvas: Canvas, donor: Picture, pixels: NDArray[np.uint8]) -> None:
    """Lay one object of `donor` over the canvas, at a random place and size, with a soft edge of about a pixel; its
    mask joins the canvas's, at a random place in the order. Nothing happens where the donor has no fitting object."""
    areas = np.array([float(coco_mask.area(rle)) for rle in donor.rles]) / (donor.width * donor.height)
    fitting = np.flatnonzero((areas > DONOR_AREA[0]) & (areas < DONOR_AREA[1]))
    if not len(fitting):
        return
    mask = donor.mask(int(fitting[rng.integers(len(fitting))]))
    x, y, w, h = cv2.boundingRect(mask)
    scale = canvas.size * rng.uniform(*PASTED_SIDE) / max(w, h)
    flip = -1.0 if rng.random() < 0.5 else 1.0
    to_x, to_y = rng.uniform(0, canvas.width), rng.uniform(0, canvas.height)
    matrix = np.array([[flip * scale, 0, to_x - flip * scale * (x + w / 2)], [0, scale, to_y - scale * (y + h / 2)]])
    alpha = cv2.GaussianBlur(warp(mask * 255, matrix, canvas.size), (3, 3), 0)
    share = canvas.crop(np.asarray(alpha, np.uint8)).astype(np.float32)[..., None] / 255
    canvas.pixels = (canvas.pixels * (1 - share) + warp(pixels, matrix, canvas.size) * share).astype(np.uint8)
    canvas.masks = [(below * (1 - share[..., 0])).astype(np.uint8) for below in canvas.masks]
    canvas.masks.insert(int(rng.integers(len(canvas.masks) + 1)), np.asarray(alpha, np.uint8))


def finish(rng: np.random.Generator, canvas: Canvas, count: int) -> Sample | None:
    """A sample with exactly `count` masks (repeated where there are fewer), or None if none is usable."""
    size = canvas.size
    used = canvas.width * canvas.height / (size * size)
    masks, boxes = [], []
    for mask in canvas.masks:
        x, y, w, h = cv2.boundingRect(np.asarray(mask >= 128, np.uint8))
        if w and MIN_AREA < float(mask.mean()) / 255 < MAX_AREA * used:
            masks.append(cv2.resize(mask, (size // 4, size // 4), interpolation=cv2.INTER_AREA) / np.float32(255))
            boxes.append([x, y, x + w, y + h])
        if len(masks) == count:
            break
    if not masks:
        return None
    take = [i % len(masks) for i in range(count)]
    pixels = canvas.crop(colour_jitter(rng, canvas.pixels))
    chosen = np.stack(masks)[take].astype(np.float32)
    return Sample(pixels, (canvas.height, canvas.width), chosen, np.array(boxes, np.float32)[take])
