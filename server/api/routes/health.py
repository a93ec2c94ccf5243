"""/healthz (the process answers), /readyz (it can do its work), /metrics (Prometheus)."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Response
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from server.api.context import Context, ContextDep
from server.api.guard import deadline
from server.api.openapi import problems
from server.api.schemas import HealthAnswer, ReadyAnswer, StoreAnswer
from server.domain.ports import StoreHealth
from server.errors import UnavailableError

router = APIRouter(tags=["health"])

_CHECK_SECONDS = 5.0


@router.get("/healthz", summary="The process answers", response_model=HealthAnswer, responses=problems())
async def healthz(response: Response) -> HealthAnswer:
    response.headers["Cache-Control"] = "no-store"
    return HealthAnswer(status="ok")


@router.get(
    "/readyz",
    summary="The default model is loaded and the store answers",
    response_model=ReadyAnswer,
    responses=problems("not_ready", "timeout"),
)
async def readyz(response: Response, context: ContextDep) -> ReadyAnswer:
    response.headers["Cache-Control"] = "no-store"
    store = await context.images.health()
    if not context.readiness.ready:
        message = context.readiness.failure or "The default model is being loaded. Ask again in a moment."
        raise UnavailableError(message, code="not_ready", store=asdict(store))
    model_id = context.models.default_id
    async with deadline(_CHECK_SECONDS):
        if not await context.models.healthy(model_id):
            message = f"The encoder of {model_id} fails on every picture. The server's log has the details."
            raise UnavailableError(message, code="not_ready", store=asdict(store))
    return ReadyAnswer(
        status="degraded" if store.degraded else "ready",
        model=model_id,
        revision=context.models.registry.manifest(model_id).revision,
        backend=context.models.registry.backend.name,
        store=StoreAnswer(**asdict(store)),
    )


@router.get("/metrics", summary="Prometheus metrics", response_class=Response, responses=problems())
async def metrics(context: ContextDep) -> Response:
    _observe_gauges(context, await context.images.health())
    return Response(context.telemetry.render(), headers={"Cache-Control": "no-store"}, media_type=CONTENT_TYPE_LATEST)


def _observe_gauges(context: Context, store: StoreHealth) -> None:
    telemetry = context.telemetry
    depths, held = context.models.queue_depths(), context.models.loaded_bytes()
    for manifest in context.models.manifests():
        telemetry.queue_depth.labels(manifest.id).set(depths.get(manifest.id, 0))
        telemetry.model_bytes.labels(manifest.id).set(held.get(manifest.id, 0))
    for name, pool in context.pools.items():
        telemetry.worker_jobs.labels(name).set(pool.jobs)
    telemetry.buffered.set(context.budget.held)
    telemetry.ready.set(context.readiness.ready)
    telemetry.store_degraded.set(store.degraded)
    telemetry.store_bytes.labels(store.backend).set(store.bytes_used)
    telemetry.store_entries.labels(store.backend).set(store.entries)
