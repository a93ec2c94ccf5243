"""The worst and the best objects of an evaluation, drawn on their pictures with the clicks that were made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from model_export.data.picture import Picture
from model_export.data.rle import RLE, to_bitmap
from model_export.evaluate.loop import EXAMPLE_CLICKS, UnreadablePictureError, read_upright
from model_export.evaluate.predictor import Click
from model_export.evaluate.results import ObjectResult
from server.domain.ports import UInt8

SIDE = 400  # pixels of the longer side
FINE = 16  # sub-pixel steps of OpenCV's drawing, 2 ** SHIFT
SHIFT = 4
TRUE, FOUND = (255, 214, 10), (64, 140, 255)  # RGB
GREEN, RED, WHITE = (22, 163, 74), (220, 38, 38), (255, 255, 255)
JPEG_QUALITY = 82
TEXT_SCALE = 0.55


@dataclass(frozen=True)
class Example:
    """`jpeg`: the drawing; `caption` says which object and how it went."""

    result: ObjectResult
    jpeg: bytes
    caption: str


def example_iou(result: ObjectResult) -> float:
    return result.curve[min(EXAMPLE_CLICKS, len(result.curve)) - 1]


def extremes(results: Sequence[ObjectResult], count: int) -> tuple[list[ObjectResult], list[ObjectResult]]:
    """(worst first, best first) by the IoU after EXAMPLE_CLICKS clicks, at most one object a picture."""
    ordered = sorted(results, key=lambda result: (example_iou(result), result.source, result.picture, result.mask))
    count = min(count, max(1, len({result.picture for result in results}) // 2))

    def pick(candidates: Sequence[ObjectResult], taken: set[str]) -> list[ObjectResult]:
        picked: list[ObjectResult] = []
        for result in candidates:
            if len(picked) < count and result.picture not in taken:
                picked.append(result)
                taken.add(result.picture)
        return picked

    taken: set[str] = set()
    return pick(ordered, taken), pick(ordered[::-1], taken)


def examples(results: Sequence[ObjectResult]) -> list[Example]:
    """Drawings of those whose pictures still lie where they were; the others are left out."""
    return [Example(result, jpeg, caption(result)) for result in results if (jpeg := drawing(result)) is not None]


def caption(result: ObjectResult) -> str:
    clicks = min(EXAMPLE_CLICKS, len(result.curve))
    box = "" if result.box is None else f"box {result.box:.2f}, "
    after = "1 click" if clicks == 1 else f"{clicks} clicks"
    first = "" if clicks == 1 else f"1 click {result.curve[0]:.2f}, "
    return f"{result.source}/{Path(result.picture).name}: {box}{first}{after} {example_iou(result):.2f}"


def drawing(result: ObjectResult) -> bytes | None:
    """JPEG of the picture, SIDE pixels long: the mask found in blue, the true outline in yellow, clicks numbered."""
    height, width = result.truth["size"]
    try:
        rgb = read_upright(Picture(result.source, Path(result.picture), width, height, ()))
    except UnreadablePictureError:
        return None
    scale = SIDE / max(width, height)
    resampling = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(rgb, size, interpolation=resampling)
    canvas = np.asarray(small, np.uint8)
    found = scaled(result.example, canvas)
    canvas[found > 0] = (0.62 * canvas[found > 0] + 0.38 * np.array(FOUND)).astype(np.uint8)
    for mask, ink in ((found, FOUND), (scaled(result.truth, canvas), TRUE)):
        outlines, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(canvas, outlines, -1, ink, 2, cv2.LINE_AA)
    for number, click in enumerate(result.clicks[:EXAMPLE_CLICKS], 1):
        draw_click(canvas, click, number, scale)
    _, data = cv2.imencode(".jpg", canvas[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return data.tobytes()


def scaled(rle: RLE, canvas: UInt8) -> UInt8:
    """uint8 [height, width] of the canvas, 0 and 1."""
    grown = cv2.resize(to_bitmap(rle) * 255, canvas.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(grown >= 128, np.uint8)


def draw_click(canvas: UInt8, click: Click, number: int, scale: float) -> None:
    """A disk with its number."""
    centre = (round((click.x * scale - 0.5) * FINE), round((click.y * scale - 0.5) * FINE))
    cv2.circle(canvas, centre, 12 * FINE, WHITE, -1, cv2.LINE_AA, SHIFT)
    cv2.circle(canvas, centre, round(10.5 * FINE), GREEN if click.positive else RED, -1, cv2.LINE_AA, SHIFT)
    text = str(number)
    (text_width, text_height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, TEXT_SCALE, 1)
    origin = (round(centre[0] / FINE - text_width / 2), round(centre[1] / FINE + text_height / 2))
    cv2.putText(canvas, text, origin, cv2.FONT_HERSHEY_SIMPLEX, TEXT_SCALE, WHITE, 1, cv2.LINE_AA)
