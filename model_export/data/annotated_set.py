"""A set as a reader found it: pictures that load one by one, and what was wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from model_export.data.errors import AnnotationError
from model_export.data.picture import Picture


@dataclass(frozen=True)
class Item:
    """One picture of a set. `split` is what the source declares, None where it declares nothing.

    `load` appends problems that lose a mask, raises AnnotationError when the picture is useless, and gives None when it
    has no object.
    """

    path: Path
    split: str | None
    load: Callable[[list[AnnotationError]], Picture | None]


@dataclass
class AnnotatedSet:
    """`formats`: names of what was read, in order of appearance; `declares_splits`: whether the source says which
    pictures are held out."""

    name: str
    folder: Path
    formats: list[str] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    problems: list[AnnotationError] = field(default_factory=list)
    declares_splits: bool = False

    def add(self, form: str, items: list[Item]) -> None:
        if items and form not in self.formats:
            self.formats.append(form)
        self.items.extend(items)

    def load(self, item: Item) -> Picture | None:
        """The picture, or None where it has no usable mask; what is wrong joins `problems`."""
        try:
            return item.load(self.problems)
        except AnnotationError as problem:
            self.problems.append(problem)
            return None

    def keep_one_each(self) -> None:
        """A picture that is listed twice stays once, where it is held out from training if any listing says so."""
        rank = {"test": 0, "val": 1}
        kept: dict[Path, Item] = {}
        for item in self.items:
            known = kept.setdefault(item.path, item)
            if known is item:
                continue
            if rank.get(item.split or "", 2) < rank.get(known.split or "", 2):
                kept[item.path] = item
            splits = " and ".join(sorted({known.split or "no split", item.split or "no split"}))
            self.problems.append(AnnotationError("listed twice", item.path, splits))
        self.items = list(kept.values())
