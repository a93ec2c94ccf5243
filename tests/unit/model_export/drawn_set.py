"""A tiny annotated set that tests draw themselves: coloured disks and rectangles on a plain ground."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as coco_mask


def draw_set(root: Path, pictures: int = 6, val: int = 2) -> Path:
    """Writes `root/shapes/` in COCO's format; the last `val` pictures are for validation. Returns `root`."""
    folder = root / "shapes"
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(5)
    images, annotations = [], []
    for index in range(pictures):
        height, width = (96, 128) if index % 2 else (128, 96)
        image = np.full((height, width, 3), rng.integers(0, 90, 3), np.uint8)
        images.append(
            {
                "id": index,
                "file_name": f"{index}.jpg",
                "width": width,
                "height": height,
                "split": "val" if index >= pictures - val else "train",
            }
        )
        for _ in range(2):
            mask = np.zeros((height, width), np.uint8)
            centre = (int(rng.integers(30, width - 30)), int(rng.integers(30, height - 30)))
            if rng.random() < 0.5:
                cv2.circle(mask, centre, int(rng.integers(10, 24)), 1, -1)
            else:
                cv2.rectangle(mask, (centre[0] - 18, centre[1] - 12), (centre[0] + 18, centre[1] + 12), 1, -1)
            image[mask == 1] = rng.integers(120, 255, 3)
            rle = coco_mask.encode(np.asfortranarray(mask))
            rle["counts"] = rle["counts"].decode()
            annotations.append({"id": len(annotations), "image_id": index, "category_id": 1, "segmentation": rle})
        cv2.imwrite(str(folder / "images" / f"{index}.jpg"), image[..., ::-1])
    coco = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "shape"}]}
    (folder / "annotations.json").write_text(json.dumps(coco))
    return root
