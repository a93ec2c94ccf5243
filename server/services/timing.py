"""Where the time of one request went: named spans, summed, sent as `Server-Timing` and fed to histograms."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_spans: ContextVar[dict[str, float] | None] = ContextVar("segserve_spans", default=None)


def start_spans() -> dict[str, float]:
    """Begin a request: seconds by span name, filled by `span` in this context and the tasks started from it."""
    spans: dict[str, float] = {}
    _spans.set(spans)
    return spans


def add_span(name: str, seconds: float) -> None:
    spans = _spans.get()
    if spans is not None:
        spans[name] = spans.get(name, 0.0) + seconds


@contextmanager
def span(name: str) -> Iterator[None]:
    began = time.perf_counter()
    try:
        yield
    finally:
        add_span(name, time.perf_counter() - began)
