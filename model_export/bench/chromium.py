"""A page of ours in a Chromium of its own: files served on a free loopback port, isolated so that threads work."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
TYPES = {".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}
ISOLATION = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class BrowserError(RuntimeError):
    """There is no Chromium, it ended, or the page reported a failure."""


@dataclass(frozen=True, slots=True)
class Content:
    data: bytes
    type: str = "application/octet-stream"


def file_content(path: Path) -> Content:
    return Content(path.read_bytes(), TYPES.get(path.suffix, "application/octet-stream"))


def find_chromium() -> str:
    """$CHROMIUM, one on the PATH, or /usr/bin/chromium."""
    for candidate in (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome", "/usr/bin/chromium"):
        if candidate and (found := shutil.which(candidate)):
            return found
    raise BrowserError("no Chromium here: install it, or set CHROMIUM to its path")


def browser_version(executable: str) -> str:
    return subprocess.run([executable, "--version"], capture_output=True, text=True, check=True).stdout.strip()


class _Site(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, contents: Mapping[str, Content]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.contents = contents
        self.results: queue.Queue[dict[str, Any]] = queue.Queue()


class _Handler(BaseHTTPRequestHandler):
    server: _Site
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        content = self.server.contents.get(self.path)
        self._answer(404 if content is None else 200, content or Content(b""))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(204, Content(b""))
        if self.path == "/result":
            self.server.results.put(json.loads(body))

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Silent: requests would drown the figures."""

    def _answer(self, status: int, content: Content) -> None:
        self.send_response(status)
        for name, value in ISOLATION.items():
            self.send_header(name, value)
        self.send_header("Content-Type", content.type)
        self.send_header("Content-Length", str(len(content.data)))
        self.end_headers()
        self.wfile.write(content.data)


def result_of_page(executable: str, contents: Mapping[str, Content], *, timeout: float) -> dict[str, Any]:
    """Opens `/` of `contents` and waits for what the page posts to `/result`. Raises BrowserError."""
    site = _Site(contents)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        url = f"http://127.0.0.1:{site.server_address[1]}/"
        command = [executable, *FLAGS, f"--user-data-dir={profile}", url]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            result = _wait(site.results, process, timeout)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            site.shutdown()
            site.server_close()
    if "error" in result:
        raise BrowserError(f"the page failed: {result['error']}")
    return result


def _wait(results: queue.Queue[dict[str, Any]], process: subprocess.Popen[bytes], timeout: float) -> dict[str, Any]:
    remaining = timeout
    while remaining > 0:
        try:
            return results.get(timeout=1.0)
        except queue.Empty:
            remaining -= 1.0
        if process.poll() is not None:
            raise BrowserError(f"Chromium ended with {process.returncode} before the page answered")
    raise BrowserError(f"the page did not answer within {timeout:.0f} s")
