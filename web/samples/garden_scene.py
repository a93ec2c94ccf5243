"""A sunny garden step: pots with plants, a watering can, a trowel, pebbles and a snail."""

from __future__ import annotations

import cv2
import garden_things as things
import numpy as np
import textures as tx
from geometry import Array, box, join, surface
from studio import Stage, material


def bricks(height: int, width: int, seed: int) -> tuple[Array, Array]:
    """(colour, height map) of 12 courses of old limewashed brick."""
    rng = np.random.default_rng(seed)
    relief, tone = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    rows, columns, joint = 12, 8, height // 12 * 0.09
    h, w = height / rows, width / columns
    for row in range(rows):
        for column in range(-1, columns + 1):
            x = (column + 0.5 * (row % 2)) * w
            a = (round(x + joint + rng.uniform(-2, 2)), round(row * h + joint + rng.uniform(-2, 2)))
            b = (round(x + w - joint), round((row + 1) * h - joint))
            cv2.rectangle(relief, a, b, float(rng.uniform(0.75, 1.0)), -1)
            cv2.rectangle(tone, a, b, float(rng.uniform(0.15, 1.0)), -1)
    rough = tx.noise(height, width, seed, 0.1) - 0.5
    relief = cv2.GaussianBlur(relief, (0, 0), 3.0) + 0.45 * rough.astype(np.float32)
    clay = tx.ramp(
        np.clip(tone + 0.5 * rough, 0, 1),
        [(0.52, 0.46, 0.42), (0.60, 0.40, 0.33), (0.66, 0.46, 0.37), (0.76, 0.60, 0.50)],
    )
    wash = np.clip(tx.noise(height, width, seed + 1, 0.9) * 2.2 - 0.55, 0, 0.85)[..., None]
    return clay * (1 - wash) + np.array([0.86, 0.83, 0.77]) * wash, relief


def build() -> Stage:
    stage = Stage(
        eye=(3, -128, 58),
        target=(0.5, 4, 20.9),
        width=853,
        height=1280,
        field_of_view=35.5,
        focus=(2, -8, 8),
        aperture=0.9,
        exposure=6.6,
    )
    clouds, grit = tx.noise(2048, 2048, 501, 0.5), tx.noise(2048, 2048, 502, -0.75)
    pits = np.clip((tx.noise(2048, 2048, 504, -0.3) - 0.62) * 6, 0, 1)
    stone = (
        tx.ramp(0.6 * clouds + 0.4 * grit, [(0.38, 0.35, 0.31), (0.62, 0.59, 0.53), (0.84, 0.81, 0.75)])
        * (1 - 0.35 * pits)[..., None]
    )
    rough = 0.5 * tx.noise(2048, 2048, 506, 0.1) + 0.35 * grit - 0.5 * pits
    for k, (x, wide) in enumerate(((-52, 62), (14, 68), (82, 66))):
        stage.add(
            box(wide, 76, 7, 0.7).move(x, 8, -7).planar(76),
            material(np.roll(stone, 300 * k, 1), 0.85, bump=rough, depth=0.5, specular=0.25),
        )
    wall, relief = bricks(1536, 2048, 503)
    x, z = np.meshgrid(np.linspace(-95, 95, 4), np.linspace(-14, 120, 4))
    stage.add(
        surface(np.stack([x, np.full_like(x, 52.0), z], -1)),
        material(wall, 0.9, bump=relief, depth=1.0, specular=0.2, repeat=1.7),
    )
    stage.add(
        box(400, 400, 1, 0.2).move(0, -180, -20),
        material(tx.mottle(256, 256, 505, [(0.20, 0.30, 0.10), (0.34, 0.42, 0.18)], 0.0), 0.9),
    )

    at = stage.at
    big = at(11, 27)
    things.pot(big, 10.5, 19, 511)
    hosta = things.leaf_look(513, (0.10, 0.26, 0.07), (0.42, 0.58, 0.24), 10, (0.80, 0.82, 0.56))
    things.bush(big, hosta, 515, 44, (13, 19), 9.5, 16.0, (8, 66), 17.0)
    things.watering_can(at(-13, 5, 0, -12, 0.84))
    blue = at(13.5, -4)
    things.pot(blue, 6.2, 9.0, 521, (0.16, 0.36, 0.50))
    rosette = things.leaf_look(523, (0.36, 0.52, 0.42), (0.62, 0.72, 0.58), 0, (0.62, 0.36, 0.38))
    things.succulent(blue, rosette, 7.9, 6.6)
    things.trowel(at(-9.5, -15, 0.1, -152))
    things.snail(at(4.5, -19, 0.0, 28, 0.85))
    keep = np.array(
        [
            (11, 27, 11),
            (-13, 5, 8.5),
            (13.5, -4, 6.6),
            (4.5, -19, 4.2),
            (-1, -11.5, 3.6),
            (-5, -13, 3.6),
            (-9.5, -15, 3.6),
            (-14, -17.5, 3.6),
            (-18, -19.5, 4),
            (-22, -22, 4),
        ]
    )
    palette = [(0.55, 0.53, 0.50), (0.72, 0.68, 0.62), (0.46, 0.42, 0.40), (0.62, 0.50, 0.42), (0.84, 0.82, 0.78)]
    things.scatter(at(0, 0), 531, 16, (10, -27), (26, -10), (1.1, 2.6), palette, keep)
    things.scatter(at(0, 0), 532, 9, (-28, -12), (-20, 4), (1.0, 2.2), palette, keep)
    things.scatter(at(0, 0), 533, 46, (-28, -28), (28, 40), (0.25, 0.6), palette, keep)
    rng = np.random.default_rng(541)  # a branch above and beside the camera, for the broken light
    shade = []
    for _ in range(170):
        leaf = (
            things.blade(rng.uniform(7, 11), 5.0, 0.2, 0.2)
            .turn("x", rng.uniform(-70, 70))
            .turn("z", rng.uniform(0, 360))
        )
        shade.append(leaf.move(rng.normal(-95, 26), rng.normal(-62, 26), rng.normal(150, 24)))
    stage.add(join(shade), material((0.16, 0.30, 0.08), 0.5))
    sun = np.array([-0.58, -0.50, 0.74])
    stage.put(
        {
            "type": "sunsky",
            "sun_direction": (sun / np.linalg.norm(sun)).tolist(),
            "turbidity": 3.5,
            "sun_aperture": 1.6,
            "sun_scale": 1.0,
            "sky_scale": 1.0,
            "albedo": {"type": "rgb", "value": [0.25, 0.28, 0.2]},
        }
    )
    return stage
