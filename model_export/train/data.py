"""Pictures and masks in COCO's format.

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
