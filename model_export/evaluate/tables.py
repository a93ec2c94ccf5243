"""The tables of a report, from an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from model_export.evaluate.calibration import suggest_thresholds
from model_export.evaluate.comparison import VALUES, Difference, difference
from model_export.evaluate.results import Evaluation, ModelResults, of_set, set_names
from model_export.evaluate.summary import (
    CLICK_COLUMNS,
    COLUMNS,
    EDGE_COLUMNS,
    REPAIR_COLUMNS,
    SPEED_COLUMNS,
    accuracy,
    amortised,
    markdown_table,
    plain,
    speed,
    text,
)

Figures: TypeAlias = Mapping[str, Any]
Row: TypeAlias = tuple[tuple[str, ...], Figures]  # what the row is about (set, model), and its figures
THRESHOLD_COLUMNS = {
    name: name for name in ("pred_iou_thresh", "stability_score_thresh", "precision", "recall", "clicks")
}
SIZE_COLUMNS = {"bytes": "bundle, MB", "graph_bytes": "graphs, MB"}
MORE_IS_BETTER = {name for name in COLUMNS | EDGE_COLUMNS | REPAIR_COLUMNS if "iou" in name or "boundary" in name}
LESS_IS_BETTER = {name for name in COLUMNS | CLICK_COLUMNS | EDGE_COLUMNS if name[:3] in ("noc", "fai", "ece")} | {
    name for name in REPAIR_COLUMNS if name.startswith(("repair_noc", "repair_failures"))
}

IOU_NOTE = """Means over objects, on the pixels of the original picture. Best of 3: the best of the first click's
candidates, as if the person always chose right; by score: the one with the highest predicted IoU."""
CLICKS_NOTE = """NoC@t: mean number of clicks to IoU t/100. An object that never gets there counts with all its clicks
and is counted under "never"."""
EDGE_NOTE = """Boundary F: how much of each outline lies within 0.8 % of the picture's diagonal of the other (DAVIS).
ECE: mean distance of the predicted from the measured IoU, for the first click's candidates and for all later masks; 0
is perfect."""
SPEED_NOTE = """On the machine named above. A click goes from the prompt to the mask of the whole picture; where zoom-in
has to encode the window anew, that is part of it. With the encode shared: the median over objects of the encode and
the first 1, 5 or 20 clicks together, divided by their number. An interactive model encodes nothing ahead: it reads
the picture anew with each click. Graphs: of a bundle's files those that run."""
REPAIR_NOTE = """Every model began with the same faulty mask of each object, of IoU 0.75 to 0.85 (docs/evaluation.md
says how it is made), and was clicked where that mask is wrong. Starting over: the clicks that the same model needs
from nothing for the same object."""
DIFFERENCE_NOTE = """On the same objects; in brackets the interval that holds 95 % of the means when pictures are drawn
anew (bootstrap). One that holds 0 is no difference that so many pictures could show; the others are marked. Fewer than
six pictures show nothing; below fifty, take an end near 0 for 0."""
THRESHOLD_NOTE = """From one click at a random place of each object: the pair of thresholds that best keeps masks
which fit an annotation (IoU at least 0.75) and drops the others. Precision: share of kept masks that fit; recall:
share of the objects with a fitting mask that keep one."""


@dataclass(frozen=True)
class Table:
    """`heads`: headings of what a row is about; `columns`: key of a figure -> heading; `note` says how to read it."""

    title: str
    note: str
    heads: tuple[str, ...]
    columns: Mapping[str, str]
    rows: Sequence[Row]

    def markdown(self) -> str:
        return markdown_table(dict(self.rows), self.columns, self.heads)

    def marked(self, about: tuple[str, ...], key: str) -> bool:
        """Whether no other model has a better figure on the same set, as printed, and one has a worse; of a difference,
        whether it is certain."""
        own = dict(self.rows)[about].get(key)
        if isinstance(own, Difference):
            return own.certain
        if key not in MORE_IS_BETTER | LESS_IS_BETTER or len(about) < 2:
            return False
        values = {row[-1]: figures.get(key) for row, figures in self.rows if row[:-1] == about[:-1]}
        known = [value for value in values.values() if value is not None]
        if own is None or len({text(value) for value in known}) < 2:
            return False
        return text(own) == text((max if key in MORE_IS_BETTER else min)(known))


def figures_of(evaluation: Evaluation) -> dict[str, dict[str, Any]]:
    """Model -> set (and `all`) -> figures."""
    max_clicks = evaluation.protocol["max_clicks"]
    return {model.name: accuracy(model.objects, max_clicks) for model in evaluation.models}


def rows_by_set(figures: Mapping[str, Mapping[str, Figures]]) -> list[Row]:
    """A row for each set, or for each set and model where there are several; before them all sets together."""
    names = next(iter(figures.values()))
    sets = [name for name in names if name != "all"]
    ordered = ["all", *sets] if len(sets) > 1 else sets
    if len(figures) == 1:
        return [((name,), by_set[name]) for by_set in figures.values() for name in ordered]
    return [((name, model), by_set[name]) for name in ordered for model, by_set in figures.items()]


def speed_row(model: ModelResults) -> dict[str, Any]:
    times = speed(model.objects) | amortised(model.objects)
    row: dict[str, Any] = {name: f"{1000 * seconds:.1f}" for name, seconds in times.items()}
    return row | {name: f"{model.about[name] / 1e6:.1f}" for name in SIZE_COLUMNS if name in model.about}


def threshold_row(model: ModelResults) -> dict[str, Any]:
    found = suggest_thresholds([result.probe for result in model.objects if result.probe is not None])
    return {} if found is None else vars(found)


def difference_rows(evaluation: Evaluation) -> list[Row]:
    """Each further model against the first, on all objects and on each set."""
    first, *others = evaluation.models
    names = set_names(first.objects)
    rows: list[Row] = []
    for name in ["all", *names] if len(names) > 1 else names:
        reference = of_set(first.objects, name)
        for model in others:
            results = of_set(model.objects, name)
            most = evaluation.protocol["max_clicks"]
            rows.append(((name, model.name), {key: difference(reference, results, key, most) for key in VALUES}))
    return rows


def tables(evaluation: Evaluation) -> list[Table]:
    rows = rows_by_set(figures_of(evaluation))
    heads = ("set",) if len(evaluation.models) == 1 else ("set", "model")
    speeds = [((model.name,), speed_row(model)) for model in evaluation.models]
    thresholds = [((model.name,), threshold_row(model)) for model in evaluation.models]
    first = evaluation.models[0].name
    columns = {key: (COLUMNS | CLICK_COLUMNS)[key] for key in VALUES}
    repaired = [(about, figures) for about, figures in rows if "given_iou" in figures]
    compared = [
        Table(f"Difference to {first}", DIFFERENCE_NOTE, ("set", "model"), columns, difference_rows(evaluation))
    ]
    return [
        *(compared if len(evaluation.models) > 1 else []),
        Table("IoU after a box and after clicks", IOU_NOTE, heads, COLUMNS, rows),
        Table("Clicks to an IoU", CLICKS_NOTE, heads, CLICK_COLUMNS, rows),
        *([Table("Repairing a given mask", REPAIR_NOTE, heads, REPAIR_COLUMNS, repaired)] if repaired else []),
        Table("Outlines and predicted IoU", EDGE_NOTE, heads, EDGE_COLUMNS, rows),
        Table("Speed", SPEED_NOTE, ("model",), SPEED_COLUMNS | SIZE_COLUMNS, speeds),
        Table("Suggested thresholds of everything mode", THRESHOLD_NOTE, ("model",), THRESHOLD_COLUMNS, thresholds),
    ]


def all_tables(evaluation: Evaluation) -> str:
    return "\n\n".join(f"### {plain(table.title)}\n\n{table.markdown()}" for table in tables(evaluation))
