"""The command line, and one smoke test with the embedded bundle through a real socket."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest

from server import checkup
from server.api.protocol import MAX_HEAD_BYTES
from server.app import EMBEDDED_BUNDLES
from server.cli import FAILED, OK, USAGE, main
from server.domain.ports import DecoderInputs
from server.domain.quantisation import dequantise, quantise
from server.errors import BundleError
from server.runtime.registry import BundleRegistry
from server.services.golden import check_golden
from server.settings import Settings
from server.storage.container import write_container
from tests.api.conftest import draw, encode
from tests.fakes import FakeBackend, fake_manifest, write_bundle

ROOT = Path(__file__).parents[2]


def test_models_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list"]) == OK
    assert re.search(r"\* segserve-lite +[0-9a-f]{16}", capsys.readouterr().out)
    assert main(["models", "list", "--json"]) == OK
    first, *others = json.loads(capsys.readouterr().out)
    assert (first["id"], first["default"]) == ("segserve-lite", True)
    # What the package holds beside the default needs no installing.
    assert {row["revision"] for row in others if row["id"] != "segserve-clicks"} == {None}


def test_a_damaged_bundle_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "bundle.json").write_text("{}")
    os.environ["SEGSERVE_BUNDLE_DIR"] = str(tmp_path)
    assert main(["models", "list"]) == FAILED
    captured = capsys.readouterr()
    assert "segserve-lite" in captured.out
    assert "bundle_invalid" in captured.err


def test_a_setting_out_of_bounds_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    os.environ["SEGSERVE_PORT"] = "http"
    assert main(["check"]) == USAGE
    assert "SEGSERVE_PORT" in capsys.readouterr().err


def test_a_redis_url_that_cannot_be_read_is_named_and_not_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    for url in ("http://localhost", "redis://:secret@localhost:port/0", "redis://[::1/0"):
        os.environ["SEGSERVE_REDIS_URL"] = url
        assert main(["serve"]) == USAGE
        err = capsys.readouterr().err
        assert err.startswith("error: SEGSERVE_REDIS_URL: ")
        assert "secret" not in err


def test_settings_that_contradict_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    os.environ["SEGSERVE_RECORD_TTL"] = "5"
    assert main(["check"]) == USAGE
    assert capsys.readouterr().err == "error: SEGSERVE_RECORD_TTL must be longer than SEGSERVE_IMAGE_TTL\n"


def test_a_port_that_is_taken_is_a_failure() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["serve", "--port", str(taken.getsockname()[1])]) == FAILED


def test_an_unknown_model_stops_the_server(capsys: pytest.CaptureFixture[str]) -> None:
    os.environ["SEGSERVE_MODEL"] = "segserve-light"
    assert main(["serve"]) == FAILED
    assert "did you mean 'segserve-lite'" in capsys.readouterr().err


def test_check_is_content_with_the_embedded_bundle(capsys: pytest.CaptureFixture[str]) -> None:
    os.environ["SEGSERVE_PORT"] = "0"
    assert main(["check"]) == OK
    out = capsys.readouterr().out
    assert "golden cases" in out
    assert out.rstrip().endswith("all good")


def test_check_holds_one_model_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        write_bundle(tmp_path, model_id=name)
    registry = BundleRegistry([tmp_path], FakeBackend())
    monkeypatch.setattr(checkup, "open_registry", lambda settings: registry)
    findings = []
    for finding in checkup._bundles(Settings(bundle_dir=tmp_path)):
        assert not registry._encoders
        assert not registry._decoders
        findings.append(finding.subject)
    assert findings == ["back end", "model one (default)", "model two"]
    assert isinstance(registry.backend, FakeBackend)
    assert sorted(registry.backend.loaded) == ["decoder one", "decoder two", "encoder one", "encoder two"]


def test_check_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        os.environ["SEGSERVE_PORT"] = str(taken.getsockname()[1])
        os.environ["SEGSERVE_REDIS_URL"] = "redis://127.0.0.1:1/0"
        os.environ["SEGSERVE_PROT"] = "8000"
        os.environ["SEGSERVE_BUNDLE_DIR"] = str(tmp_path / "nowhere")
        assert main(["check"]) == FAILED
    out = capsys.readouterr().out
    assert re.search(r"FAIL +port +cannot listen", out)
    assert re.search(r"FAIL +store +redis|FAIL +store", out)
    assert re.search(r"FAIL +bundles +SEGSERVE_BUNDLE_DIR names .*nowhere", out)
    assert re.search(r"note +settings +SEGSERVE_PROT", out)


def golden_vectors(backend: FakeBackend, *, shift: float) -> bytes:
    """Golden vectors of the fake back end for a plain picture, one embedding tensor moved by `shift`."""
    pixels = np.full((64, 64, 3), 120, np.uint8)
    [tensors] = backend.encoder.encode(pixels[None], np.array([[64, 64]]))
    case = {
        "click.point_coords": np.array([[[32, 32], [0, 0]]], np.float32),
        "click.point_labels": np.array([[1, -1]], np.float32),
        "click.mask_input": np.zeros((1, 1, 32, 32), np.float32),
        "click.has_mask_input": np.zeros(1, np.float32),
    }
    colour, scales = quantise(tensors["colour"])
    embedding = {"colour": dequantise(colour, scales), "luma": tensors["luma"]}
    answer = backend.decoder.decode(embedding, DecoderInputs(*case.values()))
    stored = {
        "pixels": pixels,
        "embedding.colour": colour,
        "embedding.luma": (tensors["luma"] + shift).astype(np.float16),
        "click.low_res_masks": answer.low_res_masks.astype(np.float16),
        "click.iou_predictions": answer.iou_predictions,
    }
    metadata = {
        "format": "segserve-golden/1",
        "scales": json.dumps({"colour": [float(scale) for scale in scales]}),
        "original_width": "64",
        "original_height": "64",
        "input_width": "64",
        "input_height": "64",
        "cases": '["click"]',
    }
    return write_container(stored | case, metadata)


def test_golden_vectors_are_run() -> None:
    backend, manifest = FakeBackend(), fake_manifest()
    right, wrong = golden_vectors(backend, shift=0.0), golden_vectors(backend, shift=0.5)
    report = check_golden(right, manifest, backend.encoder, backend.decoder)
    assert (report.cases, report.mask_iou) == (1, 1.0)
    with pytest.raises(BundleError, match="golden answers") as caught:
        check_golden(wrong, manifest, backend.encoder, backend.decoder)
    assert caught.value.code == "bundle_golden_mismatch"
    incomplete = write_container({}, {"format": "segserve-golden/1", "cases": "[]"})
    with pytest.raises(BundleError, match="cannot be read"):
        check_golden(incomplete, manifest, backend.encoder, backend.decoder)


@contextlib.contextmanager
def serving(*arguments: str, **environ: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "server", "serve", "--port", "0", *arguments],
        cwd=ROOT,
        env=os.environ | environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if found := re.search(r"running on (http://[0-9.:]+)", line):
                yield found[1], process
                break
        else:
            pytest.fail("the server did not start")
    finally:
        process.terminate()
        process.communicate(timeout=30)


TRAILER = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: "


def refused(url: str, beginning: bytes) -> bytes:
    """What the server says, before it closes, to somebody who begins like this and goes on and on."""
    address = urlsplit(url)
    answer = b""
    with socket.create_connection((str(address.hostname), address.port or 80), 10) as connection:
        connection.sendall(beginning)
        if beginning == TRAILER:  # read for certain when its headers are answered
            answer = connection.recv(1 << 16)
        connection.sendall(b"a" * (MAX_HEAD_BYTES + 1))
        while piece := connection.recv(1 << 16):
            answer += piece
    return answer


def test_smoke_with_the_embedded_bundle() -> None:
    assert (EMBEDDED_BUNDLES / "segserve-lite").is_dir()
    began = time.monotonic()
    with serving() as (url, process), httpx.Client(base_url=url) as http:
        while http.get("/readyz").status_code != 200:
            assert time.monotonic() - began < 30
            time.sleep(0.02)
        data = encode(draw(640, 480), "JPEG")
        image = http.post("/v1/images", content=data, headers={"Content-Type": "image/jpeg"}).json()
        embedding = http.get(image["embedding_url"])
        assert len(embedding.content) <= 512 * 1024
        model = http.get("/v1/models").json()["models"][0]
        for file in model["files"].values():
            assert len(http.get(file["url"]).content) == file["bytes"]
        # Real HTTP: the server itself cuts the connection when an answer to HEAD is not what it expects.
        for path in ("/", "/healthz", image["embedding_url"], model["files"]["decoder.onnx"]["url"]):
            get, head = http.get(path), http.head(path)
            assert (head.status_code, head.content) == (get.status_code, b"")
            assert head.headers["content-length"] == get.headers["content-length"]
        answer = http.post(
            "/v1/predict",
            json={"image": {"id": image["id"]}, "prompts": [{"point_coords": [[18, 24]], "point_labels": [1]}]},
        )
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["results"][0]["masks"]) == 3
        large = http.post("/v1/images", content=b"\xff" * (65 * 1024 * 1024), headers={"Content-Type": "image/jpeg"})
        assert large.status_code == 413
        for endless in (b"GET /", b"GET / HTTP/1.1\r\nX: ", TRAILER):
            assert b"HTTP/1.1 400" in refused(url, endless)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        assert process.returncode in (0, -signal.SIGTERM)
