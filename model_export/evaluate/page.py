"""A report as one HTML file with everything inside it: style, plots as SVG, pictures as data URLs."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from html import escape

from model_export.evaluate.contents import TERMS, Report
from model_export.evaluate.examples import Example
from model_export.evaluate.plots import CAPTIONS
from model_export.evaluate.summary import text
from model_export.evaluate.tables import Table

STYLE = """
:root { color-scheme: light; --ink: #1e293b; --soft: #64748b; --line: #e2e8f0; --ground: #f8fafc; --accent: #0072b2; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.55 system-ui, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 40px 24px 80px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 16px; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 48px 0 4px; }
p, dl { max-width: 78ch; }
.note, figcaption { color: var(--soft); font-size: 13.5px; margin: 0 0 12px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; margin: 0; font-size: 14px; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.tiles { display: flex; flex-wrap: wrap; gap: 12px; margin: 28px 0 0; }
.tile { background: #fff; border: 1px solid var(--line); border-radius: 10px; padding: 12px 18px; min-width: 132px; }
.tile b { display: block; font-size: 26px; line-height: 1.2; font-variant-numeric: tabular-nums; font-weight: 650; }
.tile span { color: var(--soft); font-size: 13px; }
.scroll { overflow-x: auto; background: #fff; border: 1px solid var(--line); border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 12px; text-align: right; }
thead th { color: var(--soft); font-weight: 600; border-bottom: 1px solid var(--line); vertical-align: bottom;
  white-space: normal; line-height: 1.25; }
th.about { text-align: left; font-weight: 500; vertical-align: top; white-space: nowrap; }
thead th.about { vertical-align: bottom; }
tbody.set + tbody.set { border-top: 1px solid var(--line); }
tbody.total th, tbody.total td { background: #f1f5f9; font-weight: 600; }
td.marked { color: var(--accent); font-weight: 700; }
figure { margin: 28px 0 0; }
.plot { background: #fff; border: 1px solid var(--line); border-radius: 10px; padding: 14px; overflow-x: auto; }
.plot svg { display: block; max-width: 100%; height: auto; margin: 0 auto; }
.plot + figcaption { margin-top: 8px; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 16px; }
.gallery figure { margin: 0; background: #fff; border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
.gallery img { display: block; width: 100%; height: 220px; object-fit: contain; background: #0f172a; }
.gallery figcaption { margin: 0; padding: 8px 12px; overflow-wrap: anywhere; }
.gallery figcaption b { color: var(--ink); }
.terms { border-left: 4px solid #e69f00; background: #fffbeb; padding: 10px 16px; border-radius: 0 8px 8px 0;
  margin: 24px 0 0; }
.key { display: inline-block; width: 12px; height: 12px; border-radius: 3px; vertical-align: -1px;
  margin: 0 4px 0 14px; }
.key:first-child { margin-left: 0; }
@media (max-width: 640px) {
  main { padding: 24px 16px 48px; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 8px; }
  th, td { padding: 6px 8px; } th.about { white-space: normal; }
  .plot svg { min-width: 560px; }
}
@media print { body { background: #fff; } h2, figure, .tile { break-inside: avoid; } }
"""
TILES = ("box_iou", "click1_iou_best_of_three", "click1_iou", "click5_iou", "noc85", "noc90")
KEY = {"#ffd60a": "true outline", "#408cff": "mask found", "#16a34a": "positive click", "#dc2626": "negative click"}


def html_page(report: Report) -> str:
    parts = [f"<h1>{escape(report.title)}</h1>", "<dl>"]
    parts += [f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>" for label, value in report.facts.items()]
    parts += ["</dl>", f'<p class="terms">{escape(TERMS)}</p>', tiles(report.tables)]
    for table in report.tables:
        parts += [f"<h2>{escape(table.title)}</h2>", f'<p class="note">{escape(table.note)}</p>', *table_html(table)]
    parts.append("<h2>Curves</h2>")
    for number, (name, svg) in enumerate(report.plots.items()):
        caption = f"<figcaption>{escape(CAPTIONS[name])}</figcaption>"
        parts.append(f'<figure><div class="plot">{drawn(svg, number, CAPTIONS[name])}</div>{caption}</figure>')
    key = "".join(f'<i class="key" style="background:{ink}"></i>{what}' for ink, what in KEY.items())
    for gallery in report.galleries:
        parts += [f"<h2>{escape(gallery.title)}</h2>", f'<p class="note">{key}</p>', '<div class="gallery">']
        parts += [figure(example) for example in gallery.examples] + ["</div>"]
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(report.title)}</title>\n<style>{STYLE}</style>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</html>\n"
    )


def tiles(tables: Sequence[Table]) -> str:
    """The main figures of all objects, where there is one model to speak of."""
    shown: dict[str, str] = {}
    for table in tables[:2]:
        if len(table.heads) == 1:
            row = table.rows[0][1]
            shown |= {table.columns[key]: text(row[key]) for key in TILES if key in table.columns and key in row}
    cells = [f'<div class="tile"><b>{value}</b><span>{escape(name)}</span></div>' for name, value in shown.items()]
    return f'<div class="tiles">{"".join(cells)}</div>' if cells else ""


def table_html(table: Table) -> Iterator[str]:
    """Rows about the same set stand together under its name; what `Table.marked` says stands out."""
    yield f'<div class="scroll" role="region" aria-label="{escape(table.title)}" tabindex="0"><table><thead><tr>'
    yield "".join(f'<th class="about">{escape(head)}</th>' for head in table.heads)
    yield "".join(f"<th>{escape(heading)}</th>" for heading in table.columns.values()) + "</tr></thead>"
    groups: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for about, figures in table.rows:
        marks = ((key, ' class="marked"' if table.marked(about, key) else "") for key in table.columns)
        cells = "".join(f"<td{mark}>{escape(text(figures.get(key)))}</td>" for key, mark in marks)
        groups.setdefault(about[0], []).append((about, cells))
    for name, rows in groups.items():
        yield f'<tbody class="set{" total" if name == "all" else ""}">'
        for number, (about, cells) in enumerate(rows):
            heads = [f'<th class="about">{escape(part)}</th>' for part in about[1:]]
            if number == 0:
                heads.insert(0, f'<th class="about" rowspan="{len(rows)}">{escape(name)}</th>')
            yield f"<tr>{''.join(heads)}{cells}</tr>"
        yield "</tbody>"
    yield "</table></div>"


def figure(example: Example) -> str:
    data = base64.b64encode(example.jpeg).decode()
    name, _, values = example.caption.rpartition(": ")
    return (
        f'<figure><img src="data:image/jpeg;base64,{data}" alt="{escape(example.caption)}" loading="lazy">'
        f"<figcaption><b>{escape(values)}</b><br>{escape(name)}</figcaption></figure>"
    )


def drawn(svg: str, number: int, caption: str) -> str:
    """A plot as a picture with words for who cannot see it; ids in one page must differ from plot to plot."""
    for reference in ('id="', "url(#", 'href="#'):
        svg = svg.replace(reference, f"{reference}p{number}-")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(caption)}" ', 1)
