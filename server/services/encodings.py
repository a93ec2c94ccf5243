"""One mask of one prompt as JSON: its logits upsampled, cut, measured and written in the format asked for."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic_core import to_json

from server.domain.geometry import InputFrame
from server.domain.masks import Mask, upsample_mask
from server.domain.ports import Float32
from server.domain.rle import Rle
from server.errors import PromptError
from server.runtime.contours import to_geojson, trace_polygons
from server.runtime.png import encode_png

_FLOAT16_LIMIT = 65504.0


@dataclass(frozen=True, slots=True)
class MaskSource:
    """What an encoder may use. `logits` float32 [h, w] over the whole input of `frame`, the mask where they are above
    `threshold`; `mask` bool [height, width] in ImagePx; `rle` of the mask."""

    logits: Float32
    frame: InputFrame
    threshold: float
    mask: Mask
    rle: Rle


def _geojson(mask: Mask) -> dict[str, Any]:
    return {"type": "Feature", "geometry": to_geojson(trace_polygons(mask)), "properties": {}}


def _logits(source: MaskSource) -> dict[str, Any]:
    narrow = np.clip(source.logits, -_FLOAT16_LIMIT, _FLOAT16_LIMIT).astype("<f2")
    frame = source.frame
    return {
        "shape": list(source.logits.shape),
        "dtype": "float16",
        "data": base64.b64encode(narrow.tobytes()).decode("ascii"),
        "frame": {"size": frame.size, "width": frame.input_width, "height": frame.input_height},
        "threshold": source.threshold,
    }


_ENCODERS: dict[str, Callable[[MaskSource], Any]] = {
    "coco_rle": lambda source: source.rle.to_coco(),
    "rle_uncompressed": lambda source: source.rle.to_uncompressed(),
    "polygon": lambda source: trace_polygons(source.mask),
    "png": lambda source: base64.b64encode(encode_png(source.mask)).decode("ascii"),
    "geojson": lambda source: _geojson(source.mask),
    "logits": _logits,
}

MASK_FORMATS = tuple(_ENCODERS)


def check_format(name: str) -> str:
    """The name itself, or PromptError `format_unsupported`."""
    if name not in _ENCODERS:
        known = ", ".join(MASK_FORMATS)
        raise PromptError(
            f"The format {name[:64]!r} is not known. Use one of {known}.",
            code="format_unsupported",
            formats=list(MASK_FORMATS),
        )
    return name


def encode_mask(
    logits: Float32, frame: InputFrame, *, threshold: float, mask_format: str, index: int, iou: float, stability: float
) -> bytes:
    """logits float32 [h, w] -> the JSON object of one mask, without its closing brace and `logits_ref`, which the
    caller adds when the logits are stored."""
    mask = upsample_mask(logits, frame, threshold)
    source = MaskSource(logits, frame, threshold, mask, Rle.from_mask(mask))
    return to_json(mask_fields(source, mask_format, index=index, iou=iou, stability=stability))[:-1]


def mask_fields(source: MaskSource, mask_format: str, *, index: int, iou: float, stability: float) -> dict[str, Any]:
    """One mask's object, without `logits_ref`."""
    return {
        "index": index,
        "segmentation": _ENCODERS[mask_format](source),
        "predicted_iou": round(iou, 6),
        "stability_score": round(stability, 6),
        "area": source.rle.area,
        "bbox": list(source.rle.bbox),
    }
