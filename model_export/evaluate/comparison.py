"""By how much one model is better than another on the same objects, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from model_export.evaluate.metrics import MAX_CLICKS, clicks_to_reach
from model_export.evaluate.results import ObjectResult

RESAMPLES = 2000
SEED = 0
CHUNK = 1 << 20  # draws held at a time
FEWEST = 6  # pictures; of five, all changed alike, the sign test would still say 2 / 2 ** 5 > 5 %


def iou_after(click: int) -> Callable[[ObjectResult, int], float | None]:
    """None where so many clicks were not allowed."""
    return lambda result, most: None if click > most else result.curve[min(click, len(result.curve)) - 1]


def clicks_to(iou: float) -> Callable[[ObjectResult, int], float | None]:
    return lambda result, most: clicks_to_reach(result.curve, iou, most)[0]


# Figure -> its value for one object, given the most clicks; None where a model has none.
VALUES: Mapping[str, Callable[[ObjectResult, int], float | None]] = {
    "box_iou": lambda result, _: result.box,
    "click1_iou_best_of_three": lambda result, _: result.first_best_of_three,
    "click1_iou": iou_after(1),
    "click5_iou": iou_after(5),
    "noc85": clicks_to(0.85),
    "noc90": clicks_to(0.90),
}


@dataclass(frozen=True)
class Difference:
    """Mean over objects of model minus reference, and the interval that holds 95 % of the resampled means, None of
    fewer than FEWEST pictures."""

    mean: float
    interval: tuple[float, float] | None

    def __str__(self) -> str:
        if self.interval is None:
            return f"{self.mean:+.3f}"
        low, high = self.interval
        return f"{self.mean:+.3f} ({low:+.3f}\u00a0to\u00a0{high:+.3f})"

    @property
    def certain(self) -> bool:
        """Whether there is an interval and it leaves out 0."""
        return self.interval is not None and (self.interval[0] > 0 or self.interval[1] < 0)


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
    mean = float(sums.sum() / counts.sum())
    if len(sums) < FEWEST:
        return Difference(mean, None)
    rng = np.random.default_rng(SEED)
    means: list[float] = []
    while len(means) < RESAMPLES:
        rows = min(RESAMPLES - len(means), max(1, CHUNK // len(sums)))
        drawn = rng.integers(len(sums), size=(rows, len(sums)))
        means += (sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)).tolist()
    low, high = np.percentile(means, [2.5, 97.5])
    return Difference(mean, (float(low), float(high)))
