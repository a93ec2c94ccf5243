"""Immutable files over HTTP: strong ETag, 304, one byte range, read in pieces off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from server.api.headers import IMMUTABLE, ByteRange, etag_matches, parse_range

_PIECE = 256 * 1024


def immutable_file(request: Request, path: Path, *, size: int, sha256: str, media_type: str) -> Response:
    """The file at `path`, whose content never changes under its address."""
    etag = f'"{sha256}"'
    headers = {"ETag": etag, "Cache-Control": IMMUTABLE, "Accept-Ranges": "bytes"}
    if etag_matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    part = parse_range(request.headers.get("range"), request.headers.get("if-range"), etag, size)
    wanted = part or ByteRange(0, size)
    headers["Content-Length"] = str(wanted.stop - wanted.start)
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    status = 200 if part is None else 206
    if request.scope.get("segserve.head", False):  # answered as GET, of which only the headers are sent
        return Response(status_code=status, headers=headers, media_type=media_type)
    return StreamingResponse(_pieces(path, wanted), status, headers=headers, media_type=media_type)


async def _pieces(path: Path, wanted: ByteRange) -> AsyncIterator[bytes]:
    left = wanted.stop - wanted.start
    # opened once: another file may take its place while this one is sent
    with await asyncio.to_thread(path.open, "rb") as file:
        file.seek(wanted.start)
        while left:
            piece = await asyncio.to_thread(file.read, min(_PIECE, left))
            if not piece:
                raise OSError(f"{path.name} is shorter than its manifest says")
            left -= len(piece)
            yield piece
