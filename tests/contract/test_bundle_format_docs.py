"""docs/bundle-format.md has a section for each part of the manifest and a row for each of its fields, and no other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

from server.domain import bundle

PAGE = Path(__file__).parents[2] / "docs" / "bundle-format.md"
PARTS = {
    part.__name__: part
    for part in vars(bundle).values()
    if isinstance(part, type)
    and issubclass(part, BaseModel)
    and part.__module__ == bundle.__name__
    and part.model_fields
}


def sections() -> dict[str, dict[str, str]]:
    """Name of the part (the code at the end of a heading) -> field -> its row of the table."""
    found: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            current = {}
            if match := re.search(r"`(\w+)`$", line):
                current = found.setdefault(match[1], {})
        elif match := re.match(r"\| `(\w+)` \|", line):
            current[match[1]] = line
    return found


def test_the_parts_were_found() -> None:
    assert "BundleManifest" in PARTS
    assert len(PARTS) >= 7


@pytest.mark.parametrize("name", sorted(PARTS))
def test_every_field_has_its_row(name: str) -> None:
    assert set(sections().get(name, {})) == {info.alias or field for field, info in PARTS[name].model_fields.items()}


@pytest.mark.parametrize("name", sorted(PARTS))
def test_every_allowed_word_is_named(name: str) -> None:
    rows = sections()[name]
    for field, info in PARTS[name].model_fields.items():
        if get_origin(info.annotation) is Literal:
            missing = [word for word in get_args(info.annotation) if f"`{word}`" not in rows[field]]
            assert not missing, f"{name}.{field} does not name {missing}"


def test_the_revision_rule_is_the_code_s_rule() -> None:
    assert f"first {bundle.REVISION_LENGTH} hexadecimal digits" in PAGE.read_text(encoding="utf-8")
    one = bundle.BundleFile(sha256="0" * 64, bytes=1, role="encoder")
    two = bundle.BundleFile(sha256="1" * 64, bytes=1, role="decoder")
    assert bundle.revision_of({"a": one, "b": two}) == bundle.revision_of({"b": two, "a": one})
    assert bundle.revision_of({"a": one, "b": two}) != bundle.revision_of({"a": two, "b": one})
