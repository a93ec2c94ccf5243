"""A breakfast table by a window."""

from __future__ import annotations

import food
import numpy as np
import tableware as tw
import textures as tx
from geometry import Mesh, box, join, lathe, rounded, surface
from studio import Stage, material

OAK = [(0.78, 0.62, 0.44), (0.71, 0.53, 0.35), (0.60, 0.42, 0.26), (0.46, 0.30, 0.17)]


def napkin(width: float, depth: float) -> Mesh:
    """Linen lying in low folds."""
    x, y = np.meshgrid(np.linspace(-width / 2, width / 2, 220), np.linspace(-depth / 2, depth / 2, 160))
    folds = 0.16 * np.sin(0.42 * x + 0.9 * np.sin(0.21 * y)) + 0.12 * np.sin(0.33 * y + 0.6 * np.sin(0.27 * x) + 1.0)
    rough = (tx.noise(160, 220, 15, 1.6) - 0.5) * 0.9
    edge = np.minimum(np.minimum(width / 2 - np.abs(x), depth / 2 - np.abs(y)) / 2.5, 1)
    z = 0.1 + np.maximum(0.14 + folds + rough, 0.0) * (0.25 + 0.75 * edge)
    return surface(np.stack([x + 0.12 * np.sin(y), y + 0.15 * np.sin(0.6 * x), z], -1))


def room(stage: Stage) -> None:
    wall = tx.mottle(512, 512, 31, [(0.60, 0.62, 0.58), (0.68, 0.69, 0.65)], 1.0)
    x, z = np.meshgrid(np.linspace(-260, 260, 4), np.linspace(-80, 200, 4))
    stage.add(surface(np.stack([x, np.full_like(x, 170.0), z], -1)), material(wall, 0.9))
    oak, grain = tx.wood(512, 1024, 33, [(0.62, 0.47, 0.34), (0.50, 0.36, 0.25), (0.36, 0.24, 0.16)])
    drawers = [box(62, 3, 24, 0.8).move(x=-55 + 65 * k, y=119, z=-66 + 27 * row) for k in range(3) for row in range(3)]
    stage.add(
        join([box(210, 40, 88, 1.0).move(x=10, y=140, z=-74), *drawers]), material(oak, 0.45, bump=grain, depth=0.3)
    )
    stage.add(
        join(
            [
                lathe([(0, 0), (1.2, 0.3), (1.4, 1.2), (0, 1.8)], 24)
                .turn("x", 90)
                .move(-55 + 65 * k, 117, -54 + 27 * row)
                for k in range(3)
                for row in range(3)
            ]
        ),
        material((0.75, 0.6, 0.35), 0.25, metallic=1.0),
    )
    vase = rounded([(0, 0), (6, 0), (9, 6), (9, 14), (4, 24), (3.5, 30), (4.5, 32), (4, 32)], 3)
    stage.add(lathe(vase).move(-34, 135, 14), material((0.85, 0.83, 0.78), 0.3))
    rng = np.random.default_rng(7)
    leaves = []
    for _ in range(60):
        u, v = np.meshgrid(np.linspace(-1, 1, 7), np.linspace(0, 1, 12))
        wide = 3.4 * np.sin(np.pi * v**0.8) * u
        leaf = surface(np.stack([wide, 11 * v, 1.5 * np.abs(u) - 5 * v**2], -1))
        leaves.append(
            leaf.turn("x", rng.uniform(10, 85)).turn("z", rng.uniform(0, 360)).move(-34, 135, 44 + rng.uniform(0, 22))
        )
    stage.add(join(leaves), material((0.20, 0.34, 0.14), 0.5))
    stage.add(box(120, 6, 90, 1).move(95, 160, 30), material((0.34, 0.40, 0.44), 0.6))


def build() -> Stage:
    stage = Stage(
        eye=(-3, -88, 41),
        target=(0.5, 1.5, 4.6),
        width=1280,
        height=853,
        field_of_view=33.5,
        focus=(0, -6, 4),
        aperture=0.75,
        exposure=0.97,
        warmth=0.0,
    )
    top, grain = tx.wood(3072, 4096, 11, OAK, planks=6, rings=8)
    shine = np.clip(0.30 + 0.30 * tx.noise(1024, 1024, 12, 0.7) + 0.12 * (1 - grain[::3, ::4]), 0.05, 1)
    stage.add(box(150, 100, 4, 0.6).move(y=8, z=-4), material(top, shine, bump=grain, depth=0.5, specular=0.5))
    room(stage)

    at = stage.at
    linen, bump = tx.weave(
        1024,
        1024,
        17,
        (0.86, 0.83, 0.77),
        [
            (0.06, 0.085, (0.28, 0.36, 0.50)),
            (0.10, 0.16, (0.28, 0.36, 0.50)),
            (0.175, 0.20, (0.28, 0.36, 0.50)),
            (0.80, 0.825, (0.28, 0.36, 0.50)),
            (0.84, 0.90, (0.28, 0.36, 0.50)),
        ],
        240,
    )
    stage.add(
        napkin(25, 30).turn("z", 12).move(-9, -13), material(linen, 0.9, bump=bump, depth=0.05, sheen=0.5, specular=0.2)
    )
    tw.plate(at(-5, -8, 0.45))
    food.croissant(at(-5, -8.2, 1.0, 196))
    tw.mug(at(-19.5, 5, 0, -38), 101, (0.86, 0.84, 0.78))
    tw.teapot(at(-5.5, 21, 0, -14))
    tw.bowl(at(13.5, 9))
    food.orange(at(13.5, 9), (-4.4, -1.0, 4.9), 111)
    food.orange(at(13.5, 9), (2.6, 4.6, 5.2), 112)
    food.apple(at(13.5, 9), (3.6, -3.6, 5.6), 18, 40)
    food.lemon(at(13.5, 9), (-1.2, -0.4, 9.2), 24)
    tw.jar(at(5.5, -1.5, 0, 12))
    food.egg(at(-23, -8))
    cover = tx.printed(
        900,
        640,
        (38, 74, 84),
        [
            ("WILD", 0.5, 0.17, 110, (242, 226, 190)),
            ("HARBOURS", 0.5, 0.285, 92, (242, 226, 190)),
            ("a walking year", 0.5, 0.38, 40, (222, 170, 90)),
            ("M. ORDEN", 0.5, 0.92, 42, (242, 226, 190)),
        ],
        shapes=[
            ("ellipse", (0.3, 0.47, 0.7, 0.755), (222, 140, 66)),
            ("rectangle", (0.0, 0.66, 1.0, 0.80), (24, 52, 64)),
            ("rectangle", (0.0, 0.70, 1.0, 0.715), (120, 150, 150)),
            ("rectangle", (0.1, 0.745, 0.9, 0.755), (90, 124, 128)),
        ],
    )
    tw.book(at(19.5, -11.5, 0, 17), cover, 13, 18.5, 2.3)
    tw.spoon(at(8.0, -17.5, 0.05, 66))

    for column in range(2):  # the window on the left, in panes
        for row in range(3):
            stage.lamp(
                (-120, -32 + 56 * column, 40 + 42 * row),
                (0, -32 + 56 * column + 6, 20 + 42 * row),
                48,
                37,
                (17.0, 18.6, 21.0),
            )
    stage.sun((-300, -300, 270), (2, 6, 4), 0.75e5, 3.0, opening=(44, 62), bars=(1, 2))
    sky = np.full((32, 64, 3), 0.22) * np.array([1.0, 0.93, 0.84])
    sky[:10] *= 2.0
    stage.room(sky)
    return stage
