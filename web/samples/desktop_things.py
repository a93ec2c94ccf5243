"""Objects of the desk. Each builder puts one object, standing on z = 0 at the origin, through `put`."""

from __future__ import annotations

import itertools

import numpy as np
import textures as tx
from geometry import (
    Array,
    ball,
    blend,
    box,
    capsule,
    ellipsoid,
    field,
    join,
    lathe,
    rounded,
    smooth_path,
    surface,
    tube,
)
from studio import Put, material, metal


def lamp(put: Put, colour: tuple[float, float, float]) -> None:
    """A jointed lamp: base, two arms, knobs, a shade that looks to +x (the bulb is the scene's)."""
    enamel = material(colour, 0.28, specular=0.55, clearcoat=0.5)
    steel = metal("Cr", 0.16)
    put(
        lathe(rounded([(0, 0), (8.2, 0), (8.4, 0.5), (8.1, 1.5), (7.0, 2.0), (1.4, 2.3), (1.2, 3.4), (0, 3.4)], 0.5)),
        enamel,
    )
    elbow, head = np.array([-8.5, 0, 25.0]), np.array([9.0, 0, 41.0])
    for y in (-0.75, 0.75):
        beside = np.array([0, y, 0])
        put(tube(np.linspace([0, y, 3.0], elbow + beside, 12), 0.32, 20, up=(0, 1, 0)), steel)
        put(tube(np.linspace(elbow + beside, head + beside, 12), 0.32, 20, up=(0, 1, 0)), steel)
    for joint in (np.array([0, 0, 3.2]), elbow, head):
        put(lathe(rounded([(0, -1.7), (1.1, -1.7), (1.1, 1.7), (0, 1.7)], 0.25), 48).turn("x", 90).move(*joint), enamel)
    turns = np.linspace(0, 14 * 2 * np.pi, 500)
    way = (elbow - np.array([0, 0, 3.0])) / np.linalg.norm(elbow - np.array([0, 0, 3.0]))
    side = np.array([way[2], 0, -way[0]])
    spring = (
        np.array([0, 0, 3.0])
        + way * 5
        + np.outer(np.linspace(0, 9, 500), way)
        + 0.55 * (np.outer(np.cos(turns), side) + np.outer(np.sin(turns), [0, 1, 0]))
    )
    put(tube(spring, 0.09, 8, up=(0.3, 1, 0.2)), steel)
    outer = [
        (0, 9.6),
        (1.9, 9.6),
        (2.1, 9.3),
        (2.2, 5.6),
        (3.2, 4.6),
        (5.9, 1.6),
        (7.0, -2.8),
        (7.15, -3.1),
        (6.95, -3.1),
        (5.7, 1.3),
        (3.0, 4.3),
        (1.5, 5.2),
        (0, 5.2),
    ]
    lining = [(0, 5.1), (1.5, 5.1), (2.95, 4.2), (5.65, 1.2), (6.9, -3.05)]
    for profile, look in ((outer, enamel), (lining, material((0.95, 0.94, 0.90), 0.5))):
        put(lathe(rounded(profile, 0.5)).turn("y", -32).move(*(head + np.array([2.3, 0, -1.4]))), look)


def elephant(put: Put) -> None:
    """A wooden toy elephant that looks to +x, with felt ears, a painted eye and a cord for a tail."""

    def shape(p: Array) -> Array:
        q = p.copy()
        q[..., 1] = np.abs(p[..., 1])
        d = ellipsoid(q, (0, 0, 8.2), (6.0, 3.7, 4.3))
        d = blend(d, ellipsoid(q, (6.2, 0, 10.2), (3.1, 2.7, 3.1)), 1.2)
        for x in (-3.4, 3.0):
            d = blend(d, capsule(q, (x, 2.0, 6.5), (x, 2.1, 0.9), 1.75, 1.6), 0.7)
        trunk = smooth_path([(8.2, 0, 9.8), (10.3, 0, 7.6), (10.9, 0, 4.8), (11.7, 0, 3.1), (13.2, 0, 3.3)], 12)
        for k, (a, b) in enumerate(itertools.pairwise(trunk)):
            d = blend(d, capsule(q, a, b, 1.5 - 0.07 * k, 1.43 - 0.07 * k), 0.35)
        return np.maximum(d, -q[..., 2])

    colour, grain = tx.wood(768, 1024, 201, [(0.80, 0.58, 0.36), (0.72, 0.48, 0.28), (0.56, 0.34, 0.18)], rings=13)
    put(
        field(shape, (-7, -4.6, -0.2), (14.6, 4.6, 14), 0.16),
        material(colour, 0.38, bump=grain, depth=0.06, specular=0.4),
    )
    grey = material(
        tx.mottle(128, 128, 203, [(0.36, 0.37, 0.42), (0.46, 0.47, 0.52)], 0.1), 0.95, sheen=0.8, specular=0.1
    )
    u, v = np.meshgrid(np.linspace(0, 1, 30), np.linspace(0, 2 * np.pi, 61))
    for side in (-1, 1):
        x = 4.4 + u * (2.7 * np.cos(v) - 0.9)
        z = 10.6 + u * 3.2 * np.sin(v) - 0.5
        y = side * (2.55 + 0.9 * np.abs(u) * np.clip(0.6 - 0.6 * np.cos(v), 0, 1.2) + 0.15 * np.sin(3 * v) * u)
        ear = np.stack([x, y, z], -1)
        put(join([surface(ear), surface(ear + np.array([0, side * 0.28, 0]))]), grey)
        put(ball(0.34, 16).move(8.0, side * 2.05, 11.3), material((0.03, 0.03, 0.04), 0.1))
    put(
        tube(smooth_path([(-5.7, 0, 9.4), (-7.0, 0.3, 8.2), (-7.3, 0.6, 6.0)], 24), 0.16, 10, up=(0, 1, 0)),
        material((0.85, 0.78, 0.62), 0.9),
    )
    put(ball(0.34, 16).move(-7.3, 0.6, 5.7), material((0.80, 0.25, 0.16), 0.5))


def duck(put: Put) -> None:
    """A rubber duck that looks to +x."""

    def body(p: Array) -> Array:
        d = ellipsoid(p, (0, 0, 3.1), (4.9, 3.7, 3.2))
        d = blend(d, capsule(p, (-3.2, 0, 4.0), (-5.6, 0, 6.3), 1.8, 0.45), 1.3)
        d = blend(d, ellipsoid(p, (2.6, 0, 7.6), (2.75, 2.6, 2.6)), 0.9)
        q = p.copy()
        q[..., 1] = np.abs(p[..., 1])
        d = blend(d, ellipsoid(q, (-0.6, 3.3, 3.9), (2.6, 0.8, 1.5)), 0.25)
        return np.maximum(d, 0.25 - p[..., 2])

    yellow = material((0.97, 0.74, 0.07), 0.26, specular=0.5)
    put(field(body, (-7, -5, -0.1), (6.4, 5, 11), 0.14).move(z=-0.25), yellow)

    def beak(p: Array) -> Array:
        upper = ellipsoid(p, (5.5, 0, 7.35 + 0.0), (1.7, 1.35, 0.42))
        return blend(upper, ellipsoid(p, (5.2, 0, 6.85), (1.3, 1.1, 0.35)), 0.12)

    put(field(beak, (3.4, -2, 6), (7.6, 2, 8.3), 0.07).move(z=-0.25), material((0.92, 0.36, 0.06), 0.3))
    for side in (-1, 1):
        put(ball(0.5, 24).scale(0.75, 0.5, 1).move(4.35, side * 1.78, 8.15), material((0.97, 0.97, 0.96), 0.15))
        put(ball(0.3, 20).scale(0.7, 0.5, 1).move(4.62, side * 1.98, 8.15), material((0.02, 0.02, 0.03), 0.08))


def car(put: Put) -> None:
    """A wooden car that drives to +x: body, cabin with windows, four wheels with hubs, lights."""
    red = material(
        tx.mottle(128, 128, 211, [(0.62, 0.09, 0.08), (0.70, 0.12, 0.10)], 0.6), 0.3, specular=0.5, clearcoat=0.5
    )
    put(box(13.0, 6.0, 3.2, 1.0).move(z=1.4), red)
    put(box(6.8, 5.4, 3.6, 1.3).move(-0.8, 0, 4.0), material((0.93, 0.89, 0.80), 0.35))
    dark = material((0.10, 0.14, 0.18), 0.08, specular=0.6)
    for side in (-1, 1):
        for x in (-2.35, 0.75):
            put(box(2.3, 0.3, 1.7, 0.14).move(x, side * 2.66, 5.0), dark)
        put(ball(0.62, 20).scale(0.5, 1, 1).move(6.45, side * 1.9, 3.2), material((0.98, 0.88, 0.55), 0.15))
    put(box(0.3, 3.9, 1.6, 0.14).move(2.55, 0, 5.1), dark)
    put(box(0.5, 5.6, 0.8, 0.25).move(6.5, 0, 1.6), metal("Cr", 0.2))
    tyre = lathe(rounded([(0, -0.75), (1.7, -0.75), (1.95, -0.5), (1.95, 0.5), (1.7, 0.75), (0, 0.75)], 0.25), 64)
    hub = lathe(rounded([(0, -0.85), (0.95, -0.85), (1.0, -0.7), (1.0, 0.7), (0.95, 0.85), (0, 0.85)], 0.12), 48)
    for x in (-3.9, 3.9):
        for y in (-3.0, 3.0):
            put(tyre.turn("x", 90).move(x, y, 1.95), material((0.06, 0.06, 0.065), 0.6))
            put(hub.turn("x", 90).move(x, y, 1.95), material((0.86, 0.68, 0.42), 0.4))


def pencil_pot(put: Put, seed: int = 5) -> None:
    """A ribbed cup with pencils and a ruler."""
    rib = np.tile(0.5 + 0.5 * np.cos(np.linspace(0, 48 * 2 * np.pi, 1536)), (8, 1))
    put(
        lathe(rounded([(0, 0), (3.9, 0), (4.1, 0.3), (4.1, 10.6), (3.75, 10.6), (3.7, 0.6), (0, 0.6)], 0.25)),
        material((0.83, 0.85, 0.83), 0.3, bump=rib, depth=0.3),
    )
    rng = np.random.default_rng(seed)
    paints = [
        (0.85, 0.16, 0.12),
        (0.95, 0.70, 0.10),
        (0.12, 0.38, 0.62),
        (0.16, 0.52, 0.30),
        (0.92, 0.45, 0.12),
        (0.45, 0.22, 0.50),
    ]
    for k, paint in enumerate(paints):
        a = 2 * np.pi * k / len(paints) + 0.4
        lean = rng.uniform(7, 13)
        length = rng.uniform(14.5, 18.0)
        shaft = lathe([(0, 0), (0.42, 0.02), (0.42, length)], 6)
        cone = lathe([(0.42, length), (0.13, length + 1.7)], 24)
        tip = lathe([(0.13, length + 1.7), (0.02, length + 2.25), (0, length + 2.26)], 16)
        looks = (
            material(paint, 0.3, clearcoat=0.4),
            material((0.85, 0.66, 0.45), 0.7),
            material(paint if k % 2 else (0.1, 0.1, 0.1), 0.5),
        )
        for mesh, look in zip((shaft, cone, tip), looks, strict=True):
            put(
                mesh.turn("z", 40 * k)
                .turn("x", -lean * np.sin(a))
                .turn("y", lean * np.cos(a))
                .move(0.9 * np.cos(a), 0.9 * np.sin(a), 0.7),
                look,
            )


def clock(put: Put) -> None:
    """A twin-bell alarm clock whose face looks to -y."""
    case = material((0.55, 0.72, 0.68), 0.25, specular=0.55, clearcoat=0.6)
    chrome = metal("Cr", 0.08)
    body = lathe(
        rounded([(0, -2.3), (5.0, -2.3), (5.6, -1.9), (5.6, 2.0), (5.3, 2.6), (5.08, 2.6), (5.06, 2.2), (0, 2.2)], 0.4)
    )
    put(body.turn("x", 90).move(z=7.4), case)  # local +z becomes -y
    ring = np.linspace(0, 2 * np.pi, 97)
    put(
        tube(
            np.stack([5.3 * np.cos(ring), np.full_like(ring, -2.7), 7.4 + 5.3 * np.sin(ring)], -1),
            0.38,
            20,
            up=(0, 1, 0),
            round_ends=False,
        ),
        chrome,
    )
    ink = (30, 32, 36)
    size = 720
    hours = [
        (str(h), 0.5 + 0.375 * np.sin(np.pi * h / 6), 0.5 - 0.375 * np.cos(np.pi * h / 6), 84, ink)
        for h in range(1, 13)
    ]
    face = tx.printed(size, size, (246, 240, 226), hours)
    r, a = np.meshgrid(np.linspace(0, 5.05, 12), np.linspace(0, 2 * np.pi, 97))
    x, z = r * np.cos(a), r * np.sin(a)
    put(
        surface(np.stack([x, np.full_like(x, -2.32), z + 7.4], -1), np.stack([0.5 + x / 10.1, 0.5 + z / 10.1], -1)),
        material(face, 0.5),
    )
    for angle, length, width in ((-52, 2.7, 0.26), (58, 3.9, 0.2)):
        put(
            box(width * 2, 0.12, length + 0.7, 0.05).move(z=-0.7).turn("y", angle).move(0, -2.52, 7.4),
            material((0.06, 0.06, 0.07), 0.3),
        )
    put(ball(0.4, 20).scale(1, 0.5, 1).move(0, -2.6, 7.4), metal("Au", 0.2))
    for side in (-1, 1):
        bell = lathe(
            rounded([(0, 2.3), (1.4, 2.1), (2.4, 1.1), (2.6, 0), (2.4, 0), (2.2, 0.9), (0, 1.9)][::-1], 0.3), 64
        )
        put(join([bell, ball(0.42, 16).move(z=2.45)]).turn("y", side * 33).move(side * 3.1, 0, 12.6), chrome)
        put(tube(np.linspace([side * 2.2, 0, 11.3], [side * 3.4, 0, 13.1], 6), 0.28, 12, up=(0, 1, 0)), chrome)
        put(
            tube(
                np.linspace([side * 3.0, 0, 3.6], [side * 4.2, 0, 0.35], 6), np.linspace(0.4, 0.6, 6), 16, up=(0, 1, 0)
            ),
            chrome,
        )
    put(
        tube(
            smooth_path([(-2.3, 0, 14.6), (-1.6, 0, 16.2), (0, 0, 16.8), (1.6, 0, 16.2), (2.3, 0, 14.6)], 40),
            0.26,
            16,
            up=(0, 1, 0),
        ),
        chrome,
    )


def notebook(put: Put) -> None:
    """An open squared notebook with a pencil across it."""
    x, y = np.meshgrid(np.linspace(-14, 14, 80), np.linspace(-9.5, 9.5, 8))
    rise = 0.75 * np.exp(-np.abs(np.abs(x) - 3.0) / 4.5) * (1 - np.exp(-np.abs(x) / 0.7)) + 0.35
    paper = np.full((760, 1120, 3), (0.95, 0.94, 0.90))
    paper[::28], paper[:, ::28] = (0.72, 0.80, 0.86), (0.72, 0.80, 0.86)
    put(surface(np.stack([x, y, rise], -1)), material(paper, 0.8, specular=0.2))
    put(box(28.6, 19.6, 0.34, 0.12), material((0.20, 0.22, 0.26), 0.6))
    pencil = [(0, 0), (0.38, 0.02), (0.38, 13.0)]
    for mesh, look in (
        (lathe(pencil, 6), material((0.95, 0.72, 0.12), 0.3, clearcoat=0.4)),
        (lathe([(0.38, 13.0), (0.12, 14.5)], 24), material((0.86, 0.68, 0.46), 0.7)),
        (lathe([(0.12, 14.5), (0.0, 15.0)], 16), material((0.12, 0.12, 0.13), 0.4)),
        (lathe([(0, -1.5), (0.36, -1.4), (0.38, -0.8)], 24), material((0.86, 0.42, 0.42), 0.8)),
        (lathe([(0.4, -0.8), (0.4, 0.02)], 24), metal("Cr", 0.25)),
    ):
        put(mesh.turn("y", 90).turn("z", 28).move(2.0, -4.5, 1.25), look)
