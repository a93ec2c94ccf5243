"""An annotated picture: where its file lies, its masks as COCO RLEs, their names, and what counts for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model_export.data.errors import AnnotationError
from model_export.data.picture_files import MAX_PIXELS
from model_export.data.rle import RLE, area, subtract, to_bitmap, union
from server.errors import ImageError
from server.runtime.images import decode_image


@dataclass(frozen=True)
class Picture:
    """One annotated picture, upright (EXIF applied).

    `rles`: masks, COCO RLEs of height x width; `names`: what each shows, as many as masks, "" where nobody said;
    `ignore`: pixels that count for nothing in training and evaluation (crowds, bands along uncertain borders), or None.
    """

    source: str
    path: Path
    width: int
    height: int
    rles: tuple[RLE, ...]
    names: tuple[str, ...] = ()
    ignore: RLE | None = None

    def __post_init__(self) -> None:
        if not self.names:
            object.__setattr__(self, "names", ("",) * len(self.rles))
        if len(self.names) != len(self.rles):
            raise ValueError(f"{self.path}: {len(self.names)} names for {len(self.rles)} masks")

    def pixels(self) -> NDArray[np.uint8]:
        """uint8 [height, width, 3] RGB, decoded as the server does. Raises AnnotationError when the file is unreadable
        or of another size."""
        try:
            image = decode_image(self.path.read_bytes(), max_pixels=MAX_PIXELS)
        except OSError as error:
            raise AnnotationError("broken picture", self.path, error.strerror or str(error)) from error
        except ImageError as error:
            raise AnnotationError("broken picture", self.path, error.message) from error
        if (image.width, image.height) != (self.width, self.height):
            found = f"{image.width} x {image.height}"
            detail = f"the picture is {found}, its annotations are for {self.width} x {self.height}"
            raise AnnotationError("size mismatch", self.path, detail)
        return image.rgb

    def mask(self, index: int) -> NDArray[np.uint8]:
        """uint8 [height, width], 0 and 1."""
        return to_bitmap(self.rles[index])

    def ignore_mask(self) -> NDArray[np.uint8] | None:
        """uint8 [height, width], 1 where a pixel counts for nothing; None where every pixel counts."""
        return None if self.ignore is None else to_bitmap(self.ignore)


def ignore_band(regions: Sequence[RLE], objects: Sequence[RLE]) -> RLE | None:
    """What `regions` cover and no object does, or None where that is nothing."""
    if not regions:
        return None
    band = subtract(union(regions), union(objects)) if objects else union(regions)
    return band if area(band) else None
