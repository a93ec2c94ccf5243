"""What the OpenAPI schema says beyond the types: request bodies that are read by hand, and the problem answers."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from server.api.errors import PROBLEM_TYPE
from server.api.problems import PROBLEMS
from server.api.schemas import PredictOptions, PredictRequest, ProblemAnswer
from server.api.session_schemas import SESSION_REQUESTS

DESCRIPTION = """Promptable and interactive image segmentation. Upload a picture once, then ask for masks by points,
boxes and earlier masks. Coordinates are absolute pixels of the upright picture, x before y. Every error is
application/problem+json with a stable code; /docs/errors lists them."""

_BINARY = {"type": "string", "format": "binary"}
_SCHEMA = "#/components/schemas/"

UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": _BINARY, "model": {"type": "string"}},
                    "required": ["file"],
                }
            },
            "image/*": {"schema": _BINARY},
        },
    }
}

PREDICT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": f"{_SCHEMA}PredictRequest"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": _BINARY, "request": {"$ref": f"{_SCHEMA}PredictOptions"}},
                    "required": ["file", "request"],
                },
                "encoding": {"request": {"contentType": "application/json"}},
            },
        },
    }
}


BODY = ("invalid_request", "invalid_json", "invalid_multipart", "payload_too_large", "unsupported_media_type")
BUSY = ("queue_full", "timeout", "shutting_down", "backend_unavailable", "model_too_large", "models_busy")
PICTURE = (
    "image_required",
    "image_empty",
    "image_unsupported",
    "image_truncated",
    "image_invalid",
    "image_too_many_pixels",
    "image_id_invalid",
    "image_not_found",
    "image_expired",
    "model_not_found",
    "model_kind_mismatch",
)
FORMATS = ("format_unsupported", "outline_too_long")
CLICKS = (
    "clicks_required",
    "too_many_points",
    "point_outside_image",
    "point_labels_mismatch",
    "point_label_invalid",
    "number_not_finite",
    "mask_invalid",
    "mask_size_mismatch",
    *FORMATS,
)


def json_body(schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"{_SCHEMA}{schema}"}}}
    return {"requestBody": {"required": True, "content": content}}


def problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these codes (and, as all do, with `internal_error`)."""
    by_status: dict[int, list[str]] = {}
    for code in (*codes, "internal_error"):
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    return {
        status: {
            "description": "Problem: " + ", ".join(sorted(listed)),
            "content": {PROBLEM_TYPE: {"schema": {"$ref": f"{_SCHEMA}ProblemAnswer"}}},
        }
        for status, listed in sorted(by_status.items())
    }


def add_openapi(app: FastAPI) -> None:
    """Replaces FastAPI's generator: adds the types that only hand-read bodies use and drops its own error types."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes)
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            for model in (PredictRequest, PredictOptions, ProblemAnswer, *SESSION_REQUESTS):
                own = model.model_json_schema(ref_template=_SCHEMA + "{model}")
                schemas.update(own.pop("$defs", {}))
                schemas[model.__name__] = own
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            _replace_validation_answers(schema)
            schema["components"]["schemas"] = dict(sorted(schemas.items()))
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _replace_validation_answers(schema: dict[str, Any]) -> None:
    """FastAPI states its own 422 body for every route with parameters; ours is a problem like all others."""
    for path in schema["paths"].values():
        for operation in path.values():
            answer = operation["responses"].get("422", {})
            if "application/json" in answer.get("content", {}):
                operation["responses"]["422"] = problems("invalid_request")[422]
