"""Pictures and masks in COCO's format.

A set is a folder with `annotations.json` (masks as RLE or polygons; each image may carry `split`) and `images/`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from model_export.data.picture import Picture
from model_export.data.rle import to_rle


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
