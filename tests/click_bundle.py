"""A tiny interactive bundle with real ONNX graphs, for tests of the loop behind HTTP.

Coarse: 8 - 0.035 times the distance to the mean colour under the foreground disks, less 32 under a background disk: a
click selects the flat colour that it lies on. `features` is the previous mask. Refine: the same with its own crop's
disks, or, where the focus crop holds no foreground disk, the coarse logits.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from server.domain.bundle import (
    FORMAT_VERSION,
    MANIFEST_NAME,
    BundleFile,
    BundleManifest,
    EmbeddingTensor,
    FileRole,
    Interactive,
    Preprocessing,
    revision_of,
)
from tests.onnx_bundle import _constant, _model, _value, safetensors_bytes

SIZE = 64
Files = dict[str, tuple[FileRole, bytes]]


def click_files(*, refine: bool = True, size: int = SIZE) -> Files:
    files: Files = {"coarse.onnx": ("coarse", coarse_graph(size)), "MODEL_CARD.md": ("card", b"# Tiny clicks\n")}
    return files | {"refine.onnx": ("refine", refine_graph(size))} if refine else files


def write_click_bundle(
    root: Path, *, model_id: str = "tiny-clicks", files: Files | None = None, size: int = SIZE, **rules: Any
) -> BundleManifest:
    """Under `root/<id>/`. `rules` replace fields of the manifest's `interactive`."""
    contents = click_files(size=size) if files is None else files
    listed = {
        name: BundleFile(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), role=role)
        for name, (role, data) in contents.items()
    }
    refined = size if "refine.onnx" in contents else 0
    fields: dict[str, Any] = {
        "disk_radius": 2.0, "smallest_target": 32, "smallest_focus": 16, "merge_from": 10,
        "coarse_height": size, "coarse_width": size, "refine_height": refined, "refine_width": refined,
        "features": (EmbeddingTensor(name="features", shape=(1, size, size)),),
    }  # fmt: skip
    manifest = BundleManifest(
        format_version=FORMAT_VERSION, id=model_id, revision=revision_of(listed), kind="interactive",
        title="Tiny clicks", license="Apache-2.0", source="tests/click_bundle.py",
        preprocessing=Preprocessing(resize="square", size=size, mean=(0, 0, 0), std=(1, 1, 1)),
        interactive=Interactive(**(fields | rules)), files=listed,
    )  # fmt: skip
    directory = root / model_id
    directory.mkdir(parents=True)
    for name, (_, data) in contents.items():
        (directory / name).write_bytes(data)
    (directory / MANIFEST_NAME).write_text(manifest.model_dump_json(indent=2), encoding="utf-8")
    return manifest


def golden_bytes(stages: Any, size: int = SIZE) -> bytes:
    """Golden vectors of the graphs as they are, for one click on noise."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (1, size, size, 3), np.uint8)
    disks = np.zeros((1, 2, size, size), np.uint8)
    disks[0, 0, 3:6, 3:6] = 1
    previous = np.zeros((1, 1, size, size), np.uint8)
    logits, features = stages.coarse(pixels, disks.astype(np.float32), previous.astype(np.float32))
    box = np.array([[0, 0, size, size]], np.float32)
    refined = stages.refine(pixels, disks.astype(np.float32), logits, features, box)
    tensors = {
        "coarse.pixels": pixels, "coarse.clicks": disks, "coarse.previous_mask": previous, "coarse.logits": logits,
        "refine.pixels": pixels, "refine.clicks": disks, "refine.focus_box": box, "refine.logits": refined,
    }  # fmt: skip
    return safetensors_bytes(tensors, format="segserve-golden/1")


def _likeness() -> list[Any]:
    """pixels, clicks -> `like` [B, 1, S, S], `weight` [B, 1, 1, 1]: how many pixels the foreground disks have."""
    node = helper.make_node
    return [
        node("Slice", ["clicks", "zero", "one", "channel"], ["foreground"]),
        node("Slice", ["clicks", "one", "two", "channel"], ["background"]),
        node("Cast", ["pixels"], ["raw"], to=TensorProto.FLOAT),
        node("Transpose", ["raw"], ["planes"], perm=[0, 3, 1, 2]),
        node("ReduceSum", ["foreground", "plane"], ["weight"], keepdims=1),
        node("Max", ["weight", "least"], ["divisor"]),
        node("Mul", ["planes", "foreground"], ["under"]),
        node("ReduceSum", ["under", "plane"], ["sum"], keepdims=1),
        node("Div", ["sum", "divisor"], ["mean"]),
        node("Sub", ["planes", "mean"], ["difference"]),
        node("Abs", ["difference"], ["distance"]),
        node("ReduceSum", ["distance", "channel"], ["far"], keepdims=1),
        node("Mul", ["far", "share"], ["scaled"]),
        node("Sub", ["good", "scaled"], ["near"]),
        node("Clip", ["near", "bad", "good"], ["kept"]),
        node("Mul", ["background", "much"], ["wiped"]),
        node("Sub", ["kept", "wiped"], ["like"]),
    ]


def _constants() -> list[Any]:
    numbers = {"least": 1e-6, "share": 0.035, "good": 8.0, "bad": -8.0, "much": 32.0}
    axes = {"zero": [0], "one": [1], "two": [2], "channel": [1], "plane": [2, 3]}
    return [_constant(name, np.array(value, np.float32)) for name, value in numbers.items()] + [
        _constant(name, np.array(value, np.int64)) for name, value in axes.items()
    ]


def coarse_graph(size: int = SIZE) -> bytes:
    square: list[Any] = [size, size]
    nodes = [
        *_likeness(),
        helper.make_node("Identity", ["like"], ["logits"]),
        helper.make_node("Identity", ["previous_mask"], ["features"]),
    ]
    inputs = [
        _value("pixels", TensorProto.UINT8, ["B", *square, 3]),
        _value("clicks", TensorProto.FLOAT, ["B", 2, *square]),
        _value("previous_mask", TensorProto.FLOAT, ["B", 1, *square]),
    ]
    outputs = [_value(name, TensorProto.FLOAT, ["B", 1, *square]) for name in ("logits", "features")]
    return _model("coarse", nodes, inputs, outputs, _constants())


def refine_graph(size: int = SIZE) -> bytes:
    """Without a foreground disk in its crop every pixel is taken to be unlike, but for the previous mask's."""
    square: list[Any] = [size, size]
    node = helper.make_node
    nodes = [
        *_likeness(),
        node("Greater", ["weight", "least"], ["marked"]),
        node("Mul", ["features", "nothing"], ["silent"]),
        node("ReduceSum", ["focus_box", "channel"], ["corners"], keepdims=1),
        node("Reshape", ["corners", "per_crop"], ["corner"]),
        node("Mul", ["corner", "nothing"], ["still"]),
        node("Add", ["coarse_logits", "silent"], ["heard"]),
        node("Add", ["heard", "still"], ["fallback"]),
        node("Where", ["marked", "like", "fallback"], ["logits"]),
    ]
    constants = [
        *_constants(),
        _constant("nothing", np.array(0, np.float32)),
        _constant("per_crop", np.array([-1, 1, 1, 1], np.int64)),
    ]
    inputs = [
        _value("pixels", TensorProto.UINT8, ["B", *square, 3]),
        _value("clicks", TensorProto.FLOAT, ["B", 2, *square]),
        _value("coarse_logits", TensorProto.FLOAT, ["B", 1, *square]),
        _value("features", TensorProto.FLOAT, ["B", 1, *square]),
        _value("focus_box", TensorProto.FLOAT, ["B", 4]),
    ]
    return _model("refine", nodes, inputs, [_value("logits", TensorProto.FLOAT, ["B", 1, *square])], constants)
