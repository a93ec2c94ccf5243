"""Smaller variants of a bundle's graphs: the encoder with int8 weights for CPUs, the decoder in float16 for WebGPU."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers.float16 import convert_float_to_float16

from model_export.export.graphs import quiet
from server.domain.bundle import FileRole
from server.domain.ports import LoadedBundle

# The positional encoding takes sines of hundreds of radians, which float16 cannot tell apart.
EXACT_SINKS = ("Sin", "Cos")


def int8_encoder(program: torch.onnx.ONNXProgram, out: Path) -> None:
    """Matrix products with constant weights in int8, a scale for each output channel; activations are quantised as they
    come (dynamic). Products of more than two dimensions, the relative positions, stay as they are."""
    with tempfile.TemporaryDirectory(dir=out.parent) as work, quiet():
        exact = Path(work) / "encoder.onnx"
        program.save(exact, external_data=True)
        graph = onnx.load(exact, load_external_data=False).graph
        dimensions = {tensor.name: len(tensor.dims) for tensor in graph.initializer}
        products = [node for node in graph.node if node.op_type == "MatMul"]
        logging.disable(logging.WARNING)  # it advises a pre-processing that this graph does not need
        try:
            quantize_dynamic(
                exact, out, op_types_to_quantize=["MatMul"], weight_type=QuantType.QInt8, per_channel=True,
                nodes_to_exclude=[node.name for node in products if dimensions.get(node.input[1], 2) != 2],
                extra_options={"MatMulConstBOnly": True, "DefaultTensorType": onnx.TensorProto.FLOAT},
            )  # fmt: skip
        finally:
            logging.disable(logging.NOTSET)


def half_decoder(decoder: bytes) -> bytes:
    """The decoder computing in float16, its inputs and outputs still float32; positions are encoded in float32."""
    graph = onnx.load_from_string(decoder)
    with quiet():
        half = convert_float_to_float16(graph, keep_io_types=True, node_block_list=sorted(before_sines(graph)))
    result: bytes = half.SerializeToString()
    return result


def before_sines(graph: onnx.ModelProto) -> set[str]:
    """Names of the sines and cosines, and of every node that they depend on."""
    makers = {output: node for node in graph.graph.node for output in node.output}
    waiting = [node for node in graph.graph.node if node.op_type in EXACT_SINKS]
    found: set[str] = set()
    while waiting:
        node = waiting.pop()
        if node.name not in found:
            found.add(node.name)
            waiting += [makers[name] for name in node.input if name in makers]
    return found


def with_variant(bundle: LoadedBundle, variant: FileRole, role: FileRole) -> LoadedBundle | None:
    """The bundle as if its `variant` file were the one with `role`; None where it has no such variant."""
    name = bundle.manifest.file_for(variant)
    if name is None:
        return None
    entry = bundle.manifest.files[name].model_copy(update={"role": role})
    manifest = bundle.manifest.model_copy(update={"files": {name: entry}})
    return LoadedBundle(manifest, bundle.directory)
