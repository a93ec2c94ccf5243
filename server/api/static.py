"""The built page: the files that lay in its directory at the start, and no other path, each read and compressed once.

A neighbour `name.br` or `name.gz` that the build left is sent to those who accept it.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from server.api.compression import accepted_encodings, is_compressible
from server.api.headers import IMMUTABLE, etag_matches
from server.errors import NotFoundError
from server.services.single_flight import SingleFlight

_SUFFIXES = {"br": ".br", "gzip": ".gz"}
_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".onnx": "application/octet-stream",
}
_NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Segserve</title>
<body style="font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem">
<h1>Segserve is running; its page is not built</h1>
<p>The API answers: <a href="/docs">documentation</a>, <a href="/v1/models">models</a>,
<a href="/readyz">readiness</a>.</p>
<p>To build the page, run <code>make page</code> in the repository and start the server again. The wheel from
<code>make wheel</code> contains the page.</p>
</body></html>
"""


@dataclass(frozen=True, slots=True)
class _Variant:
    body: bytes
    etag: str


class StaticPage:
    """`directory` None or without index.html: `/` explains how to build the page."""

    def __init__(self, directory: Path | None) -> None:
        self._files: dict[str, Path] = {}
        self._variants: dict[tuple[str, str], _Variant] = {}
        self._reading: SingleFlight[_Variant] = SingleFlight()
        if directory is not None and (directory / "index.html").is_file():
            self._files = {
                path.relative_to(directory).as_posix(): path for path in directory.rglob("*") if path.is_file()
            }

    @property
    def built(self) -> bool:
        return bool(self._files)

    def top_level(self) -> list[tuple[str, bool]]:
        """(name, whether it is a directory) of what lies directly in the page's directory."""
        return sorted({(name.partition("/")[0], "/" in name) for name in self._files})

    def explanation(self) -> Response:
        """Shown at `/` when the page is not built."""
        return HTMLResponse(_NOT_BUILT, 503, headers={"Cache-Control": "no-store", "Retry-After": "60"})

    async def respond(self, request: Request, name: str) -> Response:
        """Raises `route_not_found` for a name that is not one of the files."""
        path = self._files.get(name)
        if path is None:
            raise NotFoundError(
                f"There is nothing at /{name[:200]}. /docs lists every address.", code="route_not_found"
            )
        content_type = _TYPES.get(path.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        encoding = self._encoding(request, name, content_type)
        variant = await self._variant(name, path, encoding)
        headers = {
            "ETag": variant.etag,
            "Cache-Control": IMMUTABLE if name.startswith("assets/") else "no-cache",
            "Vary": "Accept-Encoding",
        }
        if etag_matches(request.headers.get("if-none-match"), variant.etag):
            return Response(status_code=304, headers=headers)
        if encoding:
            headers["Content-Encoding"] = encoding
        return Response(variant.body, headers=headers, media_type=content_type)

    def _encoding(self, request: Request, name: str, content_type: str) -> str:
        """`br`, `gzip` or nothing."""
        accepted = accepted_encodings(request.headers.get("accept-encoding", ""))
        for encoding, suffix in _SUFFIXES.items():
            if encoding in accepted and f"{name}{suffix}" in self._files:
                return encoding
        return "gzip" if "gzip" in accepted and is_compressible(content_type) else ""

    async def _variant(self, name: str, path: Path, encoding: str) -> _Variant:
        key = (name, encoding)
        if key not in self._variants:
            neighbour = self._files.get(f"{name}{_SUFFIXES[encoding]}") if encoding else None
            compress_as = encoding if neighbour is None else ""
            self._variants[key] = await self._reading.run(
                key, lambda: asyncio.to_thread(_read, neighbour or path, compress_as)
            )
        return self._variants[key]


def _read(path: Path, compress_as: str) -> _Variant:
    body = path.read_bytes()
    if compress_as == "gzip":
        body = gzip.compress(body, 6, mtime=0)
    return _Variant(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
