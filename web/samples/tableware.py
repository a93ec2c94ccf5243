"""Objects of the breakfast table. Each builder puts one object, standing on z = 0 at the origin, through `put`."""

from __future__ import annotations

import numpy as np
import textures as tx
from geometry import along, ball, box, join, lathe, rounded, smooth_path, surface, tube
from studio import Put, glass, material, metal


def mug(put: Put, seed: int, glaze: tuple[float, float, float], height: float = 9.2, radius: float = 4.2) -> None:
    """A stoneware mug with a raw foot, a handle and coffee in it."""
    look = material(
        tx.speckle(512, 1024, seed, glaze, (0.18, 0.12, 0.08), 700, 1.3),
        0.22,
        bump=tx.noise(256, 512, seed, 0.6),
        depth=0.25,
        specular=0.55,
    )
    outer = [
        (0, 0.35),
        (radius - 1.2, 0.35),
        (radius - 1.0, 0),
        (radius - 0.75, 0),
        (radius - 0.1, 1.0),
        (radius, 2.2),
        (radius, height),
        (radius - 0.36, height),
        (radius - 0.4, 1.2),
        (radius - 1.2, 0.7),
        (0, 0.7),
    ]
    put(lathe(rounded(outer, 0.32)), look)
    path = smooth_path(
        [
            (radius - 0.2, 0, height - 1.9),
            (radius + 1.4, 0, height - 1.5),
            (radius + 2.75, 0, height - 3.0),
            (radius + 2.4, 0, height - 5.4),
            (radius + 0.8, 0, height - 6.9),
            (radius - 0.2, 0, height - 7.2),
        ],
        60,
    )
    t = np.linspace(0, 1, 60)
    put(
        tube(
            path,
            along([(0, 0.95), (0.2, 0.62), (0.8, 0.62), (1, 0.9)], t),
            flatten=0.62,
            up=(0, 1, 0),
            round_ends=False,
        ),
        look,
    )
    level = height - 1.5
    put(
        lathe([(0, level), (radius - 0.8, level), (radius - 0.42, level), (radius - 0.37, level + 0.08)]),
        material((0.10, 0.045, 0.02), 0.06, specular=0.5),
    )
    rng, ring = np.random.default_rng(seed), radius * 0.78
    bubbles = []
    for angle in rng.uniform(1, 3, 14):
        bubble = ball(rng.uniform(0.06, 0.17), 10).scale(1, 1, 0.5)
        bubbles.append(bubble.move(ring * np.cos(angle), ring * np.sin(angle), level))
    put(join(bubbles), material((0.42, 0.26, 0.14), 0.2))


def teapot(put: Put) -> None:
    """Body, spout, handle and a lid with a knob."""
    look = material(
        tx.speckle(512, 1024, 21, (0.30, 0.45, 0.46), (0.12, 0.16, 0.16), 1400, 1.2),
        0.16,
        bump=tx.noise(256, 512, 22, 0.8),
        depth=0.3,
        specular=0.6,
        clearcoat=0.4,
    )
    t = np.linspace(0, 1, 60)
    z = 12.0 * t
    radius = along([(0, 4.6), (0.04, 5.6), (0.35, 7.9), (0.6, 7.5), (0.85, 5.2), (0.97, 3.9), (1, 3.7)], t)
    put(lathe(np.vstack([[(0, 0)], np.stack([radius, z], -1), [(3.4, 12.0), (3.4, 11.2)]])), look)
    lid = np.array(
        [
            (4.0, 11.95),
            (4.15, 12.1),
            (4.05, 12.35),
            (3.2, 12.95),
            (1.8, 13.5),
            (0.75, 13.75),
            (0.55, 14.0),
            (0.75, 14.4),
            (1.2, 14.8),
            (1.25, 15.3),
            (0.9, 15.75),
            (0.4, 15.95),
            (0, 16.0),
        ]
    )
    put(lathe(smooth_path(lid, 60)), look)
    t = np.linspace(0, 1, 50)
    spout = smooth_path([(5.8, 0, 4.2), (8.6, 0, 5.0), (10.3, 0, 7.6), (11.4, 0, 10.4), (12.9, 0, 12.1)], 50)
    put(tube(spout, along([(0, 2.6), (0.25, 1.9), (0.7, 1.1), (1, 0.95)], t), round_ends=False, up=(0, 1, 0)), look)
    mouth = tube(spout[-3:] + np.array([0.02, 0, 0.02]), np.array([0.8, 0.8, 0.05]), round_ends=False, up=(0, 1, 0))
    put(mouth, material((0.05, 0.05, 0.05), 0.6))
    handle = smooth_path(
        [(-6.2, 0, 9.3), (-8.6, 0, 10.6), (-11.2, 0, 9.6), (-11.7, 0, 6.6), (-9.9, 0, 3.9), (-7.3, 0, 3.2)], 60
    )
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
    put(
        lathe(np.vstack([[(0, 0)], outer, lip, inner, [(0, 0.8)]])),
        material(colour, 0.2, specular=0.55, bump=tx.noise(256, 512, 8, 0.6), depth=0.2),
    )


def plate(put: Put, radius: float = 11.5) -> None:
    profile = [
        (0, 0.2),
        (radius * 0.55, 0.2),
        (radius * 0.58, 0),
        (radius * 0.62, 0),
        (radius * 0.66, 0.35),
        (radius, 1.55),
        (radius + 0.08, 1.72),
        (radius - 0.1, 1.85),
        (radius * 0.68, 0.85),
        (radius * 0.6, 0.6),
        (0, 0.55),
    ]
    v = np.linspace(0, 1, 512)[:, None, None]
    colour = tx.speckle(512, 1024, 51, (0.93, 0.91, 0.86), (0.5, 0.42, 0.34), 260, 1.0)
    colour = np.where(np.abs(v - 0.525) < 0.012, np.array([0.30, 0.36, 0.42]), colour)
    put(lathe(rounded(profile, 0.3), 160), material(colour, 0.15, specular=0.55))


def jar(put: Put) -> None:
    """Jam in glass, a paper label and a metal lid."""
    r = 3.4
    glass_wall = [
        (0, 0.0),
        (r - 0.5, 0.0),
        (r, 0.5),
        (r, 7.4),
        (r - 0.25, 8.1),
        (r - 0.5, 8.4),
        (r - 0.5, 9.2),
        (r - 0.7, 9.2),
        (r - 0.72, 8.3),
        (r - 0.3, 7.3),
        (r - 0.28, 0.7),
        (r - 0.7, 0.4),
        (0, 0.4),
    ]
    put(lathe(rounded(glass_wall, 0.3)), glass())
    put(
        lathe(
            rounded([(0, 0.45), (r - 0.75, 0.45), (r - 0.33, 0.75), (r - 0.33, 7.0), (r - 0.6, 7.15), (0, 7.1)], 0.3)
        ),
        material(
            tx.mottle(256, 512, 71, [(0.22, 0.005, 0.02), (0.42, 0.02, 0.04), (0.55, 0.05, 0.05)], 0.2),
            0.12,
            specular=0.6,
        ),
    )
    lid = [
        (r - 0.28, 7.95),
        (r - 0.12, 7.98),
        (r - 0.1, 8.3),
        (r - 0.14, 9.3),
        (r - 0.5, 9.55),
        (r - 0.9, 9.42),
        (0, 9.42),
    ]
    put(
        lathe(rounded(lid, 0.22)),
        material(
            tx.ramp(tx.noise(64, 64, 1), [(0.70, 0.10, 0.09), (0.76, 0.13, 0.11)]), 0.3, specular=0.6, clearcoat=0.5
        ),
    )
    angle = np.linspace(-2.45, -0.65, 60)
    z = np.linspace(1.7, 6.1, 30)
    a, h = np.meshgrid(angle, z)
    ink = (120, 30, 36)
    label = tx.printed(
        440,
        640,
        (244, 236, 216),
        [
            ("Strawberry", 0.5, 0.38, 92, ink),
            ("PRESERVE", 0.5, 0.60, 46, ink),
            ("net 240 g", 0.5, 0.78, 32, (90, 80, 70)),
        ],
        frame=ink,
    )
    put(surface(np.stack([(r + 0.03) * np.cos(a), (r + 0.03) * np.sin(a), h], -1)), material(label, 0.6))


def book(put: Put, cover: np.ndarray, width: float, height: float, thick: float) -> None:
    """Lies flat, spine at -x: two boards, a spine, a block of pages, and the printed front."""
    edge = (
        float(np.mean(cover[4:12, 4:12, 0])),
        float(np.mean(cover[4:12, 4:12, 1])),
        float(np.mean(cover[4:12, 4:12, 2])),
    )
    cloth = material(edge, 0.55)
    put(
        join(
            [
                box(width, height, 0.26, 0.08),
                box(width, height, 0.26, 0.08).move(z=thick - 0.26),
                box(0.3, height, thick, 0.12).move(x=-width / 2 + 0.1),
            ]
        ),
        cloth,
    )
    lines = tx.noise(256, 8, 81, -0.4, (1, 40))[:, :1] * np.ones((1, 64))
    pages = tx.ramp(lines, [(0.72, 0.66, 0.54), (0.93, 0.89, 0.80)])
    put(box(width - 0.5, height - 0.5, thick - 0.5, 0.05).move(x=-0.05, z=0.25), material(pages, 0.8))
    x, y = np.meshgrid(
        np.linspace(-width / 2 + 0.12, width / 2 - 0.06, 8), np.linspace(-height / 2 + 0.06, height / 2 - 0.06, 8)
    )
    put(
        surface(np.stack([x, y, np.full_like(x, thick + 0.012)], -1)),
        material(cover, 0.42, specular=0.5, clearcoat=0.2),
    )


def spoon(put: Put, look: dict | None = None) -> None:
    """Lies along x, bowl at +x."""
    look = look or metal("Cr", 0.09)
    t = np.linspace(0, 1, 60)
    handle = np.stack(
        [-9 + 13.2 * t, np.zeros_like(t), along([(0, 0.55), (0.25, 0.35), (0.75, 1.0), (1, 1.15)], t)], -1
    )
    put(
        tube(
            handle,
            along([(0, 0.75), (0.12, 0.82), (0.5, 0.45), (0.85, 0.3), (1, 0.42)], t),
            24,
            along([(0, 0.2), (0.5, 0.4), (1, 0.55)], t),
        ),
        look,
    )
    u, w = np.meshgrid(np.linspace(0, 1, 48), np.linspace(0, 2 * np.pi, 97))
    outline = 1 - 0.16 * np.cos(w)
    rim = 0.9 * u**2 + 0.1
    x, y = 6.6 + 2.9 * u * np.cos(w), 1.95 * u * np.sin(w) * outline
    inside, under = np.stack([x, y, rim + 0.13 * (1 - u**8)], -1), np.stack([x, y, rim], -1)
    put(join([surface(inside), surface(under)]), look)
