"""/v1/images/{id}/embedding: the container as it lies in the store."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from server.api.context import Context, ContextDep
from server.api.guard import deadline, until_disconnect
from server.api.headers import etag_matches
from server.api.openapi import problems
from server.api.schemas import ModelQuery
from server.errors import RequestError
from server.storage.images import ImageRecord

router = APIRouter(prefix="/v1/images", tags=["images"])

EMBEDDING_TYPE = "application/vnd.segserve.embedding+safetensors"
_YEAR, _HOUR = 31_536_000, 3600


@router.get(
    "/{image_id}/embedding",
    summary="The stored embedding, safetensors bytes as they lie",
    response_class=Response,
    responses={
        200: {"content": {EMBEDDING_TYPE: {}}, "description": "docs/bundle-format.md describes the container."},
        304: {"description": "The caller's copy is the same."},
        **problems(
            "queue_full",
            "timeout",
            "shutting_down",
            "backend_unavailable",
            "model_too_large",
            "models_busy",
            "image_id_invalid",
            "image_not_found",
            "image_expired",
            "model_not_found",
            "model_kind_mismatch",
            "embedding_revision_mismatch",
        ),
    },
)
async def embedding(
    request: Request,
    image_id: str,
    context: ContextDep,
    model: ModelQuery = None,
    revision: Annotated[
        str | None, Query(max_length=64, description="Refuse an embedding of any other revision of the model.")
    ] = None,
) -> Response:
    async with deadline(context.limits.request_timeout):
        manifest = context.models.registry.manifest(model)
        actual = manifest.revision
        if revision is not None and revision != actual:
            raise RequestError(
                f"The server has revision {actual} of {manifest.id}. Load its decoder anew and ask again.",
                code="embedding_revision_mismatch",
                expected=revision,
                actual=actual,
            )
        record = await context.embed.record(image_id)
        container = await context.embed.stored(record, manifest)
        if container is None:
            container = await until_disconnect(request, _encoded(context, record, manifest.id))
    etag = f'"{hashlib.sha256(container).hexdigest()}"'
    # Without the revision in the address, an upgraded model may change what it answers: kept for an hour only.
    age = _HOUR if revision is None else _YEAR
    headers = {"ETag": etag, "Cache-Control": f"private, max-age={age}, immutable", "X-Segserve-Revision": actual}
    if etag_matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    return Response(container, headers=headers, media_type=EMBEDDING_TYPE)


async def _encoded(context: Context, record: ImageRecord, model_id: str) -> bytes:
    async with context.models.use(model_id) as model:
        return await context.embed.container(record, model)
