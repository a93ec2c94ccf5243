"""What the page takes and what it holds out, by the scripted person of tests/e2e/proofs in a real Chromium."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model_export.bench.chromium import BrowserError, browser_version, find_chromium
from model_export.bench.machine import ROOT
from model_export.bench.record import Figure, Findings, figure
from model_export.bench.timing import summarise

E2E = ROOT / "tests" / "e2e"
SECONDS_AT_MOST = 3600.0


def run_proof(name: str, environment: dict[str, str]) -> Findings:
    """Runs tests/e2e/proofs/<name>.ts. Raises BrowserError when Chromium or Playwright are missing, or a step fails."""
    executable = find_chromium()
    runner = E2E / "node_modules" / ".bin" / "playwright"
    if not runner.exists():
        raise BrowserError(f"{runner} is missing: run `python scripts/build_page.py modules tests/e2e`")
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "findings.json"
        settings = os.environ | {"CHROMIUM": executable, "PROOF_OUT": str(found)} | environment
        command = [str(runner), "test", "--config", "proofs.config.ts", f"{name}.ts"]
        done = subprocess.run(
            command, cwd=E2E, env=settings, capture_output=True, text=True, timeout=SECONDS_AT_MOST, check=False
        )
        if done.returncode != 0 or not found.exists():
            raise BrowserError(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}{done.stderr[-2000:]}")
        return findings_of(json.loads(found.read_text(encoding="utf-8")), browser_version(executable))


def findings_of(found: dict[str, Any], version: str) -> Findings:
    """`figures`: each a title, a unit and all its values."""
    figures = [_figure(entry["title"], entry["unit"], entry["values"]) for entry in found["figures"]]
    return Findings(figures, [f"{version}.", *found["notes"]], {"chromium": version})


def _figure(title: str, unit: str, values: Sequence[float]) -> Figure:
    if len(values) == 1:
        return Figure(title, unit, values[0])
    return figure(title, unit, summarise(list(values), 0))
