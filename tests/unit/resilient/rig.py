"""Replicas over a shared store that fails on command."""

from __future__ import annotations

from collections.abc import Mapping

from server.domain.ports import StoreHealth
from server.storage.memory import MemoryStore
from server.storage.resilient import ResilientStore
from server.storage.shared import Deleted, Found, Outage, SharedStoreError
from tests.stores import HandClock, RecordingObserver


class FailingStore:
    """A shared store in a dictionary. `outage` makes every call fail; when FULL, only writes."""

    def __init__(self, clock: HandClock) -> None:
        self.values: dict[str, tuple[bytes, float]] = {}
        self.outage: Outage | None = None
        self.calls = 0
        self.closed = False
        self._clock = clock

    async def fetch(self, key: str) -> Found | Deleted | None:
        self._check()
        if key not in self.values:
            return None
        value, written_at = self.values[key]
        return Found(value, 60.0) if value else Deleted(self._clock() - written_at)

    async def contains(self, key: str) -> bool:
        self._check()
        return bool(self.values.get(key, (b"", 0))[0])

    async def set_many(self, values: Mapping[str, bytes], ttl_seconds: float) -> None:
        self._check(writes=True)
        self.values |= {key: (value, self._clock()) for key, value in values.items()}

    async def add(self, key: str, value: bytes, ttl_seconds: float) -> None:
        self._check(writes=True)
        self.values.setdefault(key, (value, self._clock()))

    async def swap(self, key: str, head: bytes, value: bytes, ttl_seconds: float) -> bool:
        self._check(writes=True)
        if not self.values.get(key, (b"", 0))[0].startswith(head):
            return False
        self.values[key] = (value, self._clock())
        return True

    async def delete(self, *keys: str) -> int:
        self._check()
        return sum(bool(self.values.pop(key, (b"", 0))[0]) for key in keys)

    async def mark_deleted(self, *keys: str) -> None:
        await self.set_many(dict.fromkeys(keys, b""), 60)

    async def probe(self) -> None:
        self._check(writes=True)

    async def health(self) -> StoreHealth:
        self._check()
        return StoreHealth("redis", False, "fine", 0, len(self.values))

    async def close(self) -> None:
        self.closed = True

    def _check(self, *, writes: bool = False) -> None:
        self.calls += 1
        if self.outage is not None and (writes or self.outage is not Outage.FULL):
            raise SharedStoreError(self.outage)


class Rig:
    """A replica over the shared store, with its memory and its observer."""

    def __init__(self, shared: FailingStore, clock: HandClock) -> None:
        self.shared = shared
        self.observer = RecordingObserver()
        self.memory = MemoryStore(1 << 20, clock=clock)
        self.store = ResilientStore(
            shared, self.memory, probe_seconds=0.001, max_probe_seconds=0.005, observer=self.observer
        )

    async def degraded(self) -> bool:
        return (await self.store.health()).degraded

    async def healthy(self) -> bool:
        return not await self.degraded()
