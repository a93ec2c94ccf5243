"""What an evaluation measured, object by object, and the file that keeps it: every figure and every picture of a report
can be made from it again without running a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from model_export.data.rle import RLE
from model_export.evaluate.predictor import Click

FORMAT = "segserve-evaluation/1"
SAME = ("max_clicks", "ritm_clicks")  # what evaluations must agree in to stand side by side
PROTOCOL = ("data", "split", "pictures", "objects", "max_clicks", "seed", "workers")  # what every report says


@dataclass(frozen=True)
class Times:
    """Seconds: `encode` of the picture, and of each click from the prompt to the mask of the picture; `repair`: of the
    clicks of `Repair`."""

    encode: float
    clicks: tuple[float, ...]
    repair: tuple[float, ...] = ()


@dataclass(frozen=True)
class Probe:
    """The candidates for one click at a random place of the object, as everything mode asks: predicted IoU, stability
    score, and IoU with the best fitting annotated mask around the click."""

    scores: tuple[float, ...]
    stabilities: tuple[float, ...]
    ious: tuple[float, ...]


@dataclass(frozen=True)
class Repair:
    """Clicks that began with the faulty mask `given`, of `iou`; the others as in `ObjectResult`."""

    given: RLE
    iou: float
    curve: tuple[float, ...]
    scores: tuple[float | None, ...]
    clicks: tuple[Click, ...]


@dataclass(frozen=True)
class ObjectResult:
    """One object. `mask`: its place among the picture's masks. Values after k + 1 clicks: `curve` (IoU), `scores`
    (predicted IoU), `clicks`; the first by the best scored of the candidates. `boundary`: boundary F after the clicks
    of `loop.BOUNDARY_CLICKS`, of the last mask where there were fewer. `box*` None where the model takes no boxes.
    `example`: the mask after `loop.EXAMPLE_CLICKS`, or after the last. `repair`: where a mask was given."""

    source: str
    picture: str
    mask: int
    box: float | None
    box_score: float | None
    box_boundary: float | None
    candidate_ious: tuple[float, ...]
    candidate_scores: tuple[float | None, ...]
    curve: tuple[float, ...]
    scores: tuple[float | None, ...]
    boundary: tuple[float, ...]
    clicks: tuple[Click, ...]
    probe: Probe | None
    truth: RLE
    example: RLE
    times: Times = field(compare=False)
    repair: Repair | None = None

    @property
    def first_best_of_three(self) -> float:
        """The best of the first click's candidates."""
        return max(self.candidate_ious)


@dataclass(frozen=True)
class ModelResults:
    """`about`: id, revision, kind and the like, for the report."""

    name: str
    about: dict[str, Any]
    objects: tuple[ObjectResult, ...]


@dataclass(frozen=True)
class Evaluation:
    """One model or several on the same objects, in the same order. `protocol`: what was asked for; `machine`: where."""

    protocol: dict[str, Any]
    machine: dict[str, Any]
    models: tuple[ModelResults, ...]

    @property
    def repaired(self) -> bool:
        """Whether any model was also given faulty masks."""
        return any(result.repair is not None for model in self.models for result in model.objects)

    def save(self, path: Path) -> None:
        """JSON, one object a line."""
        path.parent.mkdir(parents=True, exist_ok=True)
        head = {"format": FORMAT, "protocol": self.protocol, "machine": self.machine}
        models = [
            f'{{"name": {json.dumps(model.name)}, "about": {json.dumps(model.about)}, "objects": [\n'
            + ",\n".join(json.dumps(_stored(result)) for result in model.objects)
            + "\n]}"
            for model in self.models
        ]
        path.write_text(json.dumps(head)[:-1] + ', "models": [' + ",\n".join(models) + "]}\n")

    @classmethod
    def load(cls, path: Path) -> Evaluation:
        """Raises ValueError for a file that is none of ours."""
        try:
            stored = json.loads(path.read_text())
            if stored["format"] != FORMAT:
                raise ValueError(f"{path} has the format {stored['format']}, expected {FORMAT}")
            models = tuple(
                ModelResults(model["name"], model["about"], tuple(_object(entry) for entry in model["objects"]))
                for model in stored["models"]
            )
            if not models:
                raise ValueError(f"{path} has no models")
            protocol = {name: stored["protocol"][name] for name in PROTOCOL} | stored["protocol"]
            return cls(protocol, stored["machine"], models)
        except KeyError as error:
            raise ValueError(f"{path} holds no results of `evaluate`: {error} is missing") from error
        except (TypeError, AttributeError, json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} holds no results of `evaluate`: {error}") from error


def merge(evaluations: Sequence[tuple[str, Evaluation]]) -> Evaluation:
    """The models of several evaluations side by side, under the protocol and machine of the first; models of one name
    are called by the name of their evaluation. Raises ValueError when they are not about the same objects or clicks,
    and when two would have the same name."""
    (first_name, first), *others = evaluations
    for name, other in others:
        if subjects(other) != subjects(first):
            raise ValueError(f"{name} is not about the same objects as {first_name}: evaluate both on the same data")
        if any(other.protocol.get(key) != first.protocol.get(key) for key in SAME):
            raise ValueError(f"{name} and {first_name} differ in {' or '.join(SAME)}: the figures cannot be compared")
    begun = [(name, masks) for name, evaluation in evaluations if any(masks := given_masks(evaluation))]
    for name, masks in begun[1:]:
        if masks != begun[0][1]:
            raise ValueError(f"{name} and {begun[0][0]} repair other masks: give both the same --seed")
    names = [model.name for _, evaluation in evaluations for model in evaluation.models]
    models: list[ModelResults] = []
    for name, evaluation in evaluations:
        for model in evaluation.models:
            apart = name if len(evaluation.models) == 1 else f"{name}: {model.name}"
            own = model.name if names.count(model.name) == 1 else apart
            if own in (model.name for model in models):
                raise ValueError(f"two results are called {own}: give one another name with --results NAME=FILE")
            models.append(replace(model, name=own))
    return Evaluation(first.protocol, first.machine, tuple(models))


def subjects(evaluation: Evaluation) -> list[tuple[str, str, int, RLE]]:
    """Which objects an evaluation is about, wherever the folder with the pictures lay: another outline is another
    object."""
    objects = evaluation.models[0].objects
    return [(result.source, Path(result.picture).name, result.mask, result.truth) for result in objects]


def given_masks(evaluation: Evaluation) -> list[RLE | None]:
    """Of each object the mask that was to be repaired."""
    return [result.repair.given if result.repair else None for result in evaluation.models[0].objects]


def _stored(result: ObjectResult) -> dict[str, Any]:
    """Without what is of repairing alone where nothing was repaired, as files were before there was such a thing."""
    stored = asdict(result)
    if result.repair is None:
        del stored["repair"], stored["times"]["repair"]
    return stored


def _object(stored: dict[str, Any]) -> ObjectResult:
    for name in ("candidate_ious", "candidate_scores", "curve", "scores", "boundary"):
        stored[name] = tuple(stored[name])
    if not stored["curve"] or not stored["candidate_ious"]:
        raise TypeError(f"an object of {stored['picture']} has no clicks")
    stored["clicks"] = tuple(Click(**click) for click in stored["clicks"])
    if stored["probe"] is not None:
        stored["probe"] = Probe(**{name: tuple(values) for name, values in stored["probe"].items()})
    times = stored["times"]
    stored["times"] = Times(times["encode"], tuple(times["clicks"]), tuple(times.get("repair", ())))
    if (repair := stored.get("repair")) is not None:
        lists = {name: tuple(repair[name]) for name in ("curve", "scores")}
        clicks = tuple(Click(**click) for click in repair["clicks"])
        stored["repair"] = Repair(**repair | lists | {"clicks": clicks})
    return ObjectResult(**stored)


def set_names(results: Sequence[ObjectResult]) -> list[str]:
    return sorted({result.source for result in results})


def of_set(results: Sequence[ObjectResult], name: str) -> list[ObjectResult]:
    """Those of one set, or of `all`."""
    return [result for result in results if name in ("all", result.source)]
