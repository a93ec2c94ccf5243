"""Parity of an interactive bundle: its graphs in ONNX Runtime against its torch network, on real pictures and clicks;
and its golden vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from safetensors.numpy import save

from model_export.export.click_cases import Graph, Inputs, annotated_samples, clicked, drawn_sample
from model_export.export.golden import GOLDEN_FORMAT
from model_export.export.parity import Report, iou, largest, smallest
from model_export.export.pictures import sample_paths
from model_export.models.click_network import ClickNetwork
from model_export.train.click_samples import ClickSample

LIMITS = {"logits_relative": 1e-3, "mask_iou": 0.999}
STAGES = ("coarse", "refine")


def torch_graph(model: ClickNetwork, stage: str) -> Graph:
    module = model.coarse if stage == "coarse" else model.refine
    assert module is not None

    def run(inputs: Inputs) -> dict[str, NDArray[np.float32]]:
        with torch.no_grad():
            found = module(*(torch.from_numpy(value) for value in inputs.values()))
        outputs = found if isinstance(found, tuple) else (found,)
        names = ("logits", *model.feature_shapes)
        return {name: value.numpy() for name, value in zip(names, outputs, strict=False)}

    return run


def onnx_graph(data: bytes | str, threads: int = 0) -> Graph:
    """`data`: a graph or the path of one; `threads` 0: one a core."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(inputs: Inputs) -> dict[str, NDArray[np.float32]]:
        return dict(zip(names, session.run(None, inputs), strict=True))

    return run


def click_parity(
    model: ClickNetwork, graphs: dict[str, Graph], data: Path | None, count: int = 24, threshold: float = 0.0
) -> Report:
    """Worst values over all pictures and clicks of each stage, the limits, and `passed`. `graphs`: ONNX, by stage.
    `data`: annotated pictures; where there are none, or none held out, the page's samples."""
    size = model.input_size
    samples: Sequence[ClickSample] = annotated_samples(data, count, size) if data is not None and data.is_dir() else []
    if not samples:  # nothing is held out
        samples = [drawn_sample(size, number) for number in range(len(sample_paths()[:count]))]
    if not samples:
        raise ValueError("no pictures to verify on: give --data, or render web/public/samples")
    reference = {stage: torch_graph(model, stage) for stage in graphs}
    worst: dict[str, Report] = {stage: {"logits_relative": 0.0, "mask_iou": 1.0} for stage in graphs}
    for sample in samples:
        for stage, inputs in clicked(model, sample, graphs["coarse"]):
            wanted, got = reference[stage](inputs), graphs[stage](inputs)
            for name, value in wanted.items():
                relative = float(np.abs(value - got[name]).max() / max(float(np.ptp(value)), 1e-6))
                worst[stage]["logits_relative"] = largest(worst[stage]["logits_relative"], relative)
            masks = [upsampled(answer["logits"][0, 0], size) > threshold for answer in (wanted, got)]
            worst[stage]["mask_iou"] = smallest(worst[stage]["mask_iou"], iou(*masks))
    passed = all(
        case["logits_relative"] <= LIMITS["logits_relative"] and case["mask_iou"] >= LIMITS["mask_iou"]
        for case in worst.values()
    )
    return {
        "reference": "torch float32 on the CPU with the bundle's weights.safetensors",
        "pictures": len(samples),
        "cases": worst,
        "limits": LIMITS,
        "passed": passed,
    }


def upsampled(logits: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(logits, (size, size), interpolation=cv2.INTER_LINEAR), np.float32)


GOLDEN_TENSORS = {
    "coarse": ("pixels", "clicks", "previous_mask", "logits"),
    "refine": ("pixels", "clicks", "focus_box", "logits"),
}


def click_golden(model: ClickNetwork, graphs: dict[str, Graph]) -> bytes:
    """`GOLDEN_TENSORS` of the second click on one of the page's own pictures, as `<stage>.<name>`; pixels and disks as
    uint8. The refinement is given what the coarse graph answers."""
    tensors: dict[str, NDArray[Any]] = {}
    for stage, inputs in clicked(model, drawn_sample(model.input_size), graphs["coarse"], clicks=2):
        found = inputs | graphs[stage](inputs)
        for name in GOLDEN_TENSORS[stage]:
            small = found[name].astype(np.uint8) if name in ("clicks", "previous_mask") else found[name]
            tensors[f"{stage}.{name}"] = np.ascontiguousarray(small)
    return save(tensors, {"format": GOLDEN_FORMAT})
