"""Taking times: warm-up, interleaved runs, median and 95th percentile."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Summary:
    """Of `runs` values, all in the same unit."""

    median: float
    p95: float
    runs: int
    warmup: int = 0


def summarise(values: Sequence[float], warmup: int = 0) -> Summary:
    """p95 by linear interpolation between the ranks. Raises ValueError for no values."""
    if not values:
        raise ValueError("nothing was measured")
    median, p95 = np.percentile(np.asarray(values, np.float64), [50, 95])
    return Summary(float(median), float(p95), len(values), warmup)


def milliseconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def time_together(
    candidates: Mapping[str, Callable[[], object]], *, runs: int, warmup: int, burst: int = 5
) -> dict[str, Summary]:
    """Milliseconds of each candidate. They take turns, `burst` runs at a time, so that a machine that slows down for a
    while slows all of them and their ratios hold."""
    if runs < 1 or burst < 1:
        raise ValueError("runs and burst must be at least 1")
    for call in candidates.values():
        for _ in range(warmup):
            call()
    values: dict[str, list[float]] = {name: [] for name in candidates}
    for done in range(0, runs, burst):
        for name, call in candidates.items():
            values[name] += [milliseconds(call) for _ in range(min(burst, runs - done))]
    return {name: summarise(taken, warmup) for name, taken in values.items()}
