"""Redis as the store that replicas share. Each call is one or two round trips under a short timeout; nothing is retried
here, failures surface as SharedStoreError.

Redis bounds its own memory: run it with `maxmemory` and `maxmemory-policy allkeys-lru` (docs/operations.md). Here
single values are bounded, and every key has a time to live on the server. A deleted key holds an empty value for a
while, so that replicas that keep a copy learn of it; no other value is empty.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import redis.asyncio as client
from redis import exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from server.domain.ports import StoreHealth, StoreObserver
from server.storage.keys import PROBE_KEY
from server.storage.observer import SilentObserver
from server.storage.shared import Deleted, Found, Outage, SharedStoreError

DELETED_SECONDS = 366 * 86_400.0
"""How long a deletion is remembered: longer than any copy may live. The same on all replicas and in all versions, since
the mark's age is read off its time to live."""

_BYTES_PER_SECOND = 20e6
"""Large values get more time than the timeout, at this rate."""
_CHUNK_BYTES = 4 << 20
_LONGEST_REASON = 300

logger = logging.getLogger(__name__)


class RedisStore:
    """SharedStore on one Redis. `timeout_seconds` bounds connecting and each call; `max_value_bytes` single values."""

    def __init__(
        self,
        url: str,
        *,
        timeout_seconds: float = 0.5,
        max_value_bytes: int = 64 << 20,
        max_connections: int = 32,
        observer: StoreObserver | None = None,
    ) -> None:
        self._timeout = timeout_seconds
        self._max_value_bytes = max_value_bytes
        self._observer = observer or SilentObserver()
        try:
            pool = client.BlockingConnectionPool.from_url(
                url,
                max_connections=max_connections,
                timeout=None,  # `_call` bounds the wait for a connection with everything else
                socket_timeout=None,
                socket_connect_timeout=timeout_seconds,
                retry=Retry(NoBackoff(), 0),
                protocol=2,  # under RESP3 the client hands out pooled connections that a restart has closed
                client_name="segserve",
                decode_responses=False,
            )
        except ValueError:
            # Without the cause: it may quote the URL, and the URL may hold a password.
            raise ValueError("the Redis URL cannot be read; it looks like redis://host:6379/0") from None
        self._redis = client.Redis.from_pool(pool)
        password = pool.connection_kwargs.get("password")
        self._secrets = [secret for secret in (url, password) if secret]

    async def fetch(self, key: str) -> Found | Deleted | None:
        async with self._pipeline() as pipe:
            pipe.strlen(key)
            pipe.pttl(key)
            length, ttl_milliseconds = await pipe.execute()
        ttl = ttl_milliseconds / 1000 if ttl_milliseconds > 0 else 0.0
        if length == 0:
            return Deleted(max(0.0, DELETED_SECONDS - ttl)) if ttl else None
        if length > self._max_value_bytes or not ttl:
            return None  # not ours: we write neither
        async with self._call(length):
            value = await self._redis.get(key)
        return Found(value, ttl) if value and isinstance(value, bytes) else None

    async def contains(self, key: str) -> bool:
        async with self._call():
            return bool(await self._redis.strlen(key))

    async def set_many(self, values: Mapping[str, bytes], ttl_seconds: float) -> None:
        for chunk in self._chunks(values):
            async with self._pipeline(sum(map(len, chunk.values()))) as pipe:
                for key, value in chunk.items():
                    pipe.set(key, value, px=_milliseconds(ttl_seconds))
                await pipe.execute()
            for value in chunk.values():
                self._observer.store_written("redis", len(value))

    async def add(self, key: str, value: bytes, ttl_seconds: float) -> None:
        for chunk in self._chunks({key: value}):
            async with self._call(len(value)):
                await self._redis.set(key, chunk[key], px=_milliseconds(ttl_seconds), nx=True)

    async def swap(self, key: str, head: bytes, value: bytes, ttl_seconds: float) -> bool:
        """By WATCH and MULTI: nobody's write comes between the look and ours."""
        for chunk in self._chunks({key: value}):
            async with self._call(len(value)), self._redis.pipeline(transaction=True) as pipe:
                await pipe.watch(key)
                if await pipe.getrange(key, 0, len(head) - 1) != head:
                    return False
                pipe.multi()  # type: ignore[no-untyped-call]
                pipe.set(key, chunk[key], px=_milliseconds(ttl_seconds))
                try:
                    await pipe.execute()
                except exceptions.WatchError:
                    return False
            self._observer.store_written("redis", len(value))
            return True
        return False

    async def delete(self, *keys: str) -> int:
        async with self._pipeline() as pipe:
            for key in keys:
                pipe.strlen(key)
            pipe.unlink(*keys)
            lengths = (await pipe.execute())[:-1]
        return sum(length > 0 for length in lengths)

    async def mark_deleted(self, *keys: str) -> None:
        async with self._pipeline() as pipe:
            for key in keys:
                pipe.set(key, b"", px=_milliseconds(DELETED_SECONDS))
            await pipe.execute()

    async def probe(self) -> None:
        async with self._pipeline() as pipe:
            pipe.set(PROBE_KEY, b"probe", px=10_000)
            pipe.get(PROBE_KEY)
            written, value = await pipe.execute()
        if not written or value != b"probe":
            raise SharedStoreError(Outage.REFUSED, "what was written was not read back")
        await self.swap(PROBE_KEY, b"probe", b"probe", 10)  # it too must be permitted

    async def health(self) -> StoreHealth:
        async with self._call():
            try:
                info: dict[str, Any] = await self._redis.info("memory")
                entries = int(await self._redis.dbsize())
            except exceptions.NoPermissionError:
                return StoreHealth("redis", False, "Redis answers; INFO and DBSIZE are not permitted", 0, 0)
        return StoreHealth("redis", False, _describe(info), int(info.get("used_memory", 0)), entries)

    async def close(self) -> None:
        await self._redis.aclose()

    @asynccontextmanager
    async def _call(self, size: int = 0) -> AsyncIterator[None]:
        """Bound the time and turn every failure into SharedStoreError. A call that is cut off drops its connection."""
        try:
            async with asyncio.timeout(self._timeout + size / _BYTES_PER_SECOND):
                yield
        except Exception as error:  # also what the client should not raise: a request must not fail for its cache
            raise SharedStoreError(_outage_of(error), self._reason_of(error)) from error

    def _reason_of(self, error: Exception) -> str:
        """Without the URL and its password, should the client ever quote them."""
        text = f"{type(error).__name__}: {error}".rstrip(": ")
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return text[:_LONGEST_REASON]

    @asynccontextmanager
    async def _pipeline(self, size: int = 0) -> AsyncIterator[client.client.Pipeline]:
        async with self._call(size), self._redis.pipeline(transaction=False) as pipe:
            yield pipe

    def _chunks(self, values: Mapping[str, bytes]) -> Iterator[dict[str, bytes]]:
        """The values within the bound, in parts of a few megabytes, so that no part takes long."""
        chunk: dict[str, bytes] = {}
        size = 0
        for key, value in values.items():
            if not 0 < len(value) <= self._max_value_bytes:
                logger.warning("Redis store refused %d bytes under %s", len(value), key)
                self._observer.store_refused("redis", len(value))
                continue
            if chunk and size + len(value) > _CHUNK_BYTES:
                yield chunk
                chunk, size = {}, 0
            chunk[key] = value
            size += len(value)
        if chunk:
            yield chunk


def _outage_of(error: Exception) -> Outage:
    match error:
        case exceptions.OutOfMemoryError():
            return Outage.FULL
        case exceptions.TimeoutError() | TimeoutError():
            return Outage.SLOW
        case exceptions.AuthenticationError():
            return Outage.REFUSED
        case exceptions.ConnectionError() | OSError():
            return Outage.DOWN
        case _:
            return Outage.REFUSED


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))


def _describe(info: Mapping[str, Any]) -> str:
    used, bound, policy = info.get("used_memory", 0), info.get("maxmemory", 0), info.get("maxmemory_policy", "")
    if not bound:
        return f"Redis answers; {used} bytes in use and no maxmemory: it grows without bound"
    if not str(policy).startswith("allkeys-"):
        return f"Redis answers; {used} of {bound} bytes in use, policy {policy}: set allkeys-lru"
    return f"Redis answers; {used} of {bound} bytes in use"
