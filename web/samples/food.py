"""Things to eat on the breakfast table. Each builder puts one object through `put`; a fruit's `at` is its middle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import textures as tx
from geometry import along, ball, lathe, rounded, smooth_path, tube
from studio import Put, material


def orange(put: Put, at: tuple[float, float, float], seed: int, radius: float = 3.7) -> None:
    colour = tx.mottle(512, 1024, seed, [(0.86, 0.36, 0.04), (0.95, 0.50, 0.08), (0.98, 0.60, 0.16)], 0.8)
    look = material(colour, 0.36, bump=tx.dimples(1024, 2048, seed, 9000), depth=0.28, specular=0.45)
    tilt = np.random.default_rng(seed).uniform(-40, 40, 2)
    body = ball(radius, 96).scale(1, 1, 0.94)
    p = body.points
    navel = 0.35 * np.exp(-(p[:, 0] ** 2 + p[:, 1] ** 2) / 0.6) * np.sign(p[:, 2])
    body = replace(body, points=p - np.outer(navel, [0, 0, 1]))
    put(body.turn("x", tilt[0]).turn("y", tilt[1]).move(*at), look)
    put(
        lathe([(0.42, 0), (0.4, 0.1), (0.2, 0.16), (0, 0.17)], 10)
        .move(z=radius * 0.94 - 0.34)
        .turn("x", tilt[0])
        .turn("y", tilt[1])
        .move(*at),
        material((0.36, 0.42, 0.16), 0.7),
    )


def lemon(put: Put, at: tuple[float, float, float], turn: float) -> None:
    t = np.linspace(0, 1, 70)
    r = along(
        [(0, 0), (0.03, 0.45), (0.09, 0.75), (0.2, 2.0), (0.5, 2.75), (0.8, 2.0), (0.93, 0.85), (0.98, 0.4), (1, 0)], t
    )
    colour = tx.mottle(256, 512, 5, [(0.90, 0.70, 0.10), (0.96, 0.82, 0.18), (0.97, 0.87, 0.30)], 0.8)
    put(
        lathe(np.stack([r, 8.4 * t - 4.2], -1)).turn("y", 90).turn("z", turn).move(*at),
        material(colour, 0.33, bump=tx.dimples(768, 1536, 6, 4000), depth=0.25),
    )


def apple(
    put: Put, at: tuple[float, float, float], tilt: float, turn: float, seed: int = 3, radius: float = 3.9
) -> None:
    t = np.linspace(0, np.pi, 90)
    r = radius * np.sin(t) ** 0.86 * (1 + 0.07 * np.cos(t))
    z = -radius * 0.93 * np.cos(t) - 1.25 * np.exp(-((np.pi - t) ** 2) / 0.09) + 0.75 * np.exp(-(t**2) / 0.07)
    body = lathe(np.stack([np.maximum(r, 0), z], -1)).bend(
        lambda p, n: (
            p * (1 + 0.018 * np.cos(5 * np.arctan2(p[:, 1], p[:, 0])) * np.clip(-p[:, 2] / radius, 0, 1))[:, None]
        )
    )
    stalk = tube(
        smooth_path([(0, 0, radius * 0.6), (0.08, 0.05, radius * 0.85), (0.35, 0.1, radius * 1.12)], 20),
        along([(0, 0.13), (0.7, 0.11), (1, 0.2)], np.linspace(0, 1, 20)),
        12,
        up=(0, 1, 0),
    )
    for mesh, look in (
        (body, material(tx.apple(seed), 0.2, specular=0.5, clearcoat=0.35)),
        (stalk, material((0.26, 0.17, 0.09), 0.75)),
    ):
        put(mesh.turn("x", tilt).turn("z", turn).move(*at), look)


def croissant(put: Put) -> None:
    """A crescent with a spiral of risen layers, browned on the ridges."""
    t = np.linspace(0, 1, 420)
    arc = np.radians(-118 + 236 * t)
    path = np.stack([5.1 * np.sin(arc) * 1.12, -5.0 * np.cos(arc) + 2.4, np.zeros_like(t)], -1)
    s = np.hypot((t - 0.5) * 2, 0.09)
    ridge = (s * 4.6 + 0.35) % 1.0
    size = along([(0, 2.75), (0.3, 2.45), (0.7, 1.55), (0.92, 0.8), (1, 0.55)], s)
    mesh = tube(path, size * (1.07 - 0.17 * ridge**1.3), 72, 0.80)
    lift = along([(0, 2.25), (0.7, 1.35), (1, 0.6)], np.clip(np.abs(mesh.uv[:, 1] - 0.5) * 2, 0, 1))
    flakes = tx.noise(512, 1024, 61, 0.9, (1, 3))
    rows = np.clip((mesh.uv[:, 1] * 511).astype(int), 0, 511)
    columns = (mesh.uv[:, 0] * 1023).astype(int)
    mesh = mesh.bend(lambda p, n: p + n * (0.28 * (flakes[rows, columns] - 0.5))[:, None] + np.outer(lift, [0, 0, 1]))
    v = np.hypot(np.linspace(-1, 1, 1024), 0.09)[:, None]
    step = (v * 4.6 + 0.35) % 1.0
    fine = tx.noise(1024, 1024, 62, 0.4, (1, 9))
    brown = np.clip(1.0 - 0.75 * step + 1.5 * (fine - 0.5), 0, 1)
    colour = tx.ramp(brown, [(0.93, 0.76, 0.48), (0.86, 0.59, 0.28), (0.72, 0.40, 0.15), (0.48, 0.23, 0.08)])
    put(mesh, material(colour, 0.46, bump=fine, depth=0.9, specular=0.35))


def egg(put: Put) -> None:
    cup = [
        (0, 0),
        (2.3, 0),
        (2.45, 0.2),
        (2.2, 0.45),
        (0.9, 1.0),
        (0.75, 1.7),
        (1.2, 2.4),
        (2.1, 3.1),
        (2.5, 4.3),
        (2.52, 5.0),
        (2.3, 5.02),
        (2.2, 4.3),
        (1.7, 3.3),
        (0, 2.8),
    ]
    put(lathe(rounded(cup, 0.35)), material((0.88, 0.70, 0.30), 0.2, specular=0.55))
    t = np.linspace(0, np.pi, 80)
    r, z = 2.18 * np.sin(t) * (1 - 0.09 * -np.cos(t)), -2.85 * np.cos(t)
    look = material(
        tx.speckle(256, 512, 91, (0.84, 0.64, 0.48), (0.62, 0.42, 0.30), 500, 0.9),
        0.42,
        bump=tx.dimples(512, 1024, 92, 4000, 2),
        depth=0.05,
    )
    put(lathe(np.stack([np.maximum(r, 0), z], -1)).move(z=5.6), look)
