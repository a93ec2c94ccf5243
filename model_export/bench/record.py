"""What one benchmark found: figures, targets, and the JSON file that keeps them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from model_export.bench.timing import Summary

Comparison = Literal["<", "<=", ">", "="]
_SIGNS: dict[Comparison, str] = {"<": "<", "<=": "≤", ">": ">", "=": "="}


@dataclass(frozen=True, slots=True)
class Target:
    """What the figure's value has to be, in the figure's unit."""

    comparison: Comparison
    limit: float

    def met_by(self, value: float) -> bool:
        match self.comparison:
            case "<":
                return value < self.limit
            case "<=":
                return value <= self.limit
            case ">":
                return value > self.limit
            case "=":
                return value == self.limit

    def __str__(self) -> str:
        return f"{_SIGNS[self.comparison]} {self.limit:,g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` is the median where there were several runs; it is what the target speaks of."""

    title: str
    unit: str
    value: float
    p95: float | None = None
    runs: int = 1
    warmup: int = 0
    target: Target | None = None

    @property
    def met(self) -> bool | None:
        return None if self.target is None else self.target.met_by(self.value)


def figure(title: str, unit: str, summary: Summary, target: Target | None = None) -> Figure:
    return Figure(title, unit, summary.median, summary.p95, summary.runs, summary.warmup, target)


@dataclass(frozen=True, slots=True)
class Findings:
    """What a benchmark returns. `notes`: sentences under the table; `details`: anything else worth keeping."""

    figures: Sequence[Figure]
    notes: Sequence[str] = ()
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """A benchmark's findings with everything needed to judge them. `quick`: tiny counts, of no worth as figures."""

    name: str
    title: str
    date: str
    seconds: float
    quick: bool
    git: dict[str, Any]
    bundle: dict[str, str]
    machine: dict[str, Any]
    findings: Findings


def write_record(record: Record, directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{record.name}.json"
    path.write_text(json.dumps(_rounded(asdict(record)), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def read_record(path: Path) -> Record:
    data = json.loads(path.read_text(encoding="utf-8"))
    found = data.pop("findings")
    figures = [Figure(**entry | {"target": _target(entry["target"])}) for entry in found["figures"]]
    return Record(**data, findings=Findings(figures, found["notes"], found["details"]))


def read_records(directory: Path) -> list[Record]:
    """Every record of a directory, by file name."""
    return [read_record(path) for path in sorted(directory.glob("*.json"))]


def _target(entry: dict[str, Any] | None) -> Target | None:
    return None if entry is None else Target(**entry)


def _rounded(value: Any) -> Any:
    """Floats to five significant digits: more is noise, and the files are read by people."""
    match value:
        case float():
            return float(f"{value:.5g}")
        case dict():
            return {key: _rounded(entry) for key, entry in value.items()}
        case list() | tuple():
            return [_rounded(entry) for entry in value]
        case _:
            return value
