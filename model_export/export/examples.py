"""Example masks for the model card, on the page's own pictures, with prompts that were set before any mask was seen."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from model_export.data.picture_files import MAX_PIXELS
from model_export.evaluate.examples import draw_click
from model_export.evaluate.predictor import Click
from model_export.evaluate.promptable import PromptablePredictor
from model_export.export.pictures import SAMPLES
from server.domain.ports import LoadedBundle, UInt8
from server.runtime.images import decode_image

HEIGHT = 320
QUALITY = 74
COLOURS = ((64, 140, 255), (255, 150, 40), (190, 90, 235))  # RGB, by prompt
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Asked:
    """Foreground clicks (x, y) ImagePx, or a box x1 y1 x2 y2."""

    clicks: tuple[tuple[float, float], ...] = ()
    box: Box | None = None


ASKED = {
    "table": (Asked(((511, 280),)), Asked(box=(343, 459, 703, 669)), Asked(((200, 409),))),
    "desk": (Asked(((638, 530),)), Asked(box=(1001, 240, 1180, 490)), Asked(((788, 649),))),
    "garden": (Asked(((529, 448),)), Asked(box=(57, 607, 499, 951)), Asked(((619, 897),))),
}


def example_sheet(bundle: LoadedBundle) -> bytes:
    """JPEG: the sample pictures side by side, each with one click, a box and one click; of a click the best-scored of
    three candidates."""
    predictor = PromptablePredictor(bundle)
    panels = []
    for name, prompts in ASKED.items():
        rgb = decode_image((SAMPLES / f"{name}.jpg").read_bytes(), max_pixels=MAX_PIXELS).rgb
        panels.append(panel(predictor, rgb, prompts))
    _, data = cv2.imencode(".jpg", np.hstack(panels)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return data.tobytes()


def panel(predictor: PromptablePredictor, rgb: UInt8, prompts: tuple[Asked, ...]) -> UInt8:
    """uint8 [HEIGHT, width, 3]: masks tinted and outlined, clicks and boxes drawn."""
    picture = predictor.open(rgb)
    scale = HEIGHT / rgb.shape[0]
    size = (round(rgb.shape[1] * scale), HEIGHT)
    canvas = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    for asked, colour in zip(prompts, COLOURS, strict=True):
        clicks = [Click(x, y, True) for x, y in asked.clicks]
        answer = picture.ask(clicks, np.array(asked.box, np.float64) if asked.box else None)
        mask = np.asarray(answer.mask(answer.shown), np.uint8) * 255
        small = cv2.resize(mask, size, interpolation=cv2.INTER_AREA) >= 128
        canvas[small] = (0.55 * canvas[small] + 0.45 * np.array(colour)).astype(np.uint8)
        outlines, _ = cv2.findContours(small.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(canvas, outlines, -1, colour, 2, cv2.LINE_AA)
        if asked.box:
            x1, y1, x2, y2 = (round(value * scale) for value in asked.box)
            cv2.rectangle(canvas, (x1, y1), (x2, y2), colour, 1, cv2.LINE_AA)
        for number, click in enumerate(clicks, 1):
            draw_click(canvas, click, number, scale)
    return canvas
