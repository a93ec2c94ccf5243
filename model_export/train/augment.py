"""Training samples from annotated pictures: placed, overlaid and recoloured, with their masks kept in step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from model_export.data.picture import Picture
from model_export.data.rle import RLE, area, to_bitmap
from model_export.train.colour import jitter_colour
from model_export.train.occlusion import Layer
from model_export.train.placement import Placement

MIN_AREA = 0.0008  # of the input's area, after augmentation
MAX_AREA = 0.9
STRIDE = 4  # ModelPx a cell of the mask grid


@dataclass(frozen=True)
class Sample:
    """pixels uint8 [S, S, 3]; valid (height, width); masks float32 [K, S/4, S/4] in 0..1 (area share); boxes float32
    [K, 4] x1 y1 x2 y2 in ModelPx; ignore float32 [S/4, S/4], the share of a cell that counts for nothing."""

    pixels: NDArray[np.uint8]
    valid: tuple[int, int]
    masks: NDArray[np.float32]
    boxes: NDArray[np.float32]
    ignore: NDArray[np.float32]


@dataclass
class Canvas:
    """A picture on its way to a sample: pixels uint8 [S, S, 3], what hides it (alpha of each layer, uint8 [S, S],
    lowest first), and the layers among them that are objects to be asked for."""

    pixels: NDArray[np.uint8]
    placement: Placement
    layers: list[NDArray[np.uint8]] = field(default_factory=list)
    objects: list[int] = field(default_factory=list)

    def lay_over(self, layer: Layer, is_object: bool) -> None:
        alpha, colours = layer
        share = cv2.merge([alpha, alpha, alpha])
        below = cv2.multiply(self.pixels, cv2.bitwise_not(share), scale=1 / 255)
        self.pixels = np.asarray(cv2.add(below, cv2.multiply(colours, share, scale=1 / 255)), np.uint8)
        if is_object:
            self.objects.append(len(self.layers))
        self.layers.append(alpha)

    def visible(self, mask: NDArray[np.uint8], above: int = 0) -> NDArray[np.uint8]:
        """uint8 [S, S] 0..255 without what the layers from `above` on hide."""
        for alpha in self.layers[above:]:
            mask = np.asarray(cv2.multiply(mask, cv2.bitwise_not(alpha), scale=1 / 255), np.uint8)
        return mask

    def masks(self, rng: np.random.Generator, rles: Sequence[RLE]) -> Iterator[NDArray[np.uint8]]:
        """Visible parts of the picture's and the layers' objects, uint8 [S, S] 0..255, in random order; larger ones
        somewhat sooner."""
        areas = np.array([area(rle) for rle in rles] + [np.count_nonzero(self.layers[k]) for k in self.objects])
        if not len(areas):
            return
        chances = np.maximum(areas, 1.0) ** 0.25
        for index in rng.choice(len(areas), len(areas), replace=False, p=chances / chances.sum()):
            if index < len(rles):
                yield self.visible(self.placement.apply(to_bitmap(rles[index]) * 255))
            else:
                layer = self.objects[index - len(rles)]
                yield self.visible(self.layers[layer], layer + 1)


def place(picture: Picture, pixels: NDArray[np.uint8], placement: Placement, smooth: bool) -> Canvas:
    """`pixels` uint8 [height, width, 3] of `picture`."""
    return Canvas(placement.apply(pixels, smooth), placement)


def to_grid(mask: NDArray[np.uint8]) -> NDArray[np.float32]:
    """uint8 [S, S] 0..255 -> float32 [S/4, S/4], area share of each cell."""
    side = len(mask) // STRIDE
    return np.asarray(cv2.resize(mask, (side, side), interpolation=cv2.INTER_AREA), np.float32) / np.float32(255)


def finish(
    rng: np.random.Generator, canvas: Canvas, rles: Sequence[RLE], ignore: RLE | None, count: int
) -> Sample | None:
    """A sample with exactly `count` of the masks (repeated where there are fewer), or None if none is usable."""
    placement = canvas.placement
    nothing = np.zeros((placement.size // STRIDE,) * 2, np.float32)
    ignored = nothing if ignore is None else to_grid(canvas.visible(placement.apply(to_bitmap(ignore) * 255)))
    used = placement.width * placement.height / placement.size**2
    masks, boxes = [], []
    for mask in canvas.masks(rng, rles):
        x, y, w, h = cv2.boundingRect(cv2.threshold(mask, 127, 255, cv2.THRESH_BINARY)[1])
        grid = to_grid(mask)
        counted = grid * (1 - ignored)
        if w and MIN_AREA < float(counted.mean()) < MAX_AREA * used and counted.max() >= 0.5:
            masks.append(grid)
            boxes.append([x, y, x + w, y + h])
        if len(masks) == count:
            break
    if not masks:
        return None
    take = [i % len(masks) for i in range(count)]
    pixels = jitter_colour(rng, canvas.pixels)
    pixels[placement.height :] = 0
    pixels[:, placement.width :] = 0
    valid = (placement.height, placement.width)
    return Sample(pixels, valid, np.stack(masks)[take], np.array(boxes, np.float32)[take], ignored)
