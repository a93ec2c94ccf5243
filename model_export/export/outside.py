"""Weights of an ONNX graph kept outside of it, in the bundle's `weights.safetensors`, so that they lie on disk once and
a graph may have more than the 2 GB that a protobuf holds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx_ir as ir
import torch
from numpy.typing import NDArray
from safetensors import safe_open

OUTSIDE_FROM = 1024  # bytes; smaller ones stay in the graph
HEADER_LENGTH = 8
Digest = bytes


@dataclass(frozen=True)
class Place:
    """Where a float32 tensor lies in a file; `transposed` if what the graph wants is its transpose."""

    name: str
    offset: int
    length: int
    shape: tuple[int, ...]
    transposed: bool


def places_of(path: Path) -> dict[Digest, Place]:
    """Every float32 tensor of a safetensors file, and every transposed matrix, by the digest of shape and values."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(HEADER_LENGTH), "little")
        header = json.loads(file.read(length))
    places: dict[Digest, Place] = {}
    with safe_open(path, "numpy") as tensors:
        for name, entry in header.items():
            if name == "__metadata__" or entry["dtype"] != "F32":
                continue
            begin, end = entry["data_offsets"]
            value = tensors.get_tensor(name)
            offset = HEADER_LENGTH + length + begin
            if value.ndim == 2:
                places[digest(value.T)] = Place(name, offset, end - begin, value.shape, True)
            places[digest(value)] = Place(name, offset, end - begin, value.shape, False)
    return places


def digest(value: NDArray[np.float32]) -> Digest:
    told = hashlib.sha256(str(value.shape).encode())
    told.update(np.ascontiguousarray(value).data)
    return told.digest()


def keep_outside(program: torch.onnx.ONNXProgram, weights: Path, graph_file: Path) -> None:
    """Write the graph to `graph_file`. Constants that are found in `weights`, which must lie beside it, refer to it; a
    matrix that the graph wants transposed gets a Transpose, which the runtime folds at load. The others stay inside."""
    places, graph = places_of(weights), program.model.graph
    sources: dict[str, ir.Value] = {}
    for name, value in list(graph.initializers.items()):
        tensor = value.const_value
        if tensor is None or tensor.dtype != ir.DataType.FLOAT or tensor.nbytes < OUTSIDE_FROM:
            continue
        place = places.get(digest(tensor.numpy()))
        if place is None:
            continue
        external = ir.ExternalTensor(
            weights.name, place.offset, place.length, ir.DataType.FLOAT, shape=ir.Shape(place.shape),
            name=place.name, base_dir=weights.parent,
        )  # fmt: skip
        if not place.transposed:
            value.const_value = external
            continue
        source = sources.get(place.name)
        if source is None:
            source = ir.Value(
                name=f"{place.name}.stored", shape=ir.Shape(place.shape), type=ir.TensorType(ir.DataType.FLOAT),
                const_value=external,
            )  # fmt: skip
            sources[place.name] = source
            graph.register_initializer(source)
        turned = ir.Node("", "Transpose", [source], [ir.AttrInt64s("perm", [1, 0])], name=f"{place.name}.transpose")
        graph.insert_before(graph[0], turned)
        value.replace_all_uses_with(turned.outputs[0])
        del graph.initializers[name]
        turned.outputs[0].name = name
    ir.save(program.model, graph_file)
