"""Training on a CPU: pictures a second of one process with one and with two threads, and of two processes."""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from model_export.bench.drawn import photo_like
from model_export.bench.record import Figure, Findings
from model_export.bench.setting import Setting
from model_export.bench.timing import summarise
from model_export.train.config import TrainConfig
from model_export.train.loop import train
from model_export.train.metrics import METRICS

TITLE = "Training, CPU"
CASES = {
    "one process, 1 thread": (1, 1), "one process, 2 threads": (1, 2), "two processes, 1 thread each": (2, 1),
}  # fmt: skip
PICTURES = 16
SIDES = (512, 384)
WARMUP = 2  # steps, in which pictures are read and memory is found


def run(setting: Setting) -> Findings:
    steps = setting.pick(14, WARMUP + 1)
    config = TrainConfig(
        steps=steps, sizes=((0.0, setting.pick(384, 64)),), pictures=setting.pick(8, 2), max_rounds=((0.0, 6),),
        log_every=1, preview_every=0, donors=("drawn",),
    )  # fmt: skip
    figures: list[Figure] = []
    rates: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as directory:
        draw_set(Path(directory) / "drawn")
        for name, (processes, threads) in CASES.items():
            values = {"data": directory, "out": f"{directory}/{processes}-{threads}"}
            speeds = speeds_of(config, values | {"processes": processes, "threads": threads})
            summary = summarise(speeds, WARMUP)
            rates[name] = summary.median
            figures.append(Figure(f"Training, {name}", "pictures/s", summary.median, None, summary.runs, WARMUP))
    ratio = rates["two processes, 1 thread each"] / rates["one process, 2 threads"]
    setup = (
        f"segserve-lite at {config.sizes[0][1]} px, {config.pictures} pictures a step with {config.masks} masks each, "
        f"2 to {config.max_rounds[0][1]} rounds of prompts; drawing the samples is in these figures."
    )
    notes = [setup, f"Two processes do {ratio:.2f} times the work of two threads."]
    return Findings(figures, notes, {"processes_to_threads": ratio})


def speeds_of(config: TrainConfig, values: dict[str, Any]) -> list[float]:
    """Pictures a second of each step after the warm-up."""
    config = replace(config, **values)
    with contextlib.redirect_stdout(io.StringIO()):
        train(config)
    lines = (Path(config.out) / METRICS).read_text().splitlines()
    return [float(json.loads(line)["pictures_per_second"]) for line in lines[WARMUP:]]


def draw_set(folder: Path) -> None:
    """A COCO set of drawn pictures, each with a few ellipses as masks."""
    (folder / "images").mkdir(parents=True)
    random = np.random.default_rng(0)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    width, height = SIDES
    for number in range(PICTURES):
        name = f"{number}.jpg"
        Image.fromarray(photo_like(width, height, number)).save(folder / "images" / name, quality=90)
        images.append({"id": number, "file_name": name, "width": width, "height": height, "split": "train"})
        for _ in range(4):
            radii = random.uniform(30, 120, 2)
            x, y = random.uniform(0, width), random.uniform(0, height)
            angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
            corners = np.stack([x + radii[0] * np.cos(angles), y + radii[1] * np.sin(angles)], 1)
            polygon = np.clip(corners, 0, SIDES).ravel().round(1).tolist()
            annotations.append(
                {"id": len(annotations), "image_id": number, "category_id": 1, "segmentation": [polygon]}
            )
    (folder / "annotations.json").write_text(json.dumps({"images": images, "annotations": annotations}))
