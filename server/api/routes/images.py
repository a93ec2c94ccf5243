"""/v1/images: upload, look up, delete."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from server.api.context import ContextDep
from server.api.guard import deadline, until_disconnect
from server.api.links import embedding_url, image_url, rfc3339
from server.api.openapi import UPLOAD_BODY, problems
from server.api.schemas import ImageAnswer, ImageModel, ModelQuery, UploadAnswer
from server.api.uploads import read_upload
from server.services.timing import span

router = APIRouter(prefix="/v1/images", tags=["images"])

_BUSY = ("queue_full", "timeout", "shutting_down", "backend_unavailable", "model_too_large", "models_busy")
_BAD_IMAGE = ("image_empty", "image_unsupported", "image_truncated", "image_too_many_pixels", "image_required")


@router.post(
    "",
    summary="Upload a picture and encode it",
    status_code=201,
    response_model=UploadAnswer,
    openapi_extra=UPLOAD_BODY,
    responses={
        200: {"model": UploadAnswer, "description": "The picture and its embedding were known."},
        **problems(
            *_BUSY, *_BAD_IMAGE, "payload_too_large", "unsupported_media_type", "invalid_multipart", "model_not_found"
        ),
    },
)
async def upload(request: Request, context: ContextDep, model: ModelQuery = None) -> Response:
    async with deadline(context.limits.request_timeout):
        with context.budget.lease() as lease:
            with span("receive"):
                data, named = await read_upload(request, context.limits, lease)
            image = await until_disconnect(request, context.embed.upload(data, model or named))
    record, manifest = image.record, image.model.manifest
    answer = UploadAnswer(
        id=record.id,
        width=record.width,
        height=record.height,
        model=manifest.id,
        revision=manifest.revision,
        cached=image.cached,
        embedding_url=embedding_url(record.id, manifest.id) if image.model.is_promptable else None,
        expires_at=rfc3339(record.expires_at),
    )
    headers = {"Location": image_url(record.id), "Cache-Control": "no-store"}
    return JSONResponse(answer.model_dump(), 200 if image.cached else 201, headers)


@router.get(
    "/{image_id}",
    summary="What is known of a picture",
    response_model=ImageAnswer,
    responses=problems("image_id_invalid", "image_not_found"),
)
async def look_up(image_id: str, response: Response, context: ContextDep) -> ImageAnswer:
    record = await context.embed.record(image_id)
    response.headers["Cache-Control"] = "no-store"
    return ImageAnswer(
        id=record.id,
        width=record.width,
        height=record.height,
        created_at=rfc3339(record.created_at),
        expires_at=rfc3339(record.expires_at),
        models=[
            ImageModel(id=model_id, revision=revision, embedding_url=embedding_url(record.id, model_id))
            for model_id, revision in await context.embed.stored_models(record)
        ],
    )


@router.delete(
    "/{image_id}",
    summary="Forget a picture, its file and its embeddings",
    status_code=204,
    response_class=Response,
    responses=problems("image_id_invalid", "image_not_found"),
)
async def delete(image_id: str, context: ContextDep) -> Response:
    await context.embed.delete(image_id)
    return Response(status_code=204)
