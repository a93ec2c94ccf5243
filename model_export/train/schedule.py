"""What changes with the progress of a run: learning rate, input size, number of rounds."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from model_export.train.config import TrainConfig

Value = TypeVar("Value")
LAST_RATE = 0.01  # share of the peak at the end
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def at_progress(stages: Sequence[tuple[float, Value]], progress: float) -> Value:
    """The value of the last stage that has begun; `stages` are (from this progress on, value)."""
    return [value for start, value in stages if progress >= start][-1]


def learning_rate(config: TrainConfig, step: int, progress: float) -> float:
    """Linear warm-up, the peak until `constant_until`, then a cosine or a straight line to 1 % of it."""
    warm = min(1.0, (step + 1) / max(1, config.warmup))
    decayed = max(0.0, min(1.0, progress) - config.constant_until) / (1 - config.constant_until)
    share = 1 - decayed if config.decay == "linear" else 0.5 * (1 + math.cos(math.pi * decayed))
    return config.learning_rate * warm * (LAST_RATE + (1 - LAST_RATE) * share)


def rounds_of(config: TrainConfig, step: int, progress: float, least: int = 2) -> int:
    """Number of rounds of a step, uniform in least..max; the same in every process, so that none waits for another."""
    most = at_progress(config.max_rounds, progress)
    return int(np.random.default_rng((config.seed, step)).integers(least, max(least, most) + 1))
