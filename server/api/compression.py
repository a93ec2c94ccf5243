"""gzip for text answers that are sent in one piece. Embeddings and model files stay as they lie."""

from __future__ import annotations

import asyncio
import gzip

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_MINIMUM = 1024
_IN_THREAD = 64 * 1024
_LEVEL = 4
_COMPRESSIBLE = (
    "text/",
    "application/json",
    "application/problem+json",
    "application/javascript",
    "application/geo+json",
    "application/manifest+json",
    "application/wasm",
    "image/svg+xml",
)


def is_compressible(content_type: str) -> bool:
    return content_type.startswith(_COMPRESSIBLE)


def accepted_encodings(header: str) -> set[str]:
    """Names that the Accept-Encoding header allows (those with q=0 are refused)."""
    accepted = set()
    for part in header.lower().split(","):
        name, _, parameters = part.strip().partition(";")
        if name and parameters.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}:
            accepted.add(name.strip())
    return accepted


class GzipText:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "gzip" not in accepted_encodings(Headers(scope=scope).get("accept-encoding", "")):
            await self._app(scope, receive, send)
            return
        held: Message | None = None

        async def compressing_send(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start":
                if _may_compress(message):
                    held = message
                    return
            elif held is not None:
                start, held = held, None
                body = message.get("body", b"")
                if len(body) >= _MINIMUM and not message.get("more_body", False):
                    message = {**message, "body": await _compress(body)}
                    headers = MutableHeaders(scope=start)
                    headers["Content-Encoding"] = "gzip"
                    headers["Content-Length"] = str(len(message["body"]))
                    headers.add_vary_header("Accept-Encoding")
                await send(start)
            await send(message)

        await self._app(scope, receive, compressing_send)


def _may_compress(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    return (
        "content-encoding" not in headers
        and "content-range" not in headers
        and start["status"] not in (204, 304)
        and is_compressible(headers.get("content-type", ""))
    )


async def _compress(body: bytes) -> bytes:
    if len(body) < _IN_THREAD:
        return gzip.compress(body, _LEVEL, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, _LEVEL, mtime=0)
