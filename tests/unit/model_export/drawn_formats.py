"""The same drawn pictures and masks in every format that the readers know."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask

Bitmap = NDArray[np.bool_]


@dataclass(frozen=True)
class Drawn:
    """A picture of a scene: `masks` bool [height, width] that do not overlap, by name in order."""

    stem: str
    width: int
    height: int
    masks: tuple[tuple[str, Bitmap], ...]

    def write(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((self.height, self.width, 3), 40, np.uint8)
        for number, (_, mask) in enumerate(self.masks):
            pixels[mask] = (200, 90 * number, 60)
        Image.fromarray(pixels).save(path)
        return path


def scene(stems: Sequence[str] = ("one", "two")) -> list[Drawn]:
    """Each picture: a disk and a block, sizes and places of its own; width and height differ."""
    drawn = []
    for k, stem in enumerate(stems):
        width, height = 40 + k, 30 + 2 * (k % 3)
        y, x = np.mgrid[:height, :width] + 0.5
        disk = (x - 11 - k % 5) ** 2 + (y - 12) ** 2 <= 7**2
        block = (x > 24) & (x < 36) & (y > 5 + k % 4) & (y < 21)
        drawn.append(Drawn(stem, width, height, (("ball", disk), ("box", block))))
    return drawn


def packed(mask: Bitmap) -> dict[str, object]:
    rle = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    return {"size": list(mask.shape), "counts": rle["counts"].decode()}


def counted(mask: Bitmap) -> dict[str, object]:
    """Uncompressed: runs in column-major order, 0 first."""
    counts, value = [0], False
    for pixel in mask.ravel(order="F").tolist():
        if pixel != value:
            counts.append(0)
            value = pixel
        counts[-1] += 1
    return {"size": list(mask.shape), "counts": counts}


def coco_document(drawn: Sequence[Drawn], compressed: bool = True) -> dict[str, list[dict[str, object]]]:
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for k, each in enumerate(drawn):
        images.append({"id": k, "file_name": f"{each.stem}.png", "width": each.width, "height": each.height})
        for name, mask in each.masks:
            segmentation = packed(mask) if compressed else counted(mask)
            annotation = {"id": len(annotations), "image_id": k, "category_id": {"ball": 3, "box": 7}[name]}
            annotations.append(annotation | {"segmentation": segmentation, "iscrowd": 0})
    categories: list[dict[str, object]] = [{"id": 3, "name": "ball"}, {"id": 7, "name": "box"}]
    return {"images": images, "annotations": annotations, "categories": categories}


def write_coco(folder: Path, drawn: Sequence[Drawn], name: str = "annotations.json", pictures: str = "images") -> Path:
    for each in drawn:
        each.write(folder / pictures / f"{each.stem}.png")
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(coco_document(drawn)))
    return folder


def write_sa1b(folder: Path, drawn: Sequence[Drawn]) -> Path:
    for each in drawn:
        path = each.write(folder / f"{each.stem}.png")
        image = {"image_id": 1, "width": each.width, "height": each.height, "file_name": path.name}
        annotations = [{"id": k, "segmentation": packed(mask)} for k, (_, mask) in enumerate(each.masks)]
        path.with_suffix(".json").write_text(json.dumps({"image": image, "annotations": annotations}))
    return folder


def labelme_shape(name: str, mask: Bitmap, group: int | None = None) -> dict[str, object]:
    """A `mask` shape: its bounding box (last pixel included) and a PNG of what lies inside."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    x1, x2, y1, y2 = int(columns[0]), int(columns[-1]), int(rows[0]), int(rows[-1])
    png = BytesIO()
    Image.fromarray(mask[y1 : y2 + 1, x1 : x2 + 1].astype(np.uint8) * 255).save(png, "PNG")
    text = base64.b64encode(png.getvalue()).decode()
    return {"label": name, "points": [[x1, y1], [x2, y2]], "shape_type": "mask", "mask": text, "group_id": group}


def write_labelme(folder: Path, drawn: Sequence[Drawn]) -> Path:
    for each in drawn:
        path = each.write(folder / f"{each.stem}.png")
        shapes = [labelme_shape(name, mask) for name, mask in each.masks]
        write_labelme_file(path.with_suffix(".json"), path.name, each, shapes)
    return folder


def write_labelme_file(file: Path, picture: str, each: Drawn, shapes: Sequence[dict[str, object]]) -> None:
    document: dict[str, object] = {
        "version": "5.5.0",
        "flags": {},
        "shapes": list(shapes),
        "imagePath": picture,
        "imageData": None,
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document | {"imageHeight": each.height, "imageWidth": each.width}))


def label_map(each: Drawn) -> NDArray[np.uint8]:
    labels = np.zeros((each.height, each.width), np.uint8)
    for number, (_, mask) in enumerate(each.masks, start=1):
        labels[mask] = number
    return labels


def write_label_maps(folder: Path, drawn: Sequence[Drawn]) -> Path:
    (folder / "masks").mkdir(parents=True)
    for each in drawn:
        each.write(folder / "images" / f"{each.stem}.png")
        palette_image(label_map(each)).save(folder / "masks" / f"{each.stem}.png")
    return folder


def palette_image(labels: NDArray[np.uint8]) -> Image.Image:
    image = Image.fromarray(labels)
    image.putpalette([value for k in range(256) for value in (k * 37 % 256, k * 91 % 256, k * 53 % 256)])
    return image


def write_object_masks(folder: Path, drawn: Sequence[Drawn]) -> Path:
    for each in drawn:
        each.write(folder / "images" / f"{each.stem}.png")
        own = folder / "masks" / each.stem
        own.mkdir(parents=True)
        for number, (name, mask) in enumerate(each.masks):
            Image.fromarray(mask.astype(np.uint8) * 255).save(own / f"{number}_{name}.png")
    return folder
