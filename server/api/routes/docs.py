"""/docs: the API described by a page of our own, which needs no other host; /docs/errors: what each code means."""

from __future__ import annotations

import asyncio
import html
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from pydantic_core import to_json

from server.api.headers import etag_matches
from server.api.problems import PROBLEMS
from server.errors import NotFoundError

router = APIRouter(include_in_schema=False)

_DIRECTORY = Path(__file__).parent.parent / "docs_page"
_FILES = {"docs.js": "text/javascript", "docs.css": "text/css"}
_HEADERS = {"Cache-Control": "no-cache"}


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    # FastAPI takes a moment to write its schema the first time; it remembers it.
    schema = await asyncio.to_thread(request.app.openapi)
    return Response(to_json(schema), headers=_HEADERS, media_type="application/json")


@router.get("/docs")
async def docs() -> Response:
    return HTMLResponse((_DIRECTORY / "index.html").read_bytes(), headers=_HEADERS)


@router.get("/docs/assets/{name}")
async def asset(request: Request, name: str) -> Response:
    if name not in _FILES:
        raise NotFoundError(f"There is nothing at /docs/assets/{name[:100]}.", code="route_not_found")
    path = _DIRECTORY / name
    stat = path.stat()
    etag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
    headers = {**_HEADERS, "ETag": f"W/{etag}"}  # weak: the same one for the file as it is and compressed
    if etag_matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    return Response(path.read_bytes(), headers=headers, media_type=_FILES[name])


@router.get("/docs/errors")
async def errors() -> Response:
    rows = "".join(
        f'<tr id="{code}"><td><code>{code}</code></td><td>{status}</td><td>{html.escape(title)}</td></tr>'
        for code, (status, title) in PROBLEMS.items()
    )
    page = (_DIRECTORY / "errors.html").read_text(encoding="utf-8").replace("<!-- rows -->", rows)
    return HTMLResponse(page, headers=_HEADERS)
