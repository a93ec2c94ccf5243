"""Tiny bundles of kind `interactive` of one stage, whose graphs do what can be known beforehand.

`colour`: everything of the mean colour under the foreground disks; right at once about objects of one flat colour.
`brush`: the previous mask, painted by the foreground disks and wiped by the background's.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal

import numpy as np
from onnx import TensorProto, helper

from model_export.export.build import open_bundle
from server.domain.bundle import (
    FORMAT_VERSION,
    MANIFEST_NAME,
    BundleFile,
    BundleManifest,
    Interactive,
    Preprocessing,
    revision_of,
)
from server.domain.ports import LoadedBundle
from tests.onnx_bundle import _constant, _model, _value, safetensors_bytes

SIZE = 64
RADIUS = 5.0
GOOD, BAD = 8.0, -8.0  # logits


def interactive_bundle(folder: Path, does: Literal["colour", "brush"], size: int = SIZE) -> LoadedBundle:
    """Written into `folder`; its id says what it does."""
    folder.mkdir(parents=True)
    files = {
        "coarse.onnx": ("coarse", coarse_graph(does, size)),
        "weights.safetensors": ("weights", safetensors_bytes({"none": np.zeros(1, np.float32)})),
        "golden.safetensors": ("golden", safetensors_bytes({"none": np.zeros(1, np.float32)})),
        "MODEL_CARD.md": ("card", b"# Tiny\n"),
    }
    listed = {}
    for name, (role, data) in files.items():
        (folder / name).write_bytes(data)
        listed[name] = BundleFile(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), role=role)
    manifest = BundleManifest(
        format_version=FORMAT_VERSION, id=f"tiny-{does}", revision=revision_of(listed), kind="interactive",
        title="Tiny", license="none", source="tests",
        preprocessing=Preprocessing(resize="square", size=size, mean=(0, 0, 0), std=(1, 1, 1)),
        interactive=Interactive(
            disk_radius=RADIUS, look_twice=False, coarse_height=size, coarse_width=size, refine_height=0,
            refine_width=0, features=(),
        ),
        files=listed,
    )  # fmt: skip
    (folder / MANIFEST_NAME).write_text(manifest.model_dump_json(indent=2))
    return open_bundle(folder)


def coarse_graph(does: Literal["colour", "brush"], size: int) -> bytes:
    """Inputs and outputs as docs/bundle-format.md has them."""
    node = helper.make_node
    halves = [
        node("Slice", ["clicks", "zero", "one", "channel"], ["foreground"]),
        node("Slice", ["clicks", "one", "two", "channel"], ["background"]),
        node("Mul", ["background", "much"], ["wiped"]),
    ]
    colour = [
        node("Cast", ["pixels"], ["raw"], to=TensorProto.FLOAT),
        node("Transpose", ["raw"], ["planes"], perm=[0, 3, 1, 2]),
        node("ReduceSum", ["foreground", "plane"], ["clicked"], keepdims=1),
        node("Max", ["clicked", "least"], ["weight"]),
        node("Mul", ["planes", "foreground"], ["under"]),
        node("ReduceSum", ["under", "plane"], ["sum"], keepdims=1),
        node("Div", ["sum", "weight"], ["mean"]),
        node("Sub", ["planes", "mean"], ["difference"]),
        node("Abs", ["difference"], ["distance"]),
        node("ReduceSum", ["distance", "channel"], ["far"], keepdims=1),
        node("Sub", ["near", "far"], ["like"]),
        node("Clip", ["like", "bad", "good"], ["kept"]),
        node("Sub", ["kept", "wiped"], ["logits"]),
    ]
    brush = [
        node("Mul", ["previous_mask", "good"], ["up"]),
        node("Mul", ["foreground", "much"], ["painted"]),
        node("Add", ["up", "painted"], ["more"]),
        node("Sub", ["more", "half"], ["lowered"]),
        node("Sub", ["lowered", "wiped"], ["logits"]),
    ]
    constants = [
        _constant("zero", np.array([0], np.int64)),
        _constant("one", np.array([1], np.int64)),
        _constant("two", np.array([2], np.int64)),
        _constant("channel", np.array([1], np.int64)),
        _constant("much", np.array(4 * GOOD, np.float32)),
        _constant("good", np.array(GOOD, np.float32)),
    ]
    if does == "colour":
        constants += [
            _constant("plane", np.array([2, 3], np.int64)),
            _constant("least", np.array(1e-6, np.float32)),
            _constant("near", np.array(30, np.float32)),
            _constant("bad", np.array(BAD, np.float32)),
        ]
    else:
        constants.append(_constant("half", np.array(GOOD / 2, np.float32)))
    square: list[Any] = [size, size]
    inputs = [
        _value("pixels", TensorProto.UINT8, ["B", *square, 3]),
        _value("clicks", TensorProto.FLOAT, ["B", 2, *square]),
        _value("previous_mask", TensorProto.FLOAT, ["B", 1, *square]),
    ]
    outputs = [_value("logits", TensorProto.FLOAT, ["B", 1, *square])]
    return _model("coarse", halves + (colour if does == "colour" else brush), inputs, outputs, constants)
