"""The decoder in native ONNX Runtime, beside the yardstick."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import onnxruntime

from model_export.bench.decoder_case import clicks, stored_embedding
from model_export.bench.encoder import THREADS, of_threads
from model_export.bench.record import Figure, Findings, figure
from model_export.bench.setting import Setting
from model_export.bench.timing import Summary, time_together
from model_export.bench.yardstick_graph import ORIGINAL, yardstick_feeds, yardstick_graph
from server.runtime.onnx import OnnxBackend

TITLE = "Decoder, native"
OURS = "Decoder"
YARDSTICK = "Yardstick"
YARDSTICK_RESIZE = "Yardstick with the resize inside"
BATCH = 16


def run(setting: Setting) -> Findings:
    figures: list[Figure] = []
    ratios: dict[str, float] = {}
    for threads in THREADS:
        for prompts in (1, BATCH):
            taken = together(setting, threads, prompts)
            case = f"{of_threads(threads)}, {of_prompts(prompts)}"
            figures += [figure(f"{name}, {case}", "ms", summary) for name, summary in taken.items()]
            ratios[case] = taken[YARDSTICK].median / taken[OURS].median
    notes = [yardstick_note()]
    notes += [f"The yardstick takes {ratio:.1f} times as long with {case}." for case, ratio in ratios.items()]
    return Findings(figures, notes, {"yardstick_to_ours": ratios})


def yardstick_note() -> str:
    return (
        "The yardstick is a decoder graph of Segment Anything's shape with random weights: 64 x 64 tokens of width "
        "256, two-way transformer of depth 2, 8 heads, MLP 2048. The resize goes to "
        f"{ORIGINAL[1]} x {ORIGINAL[0]}. Every prompt is one click."
    )


def of_prompts(count: int) -> str:
    return f"{count} prompt" if count == 1 else f"{count} prompts"


def together(setting: Setting, threads: int, prompts: int) -> dict[str, Summary]:
    """The resize for many prompts would need gigabytes and is left out."""
    decoder = OnnxBackend(threads).load_decoder(setting.bundle)
    candidates: dict[str, Callable[[], object]] = {
        OURS: partial(decoder.decode, stored_embedding(setting.bundle), clicks(setting.bundle, prompts)),
        YARDSTICK: _yardstick(setting.cache, threads, prompts, resize=False),
    }
    if prompts == 1:
        candidates[YARDSTICK_RESIZE] = _yardstick(setting.cache, threads, prompts, resize=True)
    runs = setting.pick(60 if prompts == 1 else 20, 2)
    return time_together(candidates, runs=runs, warmup=setting.pick(5, 1))


def _yardstick(cache: Path, threads: int, prompts: int, *, resize: bool) -> Callable[[], object]:
    session: Any = onnxruntime.InferenceSession(
        str(yardstick_graph(cache, resize=resize)), session_options(threads), providers=["CPUExecutionProvider"]
    )
    return partial(session.run, None, yardstick_feeds(prompts))


def session_options(threads: int) -> Any:
    """As the server's own sessions have them."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
