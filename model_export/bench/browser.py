"""The decoder in Chromium's WASM, beside the yardstick: what a click costs in the page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from model_export.bench.chromium import (
    BrowserError,
    Content,
    browser_version,
    file_content,
    find_chromium,
    result_of_page,
)
from model_export.bench.decoder import OURS, YARDSTICK, YARDSTICK_RESIZE, yardstick_note
from model_export.bench.decoder_case import Arrays, as_feeds, clicks, stored_embedding
from model_export.bench.encoder import THREADS, of_threads
from model_export.bench.machine import ROOT
from model_export.bench.record import Figure, Findings, Target, figure
from model_export.bench.setting import Setting
from model_export.bench.timing import Summary, summarise
from model_export.bench.yardstick_graph import yardstick_feeds, yardstick_graph

TITLE = "Decoder, in the browser"
TARGETS = {1: Target("<", 50), 2: Target("<", 25)}
PAGE = Path(__file__).parent / "page"
RUNTIME = ROOT / "web" / "node_modules" / "onnxruntime-web" / "dist"
RUNTIME_FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
SECONDS_AT_MOST = 600.0


@dataclass(frozen=True, slots=True)
class Clicks:
    """Times of a click by candidate, for each number of threads; what they were taken with, in words and by name."""

    by_threads: dict[int, dict[str, Summary]]
    notes: list[str]
    versions: dict[str, str]


def run(setting: Setting) -> Findings:
    clicks = measure(setting)
    figures: list[Figure] = []
    ratios: dict[str, float] = {}
    for threads, summaries in clicks.by_threads.items():
        for name, summary in summaries.items():
            target = TARGETS.get(threads) if name == OURS else None
            figures.append(figure(f"{name}, WASM, {of_threads(threads)}", "ms", summary, target))
        ratios[of_threads(threads)] = summaries[YARDSTICK].median / summaries[OURS].median
    notes = clicks.notes + [
        f"The yardstick takes {ratio:.1f} times as long with {name}." for name, ratio in ratios.items()
    ]
    return Findings(figures, notes, {**clicks.versions, "yardstick_to_ours": ratios})


def measure(setting: Setting) -> Clicks:
    """Raises BrowserError when Chromium is missing or runs other threads than asked for."""
    executable = find_chromium()
    warmup = setting.pick(5, 1)
    plan = {"threads": list(THREADS), "warmup": warmup, "runs": setting.pick(40, 2), "burst": 5}
    result = result_of_page(executable, _site(setting, plan), timeout=SECONDS_AT_MOST)
    by_threads: dict[int, dict[str, Summary]] = {}
    for part in result["results"]:
        threads = part["threads"]
        if threads != part["asked"]:
            raise BrowserError(f"{part['asked']} threads were asked for, {threads} ran")
        by_threads[threads] = {name: summarise(times, warmup) for name, times in part["times"].items()}
    runtime = result["results"][0]["runtime"]
    version = browser_version(executable)
    notes = [f"{version}, onnxruntime-web {runtime}, in a worker, one click. {yardstick_note()}"]
    return Clicks(by_threads, notes, {"chromium": version, "onnxruntime-web": runtime})


def _site(setting: Setting, plan: dict[str, Any]) -> dict[str, Content]:
    if not RUNTIME.is_dir():
        raise BrowserError(f"{RUNTIME} is missing: run `python scripts/build_page.py modules`")
    contents = {f"/ort/{name}": file_content(RUNTIME / name) for name in RUNTIME_FILES}
    contents |= {f"/{path.name}": file_content(path) for path in PAGE.iterdir() if path.is_file()}
    contents["/"] = contents["/index.html"]
    bundle = setting.bundle
    decoder = bundle.manifest.file_for("decoder")
    if decoder is None:
        raise BrowserError("the bundle has no decoder")
    cases = {
        OURS: (Path(bundle.directory) / decoder, as_feeds(stored_embedding(bundle), clicks(bundle, 1))),
        YARDSTICK: (yardstick_graph(setting.cache, resize=False), yardstick_feeds(1)),
        YARDSTICK_RESIZE: (yardstick_graph(setting.cache, resize=True), yardstick_feeds(1)),
    }
    graphs = []
    for position, (name, (model, feeds)) in enumerate(cases.items()):
        blob, tensors = packed(feeds)
        contents[f"/model-{position}"] = file_content(model)
        contents[f"/inputs-{position}"] = Content(blob)
        graphs.append(
            {"name": name, "model": f"/model-{position}", "inputs": f"/inputs-{position}", "tensors": tensors}
        )
    contents["/plan.json"] = Content(json.dumps(plan | {"graphs": graphs}).encode(), "application/json")
    return contents


def packed(feeds: Arrays) -> tuple[bytes, list[dict[str, Any]]]:
    """Arrays one after another, and where each lies: `offset` in bytes, a multiple of 4, `length` in numbers; bytes
    stay `uint8`, all others become `float32`."""
    parts: list[bytes] = []
    tensors: list[dict[str, Any]] = []
    offset = 0
    for name, value in feeds.items():
        kind = np.uint8 if value.dtype == np.uint8 else np.float32
        data = np.ascontiguousarray(value, kind).tobytes()
        data += bytes(-len(data) % 4)
        tensors.append(
            {"name": name, "type": kind.__name__, "shape": list(value.shape), "offset": offset, "length": value.size}
        )
        parts.append(data)
        offset += len(data)
    return b"".join(parts), tensors
