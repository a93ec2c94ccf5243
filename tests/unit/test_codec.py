"""Embeddings and logits as bytes: exact round trips, bounded error of int8, and refusal of what does not belong."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from server.domain.bundle import EmbeddingTensor
from server.domain.ports import Float32
from server.domain.quantisation import dequantise, quantise
from server.errors import NotFoundError, RequestError, ServerFault
from server.storage.codec import (
    decode_embedding,
    decode_logits,
    encode_embedding,
    encode_logits,
    read_embedding_info,
)
from server.storage.container import read_container, write_container
from tests.fakes import fake_manifest
from tests.stores import IMAGE_ID, OTHER_ID, container_of, noise

MANIFEST = fake_manifest()
SIZES = {"original_width": 640, "original_height": 427, "input_width": 64, "input_height": 43}
BLOB = container_of(MANIFEST)


def rewrite(metadata: dict[str, str | None] | None = None, tensors: dict[str, Any] | None = None) -> bytes:
    """BLOB with these metadata (None removes one) and tensors instead."""
    container = read_container(BLOB)
    merged = container.metadata | (metadata or {})
    return write_container(
        container.tensors if tensors is None else tensors,
        {name: value for name, value in merged.items() if value is not None},
    )


def test_metadata_name_everything_the_contract_asks_for() -> None:
    metadata = read_container(BLOB).metadata
    assert metadata.pop("scales")
    assert metadata == {
        "format": "segserve-embedding/1",
        "model": MANIFEST.id,
        "revision": MANIFEST.revision,
        "image_id": IMAGE_ID,
        "original_width": "640",
        "original_height": "427",
        "input_width": "64",
        "input_height": "43",
        "input_size": "64",
    }


def test_the_safetensors_package_reads_an_embedding() -> None:
    tensors = safetensors.numpy.load(BLOB)
    assert {name: (str(value.dtype), value.shape) for name, value in tensors.items()} == {
        spec.name: (spec.wire_dtype, (1, *spec.shape)) for spec in MANIFEST.embedding
    }


def test_equal_tensors_give_equal_bytes() -> None:
    assert container_of(MANIFEST) == BLOB


def test_info_without_decoding() -> None:
    info = read_embedding_info(BLOB)
    assert (info.model, info.revision, info.image_id) == (MANIFEST.id, MANIFEST.revision, IMAGE_ID)
    assert (info.original_width, info.original_height) == (640, 427)
    assert (info.input_width, info.input_height, info.input_size) == (64, 43, 64)


@pytest.mark.parametrize("wire", ["int8", "float16", "float32"])
def test_round_trip_error_is_bounded_by_the_wire_dtype(wire: str) -> None:
    manifest = fake_manifest(embedding=(EmbeddingTensor(name="t", shape=(5, 4, 4), wire_dtype=wire),))
    tensors = noise(manifest)
    embedding = decode_embedding(encode_embedding(tensors, manifest, image_id=IMAGE_ID, **SIZES), manifest)
    assert embedding.info.image_id == IMAGE_ID
    decoded, original = embedding.tensors["t"], tensors["t"]
    assert (decoded.dtype, decoded.shape) == (np.dtype(np.float32), original.shape)
    peak = np.abs(original).max(axis=(0, 2, 3), keepdims=True)
    bound = {"int8": peak / 127 * 0.5001, "float16": peak * 2.0**-11, "float32": peak * 0}[wire]
    assert (np.abs(decoded - original) <= bound).all()


def test_decoding_is_one_float32_multiplication() -> None:
    """The browser does the same sum: Float32Array of int8 value times scale."""
    container = read_container(BLOB)
    scales = json.loads(container.metadata["scales"])["colour"]
    assert all(float(np.float32(scale)) == scale for scale in scales)
    by_hand = container.tensors["colour"].astype(np.float64) * np.array(scales).reshape(1, -1, 1, 1)
    np.testing.assert_array_equal(decode_embedding(BLOB, MANIFEST).tensors["colour"], by_hand.astype(np.float32))


@given(
    npst.arrays(
        np.float32,
        npst.array_shapes(min_dims=2, max_dims=4, max_side=5).map(lambda shape: (1, *shape[1:])),
        elements=st.floats(-(2.0**100), 2.0**100, width=32),
    )
)
@example(np.array([[7.368e-42]], np.float32))
def test_quantisation_of_any_finite_tensor(value: Float32) -> None:
    quantised, scales = quantise(value)
    restored = dequantise(quantised, scales)
    assert quantised.dtype == np.int8
    assert (scales > 0).all()
    assert np.abs(quantised.astype(int)).max(initial=0) <= 127
    steps = np.broadcast_to(scales.reshape((1, -1) + (1,) * (value.ndim - 2)), value.shape)
    assert (np.abs(restored - value) <= steps * np.float32(0.5001) + np.float32(1e-44)).all()


def test_a_channel_of_zeros_has_scale_one() -> None:
    quantised, scales = quantise(np.zeros((1, 2, 3, 3), np.float32))
    assert not quantised.any()
    assert scales.tolist() == [1.0, 1.0]


def test_float16_is_clipped_to_its_range() -> None:
    manifest = fake_manifest(embedding=(EmbeddingTensor(name="t", shape=(2,), wire_dtype="float16"),))
    value = {"t": np.array([[1e6, -1e6]], np.float32)}
    embedding = decode_embedding(encode_embedding(value, manifest, image_id=IMAGE_ID, **SIZES), manifest)
    assert embedding.tensors["t"].tolist() == [[65504.0, -65504.0]]


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors: tensors.pop("luma"),
        lambda tensors: tensors.update(extra=np.zeros((1, 1), np.float32)),
        lambda tensors: tensors.update(luma=np.zeros((1, 1, 2, 2), np.float32)),
        lambda tensors: tensors["colour"].fill(np.nan),
    ],
    ids=["missing", "extra", "shape", "not finite"],
)
def test_an_encoder_that_breaks_its_manifest_is_our_fault(change: Any) -> None:
    tensors = noise(MANIFEST)
    change(tensors)
    with pytest.raises(ServerFault):
        encode_embedding(tensors, MANIFEST, image_id=IMAGE_ID, **SIZES)


def test_another_revision_is_refused_by_name() -> None:
    with pytest.raises(RequestError) as caught:
        decode_embedding(rewrite({"revision": "0" * 16}), MANIFEST)
    assert caught.value.code == "embedding_revision_mismatch"
    assert caught.value.details["expected"] == {"model": MANIFEST.id, "revision": MANIFEST.revision}
    assert caught.value.details["actual"] == {"model": MANIFEST.id, "revision": "0" * 16}


COLOUR, LUMA = (read_container(BLOB).tensors[name] for name in ("colour", "luma"))
FOREIGN = {
    "no format": rewrite({"format": None}),
    "another format": rewrite({"format": "segserve-golden/1"}),
    "no model": rewrite({"model": None}),
    "model with a control character": rewrite({"model": "a\nb"}),
    "image id in capitals": rewrite({"image_id": IMAGE_ID.upper()}),
    "no width": rewrite({"original_width": None}),
    "width zero": rewrite({"original_width": "0"}),
    "width in other digits": rewrite({"original_width": "٦"}),
    "input wider than its square": rewrite({"input_width": "65"}),
    "another input size": rewrite({"input_size": "128"}),
    "no scales": rewrite({"scales": None}),
    "scales not JSON": rewrite({"scales": "{"}),
    "scales deeply nested": rewrite({"scales": "[" * 100_000}),
    "scales not a map": rewrite({"scales": "[1]"}),
    "scales not numbers": rewrite({"scales": '{"colour": ["1", "2", "3"]}'}),
    "scales booleans": rewrite({"scales": '{"colour": [true, true, true]}'}),
    "scales too few": rewrite({"scales": '{"colour": [1.0, 1.0]}'}),
    "scales not a number": rewrite({"scales": '{"colour": [1.0, 1.0, NaN]}'}),
    "scales beyond float32": rewrite({"scales": '{"colour": [1.0, 1.0, 1e300]}'}),
    "scales negative": rewrite({"scales": '{"colour": [1.0, 1.0, -1.0]}'}),
    "a tensor missing": rewrite(tensors={"colour": COLOUR}),
    "a tensor too many": rewrite(tensors={"colour": COLOUR, "luma": LUMA, "more": LUMA}),
    "another shape": rewrite(tensors={"colour": COLOUR, "luma": LUMA[:, :, :4]}),
    "another dtype": rewrite(tensors={"colour": COLOUR.astype(np.float32), "luma": LUMA}),
    "not finite": rewrite(tensors={"colour": COLOUR, "luma": np.full_like(LUMA, np.inf)}),
    "logits": encode_logits(np.zeros((4, 4), np.float32), image_id=IMAGE_ID, revision=MANIFEST.revision),
}


@pytest.mark.parametrize("data", FOREIGN.values(), ids=FOREIGN.keys())
def test_what_is_no_embedding_of_this_model_is_refused(data: bytes) -> None:
    with pytest.raises(RequestError) as caught:
        decode_embedding(data, MANIFEST)
    assert caught.value.code == "embedding_invalid"


@given(st.data())
def test_mutated_embeddings_never_do_harm(data: st.DataObject) -> None:
    blob = bytearray(BLOB)
    header = 8 + int.from_bytes(BLOB[:8], "little")
    for _ in range(data.draw(st.integers(1, 6))):
        blob[data.draw(st.integers(0, header + 8))] = data.draw(st.integers(0, 255))
    refusal = None
    try:
        embedding = decode_embedding(bytes(blob), MANIFEST)
    except RequestError as error:
        refusal = error
    else:
        assert all(np.isfinite(tensor).all() for tensor in embedding.tensors.values())
    if refusal is not None:
        assert refusal.code in {"embedding_invalid", "embedding_revision_mismatch"}
        assert json.dumps([refusal.message, refusal.details], ensure_ascii=False).encode()


def test_logits_come_back_as_float16() -> None:
    logits = np.random.default_rng(0).normal(0, 8, (12, 16)).astype(np.float32)
    logits[0, 0] = 1e9
    data = encode_logits(logits, image_id=IMAGE_ID, revision=MANIFEST.revision)
    restored = decode_logits(data, image_id=IMAGE_ID, revision=MANIFEST.revision)
    assert restored.dtype == np.float32
    np.testing.assert_array_equal(restored, np.clip(logits, -65504, 65504).astype(np.float16).astype(np.float32))


@pytest.mark.parametrize("logits", [np.zeros((1, 4, 4), np.float32), np.full((4, 4), np.nan, np.float32)])
def test_logits_to_keep_are_checked(logits: Float32) -> None:
    with pytest.raises(ServerFault):
        encode_logits(logits, image_id=IMAGE_ID, revision=MANIFEST.revision)


@pytest.mark.parametrize(("image_id", "revision"), [(OTHER_ID, MANIFEST.revision), (IMAGE_ID, "0" * 16)])
def test_logits_belong_to_one_image_and_revision(image_id: str, revision: str) -> None:
    data = encode_logits(np.zeros((4, 4), np.float32), image_id=IMAGE_ID, revision=MANIFEST.revision)
    with pytest.raises(NotFoundError) as caught:
        decode_logits(data, image_id=image_id, revision=revision)
    assert caught.value.code == "logits_ref_not_found"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        BLOB,
        write_container({"logits": np.zeros((4, 4), np.float32)}, {"format": "segserve-logits/1"}),
        write_container({"logits": np.zeros(4, np.float16)}, {"format": "segserve-logits/1"}),
        write_container({"logits": np.full((4, 4), np.nan, np.float16)}, {"format": "segserve-logits/1"}),
        write_container({"other": np.zeros((4, 4), np.float16)}, {"format": "segserve-logits/1"}),
    ],
    ids=["nothing", "an embedding", "dtype", "rank", "not finite", "name"],
)
def test_what_is_not_logits_is_refused(data: bytes) -> None:
    with pytest.raises(RequestError) as caught:
        decode_logits(data, image_id=IMAGE_ID, revision=MANIFEST.revision)
    assert caught.value.code == "embedding_invalid"
