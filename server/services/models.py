"""The models that are in memory: each loaded once, off the event loop, with its own queue before the encoder.

They share a budget of memory. Before one is loaded, the models that were not asked for the longest go, the default
last; one that somebody uses or whose encoder has work stays. Who finds no room waits a little, and is then told.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Literal, Protocol

from server.domain.bundle import BundleManifest
from server.domain.ports import Encoder
from server.errors import SegserveError, UnavailableError
from server.runtime.batcher import MicroBatcher
from server.runtime.registry import BundleRegistry
from server.services.served import Promptable, ServedModel, memory_of
from server.services.single_flight import SingleFlight
from server.services.warming import Opened, open_warm

log = logging.getLogger("segserve.models")

State = Literal["idle", "loading", "ready"]
BUSY_RETRY_SECONDS = 5.0
ROOM_SECONDS = 10.0  # how long a request waits for others to be done with their models
ROOM_LOOK_SECONDS = 0.02


class ModelObserver(Protocol):
    """Hears of models coming and going, for metrics. Called on the event loop."""

    def model_loaded(self, model: str, seconds: float, memory_bytes: int) -> None: ...

    def model_evicted(self, model: str) -> None: ...


class SilentModelObserver:
    def model_loaded(self, model: str, seconds: float, memory_bytes: int) -> None: ...

    def model_evicted(self, model: str) -> None: ...


class ModelPool:
    """`memory` is the budget in bytes, `turn` the lock under which encoders run. Every method is for the event loop's
    thread."""

    def __init__(
        self,
        registry: BundleRegistry,
        make_queue: Callable[[str, Encoder], MicroBatcher],
        *,
        memory: int = sys.maxsize,
        turn: threading.Lock | None = None,
        observer: ModelObserver | None = None,
    ) -> None:
        self._registry = registry
        self._make_queue = make_queue
        self._memory = memory
        self._turn = turn or threading.Lock()
        self._users: Counter[str] = Counter()
        self._observer: ModelObserver = observer or SilentModelObserver()
        self._loaded: dict[str, ServedModel] = {}  # the longest unasked first
        self._loading: SingleFlight[ServedModel] = SingleFlight()
        self._coming: set[str] = set()
        self._room = asyncio.Lock()
        self._closed = False

    @property
    def default_id(self) -> str:
        return self._registry.default_id

    @property
    def registry(self) -> BundleRegistry:
        return self._registry

    def manifests(self) -> list[BundleManifest]:
        return self._registry.list()

    def queue_depths(self) -> dict[str, int]:
        return {model_id: model.queue.queue_depth for model_id, model in self._loaded.items() if model.is_promptable}

    def loaded_bytes(self) -> dict[str, int]:
        return {model_id: memory_of(model.manifest) for model_id, model in self._loaded.items()}

    def state(self, model_id: str) -> State:
        return "ready" if model_id in self._loaded else "loading" if model_id in self._coming else "idle"

    def encode_seconds(self, model_id: str) -> float | None:
        """Median of the last pictures here; None before the first one since the model was loaded."""
        model = self._loaded.get(model_id)
        return model.queue.seconds_per_picture if model is not None and model.is_promptable else None

    async def healthy(self, model_id: str) -> bool:
        """Cheap after a success; after a failed run a real one on a blank picture decides. A model that left memory for
        another is as healthy as it was: the next request loads it."""
        model = self._loaded.get(model_id)
        if model is None or not model.is_promptable:
            return True
        return await model.queue.check(model.manifest.preprocessing.size)

    @asynccontextmanager
    async def use(self, model_id: str | None) -> AsyncIterator[ServedModel]:
        """As `get`; the model stays in memory as long as the block runs."""
        name = self._registry.manifest(model_id).id
        self._users[name] += 1
        try:
            yield await self.get(name)
        finally:
            self._users[name] -= 1

    async def get(self, model_id: str | None) -> ServedModel:
        """The model, loaded and warm. Raises `model_not_found`, `bundle_…`, `backend_unavailable`, `model_too_large`,
        `models_busy`."""
        manifest = self._registry.manifest(model_id)
        model = self._loaded.get(manifest.id)
        if model is None:
            return await self._loading.run(manifest.id, lambda: self._load(manifest))
        self._loaded[manifest.id] = self._loaded.pop(manifest.id)
        return model

    async def warm(self, model_ids: list[str]) -> None:
        """Load models one after the other, for a start, as far as none has to leave for them; one that fails is logged
        and does not stop the next."""
        for model_id in model_ids:
            if not self._fits(self._registry.manifest(model_id)):
                log.warning("model %s is not loaded at start: no room in SEGSERVE_MODEL_MEMORY", model_id)
                continue
            try:
                await self.get(model_id)
            except SegserveError as error:
                log.error("model %s did not load: %s", model_id, error.message)
            except Exception:
                log.exception("model %s did not load", model_id)

    async def close(self) -> None:
        self._closed = True
        for model in self._loaded.values():
            await model.close()

    async def _load(self, manifest: BundleManifest) -> ServedModel:
        if self._closed:
            raise UnavailableError("The server is shutting down.", code="shutting_down")
        self._coming.add(manifest.id)
        try:
            async with self._room:  # one at a time, or two would take the same room
                await self._make_room(manifest)
                began = time.perf_counter()
                model = await self._opened(manifest)
                self._loaded[manifest.id] = model
        finally:
            self._coming.discard(manifest.id)
        seconds = time.perf_counter() - began
        self._observer.model_loaded(manifest.id, seconds, memory_of(manifest))
        log.info("model %s %s ready in %.2f s", manifest.id, manifest.revision, seconds)
        return model

    async def _opened(self, manifest: BundleManifest) -> ServedModel:
        """A load cannot be stopped half-way: when every caller has left, what it gives is dropped."""
        opening = asyncio.ensure_future(asyncio.to_thread(self._open, manifest))
        try:
            opened = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(lambda done: self._drop(manifest.id, done))
            raise
        if not isinstance(opened, tuple):
            return ServedModel(manifest, opened)
        encoder, decoder = opened
        return ServedModel(manifest, Promptable(self._make_queue(manifest.id, encoder), decoder))

    def _drop(self, model_id: str, opened: asyncio.Future[Opened]) -> None:
        if (
            not opened.cancelled()
            and opened.exception() is None
            and model_id not in self._loaded
            and model_id not in self._coming
        ):
            self._registry.release(model_id)

    async def _make_room(self, manifest: BundleManifest) -> None:
        """The default model is loaded whatever the budget, or there would be no service."""
        needed = memory_of(manifest)
        if needed > self._memory and manifest.id != self.default_id:
            message = (
                f"{manifest.id} takes about {needed / 2**30:.1f} GiB, models have {self._memory / 2**30:.1f} here. "
                "Choose a smaller model, or raise SEGSERVE_MODEL_MEMORY."
            )
            raise UnavailableError(
                message, code="model_too_large", retry_after=3600.0, bytes=needed, limit=self._memory
            )
        deadline = time.monotonic() + ROOM_SECONDS
        while self._loaded and not self._fits(manifest):
            idle = [name for name, model in self._loaded.items() if model.idle and not self._users[name]]
            if not idle:
                if manifest.id == self.default_id and needed > self._memory:
                    return
                if time.monotonic() < deadline:
                    await asyncio.sleep(ROOM_LOOK_SECONDS)
                    continue
                message = f"Every model in memory is at work; {manifest.id} needs their room. Try again in a moment."
                raise UnavailableError(message, code="models_busy", retry_after=BUSY_RETRY_SECONDS)
            await self._evict(next((model_id for model_id in idle if model_id != self.default_id), idle[0]))

    def _fits(self, manifest: BundleManifest) -> bool:
        """Beside what is loaded."""
        return sum(self.loaded_bytes().values()) + memory_of(manifest) <= self._memory

    async def _evict(self, model_id: str) -> None:
        model = self._loaded.pop(model_id)
        self._registry.release(model_id)  # before anything can interrupt: what is not loaded must not be held
        await model.close()
        del model
        await asyncio.to_thread(_give_back)
        self._observer.model_evicted(model_id)
        log.info("model %s left memory", model_id)

    def _open(self, manifest: BundleManifest) -> Opened:
        return open_warm(self._registry, manifest, self._turn)


def _give_back() -> None:
    """Sessions are freed when nobody refers to them; glibc keeps what they had until it is told."""
    gc.collect()
    if sys.platform == "linux":
        try:
            ctypes.CDLL("libc.so.6").malloc_trim(0)
        except (OSError, AttributeError):  # another libc
            log.debug("this libc has no malloc_trim")
