"""A loaded ONNX graph held against what its manifest promises, so that a mismatch is found at start and named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from server.domain.bundle import BundleManifest, TensorSpec
from server.errors import BundleError

_ONNX_TYPES = {
    "float32": "tensor(float)",
    "float16": "tensor(float16)",
    "int64": "tensor(int64)",
    "uint8": "tensor(uint8)",
}


class GraphValue(Protocol):
    """ONNX Runtime's NodeArg: a dynamic dimension is a name or None."""

    @property
    def name(self) -> str: ...

    @property
    def type(self) -> str: ...

    @property
    def shape(self) -> Sequence[int | str | None]: ...


def encoder_specs(manifest: BundleManifest) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """The encoder graph's inputs and outputs; they follow from the preprocessing and the embedding."""
    size = manifest.preprocessing.size
    inputs = (
        TensorSpec(name="pixels", shape=("B", size, size, 3), dtype="uint8"),
        TensorSpec(name="valid_size", shape=("B", 2), dtype="int64"),
    )
    outputs = tuple(
        TensorSpec(name=tensor.name, shape=("B", *tensor.shape), dtype="float32") for tensor in manifest.embedding
    )
    return inputs, outputs


def check_graph(
    file: str,
    specs: tuple[Iterable[TensorSpec], Iterable[TensorSpec]],
    values: tuple[Iterable[GraphValue], Iterable[GraphValue]],
) -> None:
    """Raises BundleError `bundle_graph_mismatch`. The graph may leave a dimension open that the manifest fixes, not
    the other way round; every input has to be named, further outputs are ignored."""
    for kind, wanted, found in zip(("input", "output"), specs, values, strict=True):
        by_name = {value.name: value for value in found}
        expected = {spec.name: spec for spec in wanted}
        missing = sorted(expected.keys() - by_name.keys())
        surplus = sorted(by_name.keys() - expected.keys()) if kind == "input" else []
        if missing or surplus:
            _mismatch(file, f"its {kind}s are {sorted(by_name)}, the manifest names {sorted(expected)}")
        for name, spec in expected.items():
            value = by_name[name]
            if value.type != _ONNX_TYPES[spec.dtype]:
                _mismatch(file, f"{kind} {name} is {value.type}, the manifest says {spec.dtype}")
            if not _fits(value.shape, spec.shape):
                _mismatch(file, f"{kind} {name} has shape {list(value.shape)}, the manifest says {list(spec.shape)}")


def _fits(found: Sequence[int | str | None], wanted: Sequence[int | str]) -> bool:
    if len(found) != len(wanted):
        return False
    return all(side == promised for side, promised in zip(found, wanted, strict=True) if isinstance(side, int))


def _mismatch(file: str, what: str) -> None:
    raise BundleError(f"{file} does not match its manifest: {what}.", code="bundle_graph_mismatch", file=file)
