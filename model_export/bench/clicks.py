"""What a click on the interactive model costs: the loop in the server's runtime, its graphs in Chromium's WASM."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from model_export.bench.browser import PAGE, RUNTIME, RUNTIME_FILES, SECONDS_AT_MOST, packed
from model_export.bench.chromium import (
    BrowserError,
    Content,
    browser_version,
    file_content,
    find_chromium,
    result_of_page,
)
from model_export.bench.decoder_case import Arrays
from model_export.bench.drawn import photo_like
from model_export.bench.encoder import THREADS, of_threads
from model_export.bench.machine import ROOT
from model_export.bench.record import Figure, Findings, Target, figure
from model_export.bench.setting import Setting
from model_export.bench.timing import Summary, summarise, time_together
from server.domain.bundle import MANIFEST_NAME
from server.domain.click_maps import Click
from server.domain.click_state import ClickState
from server.domain.crops import Pyramid
from server.domain.ports import Features, Float32, LoadedBundle, UInt8
from server.runtime.bundle_files import read_manifest
from server.runtime.click_loop import ClickLoop
from server.runtime.click_stages import OnnxStages
from server.runtime.onnx import OnnxBackend

TITLE = "Clicks on the interactive model"
BUNDLE = ROOT / "server" / "bundles" / "segserve-clicks"
PICTURES = ((640, 480), (4000, 3000))
NATIVE, BROWSER = Target("<", 40), Target("<", 120)
STAGES = ("coarse", "refine")


class Recording(OnnxStages):
    """Keeps the inputs of the last run of each graph."""

    def __init__(self, bundle: LoadedBundle, backend: OnnxBackend) -> None:
        super().__init__(bundle, backend)
        self.seen: dict[str, Arrays] = {}

    def coarse(self, pixels: UInt8, clicks: Float32, previous_mask: Float32) -> tuple[Float32, Features]:
        self.seen["coarse"] = {"pixels": pixels, "clicks": clicks, "previous_mask": previous_mask}
        return super().coarse(pixels, clicks, previous_mask)

    def refine(
        self, pixels: UInt8, clicks: Float32, coarse_logits: Float32, features: Features, focus_box: Float32
    ) -> Float32:
        given: Arrays = {"pixels": pixels, "clicks": clicks, "coarse_logits": coarse_logits, "focus_box": focus_box}
        self.seen["refine"] = given | dict(features)
        return super().refine(pixels, clicks, coarse_logits, features, focus_box)


def clicked(width: int, height: int) -> tuple[Pyramid, ClickState, Click]:
    """A drawn picture, a mask over a fifth of its sides, and a click beside it."""
    state = ClickState.empty(width, height)
    mask = state.mask.copy()
    mask[2 * height // 5 : 3 * height // 5, 2 * width // 5 : 3 * width // 5] = True
    return Pyramid(photo_like(width, height)), ClickState(mask), Click(0.63 * width, 0.5 * height, True)


def run(setting: Setting) -> Findings:
    bundle = LoadedBundle(read_manifest(BUNDLE / MANIFEST_NAME), str(BUNDLE))
    figures: list[Figure] = []
    for threads in THREADS:
        for name, summary in native(bundle, threads, setting).items():
            target = NATIVE if threads == max(THREADS) else None
            figures.append(figure(f"Click, native, {of_threads(threads)}, {name}", "ms", summary, target))
    version = ""
    try:
        by_threads, version = in_browser(bundle, setting)
    except BrowserError as error:
        return Findings(figures, [f"Not measured in a browser: {error}"], {})
    for threads, stages in by_threads.items():
        for name, summary in stages.items():
            figures.append(figure(f"{name} graph, WASM, {of_threads(threads)}", "ms", summary, None))
        both = Summary(
            sum(s.median for s in stages.values()), sum(s.p95 for s in stages.values()),
            min(s.runs for s in stages.values()), min(s.warmup for s in stages.values()),
        )  # fmt: skip
        figures.append(figure(f"Both graphs, WASM, {of_threads(threads)}", "ms", both, BROWSER))
    notes = [
        "A later click. Native: the whole loop, from the click to the picture's mask; its halvings were made before.",
        f"{version}, in a worker: the graphs alone, one after the other; the p95 of both is the sum of theirs.",
        f"Interactive bundle {bundle.manifest.id} {bundle.manifest.revision}.",
    ]
    return Findings(figures, notes, {"chromium": version})


def native(bundle: LoadedBundle, threads: int, setting: Setting) -> dict[str, Summary]:
    loop = loop_of(bundle, OnnxStages(bundle, OnnxBackend(threads)))
    calls: dict[str, Callable[[], object]] = {}
    for width, height in PICTURES:
        picture, state, click = clicked(width, height)

        def one(picture: Pyramid = picture, state: ClickState = state, click: Click = click) -> object:
            return loop.click(picture, state, click)

        calls[f"{width} x {height}"] = one
    return time_together(calls, runs=setting.pick(40, 2), warmup=setting.pick(5, 1))


def loop_of(bundle: LoadedBundle, stages: OnnxStages) -> ClickLoop:
    manifest = bundle.manifest
    return ClickLoop(stages, manifest.interactive, manifest.preprocessing.size, manifest.mask_threshold)


def in_browser(bundle: LoadedBundle, setting: Setting) -> tuple[dict[int, dict[str, Summary]], str]:
    """Times of each graph by threads, and the browser's version. Raises BrowserError when Chromium or its runtime is
    missing, or other threads run than asked for."""
    executable = find_chromium()
    if not RUNTIME.is_dir():
        raise BrowserError(f"{RUNTIME} is missing: run `python scripts/build_page.py modules`")
    recording = Recording(bundle, OnnxBackend(1))
    loop_of(bundle, recording).click(*clicked(*PICTURES[0]))
    contents = {f"/ort/{name}": file_content(RUNTIME / name) for name in RUNTIME_FILES}
    contents |= {f"/{path.name}": file_content(path) for path in PAGE.iterdir() if path.is_file()}
    contents["/"] = contents["/index.html"]
    graphs = []
    for stage in STAGES:
        blob, tensors = packed(recording.seen[stage])
        contents[f"/model-{stage}"] = file_content(Path(bundle.directory) / f"{stage}.onnx")
        contents[f"/inputs-{stage}"] = Content(blob)
        graphs.append(
            {"name": stage.capitalize(), "model": f"/model-{stage}", "inputs": f"/inputs-{stage}", "tensors": tensors}
        )
    warmup = setting.pick(5, 1)
    plan: dict[str, Any] = {"threads": list(THREADS), "warmup": warmup, "runs": setting.pick(40, 2), "burst": 5}
    contents["/plan.json"] = Content(json.dumps(plan | {"graphs": graphs}).encode(), "application/json")
    found: dict[int, dict[str, Summary]] = {}
    for part in result_of_page(executable, contents, timeout=SECONDS_AT_MOST)["results"]:
        if part["threads"] != part["asked"]:
            raise BrowserError(f"{part['asked']} threads were asked for, {part['threads']} ran")
        found[part["threads"]] = {name: summarise(times, warmup) for name, times in part["times"].items()}
    return found, browser_version(executable)
