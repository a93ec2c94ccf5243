from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from server.domain.bundle import Preprocessing
from server.domain.limits import available_cores
from server.domain.ports import DecoderInputs, LoadedBundle
from server.errors import BundleError
from server.runtime.bundle_files import find_bundles
from server.runtime.onnx import OnnxBackend
from tests.fakes import GRID, INPUT_SIZE, write_bundle
from tests.onnx_bundle import Files, decode_reference, decoder_graph, encode_reference, encoder_graph, onnx_files


def load(root: Path, files: Files | None = None, **changes: Any) -> LoadedBundle:
    manifest = write_bundle(root, files=onnx_files() if files is None else files, nested=False, **changes)
    return LoadedBundle(manifest, str(root / manifest.id))


def pictures(batch: int) -> np.ndarray:
    shape = (batch, INPUT_SIZE, INPUT_SIZE, 3)
    return np.random.default_rng(batch).integers(0, 256, shape, dtype=np.uint8)


def prompts(batch: int, points: int, seed: int = 0) -> DecoderInputs:
    rng = np.random.default_rng(seed)
    return DecoderInputs(
        rng.uniform(0, INPUT_SIZE, (batch, points, 2)).astype(np.float32),
        rng.integers(-1, 4, (batch, points)).astype(np.float32),
        rng.normal(size=(batch, 1, GRID, GRID)).astype(np.float32),
        rng.integers(0, 2, batch).astype(np.float32),
    )


@pytest.mark.parametrize("batch", [1, 3])
def test_the_encoder_answers_each_picture_by_name(tmp_path: Path, batch: int) -> None:
    encoder = OnnxBackend(threads=1).load_encoder(load(tmp_path))
    valid = np.tile(np.array([[40, INPUT_SIZE]], np.int64), (batch, 1))
    answers = encoder.encode(pictures(batch), valid)
    expected = encode_reference(pictures(batch), valid)
    assert len(answers) == batch
    for row, tensors in enumerate(answers):
        assert list(tensors) == ["colour", "luma"]
        for name, tensor in tensors.items():
            assert tensor.dtype == np.float32
            np.testing.assert_allclose(tensor, expected[name][row : row + 1], atol=1e-6)


def test_one_pictures_embedding_does_not_hold_on_to_its_batch(tmp_path: Path) -> None:
    encoder = OnnxBackend(threads=1).load_encoder(load(tmp_path))
    (first, _) = encoder.encode(pictures(2), np.full((2, 2), INPUT_SIZE, np.int64))
    assert first["colour"].base is None or first["colour"].base.nbytes == first["colour"].nbytes


@pytest.mark.parametrize(("batch", "points"), [(1, 1), (1, 16), (5, 3)])
def test_the_decoder_runs_a_batch_of_prompts_on_one_picture(tmp_path: Path, batch: int, points: int) -> None:
    decoder = OnnxBackend(threads=1).load_decoder(load(tmp_path))
    embedding = encode_reference(pictures(1), np.array([[INPUT_SIZE, INPUT_SIZE]]))
    inputs = prompts(batch, points)
    outputs = decoder.decode(embedding, inputs)
    np.testing.assert_allclose(outputs.low_res_masks, decode_reference(embedding, inputs), atol=1e-4)
    np.testing.assert_allclose(outputs.iou_predictions[:, 0], inputs.point_labels.sum(axis=1))


def test_several_threads_may_decode_at_once(tmp_path: Path) -> None:
    decoder = OnnxBackend(threads=1).load_decoder(load(tmp_path))
    embedding = encode_reference(pictures(1), np.array([[INPUT_SIZE, INPUT_SIZE]]))
    batches = [prompts(2, 3, seed) for seed in range(40)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda inputs: decoder.decode(embedding, inputs), batches))
    for inputs, outputs in zip(batches, answers, strict=True):
        np.testing.assert_allclose(outputs.low_res_masks, decode_reference(embedding, inputs), atol=1e-4)


def test_threads_default_to_the_cores_of_this_process() -> None:
    assert OnnxBackend().threads == available_cores()
    assert OnnxBackend(3).threads == 3
    assert 1 <= available_cores() <= (os.cpu_count() or 1)


MISMATCHES: list[tuple[str, Files, dict[str, Any], str]] = [
    ("another input size", {"encoder.onnx": ("encoder", encoder_graph(128))}, {}, "shape"),
    ("an output is missing", {"decoder.onnx": ("decoder", decoder_graph(score_name="scores"))}, {}, "outputs are"),
    ("another type", {"decoder.onnx": ("decoder", decoder_graph(labels_type=TensorProto.INT64))}, {}, "int64"),
    ("encoder as decoder", {"decoder.onnx": ("decoder", encoder_graph())}, {}, "inputs are"),
    ("another manifest", {}, {"preprocessing": Preprocessing(size=96, mean=(0, 0, 0), std=(1, 1, 1))}, "96"),
]


@pytest.mark.parametrize(
    ("files", "changes", "said"), [case[1:] for case in MISMATCHES], ids=[case[0] for case in MISMATCHES]
)
def test_a_graph_that_is_not_the_manifests_is_refused(
    tmp_path: Path, files: Files, changes: dict[str, Any], said: str
) -> None:
    bundle = load(tmp_path, onnx_files() | files, **changes)
    with pytest.raises(BundleError) as caught:
        [make(bundle) for make in (OnnxBackend(1).load_encoder, OnnxBackend(1).load_decoder)]
    assert caught.value.code == "bundle_graph_mismatch"
    assert said in caught.value.message


def test_a_file_that_is_no_graph_is_refused(tmp_path: Path) -> None:
    bundle = load(tmp_path, onnx_files() | {"encoder.onnx": ("encoder", b"not a graph")})
    with pytest.raises(BundleError) as caught:
        OnnxBackend(1).load_encoder(bundle)
    assert caught.value.code == "bundle_graph_invalid"


def test_a_bundle_without_a_decoder_is_refused(tmp_path: Path) -> None:
    files = onnx_files()
    del files["decoder.onnx"]
    with pytest.raises(BundleError) as caught:
        OnnxBackend(1).load_decoder(load(tmp_path, files))
    assert caught.value.code == "bundle_file_missing"


def endless_encoder() -> bytes:
    """An encoder graph of the fake bundle's shapes that multiplies matrices for minutes."""
    nodes = [
        helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats"], ["mean"], keepdims=0),
        helper.make_node("ReduceMean", ["floats"], ["each"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Mul", ["matrix", "mean"], ["m0"]),
    ]
    nodes += [helper.make_node("MatMul", [f"m{k}", "matrix"], [f"m{k + 1}"]) for k in range(4000)]
    nodes += [
        helper.make_node("ReduceSum", ["m4000"], ["total"], keepdims=0),
        helper.make_node("Add", ["each", "total"], ["sum"]),
        helper.make_node("Mul", ["colours", "sum"], ["colour"]),
        helper.make_node("Mul", ["lumas", "sum"], ["luma"]),
    ]
    constants = {
        "matrix": np.zeros((1024, 1024), np.float32),
        "colours": np.zeros((1, 3, 32, 32), np.float32),
        "lumas": np.zeros((1, 1, 16, 16), np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "endless",
        [
            helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["B", INPUT_SIZE, INPUT_SIZE, 3]),
            helper.make_tensor_value_info("valid_size", TensorProto.INT64, ["B", 2]),
        ],
        [
            helper.make_tensor_value_info("colour", TensorProto.FLOAT, ["B", 3, 32, 32]),
            helper.make_tensor_value_info("luma", TensorProto.FLOAT, ["B", 1, 16, 16]),
        ],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


def test_onnx_runtime_stops_when_it_is_told(tmp_path: Path) -> None:
    """4,000 products of 1024 x 1024 take minutes; told to stop, the run ends after the one that is at hand."""
    write_bundle(tmp_path, files={**onnx_files(), "encoder.onnx": ("encoder", endless_encoder())})
    [bundle], _ = find_bundles(tmp_path)
    encoder = OnnxBackend(1).load_encoder(bundle)
    encoder.interrupt()  # nothing runs: nothing happens
    outcome: list[Exception] = []

    def run() -> None:
        try:
            encoder.encode(pictures(1), np.array([(INPUT_SIZE, INPUT_SIZE)]))
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while encoder._running is None:
        time.sleep(0.001)
    encoder.interrupt()
    thread.join(60)
    assert not thread.is_alive()
    assert "terminate" in str(outcome[0]).lower()


def test_the_int8_encoder_is_taken_where_it_is_wanted_and_there(tmp_path: Path) -> None:
    graph = onnx.load_from_string(onnx_files()["encoder.onnx"][1])
    for tensor in graph.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            value = onnx.numpy_helper.to_array(tensor)
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.asarray(value * 2, np.float32), tensor.name))
    files = {**onnx_files(), "encoder_int8.onnx": ("encoder_int8", graph.SerializeToString())}
    write_bundle(tmp_path, files=files)  # type: ignore[arg-type]
    write_bundle(tmp_path, model_id="without", files=onnx_files())
    bundles = {bundle.manifest.id: bundle for bundle in find_bundles(tmp_path)[0]}
    grey = np.full((1, INPUT_SIZE, INPUT_SIZE, 3), 90, np.uint8)
    valid = np.array([(INPUT_SIZE, INPUT_SIZE)])

    def colour(name: str, *, int8: bool) -> float:
        return float(OnnxBackend(1, int8=int8).load_encoder(bundles[name]).encode(grey, valid)[0]["colour"].mean())

    assert colour("fake-model", int8=True) != pytest.approx(colour("fake-model", int8=False))
    assert colour("without", int8=True) == colour("without", int8=False)
