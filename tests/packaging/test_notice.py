"""NOTICE names every library that the built page may contain."""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TYPES_ONLY = {"undici-types"}


def test_each_library_of_the_page_is_named_under_its_licence() -> None:
    lock = json.loads((ROOT / "web" / "package-lock.json").read_text())
    libraries = {
        path.removeprefix("node_modules/"): entry["license"]
        for path, entry in lock["packages"].items()
        if path and not entry.get("dev", False)
    }
    shipped = {
        name: kind for name, kind in libraries.items() if not name.startswith("@types/") and name not in TYPES_ONLY
    }
    assert {"preact", "onnxruntime-web", "geotiff"} <= set(shipped)
    sections = licences_of((ROOT / "NOTICE").read_text())
    for name, kind in shipped.items():
        title = next(title for mark, title in TITLES.items() if mark in kind)
        group = f"{name.partition('/')[0]}/*" if name.startswith("@") else name
        assert {name, group} & sections[title], f"{name} ({kind}) is not named under {title}"


TITLES = {
    "MIT": "MIT License",
    "ISC": "ISC License",
    "BSD-2-Clause": "2-clause BSD License",
    "BSD-3-Clause": "3-clause BSD License",
    "Apache-2.0": "Apache License 2.0",
    "CC0-1.0": "CC0 1.0",
}


def licences_of(notice: str) -> dict[str, set[str]]:
    """Libraries by licence: indented lines `name, name (remark): Copyright ...` under `title:`."""
    sections: dict[str, set[str]] = {}
    for title, body in re.findall(r"^(\S[^\n]*):\n\n((?:  [^\n]+\n)+)", notice, re.MULTILINE):
        names = re.sub(r":.*| \(.*", "", body).replace(",", "\n").split()
        sections[title.split(",")[0]] = set(names)
    return sections
