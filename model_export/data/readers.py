"""Reads every set below a folder."""

from __future__ import annotations

from pathlib import Path

from model_export.data.coco import read_set
from model_export.data.picture import Picture


def read_sets(root: Path, split: str) -> list[Picture]:
    folders = sorted(path.parent for path in root.glob("*/annotations.json"))
    if not folders:
        raise ValueError(f"no annotations.json below {root}")
    return [picture for folder in folders for picture in read_set(folder, split)]
