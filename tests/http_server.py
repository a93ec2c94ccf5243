"""An HTTP server in a thread that serves one file, and misbehaves as a test tells it to."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Behaviour:
    """What the server does with the requests to come, and what it was asked."""

    content: bytes
    drop_after: list[int] = field(default_factory=list)  # bytes, for one request after the other
    ranges: bool = True
    etag: str | None = '"one"'
    status: int = 200
    content_type: str = "application/octet-stream"
    claim: int | None = None  # a Content-Length that is not true
    stall: bool = False
    redirect: str | None = None
    lie_about_range: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    behaviour: Behaviour

    def do_GET(self) -> None:
        it = self.behaviour
        it.asked.append(dict(self.headers))
        if it.redirect is not None and self.path != "/end":
            self.send_response(302)
            self.send_header("Location", it.redirect)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if it.status != 200:
            self.send_response(it.status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = self.start_of()
        if start is not None and start >= len(it.content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(it.content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200 if start is None else 206)
        if start is not None:
            told = start + 1000 if it.lie_about_range else start
            self.send_header("Content-Range", f"bytes {told}-{len(it.content) - 1}/{len(it.content)}")
        body = it.content[start or 0 :]
        self.send_header("Content-Length", str(len(body) if it.claim is None else it.claim))
        self.send_header("Content-Type", it.content_type)
        if it.etag:
            self.send_header("ETag", it.etag)
        self.end_headers()
        if it.stall:
            self.wfile.write(body[:1000])
            self.wfile.flush()
            time.sleep(1)
            return
        if it.drop_after:
            body = body[: it.drop_after.pop(0)]
        self.wfile.write(body)

    def start_of(self) -> int | None:
        """Where the caller wants to go on, if it may."""
        it, asked = self.behaviour, self.headers.get("Range")
        changed = "If-Range" in self.headers and self.headers["If-Range"] != it.etag
        return int(asked.removeprefix("bytes=").rstrip("-")) if asked and it.ranges and not changed else None

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[str]:
    """-> the server's address, without a path."""
    handler = type("Bound", (Handler,), {"behaviour": behaviour})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        http.daemon_threads = True
        http.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that hung up is what is tested
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()
