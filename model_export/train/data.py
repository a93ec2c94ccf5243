"""Pictures and masks in COCO's format, and their augmentation into training samples.

A set is a folder with `annotations.json` (masks as RLE or polygons; each image may carry `split`) and `images/`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

MIN_AREA = 0.0008  # of the input's area, after augmentation
MAX_AREA = 0.9


@dataclass(frozen=True)
class Picture:
    """One annotated picture; `rles` are COCO RLEs of height x width."""

    source: str
    path: Path
    width: int
    height: int
    rles: tuple[dict[str, Any], ...]

    def pixels(self) -> NDArray[np.uint8]:
        """uint8 [height, width, 3] RGB."""
        image = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        if image is None:
            raise ValueError(f"cannot read {self.path}")
        return np.ascontiguousarray(image[..., ::-1])

    def mask(self, index: int) -> NDArray[np.uint8]:
        """uint8 [height, width], 0 and 1."""
        return np.asarray(coco_mask.decode(self.rles[index]), np.uint8)


def to_rle(segmentation: Any, height: int, width: int) -> dict[str, Any]:
    """Polygons, uncompressed or compressed RLE -> one compressed RLE."""
    if isinstance(segmentation, list):
        return dict(coco_mask.merge(coco_mask.frPyObjects(segmentation, height, width)))
    if isinstance(segmentation["counts"], list):
        return dict(coco_mask.frPyObjects(segmentation, height, width))
    return {"size": segmentation["size"], "counts": segmentation["counts"]}


def read_set(folder: Path, split: str) -> list[Picture]:
    """The pictures of one split with at least one mask; a picture without `split` counts as train."""
    coco = json.loads((folder / "annotations.json").read_text())
    by_image: dict[int, list[dict[str, Any]]] = {}
    for annotation in coco["annotations"]:
        by_image.setdefault(annotation["image_id"], []).append(annotation)
    pictures = []
    for image in coco["images"]:
        if image.get("split", "train") != split or image["id"] not in by_image:
            continue
        width, height = image["width"], image["height"]
        rles = tuple(to_rle(a["segmentation"], height, width) for a in by_image[image["id"]])
        pictures.append(Picture(folder.name, folder / "images" / image["file_name"], width, height, rles))
    return pictures


def read_sets(root: Path, split: str) -> list[Picture]:
    folders = sorted(path.parent for path in root.glob("*/annotations.json"))
    if not folders:
        raise ValueError(f"no annotations.json below {root}")
    return [picture for folder in folders for picture in read_set(folder, split)]


@dataclass(frozen=True)
class Sample:
    """pixels uint8 [S, S, 3]; valid (height, width); masks float32 [K, S/4, S/4] in 0..1 (area share);
    boxes float32 [K, 4] x1 y1 x2 y2 in ModelPx."""

    pixels: NDArray[np.uint8]
    valid: tuple[int, int]
    masks: NDArray[np.float32]
    boxes: NDArray[np.float32]


def random_affine(rng: np.random.Generator, width: int, height: int, size: int) -> NDArray[np.float64]:
    """Original -> input, 2 x 3: a third of the time the serving rule, else large-scale jitter; half are flipped."""
    scale = size / max(width, height)
    dx = dy = 0.0
    if rng.random() > 0.33:
        scale *= float(np.exp(rng.uniform(np.log(0.6), np.log(2.0))))
        aspect = float(np.exp(rng.uniform(-0.15, 0.15)))
    else:
        aspect = 1.0
    sx, sy = scale * aspect, scale / aspect
    slack_x, slack_y = size - width * sx, size - height * sy
    dx = rng.uniform(slack_x, 0) if slack_x < 0 else 0.0
    dy = rng.uniform(slack_y, 0) if slack_y < 0 else 0.0
    matrix = np.array([[sx, 0, dx], [0, sy, dy]])
    if rng.random() < 0.5:
        matrix[0] = [-sx, 0, width * sx + dx]
    # cv2 places pixel centres at integers: shift by half a pixel on both sides
    matrix[:, 2] += 0.5 * matrix[:, 0] + 0.5 * matrix[:, 1] - 0.5
    return matrix


def colour_jitter(rng: np.random.Generator, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    x = pixels.astype(np.float32)
    x = (x - 128) * rng.uniform(0.75, 1.25) + 128 + rng.uniform(-25, 25)
    grey = x.mean(-1, keepdims=True)
    x = grey + (x - grey) * (0.0 if rng.random() < 0.05 else rng.uniform(0.6, 1.4))
    x *= rng.uniform(0.92, 1.08, 3).astype(np.float32)
    if rng.random() < 0.15:
        x = cv2.GaussianBlur(x, (0, 0), float(rng.uniform(0.4, 1.5)))
    if rng.random() < 0.15:
        x += rng.normal(0, rng.uniform(2, 10), x.shape).astype(np.float32)
    result: NDArray[np.uint8] = np.clip(x, 0, 255).astype(np.uint8)
    return result


def make_sample(
    rng: np.random.Generator, picture: Picture, pixels: NDArray[np.uint8], size: int, count: int
) -> Sample | None:
    """An augmented sample with exactly `count` masks (repeated where there are fewer), or None if none is usable."""
    matrix = random_affine(rng, picture.width, picture.height, size)
    width = min(size, max(1, round(picture.width * abs(matrix[0, 0]))))
    height = min(size, max(1, round(picture.height * matrix[1, 1])))
    flags = cv2.INTER_AREA if abs(matrix[0, 0]) < 0.5 else cv2.INTER_LINEAR
    warped = cv2.warpAffine(pixels, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    warped = colour_jitter(rng, np.asarray(warped, np.uint8))
    warped[height:] = 0
    warped[:, width:] = 0
    areas = np.array([float(coco_mask.area(rle)) for rle in picture.rles])
    chances = areas**0.3
    order = (
        rng.choice(len(areas), len(areas), replace=False, p=chances / chances.sum())
        if areas.all()
        else np.arange(len(areas))
    )
    masks, boxes = [], []
    for index in order[: 3 * count]:
        mask = cv2.warpAffine(picture.mask(int(index)) * 255, matrix, (size, size), flags=cv2.INTER_LINEAR)
        mask[height:] = 0
        mask[:, width:] = 0
        share = float(mask.sum()) / 255 / (size * size)
        if not MIN_AREA < share < MAX_AREA * width * height / (size * size):
            continue
        ys, xs = np.nonzero(mask >= 128)
        if len(xs) == 0:
            continue
        small = cv2.resize(mask, (size // 4, size // 4), interpolation=cv2.INTER_AREA)
        masks.append(small.astype(np.float32) / 255)
        boxes.append([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
        if len(masks) == count:
            break
    if not masks:
        return None
    take = [i % len(masks) for i in range(count)]
    return Sample(warped, (height, width), np.stack(masks)[take].astype(np.float32), np.array(boxes, np.float32)[take])


class PictureSampler:
    """Draws training samples; decoded pictures are kept (5,190 pictures of 512 px are 2.3 GB)."""

    def __init__(self, pictures: list[Picture], weights: dict[str, float], seed: int) -> None:
        if not pictures:
            raise ValueError("no pictures to train on")
        self.pictures = pictures
        chances = np.array([weights.get(picture.source, 1.0) for picture in pictures])
        self.chances = chances / chances.sum()
        self.rng = np.random.default_rng(seed)
        self.kept: dict[int, NDArray[np.uint8]] = {}

    def draw(self, size: int, count: int) -> Sample:
        for _ in range(100):
            index = int(self.rng.choice(len(self.pictures), p=self.chances))
            if index not in self.kept:
                self.kept[index] = self.pictures[index].pixels()
            sample = make_sample(self.rng, self.pictures[index], self.kept[index], size, count)
            if sample is not None:
                return sample
        raise ValueError("100 pictures in a row had no usable mask; check the masks' sizes")
