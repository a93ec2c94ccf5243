"""Downloads from a server that stalls, truncates, redirects and lies."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from server.errors import InstallError
from server.runtime.download import Limits, fetch

CONTENT = bytes(range(256)) * 4096  # 1 MiB
SUM = hashlib.sha256(CONTENT).hexdigest()
QUICK = Limits(connect=2, stall=0.3, attempts=3, backoff=0.01, redirects=3, most_bytes=8 << 20)


@dataclass
class Behaviour:
    """What the server does with the requests to come, and what it was asked."""

    content: bytes = CONTENT
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


@pytest.fixture
def server() -> Iterator[tuple[str, Behaviour]]:
    behaviour = Behaviour()
    handler = type("Bound", (Handler,), {"behaviour": behaviour})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        http.daemon_threads = True
        http.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that hung up is what is tested
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/file.bin", behaviour
        http.shutdown()
        thread.join()


def test_a_file_arrives_and_progress_is_told(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    fetch(server[0], tmp_path / "f", SUM, progress=lambda there, total: told.append((there, total)), limits=QUICK)
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_dropped_connection_goes_on_where_it_was(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    behaviour.drop_after = [300_000, 200_000]
    fetch(url, tmp_path / "f", SUM, limits=QUICK)
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert [asked.get("Range") for asked in behaviour.asked] == [None, "bytes=300000-", "bytes=500000-"]
    assert behaviour.asked[1]["If-Range"] == '"one"'


def test_what_arrived_is_kept_for_the_next_call(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    behaviour.drop_after = [400_000, 0, 0, 0]
    with pytest.raises(InstallError, match="400,000 bytes are kept") as caught:
        fetch(url, tmp_path / "f", SUM, limits=QUICK)
    assert caught.value.code == "download_interrupted"
    assert not (tmp_path / "f").exists()
    behaviour.drop_after = []
    fetch(url, tmp_path / "f", SUM, limits=QUICK)
    assert behaviour.asked[-1]["Range"] == "bytes=400000-"
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_stalled_server_is_given_up_in_time(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    behaviour.stall = True
    began = time.monotonic()
    with pytest.raises(InstallError) as caught:
        fetch(url, tmp_path / "f", SUM, limits=QUICK)
    assert caught.value.code == "download_interrupted"
    assert time.monotonic() - began < 60
    assert len(behaviour.asked) >= QUICK.attempts


def test_a_server_without_ranges_begins_anew(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    behaviour.ranges, behaviour.drop_after = False, [300_000]
    fetch(url, tmp_path / "f", SUM, limits=QUICK)
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_file_that_changed_meanwhile_begins_anew(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(b"of another file" * 1000)
    (tmp_path / "f.part.etag").write_text('"older"')
    fetch(server[0], tmp_path / "f", SUM, limits=QUICK)
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_part_that_is_whole_or_too_long(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    for part in (CONTENT, CONTENT + b"more"):
        (tmp_path / "f.part").write_bytes(part)
        fetch(server[0], tmp_path / "f", SUM, limits=QUICK)
        assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_server_that_goes_on_elsewhere_is_not_believed(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    behaviour.lie_about_range, behaviour.drop_after = True, [300_000]
    fetch(url, tmp_path / "f", SUM, limits=QUICK)
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_file_of_another_sum_is_kept_aside(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    with pytest.raises(InstallError, match=f"{SUM}, it should be {'0' * 64}") as caught:
        fetch(server[0], tmp_path / "f", "0" * 64, limits=QUICK)
    assert caught.value.code == "checksum_mismatch"
    assert [path.name for path in tmp_path.iterdir()] == ["f.rejected"]


def test_a_length_that_is_not_true(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    """Longer than the file: the rest is asked for, is not there, and the sum says that the file is whole. Longer than
    any file: refused before a byte is taken."""
    url, behaviour = server
    behaviour.claim = 2 * len(CONTENT)
    fetch(url, tmp_path / "f", SUM, limits=QUICK)
    assert (tmp_path / "f").read_bytes() == CONTENT
    behaviour.claim = 9 << 20
    with pytest.raises(InstallError, match="is the most") as caught:
        fetch(url, tmp_path / "f", SUM, limits=QUICK)
    assert caught.value.code == "download_too_large"


@pytest.mark.parametrize(
    ("status", "code", "requests"), [(404, "download_refused", 1), (503, "download_unreachable", 3)]
)
def test_refusals(server: tuple[str, Behaviour], tmp_path: Path, status: int, code: str, requests: int) -> None:
    url, behaviour = server
    behaviour.status = status
    with pytest.raises(InstallError, match=str(status)) as caught:
        fetch(url, tmp_path / "f", SUM, limits=QUICK)
    assert caught.value.code == code
    assert len(behaviour.asked) == requests
    assert list(tmp_path.iterdir()) == []


def test_a_web_page_is_no_checkpoint(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    behaviour.content_type = "text/html; charset=utf-8"
    with pytest.raises(InstallError, match="web page"):
        fetch(url, tmp_path / "f", SUM, limits=QUICK)


def test_redirects_are_followed_but_not_for_ever(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    behaviour.redirect = "/end"
    fetch(url, tmp_path / "f", SUM, limits=QUICK)
    behaviour.redirect = "/again"
    with pytest.raises(InstallError, match="without end"):
        fetch(url, tmp_path / "g", SUM, limits=QUICK)


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(InstallError) as caught:
        fetch("http://127.0.0.1:9/file", tmp_path / "f", SUM, limits=QUICK)
    assert caught.value.code == "download_unreachable"
