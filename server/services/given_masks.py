"""A mask that somebody brings along, in any form that an answer has -> pixels of the picture."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from server.domain.geometry import Float64, InputFrame
from server.domain.masks import Mask, upsample_mask
from server.domain.polygons import Polygon, check_rings, fill_polygons
from server.domain.rle import MOST_CHANGES, Rle, count_changes
from server.errors import PromptError
from server.runtime.png import decode_png

_MOST_SIDE = 4096  # of logits
_MOST_SIZE = 65_536  # of the input that logits cover
_MOST_DEPTH = 4
_FARTHEST = 1e9  # of a polygon's corners: beyond, their differences lose the pixels


def read_mask(given: Any, width: int, height: int, threshold: float, where: Mapping[str, Any]) -> Mask:
    """Blocking. `given`: parsed JSON. -> bool [height, width]. `where` goes into an error's details.

    Raises PromptError `mask_invalid` or `mask_size_mismatch`.
    """
    try:
        mask = np.asfortranarray(_read(given, width, height, threshold, where))
        if count_changes(mask) > MOST_CHANGES:
            raise ValueError(f"it changes more than {MOST_CHANGES} times down its columns: smooth it")
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise PromptError(f"mask cannot be read: {reason[:200]}.", code="mask_invalid", **where) from error
    return mask


def _read(given: Any, width: int, height: int, threshold: float, where: Mapping[str, Any]) -> Mask:
    if isinstance(given, str):
        found = decode_png(_bytes(given), width, height)
        if found is None:
            raise _other_size(width, height, None, where)
        return found
    if isinstance(given, list):
        return fill_polygons(_polygons(given), width, height)
    if not isinstance(given, dict):
        raise TypeError("give an RLE, polygons, GeoJSON, a PNG in base64 or logits")
    if "counts" in given:
        return _from_rle(given, width, height, where)
    if "type" in given:
        return fill_polygons(_geojson(given), width, height)
    if "logits" in given or "data" in given:
        return _from_logits(given, width, height, threshold)
    raise TypeError('an object needs "counts" (RLE), "type" (GeoJSON) or "logits"')


def _other_size(width: int, height: int, got: list[int] | None, where: Mapping[str, Any]) -> PromptError:
    found = f"{got[1]} x {got[0]}" if got else "another size"
    return PromptError(
        f"mask must have the picture's size, {width} x {height} pixels; it has {found}. Scale it, or send polygons.",
        code="mask_size_mismatch",
        expected=[height, width],
        **({"got": got} if got else {}),
        **where,
    )


def _from_rle(given: dict[str, Any], width: int, height: int, where: Mapping[str, Any]) -> Mask:
    size = [int(side) for side in given["size"]]
    if len(size) != 2:
        raise ValueError("size must be [height, width]")
    if size != [height, width]:
        raise _other_size(width, height, size, where)
    counts = given["counts"]
    if isinstance(counts, list) and not all(
        isinstance(count, int) and 0 <= count <= width * height for count in counts
    ):
        raise ValueError("counts must be lengths of runs")
    return Rle.from_coco({"size": size, "counts": counts}).to_mask()


def _from_logits(given: dict[str, Any], width: int, height: int, threshold: float) -> Mask:
    """float16 over the input of the model that answered them, which `frame` describes; without it over the whole
    picture, stretched. `threshold`: of the model that takes them, unless they bring their own."""
    rows, columns = (int(side) for side in given["shape"])
    if not (1 <= rows <= _MOST_SIDE and 1 <= columns <= _MOST_SIDE):
        raise ValueError(f"logits may be 1 to {_MOST_SIDE} a side")
    data = _bytes(given["logits"] if "logits" in given else given["data"])
    if len(data) != 2 * rows * columns:
        raise ValueError(f"logits have {len(data)} bytes; {rows} x {columns} float16 values are {2 * rows * columns}")
    logits = np.frombuffer(data, "<f2").reshape(rows, columns).astype(np.float32)
    if not np.isfinite(logits).all():
        raise ValueError("logits hold NaN or infinity")
    threshold = float(given.get("threshold", threshold))
    if not math.isfinite(threshold):
        raise ValueError("its threshold must be a finite number")
    return upsample_mask(logits, _frame(given.get("frame"), width, height, max(rows, columns)), threshold)


def _frame(given: Any, width: int, height: int, side: int) -> InputFrame:
    """How the picture lies in the square that the grid covers: as a model lays it there, or else filling it, whose side
    does not matter then."""
    if given is None:
        return InputFrame.square(width, height, side)
    size, found = given["size"], (given["width"], given["height"])
    if not (isinstance(size, int) and 1 <= size <= _MOST_SIZE):
        raise ValueError(f"a frame's size is a whole number, 1 to {_MOST_SIZE}")
    for frame in (InputFrame.longest_side(width, height, size), InputFrame.square(width, height, size)):
        if found == (frame.input_width, frame.input_height):
            return frame
    raise ValueError(f"no model lays a picture of {width} x {height} as its frame says: are they of another picture?")


def _bytes(text: Any) -> bytes:
    if not isinstance(text, str):
        raise TypeError("base64 is a string")
    payload = text.rpartition("base64,")[2] if text.startswith("data:") else text
    try:
        return base64.b64decode("".join(payload.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("it is not base64") from error


def _geojson(given: dict[str, Any]) -> list[Polygon]:
    geometry = given["geometry"] if given["type"] == "Feature" else given
    if geometry["type"] == "Polygon":
        return _polygons([geometry["coordinates"]])
    if geometry["type"] == "MultiPolygon":
        return _polygons(geometry["coordinates"])
    raise ValueError("GeoJSON must be a Polygon or a MultiPolygon, or a Feature of one")


def _polygons(given: list[Any]) -> list[Polygon]:
    """Parts of rings, as answers have them; one part's rings; one ring; or COCO's flat lists."""
    depth = _depth(given)
    if depth == 2 and given and len(given[0]) > 2:  # [[x1, y1, x2, y2, …], …]
        check_rings(len(given))
        return [[_ring(np.asarray(flat, np.float64).reshape(-1, 2))] for flat in given]
    parts: list[Any] = {4: given, 3: [given], 2: [[given]]}.get(depth, [])
    if not parts and given:
        raise ValueError("polygons are lists of parts, each a list of rings of [x, y]")
    check_rings(sum(max(len(part), 1) for part in parts))
    return [[_ring(np.asarray(ring, np.float64)) for ring in part] for part in parts]


def _depth(given: Any) -> int:
    depth = 0
    while isinstance(given, Sequence) and not isinstance(given, str) and given and depth <= _MOST_DEPTH:
        depth, given = depth + 1, given[0]
    return depth


def _ring(points: Float64) -> Float64:
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError("a ring is a list of [x, y]")
    if not (np.abs(points) <= _FARTHEST).all():
        raise ValueError(f"a polygon holds NaN, infinity or a place more than {_FARTHEST:.0e} pixels away")
    return points
