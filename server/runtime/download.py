"""A file fetched over HTTP: resumed after an interruption, bounded in every way, and kept only if it hashes right."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from server.errors import InstallError

# (bytes there, bytes in all or None)
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds without a connection and without a byte; attempts in a row that bring fewer than `worthwhile` bytes;
    seconds before the second one, doubled each time; redirects; bytes at most."""

    connect: float = 15.0
    stall: float = 30.0
    attempts: int = 5
    worthwhile: int = 1 << 20
    backoff: float = 1.0
    redirects: int = 5
    most_bytes: int = 16 << 30


class _InterruptedError(Exception):
    """Worth another attempt."""


def fetch(
    url: str, target: Path, sha256: str, *, progress: Progress = lambda there, total: None, limits: Limits | None = None
) -> None:
    """Put the file at `url` to `target`. What arrived before an interruption stays in `<target>.part` and is gone on
    from, also by a later call. HTTP(S)_PROXY and NO_PROXY are obeyed.

    Raises InstallError: download_unreachable, download_refused, download_interrupted, download_too_large,
    checksum_mismatch (the file is kept as `<target>.rejected`).
    """
    bounds = limits or Limits()
    part = target.with_name(target.name + ".part")
    failures, reason = 0, ""
    with _client(url, bounds) as client:
        while True:
            before = _size(part)
            try:
                _attempt(client, url, part, progress, bounds)
                break
            except (_InterruptedError, httpx.TransportError) as error:
                reason = str(error) or type(error).__name__
                failures = 1 if _size(part) - before >= bounds.worthwhile else failures + 1
            if failures >= bounds.attempts:
                there = _size(part)
                kept = f" {there:,} bytes are kept; the same command goes on from there." if there else ""
                code = "download_interrupted" if there else "download_unreachable"
                raise InstallError(f"{url} could not be fetched after {failures} attempts: {reason}.{kept}", code)
            time.sleep(bounds.backoff * 2 ** (failures - 1))
    accept(part, target, sha256)


def accept(part: Path, target: Path, sha256: str) -> None:
    """Move `part` to `target` if it hashes to `sha256`, else aside. Raises InstallError checksum_mismatch."""
    found = sha256_of(part)
    if found != sha256:
        rejected = target.with_name(target.name + ".rejected")
        part.replace(rejected)
        _tag(part).unlink(missing_ok=True)
        message = (
            f"{target.name} is not the published file: its SHA-256 is {found}, it should be {sha256}. It was kept "
            f"aside as {rejected} and is not used. A mirror, a proxy or a half-written file may be the cause."
        )
        raise InstallError(message, "checksum_mismatch")
    part.replace(target)
    _tag(part).unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _attempt(client: httpx.Client, url: str, part: Path, progress: Progress, bounds: Limits) -> None:
    there, tag = _size(part), _tag(part)
    headers = {"Accept-Encoding": "identity"}
    if there:
        headers["Range"] = f"bytes={there}-"
        if tag.is_file():
            headers["If-Range"] = tag.read_text(encoding="utf-8")
    with _opened(client, url, headers) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            if response.headers.get("Content-Range", "") == f"bytes */{there}":
                return  # everything is there
            part.unlink()
            raise _InterruptedError("the file on the server has another length than the part that is here")
        resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        start = _start_of(response) if resumed else 0
        if start > there:
            part.unlink()
            raise _InterruptedError("the server went on at another place than was asked for")
        total = _total(response, start)
        if etag := response.headers.get("ETag"):
            tag.write_text(etag, encoding="utf-8")
        _write(response, part, start, total, progress, bounds.most_bytes)


def _write(
    response: httpx.Response, part: Path, start: int, total: int | None, progress: Progress, most_bytes: int
) -> None:
    """The answer's bytes into `part` from `start` on."""
    if (total or 0) > most_bytes:
        raise InstallError(f"{response.url} has {total:,} bytes; {most_bytes:,} is the most.", "download_too_large")
    with part.open("r+b" if part.exists() else "wb") as file:
        file.truncate(start)
        file.seek(start)
        progress(start, total)
        for chunk in response.iter_raw():  # as it comes: nothing is lost with the connection
            file.write(chunk)
            if file.tell() > most_bytes:
                raise InstallError(f"{response.url} sends more than {most_bytes:,} bytes.", "download_too_large")
            progress(file.tell(), total)
        end = file.tell()
    if total is not None and end < total:
        raise _InterruptedError(f"the connection ended after {end:,} of {total:,} bytes")


@contextmanager
def _opened(client: httpx.Client, url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
    """An answer with a file in it, or a clear refusal."""
    try:
        with client.stream("GET", url, headers=headers) as response:
            code = response.status_code
            if code >= 500 or code in (408, 429):
                raise _InterruptedError(f"the server answered {code}")
            if code >= 400 and code != httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise InstallError(f"{url} is not there: the server answered {code}.", "download_refused")
            if code < 400 and response.headers.get("Content-Type", "").startswith("text/html"):
                message = f"{url} answered with a web page instead of a file; a proxy or a login may stand in between."
                raise InstallError(message, "download_refused")
            yield response
    except httpx.TooManyRedirects as error:
        raise InstallError(f"{url} is redirected without end.", "download_refused") from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise InstallError(f"{url} is not an address that can be fetched: {error}.", "download_refused") from error


def _client(url: str, bounds: Limits) -> httpx.Client:
    secure = url.startswith("https:")

    def stay_secure(request: httpx.Request) -> None:
        if secure and request.url.scheme != "https":
            raise InstallError(f"{url} is redirected to the unprotected {request.url}; refused.", "download_refused")

    return httpx.Client(
        follow_redirects=True, max_redirects=bounds.redirects, event_hooks={"request": [stay_secure]},
        timeout=httpx.Timeout(bounds.stall, connect=bounds.connect),
    )  # fmt: skip


def _start_of(response: httpx.Response) -> int:
    """`Content-Range: bytes 100-199/200` -> 100; 0 where it cannot be read, so that everything is written anew."""
    word = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    if not word.isdigit():
        raise _InterruptedError("the server sent a part without saying which")
    return int(word)


def _total(response: httpx.Response, start: int) -> int | None:
    length = response.headers.get("Content-Length", "")
    return start + int(length) if length.isdigit() else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _tag(part: Path) -> Path:
    """Where the server's ETag of an unfinished file is kept."""
    return part.with_name(part.name + ".etag")
