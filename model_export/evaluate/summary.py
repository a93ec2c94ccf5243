"""Figures per set from object results: a dictionary for the manifest, rows for tables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from model_export.evaluate.calibration import (
    expected_calibration_error,
    first_click_pairs,
    refined_pairs,
    reliability,
)
from model_export.evaluate.metrics import MAX_CLICKS, iou_at, noc
from model_export.evaluate.results import ObjectResult, of_set, set_names

TARGETS = (80, 85, 90, 95)
REPAIR_TARGETS = (85, 90)
AMORTISED = (1, 5, 20)  # clicks that share a picture's encode
MARKUP = re.compile(r"[\\`*\[\]<>|$&]|(?<![^\W_])_|_(?![^\W_])")  # a _ inside a word is none


def summarise(results: Sequence[ObjectResult], max_clicks: int = MAX_CLICKS) -> dict[str, Any]:
    """Means over objects. `nocNN`: mean clicks to IoU 0.NN, at most `max_clicks`; `failuresNN`: how many objects never
    got there. Figures of the box are missing for models that take none, of the score for those that predict none, of
    clicks beyond `max_clicks` always."""
    curves = [result.curve for result in results]
    boxed = [(r.box, r.box_boundary) for r in results if r.box is not None and r.box_boundary is not None]
    figures: dict[str, Any] = {"objects": len(results)}
    if boxed:
        figures["box_iou"] = _mean([iou for iou, _ in boxed])
    figures["click1_iou_best_of_three"] = _mean([r.first_best_of_three for r in results])
    for click in (click for click in (1, 3, 5, 10) if click <= max_clicks):
        figures[f"click{click}_iou"] = round(iou_at(curves, click), 4)
    for target in TARGETS:
        clicks, failures = noc(curves, target / 100, max_clicks)
        figures |= {f"noc{target}": round(clicks, 3), f"failures{target}": failures}
    if boxed:
        figures["box_boundary_f"] = _mean([boundary for _, boundary in boxed])
    if max_clicks >= 5:
        figures["click5_boundary_f"] = _mean([r.boundary[:3][-1] for r in results])
    for name, pairs in (("ece", first_click_pairs(results)), ("ece_refined", refined_pairs(results))):
        if pairs[0]:
            figures[name] = round(expected_calibration_error(reliability(*pairs)), 4)
    return figures | repair_figures(results, max_clicks)


def repair_figures(results: Sequence[ObjectResult], max_clicks: int = MAX_CLICKS) -> dict[str, Any]:
    """Of the objects that began with a faulty mask as well; empty where none did. `repair_nocNN`: mean clicks from that
    mask to IoU 0.NN, `over_nocNN`: from nothing, `repair_shareNN`: the first divided by the second."""
    both = [(result, result.repair) for result in results if result.repair is not None]
    if not both:
        return {}
    repaired = [repair.curve for _, repair in both]
    figures: dict[str, Any] = {"given_iou": _mean([repair.iou for _, repair in both])}
    figures |= {f"repair{click}_iou": round(iou_at(repaired, click), 4) for click in (1, 3) if click <= max_clicks}
    for target in REPAIR_TARGETS:
        clicks, failures = noc(repaired, target / 100, max_clicks)
        over, _ = noc([result.curve for result, _ in both], target / 100, max_clicks)
        figures |= {
            f"repair_noc{target}": round(clicks, 3),
            f"over_noc{target}": round(over, 3),
            f"repair_share{target}": round(clicks / over, 3),
            f"repair_failures{target}": failures,
        }
    return figures


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 4)


def accuracy(results: Sequence[ObjectResult], max_clicks: int = MAX_CLICKS) -> dict[str, Any]:
    """`summarise` by set, and `all` objects together. Empty without results."""
    if not results:
        return {}
    by_set = {name: summarise(of_set(results, name), max_clicks) for name in set_names(results)}
    return by_set | {"all": summarise(results, max_clicks)}


def speed(results: Sequence[ObjectResult]) -> dict[str, float]:
    """Seconds, median and 95th percentile: `encode` of a picture, `click` from the prompt to the picture's mask."""
    encodes = list({(r.source, r.picture): r.times.encode for r in results}.values())
    clicks = [seconds for r in results for seconds in r.times.clicks]
    figures: dict[str, float] = {}
    for name, values in (("encode", encodes), ("click", clicks)):
        median, p95 = np.percentile(values, [50, 95])
        figures |= {f"{name}_median": round(float(median), 5), f"{name}_p95": round(float(p95), 5)}
    return figures


def amortised(results: Sequence[ObjectResult]) -> dict[str, float]:
    """`per_click_N`: seconds of a click when N clicks are made on an object and bear the encode of its picture:
    median over the objects that took so many."""
    figures: dict[str, float] = {}
    for count in AMORTISED:
        times = [r.times for r in results if len(r.times.clicks) >= count]
        if times:
            shares = [(each.encode + sum(each.clicks[:count])) / count for each in times]
            figures[f"per_click_{count}"] = round(float(np.median(shares)), 5)
    return figures


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
CLICK_COLUMNS = {f"noc{target}": f"NoC@{target}" for target in TARGETS} | {
    f"failures{target}": f"never {target}" for target in TARGETS
}
EDGE_COLUMNS = {
    "box_boundary_f": "boundary F, box",
    "click5_boundary_f": "boundary F, 5 clicks",
    "ece": "ECE, 1st click",
    "ece_refined": "ECE, further",
}
SPEED_COLUMNS = {
    "encode_median": "encode, median ms",
    "encode_p95": "encode, p95 ms",
    "click_median": "click, median ms",
    "click_p95": "click, p95 ms",
} | {f"per_click_{count}": f"a click of {count}, encode shared, ms" for count in AMORTISED}
REPAIR_COLUMNS = {
    "given_iou": "mask given",
    "repair1_iou": "1 click",
    "repair3_iou": "3 clicks",
} | {
    f"{name}{target}": f"{heading}@{target}{where}" if heading == "NoC" else f"{heading} {target}"
    for target in REPAIR_TARGETS
    for name, heading, where in (
        ("repair_noc", "NoC", " from the mask"),
        ("over_noc", "NoC", " starting over"),
        ("repair_share", "share of clicks,", ""),
        ("repair_failures", "never", ""),
    )
}


def text(value: Any) -> str:
    return "–" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def plain(name: str) -> str:
    """What somebody named, for Markdown: shown as it is, neither markup nor the end of a table's cell."""
    return MARKUP.sub(r"\\\g<0>", " ".join(name.split()))


def markdown_table(
    figures: Mapping[str, Mapping[str, Any]] | Mapping[tuple[str, ...], Mapping[str, Any]],
    columns: Mapping[str, str] = COLUMNS,
    heads: Sequence[str] = ("set",),
) -> str:
    """A row for each entry of `figures`; `heads` are the headings above the names in its key."""
    lines = ["| " + " | ".join([*heads, *columns.values()]) + " |", "|---" * (len(heads) + len(columns)) + "|"]
    for name, row in figures.items():
        names = map(plain, (name,) if isinstance(name, str) else name)
        lines.append("| " + " | ".join([*names, *(text(row.get(key)) for key in columns)]) + " |")
    return "\n".join(lines)
