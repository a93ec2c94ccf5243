from __future__ import annotations

import io
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from server.domain.ports import LoadedBundle
from server.errors import BundleError, UnavailableError
from server.runtime import backends
from server.runtime.onnx import OnnxBackend, OnnxDecoder, OnnxEncoder
from server.runtime.torch_backend import TorchBackend
from server.runtime.weights import read_weights
from tests.fakes import GRID, INPUT_SIZE, write_bundle
from tests.onnx_bundle import GAIN, Files, encode_reference, onnx_files, safetensors_bytes

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


class Encoder(torch.nn.Module):
    """`tests.onnx_bundle`'s encoder, with its gain as a weight and a device written into the graph."""

    def forward(
        self, weights: dict[str, torch.Tensor], pixels: torch.Tensor, valid_size: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        rows = torch.arange(INPUT_SIZE, device=pixels.device)
        inside = rows[None] < valid_size[:, :1]
        planes = pixels.float().permute(0, 3, 1, 2) / 255 * inside[:, None, :, None]
        colour = torch.nn.functional.avg_pool2d(planes, 2) * weights["gain"] + weights["bias"]
        return colour, torch.nn.functional.avg_pool2d(colour.mean(1, keepdim=True), 2)


@pytest.fixture(scope="module")
def program() -> bytes:
    weights = {"gain": torch.tensor([1.0]), "bias": torch.tensor([0.0])}
    pixels = torch.zeros(2, INPUT_SIZE, INPUT_SIZE, 3, dtype=torch.uint8)
    batch = torch.export.Dim("B")
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exported = torch.export.export(
            Encoder(),
            (weights, pixels, torch.full((2, 2), INPUT_SIZE)),
            dynamic_shapes=({"gain": {}, "bias": {}}, {0: batch}, {0: batch}),
        )
        torch.export.save(exported, buffer)
    return buffer.getvalue()


def files(program: bytes, gain: str = "encoder.gain") -> Files:
    """The weights lie in another order than in the export, beside others."""
    unused, bias = np.zeros(3, np.float32), np.zeros(1, np.float32)
    weights = {"decoder.unused": unused, "encoder.bias": bias, gain: np.array([GAIN], np.float16)}
    return onnx_files() | {
        "encoder.pt2": ("encoder_torch", program),
        "weights.safetensors": ("weights", safetensors_bytes(weights, format="pt")),
    }


def load(root: Path, contents: Files) -> LoadedBundle:
    manifest = write_bundle(root, files=contents, nested=False)
    return LoadedBundle(manifest, str(root / manifest.id))


def require(device: str) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("batch", [1, 3])
def test_the_exported_program_answers_as_the_graph_does(
    tmp_path: Path, program: bytes, device: str, batch: int
) -> None:
    require(device)
    encoder = TorchBackend(device, threads=1).load_encoder(load(tmp_path, files(program)))
    pixels = np.random.default_rng(0).integers(0, 256, (batch, INPUT_SIZE, INPUT_SIZE, 3), dtype=np.uint8)
    valid = np.tile(np.array([[40, INPUT_SIZE]], np.int64), (batch, 1))
    answers = encoder.encode(pixels, valid)
    expected = encode_reference(pixels, valid)
    assert len(answers) == batch
    for row, tensors in enumerate(answers):
        assert {name: tensor.shape for name, tensor in tensors.items()} == {
            "colour": (1, 3, GRID, GRID),
            "luma": (1, 1, GRID // 2, GRID // 2),
        }
        for name, tensor in tensors.items():
            assert tensor.dtype == np.float32
            np.testing.assert_allclose(tensor, expected[name][row : row + 1], atol=0.01 if device == "cuda" else 1e-5)


def test_the_decoder_stays_with_onnx_runtime(tmp_path: Path, program: bytes) -> None:
    assert isinstance(TorchBackend("cpu").load_decoder(load(tmp_path, files(program))), OnnxDecoder)


def test_a_bundle_without_a_program_is_encoded_by_onnx_runtime(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert isinstance(TorchBackend("cpu").load_encoder(load(tmp_path, onnx_files())), OnnxEncoder)
    assert "no exported program" in caplog.text


def test_a_damaged_program_is_refused(tmp_path: Path, program: bytes) -> None:
    with pytest.raises(BundleError) as caught:
        TorchBackend("cpu").load_encoder(load(tmp_path, files(program[:1000])))
    assert caught.value.code == "bundle_graph_invalid"


def test_a_missing_weight_is_named(tmp_path: Path, program: bytes) -> None:
    with pytest.raises(BundleError, match=r"wants the weight encoder\.gain") as caught:
        TorchBackend("cpu").load_encoder(load(tmp_path, files(program, gain="encoder.other")))
    assert caught.value.code == "bundle_graph_mismatch"


def test_no_cuda_device_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UnavailableError) as caught:
        backends.select_backend("cuda")
    assert caught.value.code == "backend_unavailable"
    assert "SEGSERVE_DEVICE=cpu" in caught.value.message


def test_no_torch_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UnavailableError) as caught:
        backends.select_backend("cuda")
    assert caught.value.code == "backend_unavailable"
    assert "pip install" in caught.value.message


def test_auto_takes_onnx_runtime_where_there_is_no_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(backends.select_backend("cpu", threads=2), OnnxBackend)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for driver in (False, True):
        monkeypatch.setattr(backends, "cuda_driver_present", lambda present=driver: present)
        assert isinstance(backends.select_backend("auto", threads=1), OnnxBackend)


def test_weights_are_read_without_unpickling(tmp_path: Path) -> None:
    tensors = {"a": np.arange(6, dtype=np.float16).reshape(2, 3), "b": np.array(7, np.int64)}
    path = tmp_path / "w.safetensors"
    path.write_bytes(safetensors_bytes(tensors, format="pt"))
    loaded = read_weights(path)
    assert set(loaded) == {"a", "b"}
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(loaded[name], tensor)
        assert loaded[name].dtype == tensor.dtype
        assert loaded[name].flags.writeable


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 20,
        b"\x02\x00\x00\x00\x00\x00\x00\x00[]",
        safetensors_bytes({"a": np.zeros(4, np.float32)})[:-1],
        safetensors_bytes({"a": np.zeros(4, np.float32)}).replace(b"F32", b"F99"),
        safetensors_bytes({"a": np.zeros(4, np.float32)}).replace(b"[4]", b"[5]"),
    ],
    ids=["empty", "noise", "a list", "cut short", "unknown type", "wrong shape"],
)
def test_damaged_weights_are_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(data)
    with pytest.raises(BundleError) as caught:
        read_weights(path)
    assert caught.value.code == "bundle_invalid"
