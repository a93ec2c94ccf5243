"""By how much one model is better than another on the same objects, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from model_export.evaluate.metrics import MAX_CLICKS, clicks_to_reach
from model_export.evaluate.results import ObjectResult

RESAMPLES = 2000
SEED = 0


def iou_after(click: int) -> Callable[[ObjectResult, int], float]:
    return lambda result, _: result.curve[min(click, len(result.curve)) - 1]


# Figure -> its value for one object, given the most clicks; None where a model has none.
VALUES: Mapping[str, Callable[[ObjectResult, int], float | None]] = {
    "box_iou": lambda result, _: result.box,
    "click1_iou_best_of_three": lambda result, _: result.first_best_of_three,
    "click1_iou": iou_after(1),
    "click3_iou": iou_after(3),
    "click5_iou": iou_after(5),
    "noc85": lambda result, max_clicks: clicks_to_reach(result.curve, 0.85, max_clicks)[0],
}


@dataclass(frozen=True)
class Difference:
    """Mean over objects of model minus reference, and the interval that holds 95 % of the resampled means."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:+.3f} ({self.low:+.3f}\u00a0to\u00a0{self.high:+.3f})"

    @property
    def certain(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def difference(
    reference: Sequence[ObjectResult], results: Sequence[ObjectResult], figure: str, max_clicks: int = MAX_CLICKS
) -> Difference | None:
    """Of the same objects in the same order. A percentile bootstrap (Efron 1979) that draws pictures, not objects,
    since objects of one picture are alike. None where a model lacks the figure."""
    value = VALUES[figure]
    known = []
    for theirs, ours in zip(reference, results, strict=True):
        a, b = value(theirs, max_clicks), value(ours, max_clicks)
        if a is not None and b is not None:
            known.append((ours.picture, b - a))
    if not known:
        return None
    _, place = np.unique([picture for picture, _ in known], return_inverse=True)
    counts = np.bincount(place)
    sums = np.bincount(place, [change for _, change in known])
    drawn = np.random.default_rng(SEED).integers(len(sums), size=(RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Difference(float(sums.sum() / counts.sum()), float(low), float(high))
