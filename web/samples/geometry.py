"""Triangle meshes made by numpy: revolved profiles, swept tubes, rounded boxes, fields cut at zero.

Lengths are centimetres and z points up. Every builder returns a `Mesh` with texture coordinates;
normals are averaged over vertices that share a position, so a texture seam never shows as a crease.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.interpolate import PchipInterpolator, make_interp_spline

Array = np.ndarray


@dataclass(frozen=True)
class Mesh:
    points: Array  # [N, 3]
    faces: Array  # [M, 3]
    uv: Array  # [N, 2]

    def move(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Mesh:
        return replace(self, points=self.points + np.array([x, y, z]))

    def scale(self, x: float, y: float | None = None, z: float | None = None) -> Mesh:
        return replace(self, points=self.points * np.array([x, x if y is None else y, x if z is None else z]))

    def turn(self, axis: str, degrees: float) -> Mesh:
        """Rotate about a coordinate axis through the origin."""
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
        rotation = np.eye(3)
        rotation[i, i], rotation[i, j], rotation[j, i], rotation[j, j] = c, -s, s, c
        return replace(self, points=self.points @ rotation.T)

    def planar(self, size: float) -> Mesh:
        """Texture coordinates from the position, seen along each vertex's main axis; `size` cm span the texture."""
        axis = np.abs(self.normals()).argmax(1)
        pick = np.array([[1, 2], [0, 2], [0, 1]])[axis]
        return replace(self, uv=np.take_along_axis(self.points, pick, 1) / size)

    def bend(self, shift: Callable[[Array, Array], Array]) -> Mesh:
        """Replace the points by `shift(points, normals)`."""
        return replace(self, points=shift(self.points, self.normals()))

    def normals(self) -> Array:
        corners = self.points[self.faces]
        face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        _, same = np.unique(np.round(self.points, 4), axis=0, return_inverse=True)
        total = np.zeros((same.max() + 1, 3))
        for k in range(3):
            np.add.at(total, same.ravel()[self.faces[:, k]], face)
        total /= np.linalg.norm(total, axis=1, keepdims=True) + 1e-12
        return total[same.ravel()]

    def write(self, path: Path) -> None:
        """Binary PLY with normals and texture coordinates."""
        names = ("x", "y", "z", "nx", "ny", "nz", "u", "v")
        table = np.hstack([self.points, self.normals(), self.uv]).astype("<f4")
        rows = np.zeros(len(self.faces), dtype=[("n", "u1"), ("i", "<i4", 3)])
        rows["n"], rows["i"] = 3, self.faces
        head = ["ply", "format binary_little_endian 1.0", f"element vertex {len(table)}"]
        head += [f"property float {name}" for name in names]
        head += [f"element face {len(rows)}", "property list uchar int vertex_indices", "end_header", ""]
        path.write_bytes("\n".join(head).encode() + table.tobytes() + rows.tobytes())


def join(meshes: Sequence[Mesh]) -> Mesh:
    starts = np.cumsum([0, *(len(m.points) for m in meshes[:-1])])
    faces = np.vstack([m.faces + start for m, start in zip(meshes, starts, strict=True)])
    return Mesh(np.vstack([m.points for m in meshes]), faces, np.vstack([m.uv for m in meshes]))


def surface(points: Array, uv: Array | None = None) -> Mesh:
    """A grid of points [rows, columns, 3] as a surface; by default u runs along columns, v along rows."""
    rows, columns = points.shape[:2]
    if uv is None:
        u, v = np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, rows))
        uv = np.stack([u, v], -1)
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    return Mesh(points.reshape(-1, 3).astype(float), faces, uv.reshape(-1, 2))


def smooth_path(knots: Sequence[Sequence[float]], count: int) -> Array:
    """`count` points on a spline through the knots, evenly spaced by the knots' chord length."""
    p = np.asarray(knots, float)
    t = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(p, axis=0), axis=1))])
    return np.asarray(make_interp_spline(t, p, k=min(3, len(p) - 1))(np.linspace(0, t[-1], count)))


def rounded(corners: Sequence[Sequence[float]], radius: float, steps: int = 6) -> Array:
    """A polyline in the plane whose inner corners are replaced by arcs (quadratic curves)."""
    p = np.asarray(corners, float)
    out = [p[0]]
    for before, here, after in zip(p[:-2], p[1:-1], p[2:], strict=True):
        to_before, to_after = before - here, after - here
        cut_a = min(radius, 0.45 * np.linalg.norm(to_before))
        cut_b = min(radius, 0.45 * np.linalg.norm(to_after))
        a = here + to_before / np.linalg.norm(to_before) * cut_a
        b = here + to_after / np.linalg.norm(to_after) * cut_b
        out += [(1 - t) ** 2 * a + 2 * t * (1 - t) * here + t**2 * b for t in np.linspace(0, 1, steps)]
    return np.array([*out, p[-1]])


def lathe(profile: Array | Sequence[Sequence[float]], sides: int = 128) -> Mesh:
    """Revolve (radius, z) about the z axis; u goes around, v along the profile. Outside upwards faces out."""
    p = np.asarray(profile, float)
    fine = [p[0]]
    for a, b in itertools.pairwise(p):  # long straight stretches are cut, so that normals stay local
        cuts = max(1, int(np.linalg.norm(b - a) / 0.5))
        fine += [a + (b - a) * k / cuts for k in range(1, cuts + 1)]
    p = np.array(fine)
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    angle[-1] = 0.0
    points = np.stack([p[:, :1] * np.cos(angle), p[:, :1] * np.sin(angle), np.repeat(p[:, 1:], sides + 1, 1)], -1)
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(p, axis=0), axis=1))])
    u, v = np.meshgrid(np.linspace(0, 1, sides + 1), along / along[-1])
    return surface(points, np.stack([u, v], -1))


def ball(radius: float = 1.0, steps: int = 64) -> Mesh:
    t = np.linspace(-np.pi / 2, np.pi / 2, steps)
    return lathe(np.stack([radius * np.cos(t), radius * np.sin(t)], -1), 2 * steps)


def tube(
    path: Array,
    radius: float | Array,
    sides: int = 32,
    flatten: float | Array = 1.0,
    up: Sequence[float] = (0, 0, 1),
    round_ends: bool = True,
) -> Mesh:
    """Sweep an ellipse along a path; `flatten` is its height (towards `up`) over its width."""
    path = np.asarray(path, float)
    r = np.broadcast_to(np.asarray(radius, float), len(path)).copy()
    f = np.broadcast_to(np.asarray(flatten, float), len(path)).copy()
    if round_ends:

        def cap(end: Array, inner: Array, size: float) -> tuple[Array, Array]:
            way = (end - inner) / np.linalg.norm(end - inner)
            t = np.linspace(0, np.pi / 2, 8)[1:]
            return end + np.outer(np.sin(t), way) * size, np.cos(t) * size

        head, head_r = cap(path[0], path[1], r[0] * min(1, f[0]))
        tail, tail_r = cap(path[-1], path[-2], r[-1] * min(1, f[-1]))
        head_r, tail_r = head_r / min(1, f[0]), tail_r / min(1, f[-1])
        path = np.vstack([head[::-1], path, tail])
        r = np.concatenate([head_r[::-1], r, tail_r])
        f = np.concatenate([np.full(7, f[0]), f, np.full(7, f[-1])])
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-12
    side = np.cross(tangent, np.asarray(up, float))
    side /= np.linalg.norm(side, axis=1, keepdims=True) + 1e-12
    top = np.cross(side, tangent)
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    angle[-1] = 0.0
    ring = np.cos(angle)[None, :, None] * side[:, None] + (f[:, None] * np.sin(angle))[..., None] * top[:, None]
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    u, v = np.meshgrid(np.linspace(0, 1, sides + 1), along / along[-1])
    mesh = surface(path[:, None] + r[:, None, None] * ring, np.stack([u, v], -1))
    return replace(mesh, faces=mesh.faces[:, ::-1])


def box(x: float, y: float, z: float, bevel: float, steps: int = 5) -> Mesh:
    """A box with rounded edges that stands on z = 0; each side's uv spans that side."""
    half = np.array([x, y, z]) / 2
    bevel = min(bevel, 0.49 * 2 * half.min())

    def ticks(h: float) -> Array:
        near = h - bevel + bevel * np.tan(np.linspace(0, np.pi / 4, steps))
        return np.concatenate([-near[::-1], near])

    parts = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            i, j = [(1, 2), (2, 0), (0, 1)][axis]
            a, b = np.meshgrid(ticks(half[i]), ticks(half[j]), indexing="xy")
            p = np.zeros((*a.shape, 3))
            p[..., axis], p[..., i], p[..., j] = sign * half[axis], a, b
            core = np.clip(p, -(half - bevel), half - bevel)
            out = p - core
            p = core + bevel * out / np.linalg.norm(out, axis=-1, keepdims=True)
            uv = np.stack([0.5 + 0.5 * a / half[i], 0.5 + 0.5 * b / half[j]], -1)
            part = surface(p, uv)
            parts.append(part if sign > 0 else replace(part, faces=part.faces[:, ::-1]))
    return join(parts).move(z=z / 2)


def field(distance: Callable[[Array], Array], low: Sequence[float], high: Sequence[float], step: float) -> Mesh:
    """The zero surface of a signed distance (negative inside); uv is the side view (x, z)."""
    from skimage.measure import marching_cubes

    axes = [np.arange(a, b + step, step) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
    points, faces, _, _ = marching_cubes(distance(grid), 0.0, spacing=(step,) * 3)
    points = points + np.asarray(low)
    span = np.asarray(high, float) - np.asarray(low, float)
    uv = (points[:, [0, 2]] - np.asarray(low)[[0, 2]]) / span[[0, 2]]
    return Mesh(points, faces[:, ::-1].astype(int), uv)


def blend(a: Array, b: Array, width: float) -> Array:
    """Smooth union of two distances."""
    h = np.clip(0.5 + 0.5 * (b - a) / width, 0, 1)
    return b * (1 - h) + a * h - width * h * (1 - h)


def ellipsoid(p: Array, centre: Sequence[float], radii: Sequence[float]) -> Array:
    q = p - np.asarray(centre, float)
    k = np.linalg.norm(q / radii, axis=-1)
    return k * (k - 1.0) / (np.linalg.norm(q / np.square(radii), axis=-1) + 1e-9)


def capsule(p: Array, a: Sequence[float], b: Sequence[float], start: float, end: float) -> Array:
    """A stick from a to b whose radius goes from `start` to `end`."""
    a_, ab = np.asarray(a, float), np.asarray(b, float) - np.asarray(a, float)
    t = np.clip(((p - a_) @ ab) / (ab @ ab), 0, 1)
    return np.linalg.norm(p - a_ - t[..., None] * ab, axis=-1) - (start + (end - start) * t)


def along(knots: Sequence[tuple[float, float]], t: Array) -> Array:
    """A monotone curve through (t, value) knots, for radii along a path."""
    k = np.asarray(knots, float)
    return np.asarray(PchipInterpolator(k[:, 0], k[:, 1])(t))
