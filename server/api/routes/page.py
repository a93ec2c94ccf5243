"""/ and the files of the built page. One route per top-level name: unknown paths and methods stay 404 and 405."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from server.api.context import ContextDep
from server.api.static import StaticPage


async def _index(request: Request, context: ContextDep) -> Response:
    if not context.page.built:
        return context.page.explanation()
    return await context.page.respond(request, "index.html")


async def _file(request: Request, context: ContextDep) -> Response:
    return await context.page.respond(request, request.scope["path"].removeprefix("/"))


def page_router(page: StaticPage) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/", _index, methods=["GET"])
    for name, is_directory in page.top_level():
        router.add_api_route(f"/{name}/{{rest:path}}" if is_directory else f"/{name}", _file, methods=["GET"])
    return router
