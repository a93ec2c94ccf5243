"""From the hooks of services, batcher and store to metrics."""

from __future__ import annotations

from collections.abc import Sequence

from server.api.telemetry import Telemetry


class EncoderMetrics:
    """One model's queue (server.runtime.batcher.BatcherObserver)."""

    def __init__(self, telemetry: Telemetry, model: str) -> None:
        self._telemetry, self._model = telemetry, model

    def rejected(self) -> None:
        self._telemetry.encode_dropped.labels(self._model, "queue_full").inc()

    def abandoned(self) -> None:
        self._telemetry.encode_dropped.labels(self._model, "caller_gone").inc()

    def batch(self, size: int, failed: int, queue_seconds: Sequence[float], encode_seconds: float) -> None:
        telemetry, model = self._telemetry, self._model
        telemetry.batch_size.labels(model).observe(size)
        telemetry.encode_seconds.labels(model).observe(encode_seconds)
        telemetry.encoded_images.labels(model).inc(size - failed)
        for seconds in queue_seconds:
            telemetry.queue_seconds.labels(model).observe(seconds)
        if failed:
            telemetry.encode_dropped.labels(model, "failed").inc(failed)


class ServiceMetrics:
    """The services' observers (EmbedObserver, SegmentObserver, SessionObserver, ModelObserver)."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def embedding_looked_up(self, model: str, *, hit: bool) -> None:
        self._telemetry.embedding_cache.labels(model, "hit" if hit else "miss").inc()

    def model_loaded(self, model: str, seconds: float, memory_bytes: int) -> None:
        self._telemetry.model_loads.labels(model).inc()
        self._telemetry.model_load_seconds.labels(model).observe(seconds)

    def model_evicted(self, model: str) -> None:
        self._telemetry.model_evictions.labels(model).inc()

    def decoded(self, model: str, seconds: float) -> None:
        self._telemetry.decode_seconds.labels(model).observe(seconds)

    def masks_answered(self, model: str, count: int) -> None:
        self._telemetry.masks.labels(model).inc(count)

    def session_opened(self, model: str) -> None:
        self._telemetry.sessions.labels(model).inc()

    def session_stepped(self, model: str, kind: str, count: int) -> None:
        self._telemetry.session_steps.labels(model, kind).inc(count)


class StoreMetrics:
    """server.domain.ports.StoreObserver."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def store_read(self, backend: str, hit: bool) -> None:
        self._telemetry.store_reads.labels(backend, "hit" if hit else "miss").inc()

    def store_written(self, backend: str, size: int) -> None:
        self._telemetry.store_written_bytes.labels(backend).inc(size)

    def store_refused(self, backend: str, size: int) -> None:
        self._telemetry.store_refused.labels(backend).inc()

    def store_evicted(self, count: int) -> None:
        self._telemetry.store_evicted.inc(count)

    def store_failed(self, reason: str) -> None:
        self._telemetry.store_failures.labels(reason).inc()

    def store_degraded(self, degraded: bool) -> None:
        self._telemetry.store_degraded.set(degraded)
