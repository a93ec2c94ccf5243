"""Objects of the garden step. Each builder puts one object, standing on z = 0 at the origin, through `put`."""

from __future__ import annotations

import numpy as np
import textures as tx
from geometry import Array, Mesh, along, ball, join, lathe, rounded, smooth_path, surface, tube
from studio import Put, material, metal

CLAY = [(0.60, 0.30, 0.19), (0.72, 0.39, 0.25), (0.80, 0.50, 0.35), (0.86, 0.68, 0.56)]


def pot(put: Put, radius: float, height: float, seed: int, glaze: tuple[float, float, float] | None = None) -> None:
    """A pot with a rim on a saucer, filled with soil; its soil lies at 0.86 of the height."""
    colour = (
        tx.mottle(512, 1024, seed, CLAY, 0.7, 1.3)
        if glaze is None
        else tx.speckle(512, 1024, seed, glaze, (0.25, 0.22, 0.18), 500)
    )
    if glaze is None:
        v = np.linspace(0, 1, 512)[:, None, None]
        lime = np.clip(tx.noise(512, 1024, seed + 1, 1.0)[..., None] * 1.6 - 0.55 - np.abs(v - 0.36) * 1.4, 0, 0.6)
        colour = colour * (1 - lime) + np.array([0.88, 0.82, 0.76]) * lime
    look = material(
        colour,
        0.85 if glaze is None else 0.18,
        bump=tx.noise(512, 1024, seed + 2, 0.0),
        depth=0.25 if glaze is None else 0.05,
        specular=0.3 if glaze is None else 0.6,
    )
    foot, neck = radius * 0.62, radius * 0.90
    wall = [
        (0, 0.9),
        (foot - 0.4, 0.9),
        (foot, 1.2),
        (neck, height * 0.77),
        (radius, height * 0.77),
        (radius + 0.15, height * 0.80),
        (radius + 0.2, height - 0.3),
        (radius - 0.1, height),
        (radius - 0.7, height),
        (radius - 0.9, height * 0.80),
        (radius - 1.2, height * 0.7),
    ]
    put(lathe(rounded(wall, 0.45), 160), look)
    dish = [
        (0, 0),
        (radius * 0.86, 0),
        (radius * 0.92, 0.3),
        (radius * 1.02, 2.0),
        (radius * 0.97, 2.15),
        (radius * 0.86, 0.8),
        (0, 0.75),
    ]
    put(lathe(rounded(dish, 0.35), 160), look)
    r, a = np.meshgrid(np.linspace(0, radius - 0.85, 60), np.linspace(0, 2 * np.pi, 160))
    crumbs = tx.noise(160, 60, seed + 3, -0.1)
    crumbs[-1] = crumbs[0]
    soil = surface(np.stack([r * np.cos(a), r * np.sin(a), height * 0.86 + 1.1 * (crumbs - 0.5)], -1))
    put(
        soil,
        material(
            tx.mottle(256, 256, seed + 4, [(0.10, 0.07, 0.05), (0.20, 0.14, 0.10), (0.30, 0.22, 0.16)], -0.2),
            0.95,
            specular=0.1,
        ),
    )


def blade(
    length: float, width: float, droop: float, cup: float, tip: float = 1.0, wave: float = 0.0, seed: int = 0
) -> Mesh:
    """A leaf along +y from the origin that rises first and droops at its end."""
    u, v = np.meshgrid(np.linspace(-1, 1, 15), np.linspace(0, 1, 36))
    half = width / 2 * np.sin(np.pi * np.clip(v, 0, 1) ** tip) ** 0.8
    ripple = wave * np.sin(v * 16 + seed) * np.abs(u) ** 2
    z = cup * half * np.abs(u) ** 1.5 - droop * length * v**2 + ripple
    return surface(np.stack([half * u, length * v, z], -1), np.stack([0.5 + 0.5 * u, v], -1))


def leaf_look(
    seed: int,
    dark: tuple[float, float, float],
    light: tuple[float, float, float],
    veins: int = 9,
    edge: tuple[float, float, float] | None = None,
) -> dict:
    """A leaf's surface: veins, clouds and, if asked for, a pale edge."""
    u, v = np.meshgrid(np.linspace(-1, 1, 256), np.linspace(0, 1, 512))
    side = np.abs(np.mod(v * veins - np.abs(u) * 1.6, 1.0) - 0.5) * 2
    vein = np.clip(1 - side * 9, 0, 1) * 0.55 + np.clip(1 - np.abs(u) * 22, 0, 1)
    mix = np.clip(0.55 * tx.noise(512, 256, seed, 0.9) + 0.7 * vein, 0, 1)
    colour = tx.ramp(mix, [dark, light])
    if edge is not None:
        rim = np.clip((np.abs(u) + 0.35 * (tx.noise(512, 256, seed + 1, 0.8) - 0.5) - 0.62) * 6, 0, 1)[..., None]
        colour = colour * (1 - rim) + np.array(edge) * rim
    return material(colour, 0.38, bump=1 - vein, depth=0.08, specular=0.45)


def bush(
    put: Put,
    look: dict,
    seed: int,
    count: int,
    length: tuple[float, float],
    width: float,
    base: float,
    spread: tuple[float, float],
    height: float,
) -> None:
    """Leaves on stems that fan out from the middle of a pot."""
    rng = np.random.default_rng(seed)
    leaves, stems = [], []
    for k in range(count):
        turn = k * 137.5 + rng.uniform(-18, 18)
        share = k / count
        lean = spread[0] + (spread[1] - spread[0]) * (1 - share) + rng.uniform(-6, 6)
        reach = height * (0.45 + 0.55 * share) * rng.uniform(0.85, 1.1)
        out = np.array([0, np.sin(np.radians(lean)), np.cos(np.radians(lean))])
        end = out * reach
        stems.append(
            tube(
                smooth_path([(0, 0.6, 0), end * 0.5 + [0, -0.4, 0.3], end], 14),
                np.linspace(0.22, 0.12, 14),
                8,
                up=(1, 0, 0),
            ).turn("z", turn)
        )
        long = rng.uniform(*length)
        leaf = (
            blade(long, width * long / length[1], rng.uniform(0.2, 0.5), 0.35, 0.8, 0.12, k)
            .turn("z", rng.uniform(-20, 20))
            .turn("x", 62 - lean + rng.uniform(-14, 14))
        )
        leaves.append(leaf.move(*end).turn("z", turn))
    put(join(leaves).move(z=base), look)
    put(join(stems).move(z=base), material((0.34, 0.42, 0.18), 0.5))


def succulent(put: Put, look: dict, base: float, size: float) -> None:
    """A rosette of thick pointed leaves."""
    leaves = []
    for k in range(46):
        share = k / 46
        long = size * (1.0 - 0.72 * share)
        t = np.linspace(0, 1, 26)
        path = np.stack([np.zeros(26), long * t, long * (0.12 + 0.12 * share) * t**2], -1)
        leaf = tube(
            path, long * along([(0, 0.12), (0.6, 0.23), (0.88, 0.15), (1, 0.02)], t), 24, 0.38, round_ends=False
        )
        leaves.append(leaf.turn("x", 8 + 72 * share**1.1).turn("z", 137.5 * k).move(z=base + size * 0.32 * share))
    put(join(leaves), look)


def pebble(rng: np.random.Generator, size: float) -> Mesh:
    body = ball(1.0, 28)
    waves = rng.normal(size=(5, 3)) * 1.5
    phase = rng.uniform(0, 6, 5)
    mesh = body.bend(lambda p, n: p * (1 + 0.06 * np.sin(p @ waves.T + phase).sum(1))[:, None])
    return (
        mesh.scale(size * rng.uniform(0.85, 1.25), size * rng.uniform(0.7, 1.0), size * rng.uniform(0.42, 0.62))
        .turn("z", rng.uniform(0, 360))
        .move(z=size * 0.42)
    )


def watering_can(put: Put) -> None:
    """A zinc can: body with bands, spout with a rose towards +x, two handles."""
    dull = tx.mottle(512, 1024, 401, [(0.38, 0.46, 0.47), (0.50, 0.58, 0.58), (0.62, 0.68, 0.68)], 0.4, 1.2)
    zinc = material(
        dull,
        np.clip(0.22 + 0.4 * tx.noise(256, 512, 402, 0.4), 0, 1),
        metallic=0.85,
        bump=tx.noise(512, 1024, 403, 1.0),
        depth=0.5,
    )
    body = [
        (0, 0.3),
        (8.2, 0.3),
        (8.3, 0),
        (8.6, 0),
        (8.6, 1.0),
        (8.3, 1.2),
        (8.2, 9.0),
        (8.45, 9.3),
        (8.45, 9.9),
        (8.2, 10.2),
        (8.0, 17.5),
        (8.3, 17.8),
        (8.2, 18.3),
        (7.8, 18.3),
        (7.7, 17.5),
        (7.8, 1.0),
        (0, 0.8),
    ]
    put(lathe(rounded(body, 0.25)), zinc)
    angle = np.linspace(-np.pi / 2, np.pi / 2, 40)
    r = np.linspace(0.2, 7.9, 14)
    rr, aa = np.meshgrid(r, angle)
    put(
        surface(np.stack([rr * np.cos(aa), rr * np.sin(aa), 18.2 + 1.8 * np.cos(aa) * (1 - (rr / 7.9) ** 2)], -1)), zinc
    )
    t = np.linspace(0, 1, 40)
    spout = smooth_path([(7.4, 0, 4.0), (13, 0, 10.5), (18.5, 0, 17.5), (22, 0, 21)], 40)
    put(tube(spout, along([(0, 2.3), (0.5, 1.5), (1, 1.25)], t), 40, up=(0, 1, 0), round_ends=False), zinc)
    rose = rounded([(0, 0), (1.25, 0), (1.5, 0.6), (3.4, 3.0), (3.5, 3.4), (3.2, 3.7), (0, 4.0)], 0.2)
    put(lathe(rose, 64).turn("y", 52).move(21.4, 0, 20.5), metal("Cu", 0.2))
    side = smooth_path([(-7.9, 0, 15.6), (-11.5, 0, 16.5), (-13.8, 0, 12.5), (-12.2, 0, 7.0), (-8.1, 0, 3.4)], 50)
    put(tube(side, 0.62, 20, 1.5, up=(0, 1, 0)), zinc)
    top = smooth_path([(-6.5, 0, 18.1), (-5.0, 0, 23.5), (0.5, 0, 26.0), (5.5, 0, 23.8), (7.4, 0, 18.4)], 60)
    put(tube(top, 0.58, 20, 1.5, up=(0, 1, 0)), zinc)


def trowel(put: Put) -> None:
    """Lies along x: a steel blade at +x, a ferrule and a turned handle."""
    u, v = np.meshgrid(np.linspace(-1, 1, 24), np.linspace(0, 1, 40))
    half = 3.3 * along([(0, 0.55), (0.15, 0.95), (0.6, 0.9), (0.85, 0.55), (1, 0.02)], v.ravel()).reshape(v.shape)
    put(surface(np.stack([3.0 + 13 * v, half * u, 0.5 + 1.3 * u**2 * half / 3.3], -1)), metal("Cr", 0.22))
    neck = smooth_path([(4.0, 0, 0.5), (1.0, 0, 1.6), (-1.0, 0, 2.0), (-3.2, 0, 1.95)], 30)
    put(tube(neck, 0.5, 20, up=(0, 1, 0)), metal("Cr", 0.22))
    t = np.linspace(0, 1, 60)
    r = along([(0, 0.95), (0.1, 1.1), (0.3, 1.5), (0.6, 1.25), (0.8, 1.45), (0.95, 1.3), (1, 1.0)], t)
    colour, grain = tx.wood(256, 512, 421, [(0.62, 0.40, 0.22), (0.52, 0.31, 0.16), (0.36, 0.20, 0.10)])
    handle = tube(np.stack([-3 - 11 * t, np.zeros(60), 1.95 - 0.45 * t], -1), r, 40, up=(0, 1, 0))
    put(Mesh(handle.points, handle.faces, handle.uv[:, ::-1]), material(colour, 0.4, bump=grain, depth=0.05))
    put(
        lathe([(1.0, 0), (1.15, 0.1), (1.15, 1.2), (1.0, 1.3)], 40).turn("y", -90).move(-2.6, 0, 1.96),
        metal("Cu", 0.25),
    )


def snail(put: Put) -> None:
    """A shell of growing whorls on a soft foot, head towards +x."""
    t = np.linspace(0, 1, 260)
    turn = t * 3.4 * 2 * np.pi
    grow = 0.16 * np.exp(2.35 * t)
    centre = np.stack([grow * np.cos(-turn) * 0.9, 0.9 - 0.95 * t, grow * np.sin(-turn) * 0.9], -1)
    stripes = np.clip(
        np.sin(np.linspace(0, 5 * np.pi, 128))[None] * 1.5 + 2.4 * (tx.noise(512, 128, 431, 0.6) - 0.5), 0, 1
    )
    put(
        tube(centre, grow * 0.62, 32, up=(0, 1, 0)).move(-0.2, 0, 1.75),
        material(tx.ramp(stripes, [(0.86, 0.70, 0.46), (0.60, 0.36, 0.18), (0.34, 0.18, 0.09)]), 0.25, specular=0.5),
    )
    skin = material((0.58, 0.48, 0.36), 0.3, bump=tx.noise(128, 256, 432, -0.2), depth=0.15)
    foot = smooth_path([(-2.9, 0, 0.15), (0, 0, 0.3), (2.2, 0, 0.4), (3.3, 0, 1.0), (3.7, 0, 1.35)], 40)
    put(
        tube(
            foot, along([(0, 0.12), (0.3, 0.6), (0.7, 0.62), (1, 0.45)], np.linspace(0, 1, 40)), 24, 0.75, up=(0, 0, 1)
        ),
        skin,
    )
    for side in (-1, 1):
        put(
            tube(
                smooth_path([(3.7, side * 0.2, 1.6), (4.1, side * 0.4, 2.3), (4.3, side * 0.55, 2.75)], 12),
                np.linspace(0.12, 0.08, 12),
                10,
                up=(0, 1, 0),
            ),
            skin,
        )
        put(ball(0.14, 12).move(4.3, side * 0.55, 2.8), material((0.12, 0.10, 0.08), 0.2))


def scatter(
    put: Put,
    seed: int,
    count: int,
    low: tuple[float, float],
    high: tuple[float, float],
    size: tuple[float, float],
    palette: list[tuple[float, float, float]],
    keep: Array | None = None,
) -> None:
    """Pebbles over a rectangle, none nearer to the circles in `keep` [(x, y, radius)] or to each other."""
    rng = np.random.default_rng(seed)
    taken = [] if keep is None else [tuple(k) for k in keep]
    looks = [
        material(
            tx.mottle(128, 256, seed + k, [tuple(0.8 * np.array(c)), c, tuple(np.minimum(1, 1.12 * np.array(c)))], 0.0),
            0.5,
            specular=0.4,
        )
        for k, c in enumerate(palette)
    ]
    piles: list[list[Mesh]] = [[] for _ in palette]
    for _ in range(count * 20):
        x, y, s = rng.uniform(low[0], high[0]), rng.uniform(low[1], high[1]), rng.uniform(*size)
        if all((x - a) ** 2 + (y - b) ** 2 > (s * 1.1 + r) ** 2 for a, b, r in taken):
            taken.append((x, y, s * 1.0))
            piles[int(rng.integers(len(palette)))].append(pebble(rng, s).move(x, y))
        if sum(map(len, piles)) >= count:
            break
    for pile, look in zip(piles, looks, strict=True):
        if pile:
            put(join(pile), look)
