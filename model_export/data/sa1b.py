"""SA-1B's JSON: one file a picture, beside it (`sa_223750.json`, `sa_223750.jpg`).

`image` (`file_name`, `width`, `height`) and `annotations` with `segmentation` as compressed RLE. Masks have no names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from model_export.data.coco import picture_of
from model_export.data.errors import AnnotationError
from model_export.data.picture import Picture
from model_export.data.picture_files import checked_size

FORMAT = "SA-1B JSON"


def is_sa1b(document: Any) -> bool:
    return (
        isinstance(document, dict)
        and isinstance(document.get("image"), dict)
        and isinstance(document.get("annotations"), list)
    )


def read_sa1b(document: Any, file: Path, path: Path, set_name: str, problems: list[AnnotationError]) -> Picture | None:
    """`path`: the picture that `file` with the content `document` annotates. None where no object is left."""
    image = document["image"]
    size = checked_size(path, image.get("width"), image.get("height"))
    annotations = [record for record in document["annotations"] if isinstance(record, dict)]
    return picture_of(set_name, path, size, annotations, {}, file, problems)
