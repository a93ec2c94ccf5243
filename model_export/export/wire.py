"""The embedding as a decoder gets it: stored and read back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from server.domain.ports import LoadedBundle, Tensors
from server.domain.quantisation import dequantise, quantise


def through_wire(bundle: LoadedBundle, embedding: Tensors) -> dict[str, NDArray[np.float32]]:
    """What a decoder gets after the embedding was stored: quantised by the manifest's wire dtypes and back."""
    result = {}
    for spec in bundle.manifest.embedding:
        value = np.asarray(embedding[spec.name], np.float32)
        if spec.wire_dtype == "int8":
            value = dequantise(*quantise(value))
        elif spec.wire_dtype == "float16":
            value = value.astype(np.float16).astype(np.float32)
        result[spec.name] = value
    return result
