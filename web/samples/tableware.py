"""Objects of the breakfast table. Each builder puts one object, standing on z = 0 at the origin, through `put`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import textures as tx
from geometry import Mesh, along, ball, box, join, lathe, rounded, smooth_path, surface, tube
from studio import glass, material, metal

Put = Callable[[Mesh, dict], None]


def mug(put: Put, seed: int, glaze: tuple[float, float, float], height: float = 9.2, radius: float = 4.2) -> None:
    """A stoneware mug with a raw foot, a handle and coffee in it."""
    look = material(tx.speckle(512, 1024, seed, glaze, (0.18, 0.12, 0.08), 700, 1.3), 0.22, bump=tx.noise(256, 512, seed, 0.6),
                    depth=0.25, specular=0.55)
    outer = [(0, 0.35), (radius - 1.2, 0.35), (radius - 1.0, 0), (radius - 0.75, 0), (radius - 0.1, 1.0), (radius, 2.2),
             (radius, height), (radius - 0.36, height), (radius - 0.4, 1.2), (radius - 1.2, 0.7), (0, 0.7)]
    put(lathe(rounded(outer, 0.32)), look)
    path = smooth_path([(radius - 0.2, 0, height - 1.9), (radius + 1.4, 0, height - 1.5), (radius + 2.75, 0, height - 3.0),
                        (radius + 2.4, 0, height - 5.4), (radius + 0.8, 0, height - 6.9), (radius - 0.2, 0, height - 7.2)], 60)
    t = np.linspace(0, 1, 60)
    put(tube(path, along([(0, 0.95), (0.2, 0.62), (0.8, 0.62), (1, 0.9)], t), flatten=0.62, up=(0, 1, 0), round_ends=False)
        .bend(lambda p, n: p), look)
    level = height - 1.5
    put(lathe([(0, level), (radius - 0.8, level), (radius - 0.42, level), (radius - 0.37, level + 0.08)]),
        material((0.10, 0.045, 0.02), 0.06, specular=0.5))
    bubbles = [ball(s, 10).scale(1, 1, 0.5).move(radius * 0.78 * np.cos(a), radius * 0.78 * np.sin(a), level)
               for a, s in zip(np.random.default_rng(seed).uniform(1, 3, 14), np.random.default_rng(seed).uniform(0.06, 0.17, 14))]
    put(join(bubbles), material((0.42, 0.26, 0.14), 0.2))


def teapot(put: Put) -> None:
    """Body, spout, handle and a lid with a knob."""
    look = material(tx.speckle(512, 1024, 21, (0.30, 0.45, 0.46), (0.12, 0.16, 0.16), 1400, 1.2), 0.16,
                    bump=tx.noise(256, 512, 22, 0.8), depth=0.3, specular=0.6, clearcoat=0.4)
    t = np.linspace(0, 1, 60)
    z = 12.0 * t
    radius = along([(0, 4.6), (0.04, 5.6), (0.35, 7.9), (0.6, 7.5), (0.85, 5.2), (0.97, 3.9), (1, 3.7)], t)
    put(lathe(np.vstack([[(0, 0)], np.stack([radius, z], -1), [(3.4, 12.0), (3.4, 11.2)]])), look)
    lid = np.array([(4.0, 11.95), (4.15, 12.1), (4.05, 12.35), (3.2, 12.95), (1.8, 13.5), (0.75, 13.75), (0.55, 14.0), (0.75, 14.4),
                    (1.2, 14.8), (1.25, 15.3), (0.9, 15.75), (0.4, 15.95), (0, 16.0)])
    put(lathe(smooth_path(lid, 60)), look)
    t = np.linspace(0, 1, 50)
    spout = smooth_path([(5.8, 0, 4.2), (8.6, 0, 5.0), (10.3, 0, 7.6), (11.4, 0, 10.4), (12.9, 0, 12.1)], 50)
    put(tube(spout, along([(0, 2.6), (0.25, 1.9), (0.7, 1.1), (1, 0.95)], t), round_ends=False, up=(0, 1, 0)), look)
    mouth = tube(spout[-3:] + np.array([0.02, 0, 0.02]), np.array([0.8, 0.8, 0.05]), round_ends=False, up=(0, 1, 0))
    put(mouth, material((0.05, 0.05, 0.05), 0.6))
    handle = smooth_path([(-6.2, 0, 9.3), (-8.6, 0, 10.6), (-11.2, 0, 9.6), (-11.7, 0, 6.6), (-9.9, 0, 3.9), (-7.3, 0, 3.2)], 60)
    put(tube(handle, along([(0, 1.0), (0.2, 0.72), (0.8, 0.72), (1, 0.95)], np.linspace(0, 1, 60)), up=(0, 1, 0)), look)


def bowl(put: Put, radius: float = 10.5, height: float = 6.6) -> None:
    t = np.linspace(0, 1, 40)
    shape = along([(0, 4.0), (0.06, 4.4), (0.3, 7.3), (0.65, 9.5), (1, radius)], t)
    outer = np.stack([shape, height * t], -1)
    inner = np.stack([np.maximum(shape - 0.5, 0), 0.8 + (height - 0.82) * t], -1)[::-1]
    lip = [(radius - 0.1, height + 0.16), (radius - 0.3, height + 0.18)]
    v = np.linspace(0, 1, 512)[:, None, None]
    colour = tx.speckle(512, 1024, 41, (0.90, 0.87, 0.80), (0.35, 0.25, 0.16), 900, 1.2)
    band = ((v > 0.33) & (v < 0.395)) | ((v > 0.41) & (v < 0.42))
    colour = np.where(band, colour * np.array([0.22, 0.33, 0.52]), colour)
    put(lathe(np.vstack([[(0, 0)], outer, lip, inner, [(0, 0.8)]])), material(colour, 0.2, specular=0.55, bump=tx.noise(256, 512, 8, 0.6), depth=0.2))


def orange(put: Put, at: tuple[float, float, float], seed: int, radius: float = 3.7) -> None:
    colour = tx.mottle(512, 1024, seed, [(0.86, 0.36, 0.04), (0.95, 0.50, 0.08), (0.98, 0.60, 0.16)], 0.8)
    look = material(colour, 0.36, bump=tx.dimples(1024, 2048, seed, 9000), depth=0.28, specular=0.45)
    lumps = tx.noise(64, 128, seed, 1.6)
    tilt = np.random.default_rng(seed).uniform(-40, 40, 2)
    body = ball(radius, 96).scale(1, 1, 0.94)
    put(body.bend(lambda p, n: p * (1 + 0.04 * (lumps[10, 10] - 0.5)) - np.outer(0.35 * np.exp(-((p[:, 0] ** 2 + p[:, 1] ** 2) / 0.6)) * np.sign(p[:, 2]), [0, 0, 1]))
        .turn("x", tilt[0]).turn("y", tilt[1]).move(*at), look)
    put(lathe([(0.42, 0), (0.4, 0.1), (0.2, 0.16), (0, 0.17)], 10).move(z=radius * 0.94 - 0.34).turn("x", tilt[0]).turn("y", tilt[1]).move(*at),
        material((0.36, 0.42, 0.16), 0.7))


def lemon(put: Put, at: tuple[float, float, float], turn: float) -> None:
    t = np.linspace(0, 1, 70)
    r = along([(0, 0), (0.03, 0.45), (0.09, 0.75), (0.2, 2.0), (0.5, 2.75), (0.8, 2.0), (0.93, 0.85), (0.98, 0.4), (1, 0)], t)
    colour = tx.mottle(256, 512, 5, [(0.90, 0.70, 0.10), (0.96, 0.82, 0.18), (0.97, 0.87, 0.30)], 0.8)
    put(lathe(np.stack([r, 8.4 * t - 4.2], -1)).turn("y", 90).turn("z", turn).move(*at),
        material(colour, 0.33, bump=tx.dimples(768, 1536, 6, 4000), depth=0.25))


def apple(put: Put, at: tuple[float, float, float], tilt: float, turn: float, seed: int = 3, radius: float = 3.9) -> None:
    t = np.linspace(0, np.pi, 90)
    r = radius * np.sin(t) ** 0.86 * (1 + 0.07 * np.cos(t)) * 1.0
    z = -radius * 0.93 * np.cos(t) - 1.25 * np.exp(-((np.pi - t) ** 2) / 0.09) + 0.75 * np.exp(-(t**2) / 0.07)
    body = lathe(np.stack([np.maximum(r, 0), z], -1)).bend(
        lambda p, n: p * (1 + 0.018 * np.cos(5 * np.arctan2(p[:, 1], p[:, 0])) * np.clip(-p[:, 2] / radius, 0, 1))[:, None])
    stalk = tube(smooth_path([(0, 0, radius * 0.6), (0.08, 0.05, radius * 0.85), (0.35, 0.1, radius * 1.12)], 20),
                 along([(0, 0.13), (0.7, 0.11), (1, 0.2)], np.linspace(0, 1, 20)), 12, up=(0, 1, 0))
    for mesh, look in ((body, material(tx.apple(seed), 0.2, specular=0.5, clearcoat=0.35)), (stalk, material((0.26, 0.17, 0.09), 0.75))):
        put(mesh.turn("x", tilt).turn("z", turn).move(*at), look)


def plate(put: Put, radius: float = 11.5) -> None:
    profile = [(0, 0.2), (radius * 0.55, 0.2), (radius * 0.58, 0), (radius * 0.62, 0), (radius * 0.66, 0.35), (radius, 1.55), (radius + 0.08, 1.72),
               (radius - 0.1, 1.85), (radius * 0.68, 0.85), (radius * 0.6, 0.6), (0, 0.55)]
    v = np.linspace(0, 1, 512)[:, None, None]
    colour = tx.speckle(512, 1024, 51, (0.93, 0.91, 0.86), (0.5, 0.42, 0.34), 260, 1.0)
    colour = np.where(np.abs(v - 0.525) < 0.012, np.array([0.30, 0.36, 0.42]), colour)
    put(lathe(rounded(profile, 0.3), 160), material(colour, 0.15, specular=0.55))


def croissant(put: Put) -> None:
    """A crescent with a spiral of risen layers, browned on the ridges."""
    t = np.linspace(0, 1, 420)
    arc = np.radians(-118 + 236 * t)
    path = np.stack([5.1 * np.sin(arc) * 1.12, -5.0 * np.cos(arc) + 2.4, np.zeros_like(t)], -1)
    s = np.abs(t - 0.5) * 2
    ridge = (s * 4.6 + 0.35) % 1.0
    size = along([(0, 2.75), (0.3, 2.45), (0.7, 1.55), (0.92, 0.8), (1, 0.55)], s)
    mesh = tube(path, size * (1.07 - 0.17 * ridge**1.3), 72, 0.80)
    lift = along([(0, 2.25), (0.7, 1.35), (1, 0.6)], np.clip(np.abs(mesh.uv[:, 1] - 0.5) * 2, 0, 1))
    flakes = tx.noise(512, 1024, 61, 0.9, (1, 3))
    rows = np.clip((mesh.uv[:, 1] * 511).astype(int), 0, 511)
    columns = (mesh.uv[:, 0] * 1023).astype(int)
    mesh = mesh.bend(lambda p, n: p + n * (0.28 * (flakes[rows, columns] - 0.5))[:, None] + np.outer(lift, [0, 0, 1]))
    v = np.abs(np.linspace(-1, 1, 1024))[:, None]
    step = (v * 4.6 + 0.35) % 1.0
    fine = tx.noise(1024, 1024, 62, 0.4, (1, 9))
    brown = np.clip(1.0 - 0.75 * step + 1.5 * (fine - 0.5), 0, 1)
    colour = tx.ramp(brown, [(0.95, 0.80, 0.52), (0.89, 0.65, 0.33), (0.78, 0.47, 0.19), (0.56, 0.29, 0.10)])
    put(mesh, material(colour, 0.46, bump=fine, depth=0.9, specular=0.35))


def jar(put: Put) -> None:
    """Jam in glass, a paper label and a metal lid."""
    r = 3.4
    glass_wall = [(0, 0.0), (r - 0.5, 0.0), (r, 0.5), (r, 7.4), (r - 0.25, 8.1), (r - 0.5, 8.4), (r - 0.5, 9.2),
                  (r - 0.7, 9.2), (r - 0.72, 8.3), (r - 0.3, 7.3), (r - 0.28, 0.7), (r - 0.7, 0.4), (0, 0.4)]
    put(lathe(rounded(glass_wall, 0.3)), glass())
    put(lathe(rounded([(0, 0.45), (r - 0.75, 0.45), (r - 0.33, 0.75), (r - 0.33, 7.0), (r - 0.6, 7.15), (0, 7.1)], 0.3)),
        material(tx.mottle(256, 512, 71, [(0.22, 0.005, 0.02), (0.42, 0.02, 0.04), (0.55, 0.05, 0.05)], 0.2), 0.12, specular=0.6))
    lid = [(r - 0.28, 7.95), (r - 0.12, 7.98), (r - 0.1, 8.3), (r - 0.14, 9.3), (r - 0.5, 9.55), (r - 0.9, 9.42), (0, 9.42)]
    put(lathe(rounded(lid, 0.22)), material(tx.ramp(tx.noise(64, 64, 1), [(0.70, 0.10, 0.09), (0.76, 0.13, 0.11)]), 0.3, specular=0.6, clearcoat=0.5))
    angle = np.linspace(-2.45, -0.65, 60)
    z = np.linspace(1.7, 6.1, 30)
    a, h = np.meshgrid(angle, z)
    ink = (120, 30, 36)
    label = tx.printed(440, 640, (244, 236, 216), [("Strawberry", 0.5, 0.38, 92, ink), ("PRESERVE", 0.5, 0.60, 46, ink), ("net 240 g", 0.5, 0.78, 32, (90, 80, 70))],
                       frame=ink)
    put(surface(np.stack([(r + 0.03) * np.cos(a), (r + 0.03) * np.sin(a), h], -1)), material(label, 0.6))


def book(put: Put, cover: np.ndarray, width: float, height: float, thick: float) -> None:
    """Lies flat, spine at -x: two boards, a spine, a block of pages, and the printed front."""
    edge = float(np.mean(cover[4:12, 4:12, 0])), float(np.mean(cover[4:12, 4:12, 1])), float(np.mean(cover[4:12, 4:12, 2]))
    cloth = material(edge, 0.55)
    put(join([box(width, height, 0.26, 0.08), box(width, height, 0.26, 0.08).move(z=thick - 0.26), box(0.3, height, thick, 0.12).move(x=-width / 2 + 0.1)]), cloth)
    lines = tx.noise(256, 8, 81, -0.4, (1, 40))[:, :1] * np.ones((1, 64))
    pages = tx.ramp(lines, [(0.72, 0.66, 0.54), (0.93, 0.89, 0.80)])
    put(box(width - 0.5, height - 0.5, thick - 0.5, 0.05).move(x=-0.05, z=0.25), material(pages, 0.8))
    x, y = np.meshgrid(np.linspace(-width / 2 + 0.12, width / 2 - 0.06, 8), np.linspace(-height / 2 + 0.06, height / 2 - 0.06, 8))
    put(surface(np.stack([x, y, np.full_like(x, thick + 0.012)], -1)), material(cover, 0.42, specular=0.5, clearcoat=0.2))


def spoon(put: Put, look: dict | None = None) -> None:
    """Lies along x, bowl at +x."""
    look = look or metal("Cr", 0.09)
    t = np.linspace(0, 1, 60)
    handle = np.stack([-9 + 13.2 * t, np.zeros_like(t), along([(0, 0.55), (0.25, 0.35), (0.75, 1.0), (1, 1.15)], t)], -1)
    put(tube(handle, along([(0, 0.75), (0.12, 0.82), (0.5, 0.45), (0.85, 0.3), (1, 0.42)], t), 24, along([(0, 0.2), (0.5, 0.4), (1, 0.55)], t)), look)
    u, w = np.meshgrid(np.linspace(0, 1, 48), np.linspace(0, 2 * np.pi, 97))
    outline = 1 - 0.16 * np.cos(w)
    x = 6.6 + 2.9 * u * np.cos(w)
    y = 1.95 * u * np.sin(w) * outline
    base = 0.12 + 0.95 * u**2 + np.clip(-np.cos(w), 0, 1) * 0.12 * u**4
    under = surface(np.stack([x, y, base], -1))
    put(under, look)


def egg(put: Put) -> None:
    cup = [(0, 0), (2.3, 0), (2.45, 0.2), (2.2, 0.45), (0.9, 1.0), (0.75, 1.7), (1.2, 2.4), (2.1, 3.1), (2.5, 4.3), (2.52, 5.0), (2.3, 5.02), (2.2, 4.3),
           (1.7, 3.3), (0, 2.8)]
    put(lathe(rounded(cup, 0.35)), material((0.88, 0.70, 0.30), 0.2, specular=0.55))
    t = np.linspace(0, np.pi, 80)
    r, z = 2.18 * np.sin(t) * (1 - 0.09 * -np.cos(t)), -2.85 * np.cos(t)
    look = material(tx.speckle(256, 512, 91, (0.84, 0.64, 0.48), (0.62, 0.42, 0.30), 500, 0.9), 0.42, bump=tx.dimples(512, 1024, 92, 4000, 2), depth=0.05)
    put(lathe(np.stack([np.maximum(r, 0), z], -1)).move(z=5.6), look)
