"""Every row of a table in the documents has as many cells as its header: a row pasted into the wrong table shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("server/bundles/*/*.md")])
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
TABLE = re.compile(r"(?:^\|.*\n?){2,}", re.MULTILINE)
CELL_BORDER = re.compile(r"(?<!\\)\|")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_rows_have_the_cells_of_their_header(document: Path) -> None:
    for table in TABLE.findall(FENCED.sub("", document.read_text(encoding="utf-8"))):
        rows = table.splitlines()
        cells = [len(CELL_BORDER.findall(row)) for row in rows]
        odd = [row for row, count in zip(rows, cells, strict=True) if count != cells[0]]
        assert not odd, odd
