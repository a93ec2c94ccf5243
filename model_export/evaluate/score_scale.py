"""Platt's scaling (1999) of a predicted IoU: what a model says against what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from model_export.evaluate.results import ObjectResult
from server.runtime.click_loop import calibrated

LEAST = 50  # pairs
STEPS = 60
EDGE = 1e-4


def fit_scale(results: Sequence[ObjectResult]) -> tuple[float, float]:
    """(slope, offset) of sigmoid(slope logit(score) + offset) that fits the IoUs after each object's second and later
    clicks best by cross entropy; (1, 0) where too few speak for it. Newton's method on a convex loss."""
    pairs = [(s, iou) for r in results for s, iou in zip(r.scores[1:], r.curve[1:], strict=True) if s is not None]
    if len(pairs) < LEAST:
        return 1.0, 0.0
    scores, ious = (np.array(column, np.float64).clip(EDGE, 1 - EDGE) for column in zip(*pairs, strict=True))
    x = np.stack([np.log(scores / (1 - scores)), np.ones_like(scores)])  # [2, N]
    found: NDArray[np.float64] = np.array([1.0, 0.0])
    for _ in range(STEPS):
        share = 1 / (1 + np.exp(-(found @ x)))
        gradient = x @ (share - ious)
        curvature = (x * share * (1 - share)) @ x.T + 1e-6 * np.eye(2)
        found = found - np.linalg.solve(curvature, gradient)
    return float(found[0]), float(found[1])


def rescaled(results: Sequence[ObjectResult], scale: tuple[float, float]) -> list[ObjectResult]:
    """The results as if the model had the scale, which a first click on nothing has not."""

    def apply(scores: Sequence[float | None]) -> tuple[float | None, ...]:
        later = (None if score is None else calibrated(score, *scale) for score in scores[1:])
        return (*scores[:1], *later)

    return [replace(each, scores=apply(each.scores)) for each in results]
