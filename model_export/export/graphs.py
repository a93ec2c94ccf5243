"""The graphs of a bundle: encoder and decoder as ONNX, and the encoder as a torch exported program."""

from __future__ import annotations

import copy
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.func import functional_call

from model_export.models.network import Encoder, Network

OPSET = 20  # the first with Gelu: spelt out in its parts it costs the decoder a fifth of its time
HALF_FROM = 512
PROMPT_INPUTS = ("point_coords", "point_labels", "mask_input", "has_mask_input")
DECODER_OUTPUTS = ("low_res_masks", "iou_predictions")


@contextmanager
def quiet() -> Iterator[None]:
    """The exporter's progress and deprecation notes are not for the user."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)


def example_pixels(model: Network, batch: int) -> tuple[Tensor, Tensor]:
    size = model.input_size
    pixels = torch.randint(0, 256, (batch, size, size, 3), dtype=torch.uint8)
    return pixels, torch.tensor([[size, size - 32], [size - 64, size]] * batch)[:batch]


def example_prompts(model: Network, batch: int, points: int) -> tuple[Tensor, ...]:
    return (
        torch.rand(batch, points, 2) * model.input_size,
        torch.ones(batch, points),
        torch.zeros(batch, 1, *model.mask_shape),
        torch.zeros(batch),
    )


def store_halved(graph: onnx.ModelProto) -> None:
    """Large float32 constants that float16 holds exactly are stored so, with a Cast that the runtime folds at load."""
    casts = []
    for tensor in graph.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if values.size < HALF_FROM or not np.array_equal(half.astype(np.float32), values):
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], name=f"{name}.cast", to=TensorProto.FLOAT))
    for node in reversed(casts):
        graph.graph.node.insert(0, node)


def to_onnx(
    module: nn.Module,
    args: tuple[Tensor, ...],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    dynamic: tuple[dict[int, str], ...],
) -> torch.onnx.ONNXProgram:
    """Export, and strip what only a debugger needs."""
    dims = {name: torch.export.Dim(name) for axes in dynamic for name in axes.values()}
    with quiet():
        program = torch.onnx.export(
            module,
            args,
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=tuple({axis: dims[name] for axis, name in axes.items()} for axes in dynamic),
        )
    assert program is not None
    graph = program.model.graph
    for node in graph:
        node.metadata_props.clear()
        node.doc_string = None
        for output in node.outputs:
            output.metadata_props.clear()
            if not output.is_graph_output():
                output.shape = output.type = None
    program.model.metadata_props.clear()
    return program


def serialised(program: torch.onnx.ONNXProgram) -> bytes:
    """The graph with its weights inside, constants halved where that is exact, checked."""
    graph = program.model_proto
    del graph.graph.value_info[:]
    store_halved(graph)
    onnx.checker.check_model(graph)
    result: bytes = graph.SerializeToString()
    return result


def encoder_onnx(model: Network) -> torch.onnx.ONNXProgram:
    batch = {0: "B"}
    return to_onnx(
        model.encoder, example_pixels(model, 2), ("pixels", "valid_size"), model.encoder.output_names, (batch, batch)
    )


def decoder_onnx(model: Network) -> torch.onnx.ONNXProgram:
    args = (*(torch.randn(1, *shape) for shape in model.embedding_shapes), *example_prompts(model, 3, 5))
    prompts: tuple[dict[int, str], ...] = ({0: "B", 1: "N"}, {0: "B", 1: "N"}, {0: "B"}, {0: "B"})
    dynamic = (*({} for _ in model.embedding_shapes), *prompts)
    return to_onnx(model.decoder, args, (*model.encoder.output_names, *PROMPT_INPUTS), DECODER_OUTPUTS, dynamic)


def constants_of(module: nn.Module) -> dict[str, Tensor]:
    """Buffers that the state dict leaves out, by name."""
    kept = module.state_dict().keys()
    return {name: value for name, value in module.named_buffers() if name not in kept}


class WeightlessEncoder(nn.Module):
    """The encoder as a function of its weights, so that the exported program carries none and shares
    `weights.safetensors` with everything else."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self._names = list(constants_of(encoder))
        for number, value in enumerate(constants_of(encoder).values()):
            self.register_buffer(f"constant{number}", value.clone())
        self._encoder = [copy.deepcopy(encoder).to("meta")]  # in a list: not a submodule, so no weight is registered

    def forward(self, weights: dict[str, Tensor], pixels: Tensor, valid_size: Tensor) -> tuple[Tensor, ...]:
        values = weights | {name: self.get_buffer(f"constant{k}") for k, name in enumerate(self._names)}
        result: tuple[Tensor, ...] = functional_call(self._encoder[0], values, (pixels, valid_size))
        return result


def encoder_program(model: Network) -> bytes:
    """`torch.export` archive: (weights by name, pixels, valid_size) -> embedding tensors in the manifest's order.

    `weights` are the entries of `weights.safetensors` that start with `encoder.`, the prefix removed, as float32.
    The archive holds no weights and no pickle.
    """
    weights = dict(model.encoder.state_dict())
    batch = torch.export.Dim("B")
    shapes: tuple[Any, ...] = ({name: {} for name in weights}, {0: batch}, {0: batch})
    with quiet():
        program = torch.export.export(
            WeightlessEncoder(model.encoder), (weights, *example_pixels(model, 2)), dynamic_shapes=shapes
        )
        program.example_inputs = None  # they would carry the weights
        for node in program.graph.nodes:  # where each line came from, on this machine
            for told in ("stack_trace", "nn_module_stack", "torch_fn"):
                node.meta.pop(told, None)
        buffer = io.BytesIO()
        torch.export.save(program, buffer)
    return buffer.getvalue()
