"""The benchmarks by name, and running some of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from model_export.bench.machine import ROOT, git_state, machine
from model_export.bench.record import Findings, Record, write_record
from model_export.bench.report import number, write_report
from model_export.bench.setting import Setting

BENCHMARKS = {
    "encoder": "model_export.bench.encoder",
    "decoder": "model_export.bench.decoder",
    "browser": "model_export.bench.browser",
    "clicks": "model_export.bench.clicks",
    "server": "model_export.bench.server_speed",
    "memory": "model_export.bench.server_memory",
    "training": "model_export.bench.training",
    "encoder-memory": "model_export.bench.encoder_memory",
    "first-mask": "model_export.bench.first_mask",
    "soak": "model_export.bench.soak",
    "published": "model_export.bench.published",
}
# Only by name: bundles of published checkpoints, and a quarter of an hour in a browser.
DEFAULT = [name for name in BENCHMARKS if name not in ("published", "soak")]
DOCS = ROOT / "docs" / "benchmarks"
CACHE = ROOT / ".cache" / "bench"


@dataclass(frozen=True, slots=True)
class Benchmark:
    name: str
    title: str
    run: Callable[[Setting], Findings]


def benchmark(name: str) -> Benchmark:
    """Imported only now, since torch takes seconds."""
    module = import_module(BENCHMARKS[name])
    return Benchmark(name, module.TITLE, module.run)


def take(chosen: Benchmark, setting: Setting, on: dict[str, Any], code: dict[str, Any]) -> Record:
    """`on`: the machine, `code`: the git state, both as they were before the first benchmark."""
    manifest = setting.bundle.manifest
    date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    started = time.perf_counter()
    findings = chosen.run(setting)
    return Record(
        name=chosen.name,
        title=chosen.title,
        date=date,
        seconds=time.perf_counter() - started,
        quick=setting.quick,
        git=code,
        bundle={"id": manifest.id, "revision": manifest.revision},
        machine=on,
        findings=findings,
    )


def run_suite(names: Sequence[str], setting: Setting, out: Path, say: Callable[[str], None] = print) -> Path:
    """Runs each, writes its JSON file, then the page. Returns the page's path."""
    on, code = machine(), git_state()
    for name in names:
        chosen = benchmark(name)
        say(f"== {chosen.title}")
        record = take(chosen, setting, on, code)
        for entry in record.findings.figures:
            p95 = "" if entry.p95 is None else f", p95 {number(entry.p95)}"
            verdict = {None: "", True: "  met", False: "  NOT met"}[entry.met]
            target = "" if entry.target is None else f"  (target {entry.target})"
            say(f"{entry.title}: {number(entry.value)} {entry.unit}{p95}{target}{verdict}")
        for note in record.findings.notes:
            say(f"  {note}")
        say(f"{write_record(record, out)}, {record.seconds:.0f} s\n")
    return write_report(out)
