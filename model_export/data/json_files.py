"""Annotation files in JSON: finds them, tells COCO, SA-1B and LabelMe apart, and hands them to their readers."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from model_export.data import coco, labelme, sa1b
from model_export.data.annotated_set import AnnotatedSet, Item
from model_export.data.errors import AnnotationError
from model_export.data.picture import Picture
from model_export.data.picture_files import PictureFinder, picture_beside
from model_export.data.splits import DeclaredSplits

FOLDERS = (
    "annotations",
    "ann",
    "labels",
    "json",
    "images",
    "img",
)  # where JSON files lie besides the set's folder itself
SINGLE = "annotations.json"  # a set that has it needs no other


def read_json_files(found: AnnotatedSet, folder: Path, split: str | None) -> None:
    """Adds the pictures that JSON files in `folder`, or in one of FOLDERS below it, annotate. `split`: the one that the
    folder's name declares. JSON files of other kinds are passed over. Raises AnnotationError `broken JSON` for a file
    that may stand for many pictures."""
    finder = PictureFinder(folder)
    splits = DeclaredSplits(folder, split)
    for file in annotation_files(folder):
        beside = picture_beside(file)
        if beside is not None and found.formats:
            # one JSON a picture, as the ones before: read when the picture is wanted
            found.items.append(_item(found, beside, splits.of(beside), file))
            continue
        try:
            document = load_json(file)
            if coco.is_coco(document):
                items = coco.coco_items(document, file, found.name, finder, found.problems)
                found.add(coco.FORMAT, [replace(item, split=item.split or splits.of(item.path)) for item in items])
            elif form_of(document):
                path = beside or finder.find(_picture_name(document, file), (file.parent,), file)
                found.add(form_of(document), [_item(found, path, splits.of(path), file)])
        except AnnotationError as problem:
            if problem.kind == "broken JSON" and beside is None:
                raise
            found.problems.append(problem)


def form_of(document: Any) -> str:
    """Which of the formats with one JSON a picture this is, "" for none."""
    if labelme.is_labelme(document):
        return labelme.FORMAT
    return sa1b.FORMAT if sa1b.is_sa1b(document) else ""


def _picture_name(document: Any, file: Path) -> str:
    named = document.get("imagePath") if labelme.is_labelme(document) else document["image"].get("file_name")
    return str(named or f"{file.stem}.jpg")


def _item(found: AnnotatedSet, path: Path, split: str | None, file: Path) -> Item:
    def load(problems: list[AnnotationError]) -> Picture | None:
        document = load_json(file)
        if labelme.is_labelme(document):
            return labelme.read_labelme(document, file, path, found.name, problems)
        if sa1b.is_sa1b(document):
            return sa1b.read_sa1b(document, file, path, found.name, problems)
        raise AnnotationError(
            "unknown JSON", file, "it has neither LabelMe's `shapes` nor SA-1B's `image` and `annotations`"
        )

    return Item(path, split, load)


def annotation_files(folder: Path) -> list[Path]:
    if (folder / SINGLE).is_file():
        return [folder / SINGLE]
    files = _json_in(folder)
    for name in FOLDERS:
        files += _json_in(folder / name)
    instances = [file for file in files if file.name.startswith("instances_")]
    # COCO's own annotations/ also holds captions and key points of the same pictures
    return instances or files


def load_json(file: Path) -> Any:
    """Raises AnnotationError `broken JSON`."""
    try:
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise AnnotationError("broken JSON", file, str(error)) from error


def _json_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    names = (entry.name for entry in os.scandir(folder) if entry.name.lower().endswith(".json") and entry.is_file())
    return sorted(folder / name for name in names if not name.startswith("."))
