"""Prometheus metrics of one app (no global registry), and the hooks that services and the batcher report to."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

_LATENCY = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_BATCH = (1, 2, 4, 8, 16, 32, 64)


def _seconds(name: str, documentation: str, labels: tuple[str, ...], registry: CollectorRegistry) -> Histogram:
    return Histogram(name, documentation, labels, buckets=_LATENCY, registry=registry)


class Telemetry:
    """Labels are bounded: route templates, served models, error codes; never a path or an id."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        self.requests = Counter(
            "segserve_requests", "Requests answered.", ("method", "route", "status"), registry=registry
        )
        self.latency = _seconds("segserve_request_seconds", "Seconds per request.", ("route",), registry)
        self.errors = Counter("segserve_errors", "Problems answered, by code.", ("code",), registry=registry)
        self.spans = _seconds("segserve_span_seconds", "Seconds per step, as in Server-Timing.", ("span",), registry)

        self.encode_seconds = _seconds("segserve_encode_seconds", "Seconds per encoder run.", ("model",), registry)
        self.queue_seconds = _seconds("segserve_queue_seconds", "Seconds before the encoder.", ("model",), registry)
        self.batch_size = Histogram(
            "segserve_batch_size", "Pictures per encoder run.", ("model",), buckets=_BATCH, registry=registry
        )
        self.encoded_images = Counter("segserve_encoded_images", "Pictures encoded.", ("model",), registry=registry)
        self.encode_dropped = Counter(
            "segserve_encode_dropped",
            "Pictures not encoded: queue_full, caller_gone, failed.",
            ("model", "reason"),
            registry=registry,
        )
        self.queue_depth = Gauge(
            "segserve_queue_depth", "Pictures waiting for the encoder.", ("model",), registry=registry
        )
        self.embedding_cache = Counter(
            "segserve_embedding_cache", "Embedding look-ups: hit or miss.", ("model", "outcome"), registry=registry
        )
        self.decode_seconds = _seconds("segserve_decode_seconds", "Seconds in the decoder.", ("model",), registry)
        self.model_loads = Counter("segserve_model_loads", "Models loaded.", ("model",), registry=registry)
        self.model_load_seconds = _seconds("segserve_model_load_seconds", "Seconds to load.", ("model",), registry)
        self.model_evictions = Counter(
            "segserve_model_evictions", "Models that left memory for others.", ("model",), registry=registry
        )
        self.model_bytes = Gauge(
            "segserve_model_bytes", "Estimate of what a model in memory takes.", ("model",), registry=registry
        )
        self.masks = Counter("segserve_masks", "Masks answered.", ("model",), registry=registry)
        self.sessions = Counter("segserve_sessions", "Sessions opened.", ("model",), registry=registry)
        self.session_steps = Counter(
            "segserve_session_steps", "Steps in sessions: click, undo, redo.", ("model", "kind"), registry=registry
        )

        self.worker_jobs = Gauge(
            "segserve_worker_jobs", "Jobs running or waiting in a thread pool.", ("pool",), registry=registry
        )
        self.buffered = Gauge("segserve_buffered_body_bytes", "Bytes of request bodies held now.", registry=registry)
        self.ready = Gauge("segserve_ready", "1 when /readyz answers 200.", registry=registry)

        self.store_degraded = Gauge(
            "segserve_store_degraded", "1 while Redis is configured and memory serves.", registry=registry
        )
        self.store_bytes = Gauge("segserve_store_bytes", "Bytes in the store.", ("backend",), registry=registry)
        self.store_entries = Gauge("segserve_store_entries", "Entries in the store.", ("backend",), registry=registry)
        self.store_reads = Counter(
            "segserve_store_reads", "Reads of the store.", ("backend", "outcome"), registry=registry
        )
        self.store_written_bytes = Counter(
            "segserve_store_written_bytes", "Bytes written to the store.", ("backend",), registry=registry
        )
        self.store_refused = Counter(
            "segserve_store_refused", "Values over the store's size bound.", ("backend",), registry=registry
        )
        self.store_evicted = Counter("segserve_store_evicted", "Entries that memory dropped.", registry=registry)
        self.store_failures = Counter(
            "segserve_store_failures", "Redis commands that failed.", ("reason",), registry=registry
        )

    def request_answered(
        self, *, method: str, route: str, status: int, seconds: float, spans: dict[str, float], error_code: str | None
    ) -> None:
        self.requests.labels(method, route, str(status)).inc()
        self.latency.labels(route).observe(seconds)
        for name, value in spans.items():
            self.spans.labels(name).observe(value)
        if error_code is not None:
            self.errors.labels(error_code).inc()

    def render(self) -> bytes:
        return generate_latest(self.registry)
