"""A tiny bundle with real ONNX graphs, a real exported program and its weights, for tests of the back ends.

Encoder: `colour` = 2 x 2 mean of pixels / 255 times `gain`, zero in the padding's rows; `luma` = 4 x 4 mean over the
colours. Decoder: every mask = has_mask * mask_input + mean(colour) + mean(luma) + sum(points * labels) / 100, plus the
mask's index; every score = sum of the labels.
"""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from server.domain.bundle import FileRole
from server.domain.ports import DecoderInputs
from tests.fakes import GRID, INPUT_SIZE, MASKS

Files = dict[str, tuple[FileRole, bytes]]
GAIN = 0.5


def onnx_files() -> Files:
    return {
        "encoder.onnx": ("encoder", encoder_graph()),
        "decoder.onnx": ("decoder", decoder_graph()),
        "MODEL_CARD.md": ("card", b"# Tiny\n"),
    }


def encode_reference(pixels: NDArray[np.uint8], valid_size: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
    """pixels [B, S, S, 3] -> colour [B, 3, 32, 32], luma [B, 1, 16, 16]."""
    values = pixels.astype(np.float32) / 255
    for row, (height, _) in enumerate(valid_size):
        values[row, height:] = 0
    batch = len(values)
    colour = values.reshape(batch, GRID, 2, GRID, 2, 3).mean(axis=(2, 4)).transpose(0, 3, 1, 2) * np.float32(GAIN)
    luma = colour.reshape(batch, 3, GRID // 2, 2, GRID // 2, 2).mean(axis=(1, 3, 5))[:, None]
    return {"colour": colour, "luma": luma}


def decode_reference(embedding: dict[str, NDArray[np.float32]], inputs: DecoderInputs) -> NDArray[np.float32]:
    level = embedding["colour"].mean() + embedding["luma"].mean()
    points = (inputs.point_coords * inputs.point_labels[..., None]).sum(axis=(1, 2)) / 100
    base = inputs.mask_input * inputs.has_mask_input[:, None, None, None] + level + points[:, None, None, None]
    return base + np.arange(MASKS, dtype=np.float32)[None, :, None, None]


def _value(name: str, kind: int, shape: list[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def _constant(name: str, value: NDArray[Any]) -> onnx.TensorProto:
    return onnx.numpy_helper.from_array(value, name)


def _model(name: str, nodes: list[Any], inputs: list[Any], outputs: list[Any], constants: list[Any]) -> bytes:
    graph = helper.make_graph(nodes, name, inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def encoder_graph(size: int = INPUT_SIZE) -> bytes:
    node = helper.make_node
    nodes = [
        node("Cast", ["pixels"], ["raw"], to=TensorProto.FLOAT),
        node("Gather", ["valid_size", "zero"], ["height"], axis=1),
        node("Less", ["rows", "height"], ["inside"]),
        node("Cast", ["inside"], ["weight"], to=TensorProto.FLOAT),
        node("Reshape", ["weight", "as_rows"], ["row_weight"]),
        node("Mul", ["raw", "row_weight"], ["kept"]),
        node("Mul", ["kept", "scale"], ["scaled"]),
        node("Transpose", ["scaled"], ["planes"], perm=[0, 3, 1, 2]),
        node("AveragePool", ["planes"], ["colour"], kernel_shape=[2, 2], strides=[2, 2]),
        node("ReduceMean", ["colour", "channels"], ["grey"], keepdims=1),
        node("AveragePool", ["grey"], ["luma"], kernel_shape=[2, 2], strides=[2, 2]),
    ]
    constants = [
        _constant("zero", np.array([0], np.int64)),
        _constant("rows", np.arange(size, dtype=np.int64)[None]),
        _constant("as_rows", np.array([-1, size, 1, 1], np.int64)),
        _constant("scale", np.array(GAIN / 255, np.float32)),
        _constant("channels", np.array([1], np.int64)),
    ]
    inputs = [
        _value("pixels", TensorProto.UINT8, ["B", size, size, 3]),
        _value("valid_size", TensorProto.INT64, ["B", 2]),
    ]
    outputs = [
        _value("colour", TensorProto.FLOAT, ["B", 3, size // 2, size // 2]),
        _value("luma", TensorProto.FLOAT, ["B", 1, size // 4, size // 4]),
    ]
    return _model("encoder", nodes, inputs, outputs, constants)


def decoder_graph(score_name: str = "iou_predictions", labels_type: int = TensorProto.FLOAT) -> bytes:
    node = helper.make_node
    nodes = [
        node("ReduceMean", ["colour"], ["colour_level"], keepdims=0),
        node("ReduceMean", ["luma"], ["luma_level"], keepdims=0),
        node("Add", ["colour_level", "luma_level"], ["level"]),
        node("Cast", ["point_labels"], ["labels"], to=TensorProto.FLOAT),
        node("Unsqueeze", ["labels", "last"], ["label_column"]),
        node("Mul", ["point_coords", "label_column"], ["labelled"]),
        node("ReduceSum", ["labelled", "point_axes"], ["point_sum"], keepdims=0),
        node("Mul", ["point_sum", "hundredth"], ["points"]),
        node("Reshape", ["points", "per_prompt"], ["point_level"]),
        node("Reshape", ["has_mask_input", "per_prompt"], ["has_mask"]),
        node("Mul", ["mask_input", "has_mask"], ["previous"]),
        node("Add", ["previous", "level"], ["levelled"]),
        node("Add", ["levelled", "point_level"], ["base"]),
        node("Add", ["base", "mask_index"], ["low_res_masks"]),
        node("ReduceSum", ["labels", "one"], ["label_sum"], keepdims=1),
        node("Mul", ["label_sum", "ones"], [score_name]),
    ]
    constants = [
        _constant("last", np.array([-1], np.int64)),
        _constant("point_axes", np.array([1, 2], np.int64)),
        _constant("hundredth", np.array(0.01, np.float32)),
        _constant("per_prompt", np.array([-1, 1, 1, 1], np.int64)),
        _constant("mask_index", np.arange(MASKS, dtype=np.float32)[None, :, None, None]),
        _constant("one", np.array([1], np.int64)),
        _constant("ones", np.ones((1, MASKS), np.float32)),
    ]
    inputs = [
        _value("colour", TensorProto.FLOAT, [1, 3, GRID, GRID]),
        _value("luma", TensorProto.FLOAT, [1, 1, GRID // 2, GRID // 2]),
        _value("point_coords", TensorProto.FLOAT, ["B", "N", 2]),
        _value("point_labels", labels_type, ["B", "N"]),
        _value("mask_input", TensorProto.FLOAT, ["B", 1, GRID, GRID]),
        _value("has_mask_input", TensorProto.FLOAT, ["B"]),
    ]
    outputs = [
        _value("low_res_masks", TensorProto.FLOAT, ["B", MASKS, GRID, GRID]),
        _value(score_name, TensorProto.FLOAT, ["B", MASKS]),
    ]
    return _model("decoder", nodes, inputs, outputs, constants)


def safetensors_bytes(tensors: dict[str, NDArray[Any]], **metadata: str) -> bytes:
    names = {"float32": "F32", "float16": "F16", "int64": "I64", "uint8": "U8"}
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    body = b""
    for name, tensor in tensors.items():
        data = tensor.tobytes()
        offsets = [len(body), len(body) + len(data)]
        header[name] = {"dtype": names[str(tensor.dtype)], "shape": list(tensor.shape), "data_offsets": offsets}
        body += data
    encoded = json.dumps(header).encode()
    return struct.pack("<Q", len(encoded)) + encoded + body
