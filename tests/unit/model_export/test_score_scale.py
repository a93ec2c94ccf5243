"""Platt's scaling finds the curve that scores were bent by."""

from __future__ import annotations

import numpy as np
import pytest

from model_export.evaluate.results import ObjectResult, Times
from model_export.evaluate.score_scale import fit_scale, rescaled
from server.runtime.click_loop import calibrated


def result(scores: list[float], ious: list[float]) -> ObjectResult:
    nothing = {"size": [1, 1], "counts": "1"}
    return ObjectResult(
        "set", "picture", 0, None, None, None, (ious[0],), (scores[0],), tuple(ious), tuple(scores), (0.0,), (), None,
        nothing, nothing, Times(0.0, ()),
    )  # fmt: skip


def test_the_scale_is_found_and_applied() -> None:
    rng = np.random.default_rng(0)
    results = []
    for _ in range(100):
        scores = rng.uniform(0.05, 0.98, 6).tolist()
        results.append(result(scores, [0.5, *(calibrated(score, 0.4, -0.7) for score in scores[1:])]))
    slope, offset = fit_scale(results)
    assert (slope, offset) == (pytest.approx(0.4, abs=1e-3), pytest.approx(-0.7, abs=1e-3))
    for each in rescaled(results, (slope, offset)):
        assert each.scores[1:] == pytest.approx(each.curve[1:], abs=1e-3)
    assert [each.scores[0] for each in rescaled(results, (slope, offset))] == [each.scores[0] for each in results]


def test_few_clicks_decide_nothing() -> None:
    assert fit_scale([result([0.9] * 6, [0.5] * 6)]) == (1.0, 0.0)
