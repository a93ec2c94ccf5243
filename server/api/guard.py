"""Time limit of a request, and the end of its work when the caller hangs up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from server.errors import UnavailableError

Result = TypeVar("Result")


@asynccontextmanager
async def deadline(seconds: float) -> AsyncIterator[None]:
    """Reading the body and doing the work together get this long; then `timeout`."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        message = f"The request was not finished within {seconds:g} seconds. Try again, or send less at once."
        raise UnavailableError(message, code="timeout") from error


async def until_disconnect(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """The work's result; when the caller hangs up first the work is cancelled. The body must have been read."""
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        watching.cancel()
        working.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
