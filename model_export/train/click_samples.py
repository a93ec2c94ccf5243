"""Training samples for click models: one object of a picture, and target crops around it (server/domain/crops.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model_export.data.rle import RLE, to_bitmap
from model_export.train.augment import Canvas
from model_export.train.colour import jitter_colour

MIN_AREA = 0.0008  # of the canvas
MAX_AREA = 0.9  # of the part that is picture
WHOLE = 0.25  # chance of the whole picture, as the first click sees it
MERGED = 0.15  # chance that two objects are asked for as one, as in RITM
EXPANSION = (1.0, 2.6)  # of the object's box; the loop's 1.4 around a mask that may be too small or too large
SHIFT = 0.12  # of the crop's side, standard deviation
SMALLEST = 96  # pixels of the canvas
GROWN = 2 / 3  # the shorter side of a crop is at least this share of the longer


@dataclass(frozen=True)
class ClickSample:
    """`pixels` uint8 [2S, 2S, 3], the target crop twice as fine as the coarse stage sees it; `truth` and `counts` uint8
    [2S, 2S], 0..255: the object, and where pixels count."""

    pixels: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    counts: NDArray[np.uint8]


@dataclass(frozen=True)
class Scene:
    """What a sample is cut from: `pixels` uint8 [H, W, 3], `truth` and `counts` uint8 [H, W], 0..255."""

    pixels: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    counts: NDArray[np.uint8]

    def cut(self, crop: tuple[int, int, int, int], size: int) -> ClickSample:
        """The crop (left, top, right, bottom) for the input size S = `size`."""
        left, top, right, bottom = crop

        def stretched(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
            part = image[top:bottom, left:right]
            return np.asarray(cv2.resize(part, (2 * size, 2 * size), interpolation=cv2.INTER_LINEAR), np.uint8)

        return ClickSample(stretched(self.pixels), stretched(self.truth), stretched(self.counts))


def crop_around(rng: np.random.Generator, box: Sequence[int], width: int, height: int) -> tuple[int, int, int, int]:
    """A crop (left, top, right, bottom) about the box x, y, w, h inside width x height."""
    lengths = np.array(box[2:], float) * np.exp(rng.uniform(np.log(EXPANSION[0]), np.log(EXPANSION[1])))
    lengths = np.maximum(lengths, SMALLEST)
    lengths = np.maximum(lengths, GROWN * lengths.max())
    centre = np.array([box[0] + box[2] / 2, box[1] + box[3] / 2]) + rng.normal(0, SHIFT, 2) * lengths
    low = np.clip(np.floor(centre - lengths / 2), 0, [width - 1, height - 1]).astype(int)
    high = np.clip(np.ceil(centre + lengths / 2), low + 1, [width, height]).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def click_scene(rng: np.random.Generator, canvas: Canvas, rles: Sequence[RLE], ignore: RLE | None) -> Scene | None:
    """One object of the canvas, or two asked for as one; None where it has no usable object."""
    placement = canvas.placement
    height, width = placement.height, placement.width
    found: list[NDArray[np.uint8]] = []
    wanted = 2 if rng.random() < MERGED else 1
    for mask in canvas.masks(rng, rles):
        if MIN_AREA * placement.size**2 < np.count_nonzero(mask > 127) < MAX_AREA * width * height:
            found.append(mask[:height, :width])
        if len(found) == wanted:
            break
    if not found:
        return None
    truth = found[0] if len(found) == 1 else np.asarray(cv2.max(found[0], found[1]), np.uint8)
    counts = np.full_like(truth, 255)
    if ignore is not None:
        counts = 255 - canvas.visible(placement.apply(to_bitmap(ignore) * 255))[:height, :width]
    return Scene(jitter_colour(rng, canvas.pixels)[:height, :width], truth, counts)


def click_sample(rng: np.random.Generator, scene: Scene, size: int) -> ClickSample | None:
    """The scene's object in a random crop about it, or the whole picture, for the input size S = `size`; None where too
    little of it can be clicked."""
    height, width = scene.truth.shape
    crop = (0, 0, width, height)
    if rng.random() >= WHOLE:
        box = cv2.boundingRect((scene.truth > 127).astype(np.uint8))
        crop = crop_around(rng, box, width, height)
    sample = scene.cut(crop, size)
    clickable = np.count_nonzero((sample.truth > 127) & (sample.counts > 127))
    return sample if clickable > MIN_AREA * (2 * size) ** 2 / 4 else None
