"""An annotated picture: where its file lies and its masks as COCO RLEs."""

from __future__ import annotations

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
