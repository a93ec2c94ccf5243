"""The yardstick as ONNX graphs, made once and kept in a cache, and inputs for them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from model_export.bench import yardstick
from model_export.bench.yardstick import GRID, INPUT_SIZE, WIDTH, YardstickDecoder
from model_export.export.graphs import OPSET, PROMPT_INPUTS, serialised, to_onnx

ORIGINAL = (1200, 1800)
INPUTS = ("image_embeddings", *PROMPT_INPUTS)
OUTPUTS = ("masks", "iou_predictions")
Feeds = dict[str, NDArray[Any]]


def yardstick_graph(cache: Path, *, resize: bool) -> Path:
    """`resize`: with the resize to 1800 x 1200, the picture that Segment Anything's examples use, inside the graph."""
    source = Path(yardstick.__file__).read_bytes() + f"{torch.__version__} {OPSET} {ORIGINAL}".encode()
    kind = "resize" if resize else "logits"
    path = cache / f"yardstick-{kind}-{hashlib.sha256(source).hexdigest()[:12]}.onnx"
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".part")
        draft.write_bytes(_export(resize))
        draft.replace(path)
    return path


def yardstick_feeds(prompts: int) -> Feeds:
    """One click each, with its padding point, as without a box; a random embedding."""
    random = np.random.default_rng(0)
    coords = np.zeros((prompts, 2, 2), np.float32)
    coords[:, 0] = random.uniform(0, INPUT_SIZE, (prompts, 2))
    labels = np.tile(np.array([1, -1], np.float32), (prompts, 1))
    return {
        "image_embeddings": random.standard_normal((1, WIDTH, GRID, GRID), np.float32),
        "point_coords": coords,
        "point_labels": labels,
        "mask_input": np.zeros((prompts, 1, 4 * GRID, 4 * GRID), np.float32),
        "has_mask_input": np.zeros(prompts, np.float32),
    }


def _export(resize: bool) -> bytes:
    torch.manual_seed(0)
    model = YardstickDecoder(ORIGINAL if resize else None).eval()
    args = tuple(torch.from_numpy(yardstick_feeds(3)[name]) for name in INPUTS)
    dynamic: tuple[dict[int, str], ...] = ({}, {0: "B", 1: "N"}, {0: "B", 1: "N"}, {0: "B"}, {0: "B"})
    return serialised(to_onnx(model, args, INPUTS, OUTPUTS, dynamic))
