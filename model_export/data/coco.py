"""COCO's JSON: one file with the records of many pictures (`images`, `annotations`, `categories`).

Masks are polygons or RLEs, compressed or not. An image record may carry `split`. What is marked `iscrowd` (or `ignore`)
is no object: it joins the picture's ignore band, as far as no object covers it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model_export.data.annotated_set import Item
from model_export.data.errors import AnnotationError
from model_export.data.picture import Picture, ignore_band
from model_export.data.picture_files import PictureFinder, checked_size
from model_export.data.rle import RLE, area, to_rle
from model_export.data.splits import NAMES, split_of

FORMAT = "COCO JSON"


def is_coco(document: Any) -> bool:
    return isinstance(document, dict) and {"images", "annotations"} <= document.keys()


def coco_items(
    document: Any, file: Path, set_name: str, finder: PictureFinder, problems: list[AnnotationError]
) -> list[Item]:
    """The pictures that have annotations, with the split that their records or else the file's name declare."""
    names = {record["id"]: str(record["name"]) for record in _records(document, "categories", ("id", "name"), file)}
    by_image: dict[Any, list[dict[str, Any]]] = {}
    for annotation in _records(document, "annotations", ("image_id",), file):
        by_image.setdefault(annotation["image_id"], []).append(annotation)
    bases = (file.parent / "images", file.parent, file.parent.parent / "images", file.parent.parent)
    items = []
    for image in _records(document, "images", ("id", "file_name"), file):
        annotations = by_image.pop(image["id"], None)
        if annotations is None:
            continue
        try:
            path = finder.find(str(image["file_name"]), bases, file)
        except AnnotationError as problem:
            problems.append(problem)
            continue
        declared = image.get("split")
        own = NAMES.get(declared.lower(), declared) if isinstance(declared, str) else split_of(file.stem)
        items.append(_item(set_name, path, own, image, annotations, names, file))
    if by_image:
        count = sum(len(annotations) for annotations in by_image.values())
        problems.append(
            AnnotationError("missing picture", file, f"{count} annotations of pictures that `images` does not list")
        )
    return items


def _item(
    set_name: str, path: Path, split: str | None, image: Any, annotations: list[Any], names: dict[Any, str], file: Path
) -> Item:
    def load(problems: list[AnnotationError]) -> Picture | None:
        width, height = checked_size(path, image.get("width"), image.get("height"))
        return picture_of(set_name, path, (width, height), annotations, names, file, problems)

    return Item(path, split, load)


def picture_of(
    set_name: str,
    path: Path,
    size: tuple[int, int],
    annotations: Sequence[dict[str, Any]],
    names: dict[Any, str],
    file: Path,
    problems: list[AnnotationError],
) -> Picture | None:
    """The picture with the usable ones of COCO's `annotations`; None where no object is left. `size`: (width, height),
    in pixels."""
    width, height = size
    rles: list[RLE] = []
    labels: list[str] = []
    crowds: list[RLE] = []
    for annotation in annotations:
        which = f"annotation {annotation.get('id', '?')} of {path.name}"
        if not annotation.get("segmentation"):
            problems.append(AnnotationError("no mask", file, f"{which} has no segmentation"))
            continue
        try:
            rle = to_rle(annotation["segmentation"], height, width)
        except (ValueError, TypeError) as error:
            problems.append(AnnotationError("broken mask", file, f"{which}: {error}"))
            continue
        if not area(rle):
            problems.append(AnnotationError("empty mask", file, f"{which} covers no pixel"))
        elif annotation.get("iscrowd") or annotation.get("ignore"):
            crowds.append(rle)
        else:
            rles.append(rle)
            category = annotation.get("category_id")
            labels.append(names.get(category, "") if isinstance(category, int | str) else "")
    if not rles:
        return None
    return Picture(set_name, path, width, height, tuple(rles), tuple(labels), ignore_band(crowds, rles))


def _records(document: Any, key: str, needed: Sequence[str], file: Path) -> list[dict[str, Any]]:
    """`document[key]`, checked. Raises AnnotationError `broken JSON`."""
    records = document.get(key, [])
    if not isinstance(records, list):
        raise AnnotationError("broken JSON", file, f"`{key}` is no list")
    for index, record in enumerate(records):
        for name in needed:
            if not isinstance(record, dict) or not isinstance(record.get(name), int | str):
                raise AnnotationError("broken JSON", file, f"`{key}`[{index}] has no `{name}` (a number or text)")
    return records
