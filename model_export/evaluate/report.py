"""Figures per set, as a dictionary for the manifest and as a Markdown table for the model card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from model_export.evaluate.loop import ObjectResult
from model_export.evaluate.metrics import iou_at, noc


def summarise(results: Sequence[ObjectResult]) -> dict[str, Any]:
    """Means over objects; `noc85` at most 20 clicks, `failures85` how many objects never got there."""
    curves = [result.curve for result in results if result.curve]
    noc85, failures85 = noc(curves, 0.85)
    noc90, failures90 = noc(curves, 0.90)
    return {
        "objects": len(results),
        "box_iou": round(float(np.mean([r.box for r in results])), 4),
        "click1_iou_best_of_three": round(float(np.mean([r.first_best_of_three for r in results])), 4),
        "click1_iou": round(iou_at(curves, 1), 4),
        "click3_iou": round(iou_at(curves, 3), 4),
        "click5_iou": round(iou_at(curves, 5), 4),
        "click10_iou": round(iou_at(curves, 10), 4),
        "noc85": round(noc85, 3),
        "failures85": failures85,
        "noc90": round(noc90, 3),
        "failures90": failures90,
    }


def accuracy(results: Sequence[ObjectResult]) -> dict[str, Any]:
    sets = sorted({result.source for result in results})
    return {name: summarise([r for r in results if r.source == name]) for name in sets} | {"all": summarise(results)}


COLUMNS = {
    "objects": "objects",
    "box_iou": "box",
    "click1_iou_best_of_three": "1 click, best of 3",
    "click1_iou": "1 click, by score",
    "click3_iou": "3 clicks",
    "click5_iou": "5 clicks",
    "click10_iou": "10 clicks",
    "noc85": "NoC@85",
    "failures85": "never 85",
}


def markdown_table(figures: dict[str, Any]) -> str:
    lines = ["| set | " + " | ".join(COLUMNS.values()) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name, row in figures.items():
        values = [f"{row[key]:.3f}" if isinstance(row[key], float) else str(row[key]) for key in COLUMNS]
        lines.append(f"| {name} | " + " | ".join(values) + " |")
    return "\n".join(lines)
