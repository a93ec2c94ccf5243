"""Reading request bodies with every bound checked while the bytes arrive, never after."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from server.errors import RequestError, UnavailableError

MULTIPART_OVERHEAD = 64 * 1024
_MAX_PARTS = 8
_MAX_HEADER_BYTES = 8 * 1024


class BufferBudget:
    """Bytes of bodies held at once by all requests together."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.held = 0

    @contextmanager
    def lease(self) -> Iterator[Lease]:
        lease = Lease(self)
        try:
            yield lease
        finally:
            self.held -= lease.bytes

    def take(self, count: int, own: int) -> None:
        """`own`: what the same body holds already."""
        # A lone body always fits: its own limit is checked elsewhere.
        if self.held > own and self.held + count > self._limit:
            raise UnavailableError(
                "Too many uploads are being received. Try again after the time in Retry-After.", code="queue_full"
            )
        self.held += count


@dataclass(slots=True)
class Lease:
    budget: BufferBudget
    bytes: int = 0

    def take(self, count: int) -> None:
        self.budget.take(count, self.bytes)
        self.bytes += count


@dataclass(slots=True)
class Part:
    """One part of a multipart form. The file's name is not kept: nothing asks for it."""

    name: str
    content_type: str
    data: bytearray = field(default_factory=bytearray)


def too_large(limit: int, what: str) -> RequestError:
    return RequestError(
        f"The {what} is larger than {limit} bytes. Send a smaller one.", code="payload_too_large", limit=limit
    )


async def bounded_stream(request: Request, limit: int, lease: Lease, *, what: str) -> AsyncIterator[bytes]:
    """The body's chunks; `payload_too_large` as soon as the stated length or the bytes read exceed `limit`."""
    if request.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise RequestError(
            "Compressed bodies are not accepted: send it without Content-Encoding.", code="unsupported_media_type"
        )
    stated = request.headers.get("content-length", "")
    if stated.isdigit() and int(stated) > limit:
        raise too_large(limit, what)
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > limit:
            raise too_large(limit, what)
        lease.take(len(chunk))
        yield chunk


async def read_body(request: Request, limit: int, lease: Lease, *, what: str) -> bytes:
    chunks = [chunk async for chunk in bounded_stream(request, limit, lease, what=what)]
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def read_form(request: Request, *, file_limit: int, field_limit: int, lease: Lease) -> dict[str, Part]:
    """multipart/form-data -> parts by name. At most 8 parts; `file` is bounded by `file_limit`, any other by
    `field_limit`. Nothing is written to disk."""
    _, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary", b"")
    if not 1 <= len(boundary) <= 256:
        raise _malformed("the boundary is missing in Content-Type")
    form = _Form(boundary, file_limit, field_limit)
    limit = file_limit + field_limit + MULTIPART_OVERHEAD
    try:
        async for chunk in bounded_stream(request, limit, lease, what="form"):
            form.feed(chunk)
        form.close()
    except MultipartParseError as error:
        raise _malformed(str(error)) from error
    return form.parts


def _malformed(reason: str) -> RequestError:
    return RequestError(f"The multipart body cannot be read: {reason}.", code="invalid_multipart")


class _Form:
    """Collects the callbacks of python-multipart's incremental parser."""

    def __init__(self, boundary: bytes, file_limit: int, field_limit: int) -> None:
        self.parts: dict[str, Part] = {}
        self._limits = (file_limit, field_limit)
        self._part: Part | None = None
        self._headers: dict[str, bytes] = {}
        self._name, self._value = bytearray(), bytearray()
        self._header_bytes = 0
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begin,
                "on_part_data": self._part_data,
                "on_part_end": self._part_end,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_end": self._end,
            },
        )

    def feed(self, chunk: bytes) -> None:
        self._parser.write(chunk)

    def close(self) -> None:
        self._parser.finalize()
        if not self._ended:
            raise _malformed("it ends before the closing boundary")

    def _part_begin(self) -> None:
        self._headers, self._header_bytes = {}, 0

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._count_header(end - start)
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._count_header(end - start)
        self._value += data[start:end]

    def _count_header(self, count: int) -> None:
        self._header_bytes += count
        if self._header_bytes > _MAX_HEADER_BYTES:
            raise _malformed("the headers of a part are too long")

    def _header_end(self) -> None:
        self._headers[self._name.decode("latin-1").lower()] = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def _headers_finished(self) -> None:
        disposition, options = parse_options_header(self._headers.get("content-disposition"))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if disposition != b"form-data" or not name:
            raise _malformed("a part has no name")
        if name in self.parts:
            raise _malformed(f"the part {name[:64]!r} is there twice")
        if len(self.parts) >= _MAX_PARTS:
            raise _malformed(f"it has more than {_MAX_PARTS} parts")
        self._part = Part(name, self._headers.get("content-type", b"").decode("latin-1"))
        self.parts[name] = self._part

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        if part is None:
            raise _malformed("data before the first part")
        limit = self._limits[0] if part.name == "file" else self._limits[1]
        if len(part.data) + end - start > limit:
            raise too_large(limit, f"part {part.name[:64]!r}")
        part.data += data[start:end]

    def _part_end(self) -> None:
        self._part = None

    def _end(self) -> None:
        self._ended = True
