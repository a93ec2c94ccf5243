"""Pictures for the materials, drawn by numpy: noise, wood, cloth, glaze, printed paper. Colours are sRGB in 0..1."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

Array = np.ndarray


def noise(height: int, width: int, seed: int, roughness: float = 1.0, stretch: tuple[float, float] = (1, 1)) -> Array:
    """Tileable cloud noise in 0..1 by filtering white noise; `stretch` lengthens it along (y, x)."""
    rng = np.random.default_rng(seed)
    fy = np.fft.fftfreq(height)[:, None] * height * stretch[0]
    fx = np.fft.rfftfreq(width)[None] * width * stretch[1]
    gain = 1.0 / np.maximum(np.hypot(fy, fx), 1.0) ** (1.0 + roughness)
    spectrum = np.fft.rfft2(rng.standard_normal((height, width))) * gain
    spectrum[0, 0] = 0
    out = np.fft.irfft2(spectrum, s=(height, width))
    out = (out - out.mean()) / (out.std() + 1e-12)
    return np.clip(0.5 + out / 5, 0, 1)


def ramp(value: Array, colours: list[tuple[float, float, float]]) -> Array:
    """Colours spread evenly over 0..1."""
    at = np.linspace(0, 1, len(colours))
    return np.stack([np.interp(value, at, [c[k] for c in colours]) for k in range(3)], -1)


def wood(
    height: int, width: int, seed: int, colours: list[tuple[float, float, float]], planks: int = 1, rings: float = 9.0
) -> tuple[Array, Array]:
    """(colour, height map) of boards whose grain runs along x."""
    rng = np.random.default_rng(seed)
    rows = np.linspace(0, planks, height, endpoint=False)
    board = rows.astype(int)
    warp = noise(height, width, seed, 1.6, (1, 5))
    fibre = noise(height, width, seed + 1, 0.1, (1, 60))
    pores = noise(height, width, seed + 2, -0.3, (1, 25))
    value = np.zeros((height, width))
    for k in range(planks):
        inside = board == k
        shift = int(rng.integers(width))
        w = np.roll(warp, shift, 1)[inside]
        y = (rows[inside] - k)[:, None]
        centre = rng.uniform(-0.4, 1.4)
        bow = np.cos(np.linspace(0, 2 * np.pi, width) + rng.uniform(0, 6))[None] * 0.12
        ring = np.sqrt((y - centre + bow) ** 2 + 0.02) * rings / 2 + 3.0 * w
        phase = ring % 1.0
        late = np.clip(phase * 1.25, 0, 1) ** 2.5 * (1 - np.clip((phase - 0.88) / 0.12, 0, 1))
        value[inside] = 0.42 * late + 0.55 * (np.roll(fibre, shift, 1)[inside] - 0.5) + 0.28 * rng.random()
    value = np.clip(0.15 + value, 0, 1)
    dark = np.clip((pores - 0.66) * 6, 0, 1)
    colour = ramp(value, colours) * (1 - 0.35 * dark)[..., None]
    gap = np.minimum(rows % 1.0, 1 - rows % 1.0) * height / planks
    groove = np.clip(1 - gap / (height / planks * 0.012), 0, 1)[:, None] if planks > 1 else np.zeros((height, 1))
    colour = colour * (1 - 0.75 * groove)[..., None]
    return colour, np.clip(0.8 - 0.25 * value - 0.35 * dark, 0, 1) * (1 - groove)


def speckle(
    height: int,
    width: int,
    seed: int,
    base: tuple[float, float, float],
    dot: tuple[float, float, float],
    count: int = 900,
    size: float = 1.6,
) -> Array:
    """Glaze with iron specks: base colour, slow clouds and many small soft dots."""
    rng = np.random.default_rng(seed)
    layer = np.zeros((height, width), np.float32)
    for _ in range(count):
        at = (int(rng.integers(width)), int(rng.integers(height)))
        radius = max(1, int(rng.exponential(size)))
        cv2.circle(layer, at, radius, float(rng.uniform(0.4, 1.0)), -1, cv2.LINE_AA)
    layer = cv2.GaussianBlur(layer, (0, 0), 0.8)[..., None]
    cloud = 0.94 + 0.12 * noise(height, width, seed + 5, 1.0)[..., None]
    return np.clip(np.array(base) * cloud * (1 - layer) + np.array(dot) * layer, 0, 1)


def weave(
    height: int,
    width: int,
    seed: int,
    base: tuple[float, float, float],
    stripes: list[tuple[float, float, tuple[float, float, float]]],
    threads: int = 180,
) -> tuple[Array, Array]:
    """(colour, height map) of linen; each stripe is (start, stop, colour) across v."""
    y, x = np.mgrid[0:height, 0:width]
    v = y / height
    colour = np.empty((height, width, 3))
    colour[:] = base
    for start, stop, tint in stripes:
        colour[(v >= start) & (v < stop)] = tint
    warp = np.sin(x / width * threads * np.pi) ** 2
    weft = np.sin(y / height * threads * np.pi) ** 2
    over = ((x * threads // width) + (y * threads // height)) % 2
    bump = np.where(over == 0, warp * (0.5 + 0.5 * weft), weft * (0.5 + 0.5 * warp))
    slub = noise(height, width, seed, 0.3, (1, 20)) + noise(height, width, seed + 1, 0.3, (20, 1))
    colour = colour * (0.78 + 0.18 * bump + 0.14 * (slub - 0.5))[..., None]
    return np.clip(colour, 0, 1), bump


def mottle(
    height: int,
    width: int,
    seed: int,
    colours: list[tuple[float, float, float]],
    roughness: float = 0.6,
    contrast: float = 1.0,
) -> Array:
    """Cloudy mix of colours: clay, plaster, stone, crust."""
    return ramp(np.clip(0.5 + (noise(height, width, seed, roughness) - 0.5) * contrast, 0, 1), colours)


def apple(seed: int = 3, height: int = 512, width: int = 1024) -> Array:
    """Red skin with yellow streaks, paler at the stalk (v = 1) and with lenticels."""
    v = np.linspace(0, 1, height)[:, None]
    streak = noise(height, width, seed, 0.4, (30, 1)) * 0.6 + noise(height, width, seed + 1, 1.2) * 0.6
    pale = np.clip(streak - 0.62 + 1.2 * np.clip((v - 0.72) / 0.28, 0, 1) ** 2, 0, 1) * 2.2
    colour = ramp(
        np.clip(pale, 0, 1), [(0.50, 0.035, 0.05), (0.70, 0.12, 0.08), (0.86, 0.52, 0.20), (0.88, 0.76, 0.38)]
    )
    dots = speckle(height, width, seed, (0, 0, 0), (1, 1, 1), 500, 0.9)
    return np.clip(colour + 0.25 * dots, 0, 1)


def dimples(height: int, width: int, seed: int, count: int = 5000, size: int = 3) -> Array:
    """Height map of citrus peel."""
    rng = np.random.default_rng(seed)
    layer = np.zeros((height, width), np.float32)
    for _ in range(count):
        cv2.circle(layer, (int(rng.integers(width)), int(rng.integers(height))), size, 1.0, -1, cv2.LINE_AA)
    return 1.0 - cv2.GaussianBlur(layer, (0, 0), size * 0.7)


def font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)  # Pillow's own face, so that no font file is needed


def printed(
    height: int,
    width: int,
    paper: tuple[int, int, int],
    lines: list[tuple[str, float, float, int, tuple[int, int, int]]],
    frame: tuple[int, int, int] | None = None,
    shapes: Sequence[tuple[str, tuple[float, ...], tuple[int, int, int]]] = (),
) -> Array:
    """A cover or a label: paper, shapes ('ellipse' or 'rectangle', box in 0..1), centred text at x, y in 0..1."""
    picture = Image.new("RGB", (width, height), paper)
    pen = ImageDraw.Draw(picture)
    scale = np.array([width, height, width, height])
    for kind, place, colour in shapes:
        getattr(pen, kind)(tuple(np.array(place) * scale), fill=colour)
    if frame is not None:
        edge = width // 22
        pen.rectangle((edge, edge, width - edge, height - edge), outline=frame, width=max(2, width // 160))
    for text, x, y, size, colour in lines:
        pen.text((x * width, y * height), text, fill=colour, font=font(size), anchor="mm")
    return np.asarray(picture, float)[::-1] / 255
