"""The outermost layer, plain ASGI: request id, security headers, timing, metrics, HEAD, and the last catch.

It wraps everything, so an unhandled exception answers with the same headers and the same problem shape as all else.
"""

from __future__ import annotations

import logging
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.api.errors import problem_response
from server.api.headers import SECURITY_HEADERS, valid_request_id
from server.api.telemetry import Telemetry
from server.services.timing import start_spans

log = logging.getLogger("segserve.api")
access_log = logging.getLogger("segserve.access")

CLIENT_GONE = 499
_QUIET_ROUTES = {"/healthz", "/readyz", "/metrics"}
_KNOWN_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class RequestContext:
    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await _Exchange(scope, receive, send, self._telemetry).run(self._app)


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, telemetry: Telemetry) -> None:
        self._receive, self._send, self._telemetry = receive, send, telemetry
        self._began = time.perf_counter()
        self._status = 0
        self._method: str = scope["method"]
        self._head = self._method == "HEAD"
        # A copy: the server looks at its own to know that the answer to HEAD has no body.
        self._scope: Scope = {**scope, "method": "GET"} if self._head else scope
        self._spans = start_spans()
        given = Headers(scope=scope).get("x-request-id", "")
        self._request_id = given if valid_request_id(given) else uuid.uuid4().hex
        self._scope["segserve.head"] = self._head
        self._scope["segserve.request_id"] = self._request_id

    async def run(self, app: ASGIApp) -> None:
        try:
            await app(self._scope, self._receive, self._answer)
        except ClientDisconnect:
            self._status = self._status or CLIENT_GONE
        except Exception:
            log.exception("request %s failed: %s %s", self._request_id, self._method, self._scope["path"])
            if self._status:
                raise  # half an answer is out: the server must cut the connection
            self._scope["segserve.error_code"] = "internal_error"
            detail = "The server failed. Its log has the details under this request id."
            response = problem_response(self._scope, "internal_error", detail)
            await response(self._scope, self._receive, self._answer)
        finally:
            self._report()

    async def _answer(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            message.setdefault("headers", [])
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS:
                headers[name.decode()] = value.decode()
            headers["X-Request-ID"] = self._request_id
            headers["Server-Timing"] = self._server_timing()
        elif self._head and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)

    def _server_timing(self) -> str:
        total = time.perf_counter() - self._began
        return ", ".join(
            f"{name};dur={seconds * 1000:.2f}" for name, seconds in (*self._spans.items(), ("total", total))
        )

    def _report(self) -> None:
        route = getattr(self._scope.get("route"), "path", "unmatched")
        seconds = time.perf_counter() - self._began
        status = self._status or CLIENT_GONE
        error_code: str | None = self._scope.get("segserve.error_code")
        self._telemetry.request_answered(
            method=self._method if self._method in _KNOWN_METHODS else "other",
            route=route,
            status=status,
            seconds=seconds,
            spans=self._spans,
            error_code=error_code,
        )
        level = logging.DEBUG if route in _QUIET_ROUTES else logging.INFO
        access_log.log(
            level,
            "%s %s %d %.1fms id=%s%s",
            self._method,
            route,
            status,
            seconds * 1000,
            self._request_id,
            f" code={error_code}" if error_code else "",
        )
