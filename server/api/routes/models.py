"""/v1/models: what is served, and the bundles' files."""

from __future__ import annotations

import asyncio
import mimetypes

from fastapi import APIRouter, Request, Response

from server.api.context import ContextDep
from server.api.files import immutable_file
from server.api.links import model_file_url
from server.api.openapi import problems
from server.api.schemas import ModelAnswer, ModelFile, ModelsAnswer
from server.domain.bundle import BundleManifest
from server.services.models import ModelPool
from server.services.served import memory_of

router = APIRouter(prefix="/v1/models", tags=["models"])

_TYPES = {".onnx": "application/octet-stream", ".safetensors": "application/octet-stream", ".md": "text/markdown"}


@router.get("", summary="The models that are served", response_model=ModelsAnswer, responses=problems())
async def models(response: Response, context: ContextDep) -> ModelsAnswer:
    response.headers["Cache-Control"] = "no-cache"
    pool = context.models
    return ModelsAnswer(default=pool.default_id, models=[_describe(manifest, pool) for manifest in pool.manifests()])


@router.get(
    "/{model_id}/{revision}/{file_name}",
    summary="A file of a bundle: content never changes under its address; byte ranges",
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {}}, "description": "The file."},
        206: {"content": {"application/octet-stream": {}}, "description": "The range asked for."},
        304: {"description": "The caller's copy is the same."},
        **problems("model_not_found", "file_not_found", "range_not_satisfiable"),
    },
)
async def file(request: Request, model_id: str, revision: str, file_name: str, context: ContextDep) -> Response:
    served = await asyncio.to_thread(context.models.registry.file, model_id, revision, file_name)
    media_type = _TYPES.get(served.path.suffix) or mimetypes.guess_type(file_name)[0] or "application/octet-stream"
    return immutable_file(request, served.path, size=served.bytes, sha256=served.sha256, media_type=media_type)


def _describe(manifest: BundleManifest, pool: ModelPool) -> ModelAnswer:
    fields = manifest.model_dump(mode="json", exclude={"format_version", "files", "parity"})
    files = {
        name: ModelFile(
            url=model_file_url(manifest.id, manifest.revision, name),
            bytes=entry.bytes,
            sha256=entry.sha256,
            role=entry.role,
        )
        for name, entry in manifest.files.items()
    }
    seconds = pool.encode_seconds(manifest.id)
    return ModelAnswer(
        **fields,
        files=files,
        state=pool.state(manifest.id),
        encode_ms=None if seconds is None else round(1e3 * seconds, 1),
        memory_bytes=memory_of(manifest),
    )
