"""Picture files: which they are, how large, and where the one lies that an annotation names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from PIL import Image, UnidentifiedImageError

from model_export.data.errors import AnnotationError
from server.runtime.images import exif_orientation

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
MAX_PIXELS = 1 << 28  # of a picture that is decoded


def is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def pictures_below(folder: Path) -> list[Path]:
    """Every picture file in `folder` and its folders, sorted."""
    found = []
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [path for path in (Path(root, name) for name in files) if is_picture(path)]
    return sorted(found)


def picture_beside(file: Path) -> Path | None:
    """The picture in the same folder whose name differs in the ending alone."""
    for suffix in (*SUFFIXES, *(suffix.upper() for suffix in SUFFIXES)):
        path = file.with_name(file.stem + suffix)
        if path.is_file():
            return path
    return None


def upright_size(path: Path) -> tuple[int, int]:
    """(width, height) after EXIF orientation, from the file's header. Raises AnnotationError `broken picture`."""
    try:
        with Image.open(path) as image:
            width, height = image.size
            turned = exif_orientation(image) in (5, 6, 7, 8)
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise AnnotationError("broken picture", path, str(error)) from error
    return (height, width) if turned else (width, height)


def checked_size(path: Path, width: object, height: object) -> tuple[int, int]:
    """The picture's (width, height). Raises AnnotationError `size mismatch` when its annotations say otherwise; where
    they say nothing (None or 0), the picture's own counts."""
    actual = upright_size(path)
    if width and height and (width, height) != actual:
        detail = f"the picture is {actual[0]} x {actual[1]}, its annotations are for {width} x {height}"
        if (height, width) == actual:
            detail += " (perhaps annotated before its EXIF orientation was applied)"
        raise AnnotationError("size mismatch", path, detail)
    return actual


class PictureFinder:
    """Finds pictures by the names that annotations give them. `folder`: the set's; its files are listed only when a
    name leads nowhere by itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._by_name: dict[str, list[Path]] | None = None

    def find(self, name: str, bases: Sequence[Path], source: Path) -> Path:
        """`name` below one of `bases`, else its last part there, else the only file below the set's folder of that
        name. `source`: the annotation file, for the message of the AnnotationError `missing picture`."""
        plain = PurePosixPath(name.replace("\\", "/"))
        # the whole name goes first: its last part alone may lead to another picture
        for path in (*(base / plain for base in bases), *(base / plain.name for base in bases)):
            if path.is_file():
                return Path(os.path.normpath(path))
        if self._by_name is None:
            self._by_name = {}
            for path in pictures_below(self.folder):
                self._by_name.setdefault(path.name, []).append(path)
        found = self._by_name.get(plain.name, [])
        if len(found) == 1:
            return found[0]
        if found:
            raise AnnotationError("missing picture", source, f"{name} could be any of {len(found)} files of that name")
        looked = ", ".join(str(base) for base in bases)
        raise AnnotationError(
            "missing picture", source, f"{name} is neither in {looked} nor elsewhere below {self.folder}"
        )
