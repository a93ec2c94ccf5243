"""The default store: in this process, bounded in bytes, least recently used first out, a time to live on each entry."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from server.domain.ports import StoreHealth, StoreObserver
from server.storage.observer import SilentObserver

ENTRY_OVERHEAD = 512
"""Bytes that an entry costs beside its key and value: the objects and slots that hold it, rounded up."""

logger = logging.getLogger(__name__)


def entry_cost(key: str, value: bytes) -> int:
    """Bytes of the store's bound that a value takes under a key."""
    return len(value) + len(key) + ENTRY_OVERHEAD


@dataclass(frozen=True, slots=True)
class _Entry:
    value: bytes
    expires_at: float
    written_at: float
    serial: int
    cost: int


class _Shelf:
    """Entries in order of use with their summed cost, under a bound of their own."""

    __slots__ = ("bytes_used", "entries", "max_bytes")

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes_used = 0
        self.entries: OrderedDict[str, _Entry] = OrderedDict()

    def put(self, key: str, entry: _Entry) -> None:
        self.drop(key)
        self.entries[key] = entry
        self.bytes_used += entry.cost

    def drop(self, key: str) -> bool:
        entry = self.entries.pop(key, None)
        if entry is not None:
            self.bytes_used -= entry.cost
        return entry is not None

    def drop_oldest(self) -> None:
        self.drop(next(iter(self.entries)))


class MemoryStore:
    """BlobStore in memory; safe from any thread and any event loop.

    `max_bytes` bounds keys, values and overhead together. `quotas` gives key prefixes a bound of their own inside it,
    so that many small entries (logits) cannot push out the others (embeddings). `clock` is monotonic seconds.
    """

    def __init__(
        self,
        max_bytes: int,
        *,
        quotas: Mapping[str, int] | None = None,
        clock: Callable[[], float] = time.monotonic,
        observer: StoreObserver | None = None,
    ) -> None:
        quotas = dict(quotas or {})
        if max_bytes <= 0 or any(quota <= 0 for quota in quotas.values()) or sum(quotas.values()) >= max_bytes:
            raise ValueError("max_bytes must be positive and larger than its quotas together")
        self.max_bytes = max_bytes
        self._clock = clock
        self._observer = observer or SilentObserver()
        self._lock = threading.Lock()
        self._general = _Shelf(max_bytes - sum(quotas.values()))
        self._special = {prefix: _Shelf(quota) for prefix, quota in quotas.items()}
        self._expiries: list[tuple[float, int, str]] = []
        self._serials = itertools.count()

    async def get(self, key: str) -> bytes | None:
        value = self.peek(key)
        self._observer.store_read("memory", value is not None)
        return value

    async def contains(self, key: str) -> bool:
        return self.peek(key) is not None

    async def set(self, key: str, value: bytes, ttl_seconds: float) -> None:
        self.put(key, value, ttl_seconds)

    async def set_many(self, values: Mapping[str, bytes], ttl_seconds: float) -> None:
        for key, value in values.items():
            self.put(key, value, ttl_seconds)

    async def swap(self, key: str, head: bytes, value: bytes, ttl_seconds: float) -> bool:
        return self.put(key, value, ttl_seconds, head=head)

    async def delete(self, *keys: str) -> int:
        with self._lock:
            self._drop_expired()
            return sum(self._shelf(key).drop(key) for key in keys)

    async def health(self) -> StoreHealth:
        with self._lock:
            self._drop_expired()
            shelves = self._shelves()
            used, entries = sum(shelf.bytes_used for shelf in shelves), sum(len(shelf.entries) for shelf in shelves)
        detail = f"{used} of {self.max_bytes} bytes in use"
        return StoreHealth(backend="memory", degraded=False, detail=detail, bytes_used=used, entries=entries)

    async def close(self) -> None:
        with self._lock:
            for shelf in self._shelves():
                shelf.entries.clear()
                shelf.bytes_used = 0
            self._expiries.clear()

    def peek(self, key: str) -> bytes | None:
        """As `get`, without telling the observer; counts as a use."""
        with self._lock:
            entry = self._live(key)
            return None if entry is None else entry.value

    def now(self) -> float:
        """The store's clock, for `written_at`."""
        return self._clock()

    def age(self, key: str) -> float | None:
        """Seconds since the entry was written, or None when there is none."""
        with self._lock:
            entry = self._live(key)
            return None if entry is None else self._clock() - entry.written_at

    def remaining_ttl(self, key: str) -> float | None:
        """Seconds that the entry has left, or None when there is none."""
        with self._lock:
            entry = self._live(key)
            return None if entry is None else entry.expires_at - self._clock()

    def put(
        self, key: str, value: bytes, ttl_seconds: float, *, written_at: float | None = None, head: bytes | None = None
    ) -> bool:
        """`set` at once, without awaiting. False when the value was refused; what lay under the key is gone then.
        `written_at`: when the value was known to be good, if not now. `head`: as in `swap`."""
        cost = entry_cost(key, value)
        with self._lock:
            if head is not None:
                known = self._live(key)
                if known is None or not known.value.startswith(head):
                    return False
            shelf = self._shelf(key)
            self._drop_expired()
            if not value or ttl_seconds <= 0 or cost > shelf.max_bytes:
                shelf.drop(key)
                evicted = -1
            else:
                now = self._clock()
                born = now if written_at is None else written_at
                entry = _Entry(bytes(value), now + ttl_seconds, born, next(self._serials), cost)
                shelf.put(key, entry)
                heapq.heappush(self._expiries, (entry.expires_at, entry.serial, key))
                evicted = self._shrink(shelf)
        if evicted < 0:
            logger.warning("memory store refused %d bytes under %s", len(value), key)
            self._observer.store_refused("memory", len(value))
            return False
        self._observer.store_written("memory", len(value))
        if evicted:
            self._observer.store_evicted(evicted)
        return True

    def _live(self, key: str) -> _Entry | None:
        shelf = self._shelf(key)
        entry = shelf.entries.get(key)
        if entry is None:
            return None
        if entry.expires_at <= self._clock():
            shelf.drop(key)
            return None
        shelf.entries.move_to_end(key)
        return entry

    def _shrink(self, shelf: _Shelf) -> int:
        evicted = 0
        while shelf.bytes_used > shelf.max_bytes:
            shelf.drop_oldest()
            evicted += 1
        return evicted

    def _drop_expired(self) -> None:
        """Pop due expiries; an expiry whose entry was replaced or dropped is stale and means nothing."""
        now = self._clock()
        while self._expiries and self._expiries[0][0] <= now:
            _, serial, key = heapq.heappop(self._expiries)
            entry = self._shelf(key).entries.get(key)
            if entry is not None and entry.serial == serial:
                self._shelf(key).drop(key)
        if len(self._expiries) > 64 + 2 * sum(len(shelf.entries) for shelf in self._shelves()):
            self._expiries = [
                (entry.expires_at, entry.serial, key)
                for shelf in self._shelves()
                for key, entry in shelf.entries.items()
            ]
            heapq.heapify(self._expiries)

    def _shelf(self, key: str) -> _Shelf:
        for prefix, shelf in self._special.items():
            if key.startswith(prefix):
                return shelf
        return self._general

    def _shelves(self) -> list[_Shelf]:
        return [self._general, *self._special.values()]
