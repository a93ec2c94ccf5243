"""The safetensors file format, written and read with numpy alone.

Layout: u64 little endian header length | header, JSON padded with spaces | the tensors' bytes, without gaps.
Written bytes are deterministic: tensors and metadata in name order, the data starts at a multiple of 8. The reader
trusts nothing: every length and offset is checked before memory is touched, and malformed bytes raise
`embedding_invalid`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from server.errors import RequestError

MAX_HEADER_BYTES = 1 << 20
MAX_RANK = 8
_LENGTH_BYTES = 8
_ALIGNMENT = 8
_METADATA = "__metadata__"

_DTYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype("?"),
    "U8": np.dtype("u1"),
    "I8": np.dtype("i1"),
    "I16": np.dtype("<i2"),
    "U16": np.dtype("<u2"),
    "F16": np.dtype("<f2"),
    "I32": np.dtype("<i4"),
    "U32": np.dtype("<u4"),
    "F32": np.dtype("<f4"),
    "I64": np.dtype("<i8"),
    "U64": np.dtype("<u8"),
    "F64": np.dtype("<f8"),
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


@dataclass(frozen=True, slots=True)
class Container:
    """Named arrays, read-only views of the bytes they were read from, and string metadata."""

    tensors: dict[str, NDArray[Any]]
    metadata: dict[str, str]


def write_container(tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> bytes:
    """Deterministic safetensors bytes. ValueError for a dtype that the format lacks or a reserved name."""
    header: dict[str, Any] = {_METADATA: {name: metadata[name] for name in sorted(metadata)}}
    chunks: list[bytes] = []
    offset = 0
    for name in sorted(tensors):
        array = tensors[name]
        dtype = array.dtype.newbyteorder("<")
        if name == _METADATA or dtype not in _NAMES:
            raise ValueError(f"cannot write tensor {name!r} of dtype {array.dtype}")
        chunk = array.astype(dtype, copy=False).tobytes()
        header[name] = {
            "dtype": _NAMES[dtype],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + len(chunk)],
        }
        chunks.append(chunk)
        offset += len(chunk)
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-(_LENGTH_BYTES + len(text)) % _ALIGNMENT)
    return b"".join([len(text).to_bytes(_LENGTH_BYTES, "little"), text, *chunks])


def read_container(data: bytes) -> Container:
    """Parse safetensors bytes; the arrays are read-only views. Raises RequestError `embedding_invalid`."""
    if len(data) < _LENGTH_BYTES:
        _refuse("it is shorter than its length field")
    header_length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    if header_length > MAX_HEADER_BYTES or header_length > len(data) - _LENGTH_BYTES:
        _refuse("its header is longer than the file or the limit")
    start = _LENGTH_BYTES + header_length
    header = _read_header(data[_LENGTH_BYTES:start])
    metadata = _read_metadata(header.pop(_METADATA, {}))
    body = memoryview(data)[start:]
    spans: list[tuple[int, int]] = []
    tensors: dict[str, NDArray[Any]] = {}
    for name, entry in header.items():
        dtype, shape, begin, end = _read_entry(name, entry, len(body))
        spans.append((begin, end))
        tensors[name] = _view(body[begin:end], dtype, shape)
    _check_spans(spans, len(body))
    return Container(tensors=tensors, metadata=metadata)


def _read_header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_unique_pairs)
    except (ValueError, RecursionError):
        _refuse("its header is not the JSON that the format asks for")
    if not isinstance(header, dict):
        _refuse("its header is not a JSON object")
    return header


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise ValueError("a key is there twice")
    return unique


def _read_metadata(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        _refuse("its metadata is not a map of strings")
    return value


def _read_entry(name: str, entry: Any, body_length: int) -> tuple[np.dtype[Any], tuple[int, ...], int, int]:
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        _refuse(f"the entry of tensor {name[:64]!r} is not complete")
    dtype_name, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype_name, str) or dtype_name not in _DTYPES:
        _refuse(f"tensor {name[:64]!r} has an unknown dtype")
    if not _is_size_list(shape) or len(shape) > MAX_RANK:
        _refuse(f"tensor {name[:64]!r} has no valid shape")
    if not _is_size_list(offsets) or len(offsets) != 2:
        _refuse(f"tensor {name[:64]!r} has no valid offsets")
    dtype = _DTYPES[dtype_name]
    begin, end = offsets
    if not begin <= end <= body_length or end - begin != math.prod(shape) * dtype.itemsize:
        _refuse(f"tensor {name[:64]!r} does not lie where its header says")
    return dtype, tuple(shape), begin, end


def _is_size_list(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and 0 <= item < 1 << 48 for item in value)


def _view(span: memoryview, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    flat: NDArray[Any] = np.frombuffer(span, dtype=dtype) if span.nbytes else np.empty(0, dtype=dtype)
    try:
        array = flat.reshape(shape)
    except ValueError:  # a shape with a zero in it whose other sides are beyond an address space
        _refuse("a tensor's shape is too large")
    array.flags.writeable = False
    return array


def _check_spans(spans: list[tuple[int, int]], body_length: int) -> None:
    """The tensors must tile the body: no gap, no overlap, nothing behind the last one."""
    position = 0
    for begin, end in sorted(spans):
        if begin != position:
            _refuse("its tensors overlap or leave a gap")
        position = end
    if position != body_length:
        _refuse("bytes are left over behind the last tensor")


def _refuse(reason: str) -> NoReturn:
    raise RequestError(
        f"The container cannot be read: {reason}. Fetch or upload the image again.", code="embedding_invalid"
    )
