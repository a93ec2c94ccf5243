"""A real `segserve serve` in a process of its own, for tests that need the whole."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import httpx

ROOT = Path(__file__).parents[1]
SECONDS_TO_START = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serve(
    settings: Mapping[str, str] | None = None,
    *,
    directory: Path = ROOT,
    environment: Mapping[str, str] | None = None,
) -> Iterator[httpx.Client]:
    """A client of a server that is ready. `settings` are SEGSERVE_ variables without the prefix, in lower case."""
    port = free_port()
    variables = {"SEGSERVE_HOST": "127.0.0.1", "SEGSERVE_PORT": str(port)}
    variables |= {f"SEGSERVE_{name.upper()}": value for name, value in (settings or {}).items()}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "server", "serve"],
            cwd=directory,
            env={**(os.environ if environment is None else environment), **variables},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                _wait_until_ready(client, process, log)
                yield client
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(client: httpx.Client, process: subprocess.Popen[bytes], log: TextIO) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        if process.poll() is not None:
            log.seek(0)
            raise AssertionError(f"the server ended with {process.returncode}:\n{log.read()}")
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"the server was not ready after {SECONDS_TO_START} s")
