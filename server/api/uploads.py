"""From a request to the picture and the JSON in it: raw bytes, multipart or JSON, each bounded while it is read."""

from __future__ import annotations

import asyncio
import base64
import binascii
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel
from starlette.requests import Request

from server.api.bodies import Lease, Part, read_body, read_form
from server.api.context import HttpLimits
from server.api.schemas import ImageReference, PredictOptions, PredictRequest
from server.errors import ImageError, RequestError

_PARSE_IN_THREAD = 64 * 1024
_LONGEST_MODEL_NAME = 256

Parsed = TypeVar("Parsed", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class PredictCall:
    """`data`: an inline picture's file, or None when `image_id` names a stored one."""

    options: PredictOptions
    image_id: str | None
    data: bytes | None


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_upload(request: Request, limits: HttpLimits, lease: Lease) -> tuple[bytes, str | None]:
    """The image file's bytes, and the model that a multipart form names."""
    content_type = _content_type(request)
    if content_type == "multipart/form-data":
        parts = await read_form(
            request, file_limit=limits.max_upload_bytes, field_limit=limits.max_json_bytes, lease=lease
        )
        model = parts["model"].data[:_LONGEST_MODEL_NAME].decode("utf-8", "replace") if "model" in parts else None
        return _file_of(parts), model or None
    if content_type.startswith("image/"):
        return await read_body(request, limits.max_upload_bytes, lease, what="image"), None
    raise _unsupported(
        content_type, "the file's bytes with an image/… content type, or a multipart form with the part `file`"
    )


async def read_predict(request: Request, limits: HttpLimits, lease: Lease) -> PredictCall:
    content_type = _content_type(request)
    if content_type == "multipart/form-data":
        parts = await read_form(
            request, file_limit=limits.max_upload_bytes, field_limit=limits.max_json_bytes, lease=lease
        )
        if "request" not in parts:
            raise RequestError("The form has no part `request` with the JSON of the call.", code="invalid_request")
        options = await _parse(PredictOptions, bytes(parts["request"].data))
        return PredictCall(options, None, _file_of(parts))
    if _is_json(content_type):
        call = await _parse(PredictRequest, await read_body(request, limits.max_json_bytes, lease, what="JSON body"))
        return PredictCall(call, call.image.id, await picture_in(call.image))
    raise _unsupported(content_type, "application/json, or a multipart form with the parts `file` and `request`")


async def read_json(request: Request, schema: type[Parsed], limits: HttpLimits, lease: Lease) -> Parsed:
    content_type = _content_type(request)
    if not _is_json(content_type):
        raise _unsupported(content_type, "application/json")
    return await _parse(schema, await read_body(request, limits.max_json_bytes, lease, what="JSON body"))


async def picture_in(image: ImageReference) -> bytes | None:
    """The file that a reference carries, None where it names a stored picture. Raises `image_invalid`."""
    return None if image.base64 is None else await asyncio.to_thread(_from_base64, image.base64)


def _is_json(content_type: str) -> bool:
    return content_type == "application/json" or (
        content_type.startswith("application/") and content_type.endswith("+json")
    )


def _unsupported(content_type: str, wanted: str) -> RequestError:
    found = f"The content type {content_type[:100]!r} is not accepted" if content_type else "Content-Type is missing"
    return RequestError(f"{found}. Send {wanted}.", code="unsupported_media_type")


async def _parse(schema: type[Parsed], data: bytes) -> Parsed:
    if len(data) < _PARSE_IN_THREAD:
        return schema.model_validate_json(data)
    return await asyncio.to_thread(schema.model_validate_json, data)


def _file_of(parts: dict[str, Part]) -> bytes:
    if "file" not in parts:
        raise RequestError("The form has no part `file` with the picture.", code="image_required")
    return bytes(parts["file"].data)


def _from_base64(text: str) -> bytes:
    """Line breaks are taken: `base64 photo.jpg` writes them."""
    _, _, payload = text.rpartition("base64,") if text.startswith("data:") else ("", "", text)
    try:
        return base64.b64decode("".join(payload.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        message = "image.base64 is not base64. Send the file's bytes in the standard alphabet, with their padding."
        raise ImageError(message, code="image_invalid") from error
