"""Embeddings and logits as bytes: what lies in the store and, for embeddings, what the browser gets, byte for byte.

int8 tensors are symmetric with one scale per channel (axis 1): scale = max|x| / 127 (1.0 for a channel of zeros),
q = clip(rint(x / scale), -127, 127), x' = float32(q) * scale. Scales are written as exact float32 values, so every
reader that multiplies in float32 or wider and rounds once gets the same x'.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from server.domain.bundle import BundleManifest, EmbeddingTensor, WireDtype
from server.domain.ports import Float32, Tensors
from server.domain.quantisation import dequantise, quantise
from server.errors import NotFoundError, RequestError, ServerFault
from server.storage.container import Container, read_container, write_container

EMBEDDING_FORMAT = "segserve-embedding/1"
LOGITS_FORMAT = "segserve-logits/1"

_FLOAT16_LIMIT = 65504.0
_SIZE = re.compile(r"[1-9][0-9]{0,8}")
_MODEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_REVISION = re.compile(r"[0-9a-f]{16}")
_IMAGE_ID = re.compile(r"[0-9a-f]{64}")
_WIRE: dict[WireDtype, np.dtype[Any]] = {
    "int8": np.dtype("i1"),
    "float16": np.dtype("<f2"),
    "float32": np.dtype("<f4"),
}


@dataclass(frozen=True, slots=True)
class EmbeddingInfo:
    """What an embedding belongs to. `original_*` in ImagePx, `input_*` (the resized picture) and `input_size` (S) in
    ModelPx."""

    model: str
    revision: str
    image_id: str
    original_width: int
    original_height: int
    input_width: int
    input_height: int
    input_size: int


@dataclass(frozen=True, slots=True)
class Embedding:
    """`tensors`: float32 [1, C, ...] by name, dequantised, as the decoder wants them."""

    info: EmbeddingInfo
    tensors: dict[str, Float32]


def encode_embedding(
    tensors: Tensors,
    manifest: BundleManifest,
    *,
    image_id: str,
    original_width: int,
    original_height: int,
    input_width: int,
    input_height: int,
) -> bytes:
    """The container of one picture's embedding.

    tensors: float32 [1, *shape] by name, exactly those of `manifest.embedding`; else ServerFault `internal_error`.
    """
    wired: dict[str, NDArray[Any]] = {}
    scales: dict[str, list[float]] = {}
    if tensors.keys() != {spec.name for spec in manifest.embedding}:
        raise ServerFault(f"the encoder of {manifest.id} answered other tensors than its manifest names")
    for spec in manifest.embedding:
        value = np.asarray(tensors[spec.name], dtype=np.float32)
        if value.shape != (1, *spec.shape) or not np.isfinite(value).all():
            raise ServerFault(f"the encoder of {manifest.id} answered {spec.name} in another shape or not finite")
        if spec.wire_dtype == "int8":
            wired[spec.name], scale = quantise(value)
            scales[spec.name] = [float(item) for item in scale]
        else:
            wired[spec.name] = _narrow(value) if spec.wire_dtype == "float16" else value
    return write_container(
        wired,
        {
            "format": EMBEDDING_FORMAT,
            "model": manifest.id,
            "revision": manifest.revision,
            "image_id": image_id,
            "original_width": str(original_width),
            "original_height": str(original_height),
            "input_width": str(input_width),
            "input_height": str(input_height),
            "input_size": str(manifest.preprocessing.size),
            "scales": json.dumps(scales, sort_keys=True, separators=(",", ":")),
        },
    )


def read_embedding_info(data: bytes) -> EmbeddingInfo:
    """Header of a container whose layout was checked in full; no tensor is decoded. Raises `embedding_invalid`."""
    return _info(read_container(data))


def decode_embedding(data: bytes, manifest: BundleManifest) -> Embedding:
    """Dequantised tensors of a container.

    Raises RequestError `embedding_revision_mismatch` when it was made by another revision, and
    `embedding_invalid` when it is damaged or not what the manifest describes.
    """
    container = read_container(data)
    info = _info(container)
    if info.revision != manifest.revision:
        raise RequestError(
            f"This embedding was made by {info.model} {info.revision}, and {manifest.id} {manifest.revision} decodes. "
            "Fetch the embedding of this revision, or upload the image again.",
            code="embedding_revision_mismatch",
            expected={"model": manifest.id, "revision": manifest.revision},
            actual={"model": info.model, "revision": info.revision},
        )
    if info.input_size != manifest.preprocessing.size:
        _refuse("its input size is not the model's")
    if container.tensors.keys() != {spec.name for spec in manifest.embedding}:
        _refuse("its tensors are not the model's")
    scales = _scales(container.metadata)
    return Embedding(
        info=info,
        tensors={spec.name: _widen(container.tensors[spec.name], spec, scales) for spec in manifest.embedding},
    )


def encode_logits(logits: Float32, *, image_id: str, revision: str) -> bytes:
    """logits: float32 [h, w] of one mask at the decoder's resolution; stored as float16, clipped to its range."""
    if logits.ndim != 2 or not np.isfinite(logits).all():
        raise ServerFault("logits to keep must be finite and of shape [h, w]")
    return write_container(
        {"logits": _narrow(logits)}, {"format": LOGITS_FORMAT, "image_id": image_id, "revision": revision}
    )


def decode_logits(data: bytes, *, image_id: str, revision: str) -> Float32:
    """float32 [h, w]. Raises `embedding_invalid` for damaged bytes and NotFoundError `logits_ref_not_found` when they
    belong to another image or revision."""
    container = read_container(data)
    metadata = container.metadata
    logits = container.tensors.get("logits")
    if metadata.get("format") != LOGITS_FORMAT or len(container.tensors) != 1 or logits is None:
        _refuse("it does not hold logits")
    if logits.ndim != 2 or logits.dtype != _WIRE["float16"] or not np.isfinite(logits).all():
        _refuse("its logits are not finite float16 of shape [h, w]")
    if (metadata.get("image_id"), metadata.get("revision")) != (image_id, revision):
        raise NotFoundError(
            "This logits reference belongs to another image or model revision. Predict once without it.",
            code="logits_ref_not_found",
        )
    return logits.astype(np.float32)


def _narrow(value: Float32) -> NDArray[np.float16]:
    return np.clip(value, -_FLOAT16_LIMIT, _FLOAT16_LIMIT).astype(np.float16)


def _widen(value: NDArray[Any], spec: EmbeddingTensor, scales: Mapping[str, Float32]) -> Float32:
    if value.dtype != _WIRE[spec.wire_dtype] or value.shape != (1, *spec.shape):
        _refuse(f"tensor {spec.name} has another dtype or shape than the model's")
    if spec.wire_dtype == "int8":
        scale = scales.get(spec.name)
        if scale is None or scale.shape != (spec.shape[0],):
            _refuse(f"tensor {spec.name} lacks its scales")
        return dequantise(value, scale)
    wide: Float32 = value.astype(np.float32)
    if not np.isfinite(wide).all():
        _refuse(f"tensor {spec.name} is not finite")
    return wide


def _info(container: Container) -> EmbeddingInfo:
    metadata = container.metadata
    if metadata.get("format") != EMBEDDING_FORMAT:
        _refuse("it is not an embedding of this format")
    info = EmbeddingInfo(
        model=_field(metadata, "model", _MODEL),
        revision=_field(metadata, "revision", _REVISION),
        image_id=_field(metadata, "image_id", _IMAGE_ID),
        original_width=int(_field(metadata, "original_width", _SIZE)),
        original_height=int(_field(metadata, "original_height", _SIZE)),
        input_width=int(_field(metadata, "input_width", _SIZE)),
        input_height=int(_field(metadata, "input_height", _SIZE)),
        input_size=int(_field(metadata, "input_size", _SIZE)),
    )
    if max(info.input_width, info.input_height) > info.input_size:
        _refuse("its sizes contradict each other")
    return info


def _field(metadata: Mapping[str, str], name: str, pattern: re.Pattern[str]) -> str:
    value = metadata.get(name, "")
    if not pattern.fullmatch(value):
        _refuse(f"its metadata lacks a valid {name}")
    return value


def _scales(metadata: Mapping[str, str]) -> dict[str, Float32]:
    try:
        parsed = json.loads(metadata.get("scales", "{}"))
    except (ValueError, RecursionError):
        _refuse("its scales are not JSON")
    if not isinstance(parsed, dict) or not all(_is_number_list(values) for values in parsed.values()):
        _refuse("its scales are not lists of numbers")
    with np.errstate(over="ignore"):
        scales = {name: np.array(values, dtype=np.float64).astype(np.float32) for name, values in parsed.items()}
    if not all(np.isfinite(scale).all() and (scale > 0).all() for scale in scales.values()):
        _refuse("its scales are not finite and positive")
    return scales


def _is_number_list(values: Any) -> bool:
    return isinstance(values, list) and all(
        type(value) is float or (type(value) is int and 0 <= value < 1 << 32) for value in values
    )


def _refuse(reason: str) -> NoReturn:
    raise RequestError(
        f"The embedding cannot be read: {reason}. Fetch or upload the image again.", code="embedding_invalid"
    )
