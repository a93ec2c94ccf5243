"""The only composition root: settings → back end, registry, store, services, routes."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from server import __version__
from server.api.bodies import BufferBudget
from server.api.compression import GzipText
from server.api.context import Context, HttpLimits
from server.api.errors import add_error_handlers
from server.api.middleware import RequestContext
from server.api.observers import EncoderMetrics, ServiceMetrics, StoreMetrics
from server.api.openapi import add_openapi
from server.api.routes import docs, embeddings, health, images, models, predict, sessions
from server.api.routes.page import page_router
from server.api.static import StaticPage
from server.api.telemetry import Telemetry
from server.domain.ports import Backend, BlobStore, Encoder
from server.errors import SegserveError
from server.runtime.backends import select_backend
from server.runtime.batcher import MicroBatcher
from server.runtime.registry import BundleRegistry
from server.services.clicks import ClickService
from server.services.decoded import DecodedCache
from server.services.embed import EmbedService
from server.services.models import ModelPool
from server.services.pictures import PictureCache
from server.services.segment import SegmentLimits, SegmentService
from server.services.sessions import SessionLimits, SessionService
from server.services.workers import Workers
from server.settings import Settings
from server.storage.images import ImageStore
from server.storage.opening import logits_quota, open_store
from server.storage.sessions import MOST_BYTES, SessionStore

log = logging.getLogger("segserve.app")

PACKAGE = Path(__file__).parent
EMBEDDED_BUNDLES = PACKAGE / "bundles"
STATIC = PACKAGE / "static"
LARGE_INPUT = 1024  # px; from here on each picture of a batch takes a gigabyte of activations


def open_registry(settings: Settings, backend: Backend | None = None) -> BundleRegistry:
    """Installed bundles before the embedded ones. Raises `bundle_…`, `model_not_found`, `backend_unavailable`."""
    directories = [settings.installed_bundles, EMBEDDED_BUNDLES]
    if settings.bundle_dir is not None and not settings.bundle_dir.is_dir():
        log.warning("there is no directory %s to take bundles from", settings.bundle_dir)
    chosen = backend or select_backend(
        settings.device, threads=settings.effective_threads, int8=settings.cpu_encoder == "int8"
    )
    return BundleRegistry(directories, chosen, default_id=settings.model)


def open_settings_store(settings: Settings, telemetry: Telemetry | None = None) -> BlobStore:
    url = settings.redis_url
    return open_store(
        cache_bytes=settings.cache_bytes,
        redis_url=None if url is None else url.get_secret_value(),
        redis_timeout_seconds=settings.redis_timeout,
        max_value_bytes=settings.max_upload_bytes,
        observer=StoreMetrics(telemetry) if telemetry else None,
    )


def create_app(settings: Settings, *, backend: Backend | None = None, store: BlobStore | None = None) -> FastAPI:
    """`backend` and `store` replace what the settings ask for; tests use them."""
    telemetry = Telemetry()
    context = _context(settings, telemetry, open_registry(settings, backend), store)
    app = FastAPI(
        title="Segserve",
        version=__version__,
        docs_url=None,
        redirect_slashes=False,
        redoc_url=None,
        openapi_url=None,
        lifespan=_lifespan,
    )
    app.state.context = context
    add_error_handlers(app)
    for router in (
        images.router,
        embeddings.router,
        predict.router,
        sessions.router,
        models.router,
        health.router,
        docs.router,
        page_router(context.page),
    ):
        app.include_router(router)
    add_openapi(app)
    # The last one added is the outermost.
    app.add_middleware(GzipText)
    app.add_middleware(RequestContext, telemetry=telemetry)
    return app


def _context(settings: Settings, telemetry: Telemetry, registry: BundleRegistry, store: BlobStore | None) -> Context:
    metrics = ServiceMetrics(telemetry)
    pools = {
        name: Workers(name, threads=settings.effective_workers, max_waiting=settings.work_queue_size)
        for name in ("image", "mask")
    }

    turn = threading.Lock()  # one encoder at a time: each has every core

    def make_queue(model_id: str, encoder: Encoder) -> MicroBatcher:
        large = registry.manifest(model_id).preprocessing.size >= LARGE_INPUT and registry.backend.name == "onnx"
        return MicroBatcher(
            encoder,
            max_batch=1 if large else settings.batch_size,
            max_queue=settings.queue_size,
            max_wait_seconds=settings.batch_wait,
            observer=EncoderMetrics(telemetry, model_id),
            name=f"encoder-{model_id}",
            turn=turn,
        )

    for model_id in settings.warm_model_ids:
        registry.manifest(model_id)  # a name that is not known stops the start
    pool = ModelPool(registry, make_queue, memory=settings.effective_model_memory, turn=turn, observer=metrics)
    blobs = store or open_settings_store(settings, telemetry)
    image_store = ImageStore(
        blobs,
        record_ttl_seconds=settings.record_ttl,
        data_ttl_seconds=settings.image_ttl,
        logits_ttl_seconds=settings.logits_ttl,
        logits_room=None if settings.redis_url else logits_quota(settings.cache_bytes),  # Redis has a bound of its own
    )
    embed = EmbedService(
        models=pool,
        images=image_store,
        workers=pools["image"],
        decoded=DecodedCache(settings.decoded_bytes),
        pictures=PictureCache(settings.picture_bytes),
        observer=metrics,
        max_pixels=settings.max_pixels,
    )
    limits = SegmentLimits(settings.max_prompts, settings.max_points, settings.max_mask_pixels)
    clicks = ClickService(embed=embed, workers=pools["mask"], observer=metrics, limits=limits)
    segment = SegmentService(
        embed=embed,
        images=image_store,
        workers=pools["mask"],
        observer=metrics,
        limits=limits,
    )
    return Context(
        telemetry=telemetry,
        budget=BufferBudget(settings.max_buffered_bytes),
        limits=HttpLimits(settings.max_upload_bytes, settings.max_json_bytes, settings.request_timeout),
        models=pool,
        images=image_store,
        embed=embed,
        segment=segment,
        clicks=clicks,
        sessions=SessionService(
            store=SessionStore(
                blobs,
                ttl_seconds=settings.session_ttl,
                record_ttl_seconds=settings.record_ttl,
                most_bytes=min(MOST_BYTES, settings.max_upload_bytes, settings.cache_bytes // 2),
            ),
            models=pool,
            embed=embed,
            clicks=clicks,
            observer=metrics,
            limits=SessionLimits(settings.session_steps, settings.max_points, settings.session_lease),
        ),
        pools=pools,
        page=StaticPage(settings.static_dir or STATIC),
        warm_models=settings.warm_model_ids,
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    context: Context = app.state.context
    loading = asyncio.create_task(_load_default(context))
    try:
        yield
    finally:
        context.readiness.ready = False
        context.readiness.failure = "The server is shutting down."
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)
        await context.models.close()
        for workers in context.pools.values():
            workers.close()
        await context.images.close()


async def _load_default(context: Context) -> None:
    """The server listens at once; /readyz says when the default model is warm, or why it never will be."""
    try:
        await context.models.get(None)
    except SegserveError as error:
        log.error("the default model did not load: %s", error.message)
        context.readiness.failure = f"The default model did not load: {error.message}"
    except Exception:
        log.exception("the default model did not load")
        context.readiness.failure = "The default model did not load; the server's log has the details."
    else:
        context.readiness.ready = True
        await context.models.warm(context.warm_models)
