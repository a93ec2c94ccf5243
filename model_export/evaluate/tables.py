"""The tables of a report, from an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_export.evaluate.calibration import suggest_thresholds
from model_export.evaluate.results import Evaluation, ModelResults
from model_export.evaluate.summary import (
    CLICK_COLUMNS,
    COLUMNS,
    EDGE_COLUMNS,
    SPEED_COLUMNS,
    accuracy,
    markdown_table,
    speed,
)

THRESHOLD_COLUMNS = {
    "pred_iou_thresh": "pred_iou_thresh",
    "stability_score_thresh": "stability_score_thresh",
    "precision": "precision",
    "recall": "recall",
    "clicks": "clicks",
}


@dataclass(frozen=True)
class Table:
    """`rows` by the name in the first column, under the heading `first`; `columns`: key in a row -> heading."""

    title: str
    first: str
    columns: Mapping[str, str]
    rows: Mapping[str, Mapping[str, Any]]

    def markdown(self) -> str:
        return markdown_table(self.rows, self.columns, self.first)


def figures_of(evaluation: Evaluation) -> dict[str, dict[str, Any]]:
    """Model -> set (and `all`) -> figures."""
    max_clicks = evaluation.protocol["max_clicks"]
    return {model.name: accuracy(model.objects, max_clicks) for model in evaluation.models}


def rows_by_set(figures: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """A row for each set, or for each set and model where there are several; all sets together first."""
    names = next(iter(figures.values()))
    ordered = ["all"] + [name for name in names if name != "all"]
    if len(figures) == 1:
        return {name: by_set[name] for by_set in figures.values() for name in ordered}
    return {f"{name} · {model}": by_set[name] for name in ordered for model, by_set in figures.items()}


def speed_row(model: ModelResults) -> dict[str, Any]:
    row: dict[str, Any] = {name: f"{1000 * seconds:.1f}" for name, seconds in speed(model.objects).items()}
    return row | {"megabytes": round(model.about["bytes"] / 1e6, 2) if "bytes" in model.about else None}


def threshold_row(model: ModelResults) -> dict[str, Any]:
    found = suggest_thresholds([result.probe for result in model.objects if result.probe is not None])
    return {} if found is None else vars(found)


def tables(evaluation: Evaluation) -> list[Table]:
    rows = rows_by_set(figures_of(evaluation))
    first = "set" if len(evaluation.models) == 1 else "set · model"
    speeds = {model.name: speed_row(model) for model in evaluation.models}
    thresholds = {model.name: threshold_row(model) for model in evaluation.models}
    return [
        Table("IoU after a box and after clicks", first, COLUMNS, rows),
        Table("Clicks to an IoU, and objects that never got there", first, CLICK_COLUMNS, rows),
        Table("Outlines, and how far the predicted IoU is off", first, EDGE_COLUMNS, rows),
        Table("Speed", "model", SPEED_COLUMNS | {"megabytes": "bundle, MB"}, speeds),
        Table("Suggested thresholds of everything mode", "model", THRESHOLD_COLUMNS, thresholds),
    ]


def all_tables(evaluation: Evaluation) -> str:
    return "\n\n".join(f"### {table.title}\n\n{table.markdown()}" for table in tables(evaluation))
