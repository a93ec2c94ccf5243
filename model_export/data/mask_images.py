"""Masks that were saved as pictures: what the values of their pixels mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from model_export.data.errors import AnnotationError
from model_export.data.rle import RLE, from_borders

IGNORED = -1  # among the meanings of values; 0 is background, what is above 0 an object
IGNORED_LABEL = 255  # Pascal VOC's border
BORDER_COLOUR = (224, 224, 192)  # the same in its palette, for files that keep the colours only
MIDDLE = (127, 128)  # GrabCut's band between background (0) and object (255)
SOFT_VALUES = 3  # a grey file with so many values, most of it white, is one object with soft edges
HALF_TONE = 64  # and one of them from here on: the labels of small objects with a border of 255 lie below
MOST_VALUES = 4096
EXACT = 2**24  # up to here float32 holds every whole number

Kind: TypeAlias = Literal["indexed", "grey", "wide", "coloured"]


@dataclass(frozen=True)
class MaskImage:
    """width, height in pixels; `objects` and `ignore` as RLEs of that size."""

    width: int
    height: int
    objects: tuple[RLE, ...]
    ignore: RLE | None


def read_mask_image(path: Path) -> MaskImage:
    """Raises AnnotationError `broken mask`."""
    try:
        with Image.open(path) as image:
            kind, values = mask_values(image)
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise AnnotationError("broken mask", path, str(error)) from error
    height, width = values.shape
    flat = values.ravel(order="F")
    starts = np.concatenate([[0], np.flatnonzero(np.diff(flat)) + 1])
    ends = np.append(starts[1:], flat.size)
    present, which = np.unique(flat[starts], return_inverse=True)
    if len(present) > MOST_VALUES:
        raise AnnotationError("broken mask", path, f"{len(present)} different values; a mask has one for each object")
    pixels = np.bincount(which, weights=ends - starts).astype(np.int64)
    meaning = meanings(kind, present, pixels)
    regions = {}
    for label in np.unique(meaning[meaning != 0]).tolist():
        own = meaning[which] == label
        regions[label] = from_borders(np.concatenate([starts[own], ends[own]]), height, width)
    ignore = regions.pop(IGNORED, None)
    return MaskImage(width, height, tuple(regions[label] for label in sorted(regions)), ignore)


def mask_values(image: Image.Image) -> tuple[Kind, NDArray[np.int64]]:
    """What the values are, and int64 [height, width]: palette indices, grey values, or colours as one number. Fully
    transparent pixels are background; a JPEG is cut in the middle, its values are not exact. Raises ValueError for
    floating-point values that are no labels."""
    if image.mode == "P":
        return "indexed", np.asarray(image, np.int64)
    if image.format == "JPEG":
        return "grey", np.where(np.asarray(image.convert("L")) >= 128, 255, 0).astype(np.int64)
    if image.mode in ("1", "L"):
        return "grey", np.asarray(image, np.int64)
    if image.mode.startswith("I"):
        return "wide", np.asarray(image, np.int64)
    if image.mode == "F":
        return "wide", whole_values(np.asarray(image))
    colours = np.asarray(image.convert("RGBA"), np.int64)
    colours[colours[..., 3] == 0] = 0
    red, green, blue = colours[..., 0], colours[..., 1], colours[..., 2]
    if bool((red == green).all()) and bool((red == blue).all()):
        return "grey", red
    return "coloured", colour_number(red, green, blue)


def whole_values(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """float32 [height, width] -> int64 [height, width] of the same values. Raises ValueError unless each is whole and
    not negative; beyond EXACT float32 cannot tell labels apart."""
    if not ((values >= 0) & (values <= EXACT) & (values == np.floor(values))).all():
        raise ValueError("floating-point values that are not whole, are negative or above 2^24: no labels")
    return values.astype(np.int64)


def colour_number(red: NDArray[np.int64], green: NDArray[np.int64], blue: NDArray[np.int64]) -> NDArray[np.int64]:
    number: NDArray[np.int64] = (red << 16) + (green << 8) + blue
    return number


def meanings(kind: Kind, present: NDArray[np.int64], pixels: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64 [n]: what each of the values `present` [n] means, of which there are `pixels` [n]. The first rule
    that fits:

    - one value beside 0: one object, whatever the value;
    - grey, 0, 128 (or 127) and 255: 255 is the object, the middle is ignored (GrabCut);
    - grey, SOFT_VALUES values or more beside 0, one from HALF_TONE to 254, most pixels 255: one object with soft
      edges, cut in the middle;
    - else each value is an object, but 255 (in 16 bits: nothing; of colours: VOC's border) is ignored.
    """
    beside = np.asarray(present != 0)
    if beside.sum() <= 1:
        return beside.astype(np.int64)
    if kind == "grey" and beside.sum() == 2 and present[-1] == 255 and present[-2] in MIDDLE:
        return np.where(present == 255, 1, np.where(beside, IGNORED, 0))
    white = present == 255
    mostly_white = pixels[white].sum() * 2 > pixels[beside].sum()
    if kind == "grey" and beside.sum() >= SOFT_VALUES and mostly_white and present[~white].max() >= HALF_TONE:
        return (present >= 128).astype(np.int64)
    if kind == "wide":
        return present
    ignored = IGNORED_LABEL if kind != "coloured" else int(colour_number(*np.array(BORDER_COLOUR)))
    return np.where(present == ignored, IGNORED, present)
