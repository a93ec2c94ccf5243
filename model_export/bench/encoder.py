"""The encoder alone: the time of one picture in ONNX Runtime, and in torch for comparison."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model_export.bench.drawn import photo_like
from model_export.bench.record import Figure, Findings, Target, figure
from model_export.bench.setting import Setting
from model_export.bench.timing import time_together
from server.domain.ports import LoadedBundle, UInt8
from server.runtime.images import prepare_pixels
from server.runtime.onnx import OnnxBackend

TITLE = "Encoder"
THREADS = (1, 2)
TARGET = Target("<", 60)


def one_picture(bundle: LoadedBundle) -> tuple[UInt8, NDArray[np.int64]]:
    """`pixels` [1, S, S, 3] and `valid_size` [1, 2] of a drawn picture in the format of most cameras, 4 : 3."""
    pixels, valid = prepare_pixels(photo_like(640, 480), bundle.manifest.preprocessing)
    return pixels[None], np.array([valid], np.int64)


def run(setting: Setting) -> Findings:
    bundle = setting.bundle
    pixels, valid = one_picture(bundle)
    size = bundle.manifest.preprocessing.size
    figures: list[Figure] = []
    ratios: dict[str, float] = {}
    for threads in THREADS:
        encoder = OnnxBackend(threads).load_encoder(bundle)

        def in_onnx(encode: Callable[[UInt8, NDArray[np.int64]], object] = encoder.encode) -> object:
            return encode(pixels, valid)

        candidates: dict[str, Callable[[], object]] = {"ONNX Runtime": in_onnx}
        if importlib.util.find_spec("torch") is not None:
            candidates["torch, eager"] = torch_encoder(bundle, pixels, valid, threads)
        taken = time_together(candidates, runs=setting.pick(60, 3), warmup=setting.pick(10, 1))
        for name, summary in taken.items():
            target = TARGET if name == "ONNX Runtime" and threads == max(THREADS) else None
            figures.append(figure(f"Encoder, {name}, {of_threads(threads)}", "ms", summary, target))
        if len(taken) > 1:
            ratios[of_threads(threads)] = taken["torch, eager"].median / taken["ONNX Runtime"].median
    notes = [f"One picture at the model's input size, {size} x {size}; resizing is not in these times."]
    notes += [f"torch takes {ratio:.1f} times as long as ONNX Runtime with {name}." for name, ratio in ratios.items()]
    return Findings(figures, notes, {"torch_to_onnx": ratios})


def of_threads(count: int) -> str:
    return f"{count} thread" if count == 1 else f"{count} threads"


def torch_encoder(bundle: LoadedBundle, pixels: UInt8, valid: NDArray[np.int64], threads: int) -> Callable[[], object]:
    """The bundle's own weights in the torch network, or a refusal that names what lacks (ValueError)."""
    import torch

    from model_export.export.weights import load_bundle_weights

    weights = bundle.manifest.file_for("weights")
    if weights is None:
        raise ValueError("this bundle keeps no torch weights")
    model = load_bundle_weights(bundle.manifest.id, Path(bundle.directory) / weights).encoder
    inputs = torch.from_numpy(pixels), torch.from_numpy(valid)

    def encode() -> object:
        torch.set_num_threads(threads)
        with torch.inference_mode():
            return model(*inputs)

    return encode
