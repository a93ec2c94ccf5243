"""A desk in the evening: a lamp, toy animals, a car, a clock, pencils and books."""

from __future__ import annotations

import desktop_things as things
import mitsuba as mi
import numpy as np
import tableware as tw
import textures as tx
from geometry import box, surface
from studio import Stage, material


def build() -> Stage:
    stage = Stage(
        eye=(3, -122, 47),
        target=(0, 4, 13.5),
        width=1280,
        height=853,
        field_of_view=36,
        focus=(2, -8, 6),
        aperture=0.7,
        exposure=1.12,
        warmth=0.0,
    )
    birch, grain = tx.wood(
        2048, 3072, 301, [(0.86, 0.74, 0.58), (0.80, 0.66, 0.48), (0.68, 0.52, 0.35)], planks=3, rings=8
    )
    stage.add(box(190, 86, 4, 0.6).move(y=6, z=-4), material(birch, 0.36, bump=grain, depth=0.25, specular=0.45))
    x, z = np.meshgrid(np.linspace(-240, 240, 4), np.linspace(-80, 220, 4))
    wall = tx.mottle(1024, 1024, 303, [(0.34, 0.44, 0.48), (0.39, 0.49, 0.53)], 1.0)
    stage.add(
        surface(np.stack([x, np.full_like(x, 52.0), z], -1)),
        material(wall, 0.85, bump=tx.noise(512, 512, 304, 0.1), depth=0.12, repeat=2),
    )

    at = stage.at
    things.lamp(at(-22, 16, 0, -14, 0.82), (0.85, 0.33, 0.16))
    things.elephant(at(-1, 4, 0, -24))
    things.duck(at(9, -14, 0, -118))
    things.car(at(-15, -15, 0, -28))
    things.pencil_pot(at(15.5, 19))
    clock_books = [
        ((24, 62, 84), "ATLAS", 24.0, 17.5, 3.0, 4),
        ((160, 58, 42), "BIRDS OF THE COAST", 22.0, 16.0, 2.4, -7),
        ((226, 186, 92), "Short Walks", 20.0, 14.5, 1.9, 9),
    ]
    level = 0.0
    for colour, title, wide, deep, thick, turn in clock_books:
        cover = tx.printed(560, 800, colour, [(title, 0.5, 0.5, 60, (245, 238, 220))], frame=(245, 238, 220))
        tw.book(at(31, 13, level, turn), cover, wide, deep, thick)
        level += thick + 0.02
    things.clock(at(30.5, 12.5, level, -12))
    things.notebook(at(29, -17, 0, 14))
    tw.mug(at(-33, -2, 0, 215), 311, (0.30, 0.40, 0.56), 9.0, 4.1)

    place = mi.ScalarTransform4f().translate([-12.8, 13.75, 32.0]).scale(1.6)
    stage.put(
        {
            "type": "sphere",
            "to_world": place,
            "emitter": {"type": "area", "radiance": {"type": "rgb", "value": [150, 108, 64]}},
        }
    )
    stage.lamp((-170, -20, 95), (0, 0, 5), 130, 140, (5.0, 5.8, 7.0))
    stage.sun((-250, -420, 330), (4, 40, 24), 1.6e5, 3.0, opening=(70, 84), bars=(1, 2))
    stage.lamp((120, -90, 120), (0, 0, 5), 110, 80, (1.6, 1.6, 1.7))
    sky = np.full((32, 64, 3), 0.20) * np.array([0.95, 1.0, 1.1])
    stage.room(sky)
    return stage
