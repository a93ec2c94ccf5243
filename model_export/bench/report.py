"""docs/benchmarks/README.md, made from the JSON files beside it and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from model_export.bench.record import Figure, Record, read_records

PAGE = "README.md"
_HEAD = """# Benchmarks

Made by `make bench` from the JSON files beside this page; do not edit it.
Values are medians where there were several runs. `make bench ARGS="encoder server"` takes some of them again.
"""


def write_report(directory: Path) -> Path:
    path = directory / PAGE
    path.write_text(render(read_records(directory)), encoding="utf-8")
    return path


def render(records: Sequence[Record]) -> str:
    """Targets first, then everything that was measured, by benchmark."""
    return "\n".join([_HEAD, *_targets(records), *(line for record in records for line in _section(record))])


def _targets(records: Sequence[Record]) -> Iterable[str]:
    aimed = [(record, entry) for record in records for entry in record.findings.figures if entry.target is not None]
    met = sum(entry.met is True for _, entry in aimed)
    yield f"## Targets: {met} of {len(aimed)} met\n"
    yield "| Benchmark | Figure | Target | Measured | Met |"
    yield "|---|---|---|---|---|"
    for record, entry in aimed:
        yield f"| {record.title} | {entry.title} | {_target(entry)} | {_value(entry)} | {_met(entry)} |"
    yield ""


def _section(record: Record) -> Iterable[str]:
    yield f"## {record.title}\n"
    if record.quick:
        yield "**Taken with `--quick`: too few runs to mean anything.**\n"
    yield "| Figure | Target | Median | p95 | Runs | Met |"
    yield "|---|---|---|---|---|---|"
    for entry in record.findings.figures:
        p95 = "" if entry.p95 is None else number(entry.p95)
        runs = f"{entry.runs:,}" if entry.runs > 1 else ""
        yield f"| {entry.title} | {_target(entry)} | {_value(entry)} | {p95} | {runs} | {_met(entry)} |"
    yield ""
    for note in record.findings.notes:
        yield f"- {note}"
    yield f"- {_taken(record)}\n"


def _taken(record: Record) -> str:
    machine, git = record.machine, record.git
    versions = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    code = "outside git" if git["revision"] is None else f"code at `{git['revision'][:12]}`"
    changed = " with local changes" if git["changed"] else ""
    load = "" if machine["load_before"] is None else f", load average {machine['load_before']:.1f} before"
    return (
        f"Taken {record.date} in {record.seconds:.0f} s: {machine['cpu']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB, {machine['system']}, Python {machine['python']}, {versions}{load}; "
        f"{code}{changed}; bundle {record.bundle['id']} `{record.bundle['revision']}`."
    )


def _target(entry: Figure) -> str:
    return "" if entry.target is None else f"{entry.target} {entry.unit}"


def _value(entry: Figure) -> str:
    return f"{number(entry.value)} {entry.unit}"


def _met(entry: Figure) -> str:
    return {None: "", True: "yes", False: "**no**"}[entry.met]


def number(value: float) -> str:
    """Three significant digits below a thousand, whole numbers above."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
