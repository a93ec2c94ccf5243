"""Which pictures are for training and which are held out.

What a source declares counts: `split` of an image record, the name of an annotation file (`instances_val2017.json`), a
folder (`valid/`), a list of names (`val.txt`, `ImageSets/Segmentation/val.txt`). In a set that declares anything, what
has no split is for training. In a set that declares nothing one picture in ten is held out for validation.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from model_export.data.annotated_set import Item

ALL = "all"
HELD_OUT = 0.1
NAMES = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "minival": "val",
         "test": "test", "testing": "test"}  # fmt: skip


def split_of(name: str) -> str | None:
    """The split that a file or folder name declares: `valid`, `train2017`, `instances_val2017.json` and their like."""
    declared = {NAMES[word] for word in re.findall(r"[a-z]+", name.lower()) if word in NAMES}
    return declared.pop() if len(declared) == 1 else None


def split_of_folders(path: Path, folder: Path) -> str | None:
    """The split that a folder between `folder` and `path` is named after: the one nearest to `path`."""
    between = path.relative_to(folder).parts[:-1] if path.is_relative_to(folder) else ()
    for name in reversed(between):
        if NAMES.get(name.lower()) or re.fullmatch(r"(train|val|test)\d{4}", name.lower()):
            return split_of(name)
    return None


def chance(path: Path) -> float:
    """A number in 0..1 from the file's name without ending, the same for ever and on every machine. Copies of one
    picture that Roboflow augmented (`name.rf.<hash>.jpg`) share it."""
    name = path.stem.split(".rf.")[0]
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") / 2**32


def assign(items: Sequence[Item]) -> list[Item]:
    """The same items, each with a split. Where none is declared: `chance` below HELD_OUT is val, and if that leaves
    none of two pictures or more, the one with the smallest chance; never all."""
    if any(item.split for item in items):
        return [replace(item, split=item.split or "train") for item in items]
    smallest = min((chance(item.path) for item in items), default=0.0)
    limit = max(HELD_OUT, smallest * (1 + 1e-9)) if len(items) > 1 else 0.0
    if len(items) > 1 and all(chance(item.path) < limit for item in items):
        # pictures that share a name (`a/img.png`, `b/img.png`), or two or three by bad luck: one is held out
        first = min(items, key=lambda item: (chance(item.path), item.path.as_posix()))
        return [replace(item, split="val" if item is first else "train") for item in items]
    return [replace(item, split="val" if chance(item.path) < limit else "train") for item in items]


def count_splits(items: Iterable[Item]) -> dict[str, int]:
    return dict(sorted(Counter(item.split or "" for item in items).items()))


def wanted(item: Item, split: str) -> bool:
    return split in (ALL, item.split)


class DeclaredSplits:
    """What lists of names and folders declare for pictures of the set in `folder`. `split`: what the name of `folder`,
    or of one above, declares.

    Lists are `train.txt`, `val.txt`, `test.txt` there or in `ImageSets/*/` (Pascal VOC, DAVIS). A line names a picture,
    with or without ending and folders, or a folder of pictures (a sequence).
    """

    def __init__(self, folder: Path, split: str | None) -> None:
        self.folder = folder
        self.split = split
        self.names: dict[str, str] = {}
        first_words: dict[str, str] = {}
        lists = sorted(folder.glob("ImageSets/Segmentation/*.txt")) or sorted(folder.glob("ImageSets/*/*.txt"))
        found = [path for path in [*sorted(folder.glob("*.txt")), *lists] if path.stem in NAMES]
        # what is listed for training and held out as well is held out
        for path in sorted(found, key=lambda path: ("train", "val", "test").index(NAMES[path.stem])):
            for line in _lines(path):
                if line.strip():
                    # further words may be the mask's file or whether a class is there, or belong to the name
                    first_words[_plain(line.split()[0])] = NAMES[path.stem]
                    self.names[_plain(line.strip())] = NAMES[path.stem]
        self.names = first_words | self.names

    def of(self, path: Path) -> str | None:
        """A list goes before a folder, a folder further down before one further up."""
        return self._listed(path) or split_of_folders(path, self.folder) or self.split

    def _listed(self, path: Path) -> str | None:
        if not self.names:
            return None
        parts = path.with_suffix("").parts
        for start in range(len(parts)):
            declared = self.names.get("/".join(parts[start:]))
            if declared:
                return declared
        return self.names.get(path.parent.name)


def _lines(path: Path) -> list[str]:
    """Of a text in UTF-8, with a byte-order mark or without, or in UTF-16 with one, as Windows writes it."""
    data = path.read_bytes()
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if wide else "utf-8-sig", errors="replace").splitlines()


def _plain(name: str) -> str:
    path = name.replace("\\", "/").strip("/").removeprefix("./")
    return re.sub(r"\.(jpe?g|png|bmp|tiff?|webp)$", "", path, flags=re.IGNORECASE)
