"""LabelMe's JSON: one file a picture, with `shapes` in pixels of the picture, corners of pixels at integers.

Shapes that share a label and a `group_id` are parts of one object. The label `__ignore__` marks pixels that count for
nothing, as in LabelMe's own export to VOC.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from model_export.data.errors import AnnotationError
from model_export.data.picture import Picture, ignore_band
from model_export.data.picture_files import checked_size
from model_export.data.rle import FARTHEST, RLE, area, from_bitmap, from_polygons, union

FORMAT = "LabelMe JSON"
IGNORE = "__ignore__"
BACKGROUND = "_background_"
Shape = dict[str, Any]


def is_labelme(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("shapes"), list)


def read_labelme(
    document: Any, file: Path, path: Path, set_name: str, problems: list[AnnotationError]
) -> Picture | None:
    """`path`: the picture that `file` with the content `document` annotates. None where no object is left."""
    width, height = checked_size(path, document.get("imageWidth"), document.get("imageHeight"))
    objects: dict[tuple[str, Any], list[RLE]] = {}
    for index, shape in enumerate(document["shapes"]):
        try:
            rle = shape_mask(shape, height, width)
        except NoAreaError as error:
            problems.append(AnnotationError("shape without area", file, f"shape {index} is a {error}"))
            continue
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            problems.append(AnnotationError("broken mask", file, f"shape {index}: {error!r}"))
            continue
        if not area(rle):
            problems.append(AnnotationError("empty mask", file, f"shape {index} covers no pixel"))
            continue
        group = shape.get("group_id")
        # without a group every shape is an object of its own
        objects.setdefault(
            (str(shape.get("label") or ""), ("shape", index) if group is None else str(group)), []
        ).append(rle)
    ignored = [rle for (label, _), parts in objects.items() for rle in parts if label == IGNORE]
    kept = {key: union(parts) for key, parts in objects.items() if key[0] not in (IGNORE, BACKGROUND)}
    if not kept:
        return None
    rles = tuple(kept.values())
    names = tuple(label for label, _ in kept)
    return Picture(set_name, path, width, height, rles, names, ignore_band(ignored, rles))


class NoAreaError(ValueError):
    """A shape type that encloses nothing: point, line and their like."""


def shape_mask(shape: Shape, height: int, width: int) -> RLE:
    """One shape as a mask. Raises NoAreaError, and Python's own errors when it is broken."""
    kind = shape.get("shape_type") or "polygon"
    if kind not in SHAPES:
        raise NoAreaError(kind)
    points = np.array(shape["points"], np.float64).reshape(-1, 2)
    if not (np.abs(points) <= FARTHEST * max(height, width)).all():
        raise ValueError(f"a point lies farther than {FARTHEST} pictures away")
    return SHAPES[kind](shape, points, height, width)


def _polygon(shape: Shape, points: NDArray[np.float64], height: int, width: int) -> RLE:
    return from_polygons([points.ravel().tolist()], height, width)


def _rectangle(shape: Shape, points: NDArray[np.float64], height: int, width: int) -> RLE:
    """Two opposite corners, or all four."""
    (x1, y1), (x2, y2) = points.min(axis=0), points.max(axis=0)
    return from_polygons([[x1, y1, x2, y1, x2, y2, x1, y2]], height, width)


def _circle(shape: Shape, points: NDArray[np.float64], height: int, width: int) -> RLE:
    """The centre and a point of the border; a pixel belongs to it when its centre does."""
    centre, border = points
    y, x = np.mgrid[:height, :width] + 0.5
    return from_bitmap((x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= ((border - centre) ** 2).sum())


def _bitmap(shape: Shape, points: NDArray[np.float64], height: int, width: int) -> RLE:
    """A PNG in base64 whose first pixel lies at the first point."""
    try:
        data = BytesIO(base64.b64decode(shape["mask"], validate=True))
        with Image.open(data) as image:
            crop = np.asarray(image.convert("L")) != 0
    except (binascii.Error, UnidentifiedImageError, OSError) as error:
        raise ValueError(f"`mask` is no PNG in base64 ({error})") from error
    x, y = points[0].astype(int)
    if x < 0 or y < 0 or y + crop.shape[0] > height or x + crop.shape[1] > width:
        raise ValueError("`mask` reaches out of the picture")
    bitmap = np.zeros((height, width), np.bool_)
    bitmap[y : y + crop.shape[0], x : x + crop.shape[1]] = crop
    return from_bitmap(bitmap)


SHAPES: dict[str, Callable[[Shape, NDArray[np.float64], int, int], RLE]] = {
    "polygon": _polygon,
    "rectangle": _rectangle,
    "rotation": _polygon,  # X-AnyLabeling's turned rectangle, four corners
    "oriented_rectangle": _polygon,
    "circle": _circle,
    "mask": _bitmap,
}
