"""Writes the report of an evaluation: one HTML file that needs nothing beside it, and the same in Markdown with its
pictures."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from model_export.evaluate.contents import TERMS, make_report
from model_export.evaluate.page import html_page
from model_export.evaluate.plots import CAPTIONS
from model_export.evaluate.results import Evaluation
from model_export.evaluate.summary import plain


def check_writable(folder: Path | None, file: Path | None) -> None:
    """Before minutes of work: raises ValueError without matplotlib, OSError where a report or results cannot be
    written."""
    if folder is not None:
        if find_spec("matplotlib") is None:
            raise ValueError("a report needs matplotlib: pip install -c constraints.txt -e '.[train]'")
        folder.mkdir(parents=True, exist_ok=True)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        new = not file.exists()
        file.open("a").close()
        if new:
            file.unlink()


def write_report(evaluation: Evaluation, folder: Path) -> Path:
    """Writes report.html, report.md and the Markdown's `plots/` and `examples/`. Returns the HTML's path."""
    report = make_report(evaluation)
    for name in ("plots", "examples"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, svg in report.plots.items():
        (folder / "plots" / name).write_text(svg, encoding="utf-8")
    facts = [f"- **{plain(label)}:** {plain(value)}" for label, value in report.facts.items()]
    lines = [f"# {plain(report.title)}", "", *facts, "", TERMS]
    for table in report.tables:
        lines += ["", f"## {plain(table.title)}", "", table.note, "", table.markdown()]
    for name in report.plots:
        lines += ["", f"![{CAPTIONS[name]}](plots/{name})", "", CAPTIONS[name]]
    for place, gallery in enumerate(report.galleries):
        lines += ["", f"## {plain(gallery.title)}", ""]
        for number, example in enumerate(gallery.examples):
            file = folder / "examples" / f"{place}-{number}.jpg"
            file.write_bytes(example.jpeg)
            lines.append(f"![{plain(example.caption)}](examples/{file.name})")
    (folder / "report.md").write_text("\n".join(lines) + "\n", encoding="utf-8", errors="replace")
    page = folder / "report.html"
    page.write_text(html_page(report), encoding="utf-8", errors="replace")
    return page
