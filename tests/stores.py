"""What the tests of the stores share: a recording observer, a clock that is set by hand, embeddings made of noise."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import numpy as np

from server.domain.bundle import BundleManifest
from server.domain.ports import Float32
from server.storage.codec import encode_embedding

IMAGE_ID = "0123456789abcdef" * 4
OTHER_ID = "fedcba9876543210" * 4


class RecordingObserver:
    """Counts what it hears, as ("read", "redis", True); `degraded` keeps the order of the changes."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[object, ...]] = Counter()
        self.degraded: list[bool] = []

    def store_read(self, backend: str, hit: bool) -> None:
        self.counts["read", backend, hit] += 1

    def store_written(self, backend: str, size: int) -> None:
        self.counts["written", backend] += 1

    def store_refused(self, backend: str, size: int) -> None:
        self.counts["refused", backend] += 1

    def store_evicted(self, count: int) -> None:
        self.counts["evicted",] += count

    def store_failed(self, reason: str) -> None:
        self.counts["failed", reason] += 1

    def store_degraded(self, degraded: bool) -> None:
        self.degraded.append(degraded)


class HandClock:
    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def noise(manifest: BundleManifest, seed: int = 0) -> dict[str, Float32]:
    """Embedding tensors of the manifest's shapes."""
    rng = np.random.default_rng(seed)
    return {
        spec.name: rng.normal(0, 3, (1, *spec.shape)).astype(np.float32)  # as an encoder's outputs are
        for spec in manifest.embedding
    }


def container_of(manifest: BundleManifest, image_id: str = IMAGE_ID, seed: int = 0) -> bytes:
    return encode_embedding(
        noise(manifest, seed),
        manifest,
        image_id=image_id,
        original_width=640,
        original_height=427,
        input_width=64,
        input_height=43,
    )


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float = 30.0) -> None:
    """Wait until the condition holds; the bound is only there so that a failure ends."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - what it waits for happens in another process
            await asyncio.sleep(0.02)
