"""Changes of a picture that leave its masks alone: colour, blur, noise, JPEG artefacts."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

GREY = 0.05  # chances
BLUR = 0.15
NOISE = 0.12
JPEG = 0.15
LUMA = np.full((3, 3), 1 / 3, np.float64)


def colour_matrix(rng: np.random.Generator) -> NDArray[np.float64]:
    """float64 [3, 4]: contrast around 128, brightness, saturation around the mean of the channels, gain a channel; the
    last column is added, in 0..255."""
    contrast, brightness = rng.uniform(0.75, 1.25), rng.uniform(-25, 25)
    saturation = 0.0 if rng.random() < GREY else rng.uniform(0.6, 1.4)
    mixed = saturation * np.eye(3) + (1 - saturation) * LUMA
    gain = rng.uniform(0.92, 1.08, (3, 1))
    # the rows of `mixed` sum to 1, so it leaves the same offset in every channel as it is
    return np.hstack([gain * contrast * mixed, gain * (128 - 128 * contrast + brightness)])


def jitter_colour(rng: np.random.Generator, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 [h, w, 3] RGB -> the same shape."""
    x = np.asarray(cv2.transform(pixels, colour_matrix(rng)), np.uint8)
    if rng.random() < BLUR:
        x = np.asarray(cv2.GaussianBlur(x, (0, 0), float(rng.uniform(0.4, 1.5))), np.uint8)
    if rng.random() < NOISE:
        noise = rng.standard_normal(x.shape, np.float32) * np.float32(rng.uniform(2, 10))
        x = np.clip(x + noise, 0, 255).astype(np.uint8)
    if rng.random() < JPEG:
        x = recompressed(x, int(rng.integers(20, 90)))
    return x


def recompressed(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Through a JPEG of `quality` 0..100 and back. RGB is taken for BGR on both ways, so only the weights of the
    channels in the luma differ."""
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
