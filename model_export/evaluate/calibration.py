"""How far a model's predicted IoU can be believed, and from which values on everything mode should keep a mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_export.evaluate.results import ObjectResult, Probe
from server.domain.bundle import Calibration

BINS = 10
GOOD_IOU = 0.75  # a candidate that fits an annotated mask so well is one to keep (COCO's strict AP75)
BETA = 0.5  # weight of recall against precision (van Rijsbergen's F)
STEPS = np.round(np.arange(0.0, 1.0, 0.02), 2)  # thresholds tried


@dataclass(frozen=True)
class Bin:
    """Predictions from `low` to `high`: how many, the mean prediction and the mean IoU measured."""

    low: float
    high: float
    count: int
    predicted: float
    measured: float


def reliability(scores: Sequence[float], ious: Sequence[float], bins: int = BINS) -> list[Bin]:
    """The filled ones of `bins` equal intervals of [0, 1]; predictions outside count in the outermost."""
    predicted, measured = np.asarray(scores, np.float64), np.asarray(ious, np.float64)
    place = np.clip((predicted * bins).astype(int), 0, bins - 1)
    result = []
    for k in range(bins):
        chosen = place == k
        if chosen.any():
            means = float(predicted[chosen].mean()), float(measured[chosen].mean())
            result.append(Bin(k / bins, (k + 1) / bins, int(chosen.sum()), *means))
    return result


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """Mean distance of predicted from measured IoU over the bins, weighted by their counts (Naeini et al. 2015,
    Guo et al. 2017, with the IoU in the place of the accuracy). 0 without predictions."""
    total = sum(entry.count for entry in bins)
    return sum(entry.count * abs(entry.predicted - entry.measured) for entry in bins) / total if total else 0.0


def first_click_pairs(results: Sequence[ObjectResult]) -> tuple[list[float], list[float]]:
    """(predicted, measured) of every candidate for the first click: what the score is there to choose between."""
    return _pairs([pair for r in results for pair in zip(r.candidate_scores, r.candidate_ious, strict=True)])


def refined_pairs(results: Sequence[ObjectResult]) -> tuple[list[float], list[float]]:
    """(predicted, measured) of the mask for the box and after every further click."""
    clicks = [pair for r in results for pair in zip(r.scores[1:], r.curve[1:], strict=True)]
    return _pairs(clicks + [(r.box_score, r.box) for r in results if r.box is not None])


def _pairs(both: Sequence[tuple[float | None, float | None]]) -> tuple[list[float], list[float]]:
    known = [(score, iou) for score, iou in both if score is not None and iou is not None]
    return [score for score, _ in known], [iou for _, iou in known]


@dataclass(frozen=True)
class Thresholds:
    """`precision`: share of kept candidates that are good; `recall`: share of the objects with a good candidate that
    keep one. `clicks`: how many prompts they were computed from."""

    pred_iou_thresh: float
    stability_score_thresh: float
    precision: float
    recall: float
    clicks: int


def suggest_thresholds(probes: Sequence[Probe]) -> Thresholds | None:
    """The pair with the best F0.5 of precision and recall over clicks at random places of objects; the stricter among
    equals. Precision weighs more because everything mode asks at many places of the same object. None when no candidate
    is good."""
    arrays = [np.array([getattr(probe, name) for probe in probes]) for name in ("scores", "stabilities", "ious")]
    scores, stabilities, good = arrays[0], arrays[1], arrays[2] >= GOOD_IOU
    if not good.any():
        return None
    found = good.any(axis=1)
    best: tuple[float, float, float, float, float] = (-1, 0, 0, 0, 0)
    for score in STEPS:
        by_score: NDArray[np.bool_] = scores >= score
        for stability in STEPS:
            kept = by_score & (stabilities >= stability)
            total = np.count_nonzero(kept)
            if not total:
                break
            precision = np.count_nonzero(kept & good) / total
            recall = np.count_nonzero((kept & good).any(axis=1)) / np.count_nonzero(found)
            weighed = BETA**2 * precision + recall
            f_score = (1 + BETA**2) * precision * recall / weighed if weighed else 0.0
            best = max(best, (round(f_score, 6), float(score), float(stability), precision, recall))
    return Thresholds(best[1], best[2], round(best[3], 4), round(best[4], 4), len(probes))


def calibrate(results: Sequence[ObjectResult], stability_offset: float = 1.0) -> Calibration | None:
    """The manifest's `calibration` from an evaluation of the bundle made with the same offset; None when it cannot be
    told (no prompt gave a mask that fits)."""
    suggested = suggest_thresholds([result.probe for result in results if result.probe is not None])
    if suggested is None:
        return None
    return Calibration(
        pred_iou_thresh=suggested.pred_iou_thresh,
        stability_score_thresh=suggested.stability_score_thresh,
        stability_offset=stability_offset,
    )
