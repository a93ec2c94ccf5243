"""Reads every annotated set below a folder, whatever its format. docs/datasets.md shows the layouts."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from model_export.data.annotated_set import AnnotatedSet
from model_export.data.errors import AnnotationError, DataError
from model_export.data.json_files import read_json_files
from model_export.data.mask_folders import read_mask_folders
from model_export.data.picture import Picture
from model_export.data.picture_files import is_picture
from model_export.data.splits import NAMES, assign, count_splits, wanted

DEPTH = 3  # folders below the root in which sets are looked for
log = logging.getLogger(__name__)


def read_sets(root: Path, split: str) -> list[Picture]:
    """The pictures of one split (`train`, `val`, `test`, or `all`) of the set `root`, or of every set below it.

    What cannot be used is left out and counted in a warning. Raises DataError when nothing annotated is found, when a
    file that stands for many pictures is broken, and when no picture of a set is usable.
    """
    sets = find_sets(root)
    pictures = [picture for found in sets for picture in load_split(found, split)]
    if not pictures:
        counts = Counter[str]()
        for found in sets:
            counts.update(count_splits(found.items))
        known = ", ".join(f"{name} {count}" for name, count in counts.items())
        log.warning("no picture of split '%s' in %s; it has: %s", split, root, known)
    return pictures


def load_split(found: AnnotatedSet, split: str) -> list[Picture]:
    """The usable pictures of one split of a set. Raises DataError when it has some and none is usable."""
    items = [item for item in found.items if wanted(item, split)]
    pictures = [picture for item in items if (picture := found.load(item)) is not None]
    if found.problems:
        log.warning("%s: left out %s", found.name, summary(found.problems))
    if items and not pictures:
        first = f"; first: {found.problems[0]}" if found.problems else ""
        raise DataError(f"{found.folder}: none of {len(items)} pictures has a usable mask{first}")
    return pictures


def find_sets(root: Path) -> list[AnnotatedSet]:
    """The sets of `root`, sorted by folder, each item with its split. Raises DataError when there is none."""
    if not root.is_dir():
        hint = f"; {root} is a file, give the folder that holds the set" if root.exists() else ""
        raise DataError(f"no folder {root}{hint}")
    found = _sets_in(root, root, DEPTH, NAMES.get(root.resolve().name.lower()))
    if not found:
        raise DataError(nothing_found(root))
    for each in found:
        each.keep_one_each()
        each.declares_splits = any(item.split for item in each.items)
        each.items = assign(each.items)
    return found


def _sets_in(folder: Path, root: Path, depth: int, split: str | None) -> list[AnnotatedSet]:
    own = read_folder(folder, folder.relative_to(root).as_posix(), split)
    if own.items or depth == 0:
        return [own] if own.items else []
    found = []
    for below in subfolders(folder):
        found += _sets_in(below, root, depth - 1, NAMES.get(below.name.lower(), split))
    if not found and own.problems:
        raise DataError(f"{folder}: no picture is usable; first: {own.problems[0]}")
    return found


def read_folder(folder: Path, name: str, split: str | None = None) -> AnnotatedSet:
    """The set that `folder` is, without items where it is none: JSON files, else mask images, else the same in folders
    that are named after splits (`train/`, `valid/`, `test/`). `split`: the one that a folder above is named after."""
    found = AnnotatedSet(folder.resolve().name if name == "." else name, folder)
    parts = [(folder, split)]
    parts += [(path, NAMES[path.name.lower()]) for path in subfolders(folder) if path.name.lower() in NAMES]
    for part, declared in parts:
        before = len(found.items)
        read_json_files(found, part, declared)
        if len(found.items) == before:
            read_mask_folders(found, part, declared)
        if part == folder and found.items:
            break
    return found


def subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def summary(problems: Iterable[AnnotationError]) -> str:
    """Each kind of problem with its count and the first case."""
    kinds: dict[str, list[AnnotationError]] = {}
    for problem in problems:
        kinds.setdefault(problem.kind, []).append(problem)
    return "; ".join(
        f"{len(cases)} x {kind} (first: {cases[0].file}: {cases[0].detail})" for kind, cases in kinds.items()
    )


def nothing_found(root: Path) -> str:
    pictures = sum(is_picture(path) for path in root.iterdir())
    folders = [path.name + "/" for path in subfolders(root)]
    held = ", ".join([f"{pictures} pictures", *folders[:8], *(["…"] if len(folders) > 8 else [])])
    return (
        f"no annotated pictures in {root} or below (it holds {held}). Known are COCO JSON, SA-1B JSON, LabelMe JSON "
        "and folders of mask images; docs/datasets.md shows how each lies on disk"
    )
