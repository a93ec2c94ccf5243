"""A published model: encoding against torch, a click against the official-style decoder graph."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from model_export.bench import browser
from model_export.bench.decoder import OURS, YARDSTICK_RESIZE, of_prompts, together
from model_export.bench.encoder import THREADS, of_threads, one_picture
from model_export.bench.record import Figure, Findings, Target, figure
from model_export.bench.setting import Setting
from model_export.bench.stock import eager, stock_encoder
from model_export.bench.timing import Summary, time_together
from model_export.export.variants import with_variant
from server.runtime.onnx import OnnxBackend

TITLE = "Published model"
FASTER = Target(">", 2)
RUNS, WARMUP = 3, 1
EXACT, INT8, STOCK = "ONNX Runtime", "ONNX Runtime, int8", "torch, eager"


def run(setting: Setting) -> Findings:
    """Ratios are taken within one run, the candidates by turns."""
    figures: list[Figure] = []
    for threads in THREADS:
        taken = encode_together(setting, threads)
        case = of_threads(threads)
        figures += [figure(f"Encode, {name}, {case}", "ms", summary) for name, summary in taken.items()]
        figures += [
            ratio(f"Encode, {STOCK} : {name}, {case}", taken, STOCK, name, FASTER if name == EXACT else None)
            for name in taken
            if name != STOCK
        ]
    for threads in THREADS:
        taken = together(setting, threads, 1)
        case = f"native, {of_threads(threads)}, {of_prompts(1)}"
        figures += [figure(f"{name}, {case}", "ms", summary) for name, summary in taken.items()]
        figures.append(ratio(f"{YARDSTICK_RESIZE} : ours, {case}", taken, YARDSTICK_RESIZE, OURS))
    clicks = browser.measure(setting)
    for threads, taken in clicks.by_threads.items():
        case = f"WASM, {of_threads(threads)}"
        figures += [figure(f"{name}, {case}", "ms", summary) for name, summary in taken.items()]
        target = FASTER if threads == 1 else None
        figures.append(ratio(f"{YARDSTICK_RESIZE} : ours, {case}", taken, YARDSTICK_RESIZE, OURS, target))
    return Findings(figures, [STOCK_NOTE, *clicks.notes], {"parity": setting.bundle.manifest.parity})


STOCK_NOTE = (
    f"{STOCK}: the network as `transformers` has it, attention eager as in the authors' code; of MobileSAM, which "
    "transformers lacks, the workshop's torch network with its batch norms. One picture; resizing is not in these "
    "times."
)


def ratio(title: str, taken: dict[str, Summary], of: str, to: str, target: Target | None = None) -> Figure:
    return Figure(title, "times", taken[of].median / taken[to].median, target=target)


def encode_together(setting: Setting, threads: int) -> dict[str, Summary]:
    pixels, valid = one_picture(setting.bundle)
    backend = OnnxBackend(threads)
    network = stock_encoder(setting.bundle)
    candidates: dict[str, Callable[[], object]] = {
        EXACT: partial(backend.load_encoder(setting.bundle).encode, pixels, valid),
        STOCK: eager(network, (torch.from_numpy(pixels), torch.from_numpy(valid)), threads),
    }
    if coarse := with_variant(setting.bundle, "encoder_int8", "encoder"):
        candidates[INT8] = partial(backend.load_encoder(coarse).encode, pixels, valid)
    return time_together(candidates, runs=setting.pick(RUNS, 1), warmup=setting.pick(WARMUP, 1))
