"""Every failure becomes `application/problem+json` (RFC 9457) of one shape; see `server.api.problems` for the table."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from server.api.problems import PROBLEMS, problem_of
from server.errors import RequestError, SegserveError, UnavailableError

log = logging.getLogger("segserve.api")

PROBLEM_TYPE = "application/problem+json"
_HTTP_CODES = {
    404: "route_not_found",
    405: "method_not_allowed",
    413: "payload_too_large",
    415: "unsupported_media_type",
}
_METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
_RESERVED = {"type", "title", "status", "detail", "code", "instance", "request_id"}
_LONGEST_FIELD = 200
_MOST_ERRORS = 20
_MOST_SPELT_OUT = 1000
_LINGER_SECONDS = 2.0
_LINGER_BYTES = 64 * 1024 * 1024


class Lingering(Response):
    """Answers at once, then reads on for a moment and throws away: a client that is still sending would otherwise
    find the connection reset before it has seen the answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.body, response.status_code)
        self.raw_headers = response.raw_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        discarded = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                while discarded < _LINGER_BYTES:
                    message = await receive()
                    if message["type"] != "http.request" or not message.get("more_body", False):
                        break
                    discarded += len(message.get("body", b""))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def problem_response(
    scope: Scope,
    code: str,
    detail: str,
    *,
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    status: int | None = None,
) -> Response:
    problem = problem_of(code)
    body = {
        "type": f"{scope.get('root_path', '')}/docs/errors#{code}",
        "title": problem.title,
        "status": status or problem.status,
        "detail": detail,
        "code": code,
        "instance": scope["path"],
        "request_id": scope.get("segserve.request_id", ""),
    }
    body |= {key: value for key, value in (details or {}).items() if key not in _RESERVED}
    content = to_json(body, inf_nan_mode="null", fallback=str)
    answer = {"Cache-Control": "no-store", **(headers or {})}
    return Response(content, status or problem.status, headers=answer, media_type=PROBLEM_TYPE)


def response_for(scope: Scope, error: SegserveError) -> Response:
    scope["segserve.error_code"] = error.code
    problem = problem_of(error.code)
    if error.code not in PROBLEMS:
        log.error("error code %s is missing from the table: %s", error.code, error.message)
        return problem_response(scope, "internal_error", "The server failed. Its log has the details.")
    if problem.status >= 500 and not isinstance(error, UnavailableError):
        log.error("request %s: %s: %s", scope.get("segserve.request_id"), error.code, error.message, exc_info=error)
    headers = dict(error.details.get("headers", {}))
    if error.code == "payload_too_large":
        headers["Connection"] = "close"
    if isinstance(error, UnavailableError):
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    details = {key: value for key, value in error.details.items() if key != "headers"}
    response = problem_response(scope, error.code, error.message, details=details, headers=headers)
    return Lingering(response) if error.code == "payload_too_large" else response


def invalid_request(errors: Sequence[Mapping[str, Any]], *, where: str = "") -> RequestError:
    """From pydantic's list of errors to one of ours. A validator may use one of our codes as its error type."""
    first = errors[0]
    kind, location = str(first["type"]), [str(part)[:_LONGEST_FIELD] for part in first["loc"]]
    code, detail = "invalid_request", f"{'.'.join(location) or 'body'}: {first['msg']}."
    if kind in PROBLEMS:
        code, detail = kind, str(first["msg"])
    elif kind == "json_invalid":
        code, detail = "invalid_json", f"{first['msg']}. Send one JSON object encoded as UTF-8."
    elif kind == "finite_number":
        code, detail = "number_not_finite", f"{'.'.join(location)} is NaN or infinite. Send finite numbers."
    elif kind == "too_long" and location[-1:] == ["prompts"]:
        code, detail = "too_many_prompts", "These are far too many prompts for one call. Split it."
    elif kind == "too_long" and location[-1:] in (["point_coords"], ["point_labels"]):
        code, detail = "too_many_points", f"{'.'.join(location)} is far too long. Send fewer points."
    listed = [
        {
            "location": ".".join(str(part)[:_LONGEST_FIELD] for part in error["loc"])[:_LONGEST_FIELD],
            "message": error["msg"],
        }
        for error in errors[:_MOST_ERRORS]
    ]
    return RequestError(where + detail, code=code, errors=listed)


def from_validation(error: ValidationError) -> RequestError:
    """Of a body that is wrong in thousands of places the places are not spelt out: that would hold up everybody."""
    if error.error_count() > _MOST_SPELT_OUT:
        message = f"The body is wrong in {error.error_count()} places. Compare it with docs/api.md."
        return RequestError(message, code="invalid_request")
    return invalid_request(error.errors(include_url=False, include_context=False, include_input=False))


def add_error_handlers(app: FastAPI) -> None:
    @app.exception_handler(SegserveError)
    async def _segserve(request: Request, error: SegserveError) -> Response:
        return response_for(request.scope, error)

    @app.exception_handler(RequestValidationError)
    async def _validation(request: Request, error: RequestValidationError) -> Response:
        return response_for(request.scope, invalid_request(error.errors()))

    @app.exception_handler(ValidationError)
    async def _body(request: Request, error: ValidationError) -> Response:
        return response_for(request.scope, from_validation(error))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        code = _HTTP_CODES.get(error.status_code, "invalid_request" if error.status_code < 500 else "internal_error")
        detail = {
            "route_not_found": f"There is nothing at {request.url.path[:_LONGEST_FIELD]}. /docs lists every address.",
            "method_not_allowed": f"{request.method} is not possible here; the Allow header says what is.",
        }.get(code, str(error.detail))
        request.scope["segserve.error_code"] = code
        headers = {"Allow": _allowed_methods(request)} if code == "method_not_allowed" else error.headers
        return problem_response(request.scope, code, detail, headers=headers, status=error.status_code)


def _allowed_methods(request: Request) -> str:
    """All methods of the address; the router's own answer names only those of the first route that has it."""
    routes = request.app.router.routes
    allowed = [
        method
        for method in _METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]
    return ", ".join([*allowed, "HEAD"] if "GET" in allowed else allowed)
