"""Reading a safetensors file of weights into numpy, without unpickling anything.

Layout: 8 bytes little-endian header length, JSON header {name: {dtype, shape, data_offsets}}, then the data.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.errors import BundleError

_DTYPES = {"F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32, "U8": np.uint8, "BOOL": np.bool_}
_LENGTH_BYTES = 8
_MAX_HEADER = 16 << 20


def read_weights(path: Path) -> dict[str, NDArray[Any]]:
    """Tensors by name, each its own writable array. Raises BundleError `bundle_invalid`."""
    data = path.read_bytes()
    try:
        length = int.from_bytes(data[:_LENGTH_BYTES], "little")
        if length > min(_MAX_HEADER, len(data) - _LENGTH_BYTES):
            raise ValueError("its header is cut short")
        start = _LENGTH_BYTES + length
        header = json.loads(data[_LENGTH_BYTES:start])
        return {name: _tensor(data, start, entry) for name, entry in header.items() if name != "__metadata__"}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BundleError(f"{path.name} is not a readable safetensors file: {error}", code="bundle_invalid") from error


def _tensor(data: bytes, start: int, entry: dict[str, Any]) -> NDArray[Any]:
    dtype = np.dtype(_DTYPES[entry["dtype"]])
    first, last = entry["data_offsets"]
    if not 0 <= first <= last <= len(data) - start:
        raise ValueError("a tensor lies outside the file")
    return np.frombuffer(data[start + first : start + last], dtype).reshape(entry["shape"]).copy()
