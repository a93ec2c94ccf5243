"""Headers that every answer carries, and the conditional and range headers of immutable files."""

from __future__ import annotations

import re
from typing import NamedTuple

from server.errors import RequestError

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "worker-src 'self' blob:",
        "img-src 'self' blob: data:",
        "connect-src 'self' blob: data:",
        "style-src 'self' 'unsafe-inline'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

# COOP and COEP make the page cross-origin isolated: without them WebAssembly has no threads.
SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-embedder-policy", b"require-corp"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)

IMMUTABLE = "public, max-age=31536000, immutable"

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_RANGE = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*")


def valid_request_id(value: str) -> bool:
    return _REQUEST_ID.fullmatch(value) is not None


def etag_matches(if_none_match: str | None, etag: str) -> bool:
    """Weak comparison (RFC 9110, 13.1.2). `etag` is ours, quoted and strong."""
    if if_none_match is None:
        return False
    candidates = [candidate.strip().removeprefix("W/") for candidate in if_none_match.split(",")]
    return etag in candidates or "*" in candidates


class ByteRange(NamedTuple):
    start: int
    stop: int  # exclusive


def parse_range(range_header: str | None, if_range: str | None, etag: str, size: int) -> ByteRange | None:
    """The one range asked for, or None for the whole file: no header, several ranges, another unit, or an If-Range
    that names another version. Raises `range_not_satisfiable` (RFC 9110, 14.2)."""
    if range_header is None or (if_range is not None and if_range.strip() != etag):
        return None
    match = _RANGE.fullmatch(range_header.strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if first:
        start, stop = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < int(first):
            return None
    else:
        start, stop = max(0, size - int(last)), size
    if start >= stop:
        raise RequestError(
            f"The file has {size} bytes. Ask for a range inside it.",
            code="range_not_satisfiable",
            size=size,
            headers={"Content-Range": f"bytes */{size}"},
        )
    return ByteRange(start, stop)
