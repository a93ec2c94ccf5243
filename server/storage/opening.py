"""Which store the settings ask for."""

from __future__ import annotations

from server.domain.ports import BlobStore, StoreObserver
from server.storage.keys import IMAGE_PREFIX, LOGITS_PREFIX
from server.storage.memory import MemoryStore
from server.storage.redis import RedisStore
from server.storage.resilient import ResilientStore


def logits_quota(cache_bytes: int) -> int:
    """Bytes for logits in the memory store."""
    return max(1, cache_bytes // 8)


def open_store(
    *,
    cache_bytes: int,
    redis_url: str | None = None,
    redis_timeout_seconds: float = 0.5,
    max_value_bytes: int = 64 << 20,
    observer: StoreObserver | None = None,
) -> BlobStore:
    """Memory alone, or Redis over memory. An eighth of `cache_bytes` is for logits, so that a busy predict client
    cannot push out everybody's embeddings; a thirty-second is for the small records, so that a picture that large files
    pushed out is remembered. Connects on first use; ValueError for a URL that cannot be read."""
    quotas = {LOGITS_PREFIX: logits_quota(cache_bytes), IMAGE_PREFIX: max(1, cache_bytes // 32)}
    memory = MemoryStore(cache_bytes, quotas=quotas, observer=observer)
    if redis_url is None:
        return memory
    shared = RedisStore(
        redis_url, timeout_seconds=redis_timeout_seconds, max_value_bytes=max_value_bytes, observer=observer
    )
    return ResilientStore(shared, memory, observer=observer)
