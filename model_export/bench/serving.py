"""A `segserve serve` of its own on a free loopback port, and a plain HTTP client that costs little time itself."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from model_export.bench.machine import ROOT
from server.domain.ports import LoadedBundle

SECONDS_TO_START = 60.0
SECONDS_TO_ANSWER = 120.0
_POLL_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Answer:
    """`seconds` from the first byte sent to the last byte received; `timing`: milliseconds by span of Server-Timing."""

    status: int
    body: bytes
    seconds: float
    timing: dict[str, float]

    def json(self) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(self.body)
        return result


class Client:
    """One connection that is kept open. Not for several threads at once."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_TO_ANSWER)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def get(self, path: str) -> Answer:
        return self._request("GET", path, None, {})

    def post(self, path: str, body: bytes, content_type: str) -> Answer:
        return self._request("POST", path, body, {"Content-Type": content_type})

    def upload(self, picture: bytes) -> Answer:
        """Raises RuntimeError unless the answer is 200 or 201."""
        return _good(self.post("/v1/images", picture, "image/jpeg"))

    def predict(self, image_id: str, point: tuple[float, float]) -> Answer:
        """One click, masks as coco_rle, everything else as it comes. Raises RuntimeError unless the answer is 200."""
        prompt = {"point_coords": [point], "point_labels": [1]}
        call = {"image": {"id": image_id}, "prompts": [prompt], "format": "coco_rle"}
        return _good(self.post("/v1/predict", json.dumps(call).encode(), "application/json"))

    def metric(self, name: str) -> float:
        """Sum over the labels of a metric; 0 where it was not yet counted."""
        return metric_value(_good(self.get("/metrics")).body.decode(), name)

    def _request(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        started = time.perf_counter()
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        data = response.read()
        seconds = time.perf_counter() - started
        return Answer(response.status, data, seconds, server_timing(response.getheader("Server-Timing") or ""))


def _good(answer: Answer) -> Answer:
    if answer.status not in (200, 201):
        raise RuntimeError(f"the server answered {answer.status}: {answer.body[:500].decode(errors='replace')}")
    return answer


def server_timing(header: str) -> dict[str, float]:
    """`decode;dur=75.1, encode;dur=30` -> milliseconds by name."""
    return {name: float(value) for name, value in re.findall(r"([\w.-]+)\s*;[^,]*?\bdur=([\d.]+)", header)}


def metric_value(exposition: str, name: str) -> float:
    lines = re.findall(rf"^{re.escape(name)}(?:\{{[^}}]*\}})? (\S+)$", exposition, re.MULTILINE)
    return sum(map(float, lines))


@dataclass(frozen=True, slots=True)
class Served:
    """A server that is ready. `ready_seconds`: from starting the process to the first 200 of /readyz."""

    port: int
    pid: int
    ready_seconds: float

    def client(self) -> Client:
        return Client(self.port)

    def resident_bytes(self) -> int:
        return resident_bytes(self.pid)


def resident_bytes(pid: int) -> int:
    """Resident memory of a process."""
    status = Path(f"/proc/{pid}/status")
    if status.is_file():
        kilobytes = re.search(r"^VmRSS:\s+(\d+) kB", status.read_text(), re.MULTILINE)
        if kilobytes is None:
            raise RuntimeError(f"process {pid} has ended")
        return int(kilobytes[1]) * 1024
    answer = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(answer.stdout) * 1024


@contextmanager
def serve(bundle: LoadedBundle, settings: Mapping[str, str] | None = None) -> Iterator[Served]:
    """A server of this bundle, everything else as it comes. `settings`: SEGSERVE_ variables without the prefix.
    The caller's own SEGSERVE_ variables do not reach it."""
    port = _free_port()
    with tempfile.TemporaryDirectory() as bundles, tempfile.TemporaryFile() as log:
        model = bundle.manifest.id
        (Path(bundles) / model).symlink_to(bundle.directory, target_is_directory=True)
        chosen = {"port": str(port), "bundle_dir": bundles, "model": model, "device": "cpu", **(settings or {})}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SEGSERVE_")}
        environment |= {f"SEGSERVE_{name.upper()}": value for name, value in chosen.items()}
        command = [sys.executable, "-m", "server", "serve"]
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait_until_ready(port, process, log)
            served = Served(port, process.pid, time.perf_counter() - started)
            _check_revision(served, bundle)
            yield served
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    deadline = time.perf_counter() + SECONDS_TO_START
    while time.perf_counter() < deadline:
        if process.poll() is not None:
            log.seek(0)
            raise RuntimeError(f"the server ended with {process.returncode}:\n{log.read().decode(errors='replace')}")
        try:
            with Client(port) as client:
                if client.get("/readyz").status == 200:
                    return
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(_POLL_SECONDS)
    raise RuntimeError(f"the server was not ready after {SECONDS_TO_START:.0f} s")


def _check_revision(served: Served, bundle: LoadedBundle) -> None:
    with served.client() as client:
        models = _good(client.get("/v1/models")).json()["models"]
    revisions = {model["id"]: model["revision"] for model in models}
    if revisions.get(bundle.manifest.id) != bundle.manifest.revision:
        raise RuntimeError(f"the server serves {revisions}, not the bundle that is measured")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
