"""Materials, lights, camera and the film: turns meshes into a developed photograph with Mitsuba 3."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import mitsuba as mi
import numpy as np
from denoising import denoise
from geometry import Mesh

Array = np.ndarray
Plugin = dict[str, Any]
Put = Callable[[Mesh, Plugin], None]


def linear(colour: Array | tuple[float, float, float]) -> Array:
    c = np.asarray(colour, float)
    return np.where(c <= 0.04045, c / 12.92, ((np.maximum(c, 0) + 0.055) / 1.055) ** 2.4)


def paint(colour: Array | tuple[float, float, float], repeat: float | tuple[float, float] = 1.0) -> Plugin:
    """A texture from an sRGB colour or picture [H, W, 3]; row 0 lies at v = 0."""
    if np.ndim(colour) == 1:
        return {"type": "rgb", "value": linear(colour).tolist()}
    return _bitmap(linear(colour), repeat)


def _bitmap(values: Array, repeat: float | tuple[float, float]) -> Plugin:
    u, v = (repeat, repeat) if isinstance(repeat, (int, float)) else repeat
    data = np.ascontiguousarray(values, dtype=np.float32)
    if data.ndim == 2:
        data = data[..., None]
    return {"type": "bitmap", "bitmap": mi.Bitmap(data), "raw": True, "to_uv": mi.ScalarTransform4f().scale([u, v, 1])}


def material(
    colour: Array | tuple[float, float, float],
    roughness: float | Array = 0.5,
    repeat: float | tuple[float, float] = 1.0,
    bump: Array | None = None,
    depth: float = 0.05,
    specular: float = 0.5,
    **more: float,
) -> Plugin:
    """The principled surface; `depth` scales the height map `bump`, in centimetres."""
    rough: Any = roughness if np.ndim(roughness) == 0 else _bitmap(np.asarray(roughness), repeat)
    inner: Plugin = {
        "type": "principled",
        "base_color": paint(colour, repeat),
        "roughness": rough,
        "specular": specular,
        **more,
    }
    if bump is not None:
        inner = {"type": "bumpmap", "height": _bitmap(bump, repeat), "scale": depth, "bsdf": inner}
    return {"type": "twosided", "bsdf": inner}


def metal(name: str = "Cr", roughness: float = 0.12) -> Plugin:
    return {
        "type": "twosided",
        "bsdf": {"type": "roughconductor", "material": name, "alpha": roughness, "distribution": "ggx"},
    }


def glass(roughness: float = 0.0) -> Plugin:
    return {"type": "dielectric", "int_ior": 1.5, "ext_ior": 1.0}


@dataclass
class Stage:
    """What one picture shows."""

    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    width: int
    height: int
    field_of_view: float = 32.0
    focus: tuple[float, float, float] | None = None
    aperture: float = 0.6  # radius of the lens in cm
    exposure: float = 1.0
    warmth: float = 0.0
    parts: Plugin = field(default_factory=dict)
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="samples-")))

    def add(self, mesh: Mesh, look: Plugin) -> None:
        name = f"part{len(self.parts):04d}"
        path = self.folder / f"{name}.ply"
        mesh.write(path)
        self.parts[name] = {"type": "ply", "filename": str(path), "bsdf": look}

    def at(self, x: float, y: float, z: float = 0.0, turn: float = 0.0, size: float = 1.0) -> Put:
        """A `put` that scales, turns and moves what it is given."""
        return lambda mesh, look: self.add(mesh.scale(size).turn("z", turn).move(x, y, z), look)

    def put(self, plugin: Plugin) -> None:
        self.parts[f"part{len(self.parts):04d}"] = plugin

    def lamp(
        self,
        centre: tuple[float, float, float],
        towards: tuple[float, float, float],
        width: float,
        height: float,
        light: tuple[float, float, float],
    ) -> None:
        """A rectangle that shines towards a point."""
        up = (
            (0, 0, 1)
            if abs(np.subtract(towards, centre)[2]) < 0.95 * np.linalg.norm(np.subtract(towards, centre))
            else (0, 1, 0)
        )
        place = mi.ScalarTransform4f().look_at(origin=list(centre), target=list(towards), up=list(up))
        place = place @ mi.ScalarTransform4f().scale([width / 2, height / 2, 1])
        self.put(
            {
                "type": "rectangle",
                "to_world": place,
                "emitter": {"type": "area", "radiance": {"type": "rgb", "value": list(light)}},
                "bsdf": {"type": "diffuse", "reflectance": {"type": "rgb", "value": 0.0}},
            }
        )

    def sun(
        self,
        place: tuple[float, float, float],
        target: tuple[float, float, float],
        light: float,
        radius: float,
        opening: tuple[float, float] | None = None,
        bars: tuple[int, int] = (0, 0),
    ) -> None:
        """A small far sphere; with `opening` (width, height) it shines through a barred window half way."""
        colour = [light, light * 0.80, light * 0.56]
        self.put(
            {
                "type": "sphere",
                "center": list(place),
                "radius": radius,
                "emitter": {"type": "area", "radiance": {"type": "rgb", "value": colour}},
            }
        )
        if opening is None:
            return
        wide, tall = (
            opening[0] / 4,
            opening[1] / 4,
        )  # half lengths in the middle plane, where the patch has half its size
        middle = (np.array(place) + np.array(target)) / 2
        frame = mi.ScalarTransform4f().look_at(origin=middle.tolist(), target=list(target), up=[0, 0, 1])
        slats = [(s * (wide + 150), 0, 150, 400) for s in (-1, 1)] + [(0, s * (tall + 200), wide, 200) for s in (-1, 1)]
        slats += [(wide * (2 * (k + 1) / (bars[0] + 1) - 1), 0, 1.1, tall) for k in range(bars[0])]
        slats += [(0, tall * (2 * (k + 1) / (bars[1] + 1) - 1), wide, 1.1) for k in range(bars[1])]
        for x, y, half_width, half_height in slats:
            where = (
                frame
                @ mi.ScalarTransform4f().translate([x, y, 0])
                @ mi.ScalarTransform4f().scale([half_width, half_height, 1])
            )
            self.put(
                {"type": "rectangle", "to_world": where, "bsdf": {"type": "twosided", "bsdf": {"type": "diffuse"}}}
            )

    def room(self, picture: Array) -> None:
        """Surround light from a linear picture [H, W, 3], latitude from the zenith down, z up."""
        data = np.ascontiguousarray(picture, dtype=np.float32)
        self.put(
            {"type": "envmap", "bitmap": mi.Bitmap(data), "to_world": mi.ScalarTransform4f().rotate([1, 0, 0], 90)}
        )

    def scene(self, scale: float) -> mi.Scene:
        eye, target = np.array(self.eye), np.array(self.target)
        focus = np.array(self.focus if self.focus is not None else self.target)
        forward = (target - eye) / np.linalg.norm(target - eye)
        world: Plugin = {"type": "scene", **self.parts}
        world["sensor"] = {
            "type": "thinlens",
            "fov": self.field_of_view,
            "fov_axis": "larger",
            "aperture_radius": self.aperture,
            "focus_distance": float((focus - eye) @ forward),
            "to_world": mi.ScalarTransform4f().look_at(origin=list(self.eye), target=list(self.target), up=[0, 0, 1]),
            "film": {
                "type": "hdrfilm",
                "width": round(self.width * scale),
                "height": round(self.height * scale),
                "pixel_format": "rgb",
                "component_format": "float32",
                "rfilter": {"type": "box"},
            },
        }
        return mi.load_dict(world)

    def expose(self, scale: float, samples: int, batch: int = 16) -> Array:
        """Path trace in batches (each with its own seed), then denoise; linear RGB."""
        scene = self.scene(scale)
        integrator = mi.load_dict(
            {"type": "aov", "aovs": "a:albedo,n:sh_normal", "image": {"type": "path", "max_depth": 14, "rr_depth": 6}}
        )
        total: Array | None = None
        rounds = max(1, samples // batch)
        for seed in range(rounds):
            layers = np.nan_to_num(
                np.array(mi.render(scene, integrator=integrator, spp=min(batch, samples), seed=seed))
            )
            layers[..., :3] = np.minimum(layers[..., :3], 60.0)
            total = layers if total is None else total + layers
        assert total is not None
        layers = (total / rounds).astype(np.float32)
        return denoise(*(np.ascontiguousarray(layers[..., k : k + 3]) for k in (0, 3, 6)))

    def develop(self, light: Array) -> Array:
        """Exposure, a bloom of the highlights, a film curve, a slight vignette and grain; sRGB uint8."""
        h, w = light.shape[:2]
        x = light * self.exposure * np.array([1 + self.warmth, 1.0, 1 - self.warmth])
        glow = np.minimum(x, 6.0).astype(np.float32)
        x = 0.965 * x + 0.025 * cv2.GaussianBlur(glow, (0, 0), w / 160) + 0.01 * cv2.GaussianBlur(glow, (0, 0), w / 28)
        yy, xx = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
        x = x * (1 - 0.13 * (xx**2 + yy**2) ** 1.2 / 2)[..., None]
        luma = x @ np.array([0.2126, 0.7152, 0.0722])
        x = np.maximum(luma[..., None] + 1.06 * (x - luma[..., None]), 0)
        x = film(x)
        grain = cv2.GaussianBlur(np.random.default_rng(1).standard_normal((h, w)).astype(np.float32), (0, 0), 0.7)
        x = x + 0.0085 * grain[..., None] * (1.2 - x)
        return np.asarray(np.clip(np.round(x * 255), 0, 255), np.uint8)


def film(x: Array) -> Array:
    """Linear light to display values: a toe, a straight middle and a soft shoulder."""

    def curve(v: Array) -> Array:
        v = v * 0.62
        return (v * (2.51 * v + 0.03)) / (v * (2.43 * v + 0.59) + 0.14)

    peak = x.max(-1, keepdims=True) + 1e-6
    kept = x / peak * curve(peak)
    y = np.clip(0.75 * curve(x) + 0.25 * kept, 0, 1)
    return np.asarray(np.where(y <= 0.0031308, 12.92 * y, 1.055 * y ** (1 / 2.4) - 0.055))
