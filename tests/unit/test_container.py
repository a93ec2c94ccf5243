"""The safetensors reader and writer: agree with the safetensors package, deterministic, and safe on any bytes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors import SafetensorError

from server.errors import RequestError
from server.storage.container import MAX_HEADER_BYTES, read_container, write_container

TENSORS: dict[str, NDArray[Any]] = {
    "b": np.arange(6, dtype=np.float32).reshape(1, 2, 3),
    "a": np.array([[-127, 0, 127]], dtype=np.int8),
    "c.half": np.array([1.5, -2.0], dtype=np.float16),
    "empty": np.empty((0, 4), dtype=np.float32),
    "scalar": np.array(7, dtype=np.int64),
}
METADATA = {"format": "test/1", "näme": "ünïcode", "json": '{"a":[1]}'}
BLOB = write_container(TENSORS, METADATA)


def pack(header: Any, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def entry(dtype: Any = "U8", shape: Any = (4,), offsets: Any = (0, 4), **more: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets, **more}


def test_what_was_written_is_read() -> None:
    container = read_container(BLOB)
    assert container.metadata == METADATA
    assert container.tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        np.testing.assert_array_equal(container.tensors[name], tensor, strict=True)


def test_the_safetensors_package_reads_ours() -> None:
    loaded = safetensors.numpy.load(BLOB)
    for name, tensor in TENSORS.items():
        np.testing.assert_array_equal(loaded[name], tensor, strict=True)


def test_ours_reads_the_safetensors_package() -> None:
    container = read_container(safetensors.numpy.save(TENSORS, metadata=METADATA))
    assert container.metadata == METADATA
    for name, tensor in TENSORS.items():
        np.testing.assert_array_equal(container.tensors[name], tensor, strict=True)


def test_bytes_do_not_depend_on_the_order_of_insertion() -> None:
    assert write_container(dict(reversed(TENSORS.items())), dict(reversed(METADATA.items()))) == BLOB


def test_layout_does_not_depend_on_strides_or_byte_order() -> None:
    tensor = np.arange(12, dtype=np.float32).reshape(3, 4)
    blob = write_container({"t": tensor}, {})
    assert write_container({"t": np.asfortranarray(tensor)}, {}) == blob
    assert write_container({"t": tensor.astype(">f4")}, {}) == blob


@pytest.mark.parametrize("count", range(12))
def test_data_starts_at_a_multiple_of_eight(count: int) -> None:
    blob = write_container({"t": np.zeros(3, np.uint8)}, {"pad": "x" * count})
    assert (len(blob) - 3) % 8 == 0


def test_arrays_are_read_only_views() -> None:
    tensor = read_container(BLOB).tensors["b"]
    with pytest.raises(ValueError, match="read-only"):
        tensor[0, 0, 0] = 1


def test_an_empty_container() -> None:
    container = read_container(write_container({}, {}))
    assert (container.tensors, container.metadata) == ({}, {})


@pytest.mark.parametrize("tensors", [{"__metadata__": np.zeros(1)}, {"t": np.zeros(1, np.complex64)}])
def test_the_writer_refuses_what_the_format_lacks(tensors: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="cannot write"):
        write_container(tensors, {})


MALFORMED = {
    "nothing": b"",
    "short": b"\x00" * 7,
    "header beyond the end": (9).to_bytes(8, "little") + b"{}",
    "header beyond the limit": (MAX_HEADER_BYTES + 1).to_bytes(8, "little") + b" " * (MAX_HEADER_BYTES + 1),
    "header length of all ones": b"\xff" * 8 + b"{}",
    "no header": (0).to_bytes(8, "little"),
    "not JSON": pack(b"hello"),
    "not UTF-8": pack(b'{"\xff": 1}'),
    "not an object": pack([1]),
    "deep nesting": pack(b"[" * 100_000),
    "huge number": pack(b'{"t":' + b"9" * 10_000 + b"}"),
    "same name twice": pack(b'{"__metadata__":{},"__metadata__":{}}'),
    "metadata not a map": pack({"__metadata__": [1]}),
    "metadata not strings": pack({"__metadata__": {"a": 1}}),
    "entry not a map": pack({"t": 1}),
    "entry without offsets": pack({"t": {"dtype": "U8", "shape": [4]}}, b"abcd"),
    "entry with more": pack({"t": entry(more=1)}, b"abcd"),
    "dtype unknown": pack({"t": entry("F8_E4M3")}, b"abcd"),
    "dtype not a string": pack({"t": entry(["U8"])}, b"abcd"),
    "shape negative": pack({"t": entry(shape=[-4])}, b"abcd"),
    "shape of floats": pack({"t": entry(shape=[4.0])}, b"abcd"),
    "shape of booleans": pack({"t": entry(shape=[True, 4])}, b"abcd"),
    "shape not a list": pack({"t": entry(shape=4)}, b"abcd"),
    "shape of high rank": pack({"t": entry(shape=[1] * 9 + [4])}, b"abcd"),
    "shape overflowing": pack({"t": entry(shape=[1 << 40, 1 << 40])}, b"abcd"),
    "shape with a zero and giants": pack({"t": entry(shape=[0, 1 << 47, 1 << 47], offsets=[0, 0])}),
    "offsets backwards": pack({"t": entry(offsets=[4, 0])}, b"abcd"),
    "offsets beyond the end": pack({"t": entry(shape=[8], offsets=[0, 8])}, b"abcd"),
    "offsets three": pack({"t": entry(offsets=[0, 4, 4])}, b"abcd"),
    "offsets of another length": pack({"t": entry(shape=[3])}, b"abcd"),
    "gap before": pack({"t": entry(offsets=[4, 8])}, b"abcdefgh"),
    "bytes left over": pack({"t": entry()}, b"abcde"),
    "overlap": pack({"t": entry(), "u": entry()}, b"abcd"),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(RequestError) as caught:
        read_container(data)
    assert caught.value.code == "embedding_invalid"


def read_or_refuse(data: bytes) -> bool:
    refusal = None
    try:
        container = read_container(data)
    except RequestError as error:
        refusal = error
    else:
        assert sum(tensor.nbytes for tensor in container.tensors.values()) <= len(data)
    if refusal is not None:
        assert refusal.code == "embedding_invalid"
        assert refusal.message.encode()  # it goes into a problem body
    return refusal is None


@given(st.binary(max_size=200))
def test_random_bytes_never_do_harm(data: bytes) -> None:
    read_or_refuse(data)


@given(st.data())
def test_mutated_bytes_never_do_harm(data: st.DataObject) -> None:
    blob = bytearray(BLOB)
    for _ in range(data.draw(st.integers(1, 8))):
        start = data.draw(st.integers(0, len(blob)))
        end = data.draw(st.integers(start, min(len(blob), start + 4)))
        blob[start:end] = data.draw(st.binary(max_size=4))
    read_or_refuse(bytes(blob))


@given(st.data())
def test_what_we_accept_the_package_accepts(data: st.DataObject) -> None:
    blob = bytearray(BLOB)
    position = data.draw(st.integers(0, len(blob) - 1))
    blob[position] = data.draw(st.integers(0, 255))
    if read_or_refuse(bytes(blob)):
        try:
            safetensors.numpy.load(bytes(blob))
        except (SafetensorError, KeyError) as error:
            raise AssertionError("the package is stricter than our reader") from error


@given(st.integers(0, len(BLOB) - 1))
def test_truncated_bytes_are_refused(length: int) -> None:
    assert not read_or_refuse(BLOB[:length])
