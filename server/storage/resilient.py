"""Redis first, memory when Redis fails: an outage costs a cache hit, never a request.

Memory also keeps a copy of what this replica wrote or read, so that it goes on serving what it served. A circuit
breaker takes the first failure as the start of an outage: calls go to memory at once, a task probes in the background
and closes the breaker by itself. A Redis that is full still reads and deletes; only writes stay in memory.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace

from server.domain.ports import StoreHealth, StoreObserver
from server.storage.keys import SESSION_PREFIX
from server.storage.memory import MemoryStore
from server.storage.observer import SilentObserver
from server.storage.shared import Deleted, Found, Outage, SharedStore, SharedStoreError

MAX_OWED_DELETES = 100_000
MAX_AHEAD = 100_000
MOST_HEADS = 20
_DELETES_PER_CALL = 500

logger = logging.getLogger(__name__)


class ResilientStore:
    """BlobStore on a SharedStore with a MemoryStore under it; owns both. Probes come `probe_seconds` after a failure,
    then at doubling intervals up to `max_probe_seconds`. Values under the prefix `mutable` change: of them a copy in
    memory counts for nothing once Redis lacks them, unless this replica changed it while Redis failed."""

    def __init__(
        self,
        shared: SharedStore,
        memory: MemoryStore,
        *,
        probe_seconds: float = 0.25,
        max_probe_seconds: float = 5.0,
        mutable: str = SESSION_PREFIX,
        observer: StoreObserver | None = None,
    ) -> None:
        self._shared = shared
        self._memory = memory
        self._probe_seconds = probe_seconds
        self._max_probe_seconds = max_probe_seconds
        self._observer = observer or SilentObserver()
        self._outage: Outage | None = None
        self._owed_deletes: dict[str, None] = {}
        self._mutable = mutable
        # Changed in memory alone: the heads of what each change took the place of, oldest first.
        self._ahead: dict[str, list[bytes]] = {}
        self._prober: asyncio.Task[None] | None = None
        self._closed = False

    async def get(self, key: str) -> bytes | None:
        if self._readable:
            started = self._memory.now()
            try:
                answer = await self._shared.fetch(key)
            except SharedStoreError as failure:
                self._fail(failure)
            else:
                self._observer.store_read("redis", isinstance(answer, Found))
                if isinstance(answer, Found):
                    self._memory.put(key, answer.value, answer.ttl_seconds, written_at=started)
                    return answer.value
                return await self._kept(key, answer)
        return await self._memory.get(key)

    async def contains(self, key: str) -> bool:
        if self._readable:
            try:
                if await self._shared.contains(key):
                    return True
            except SharedStoreError as failure:
                self._fail(failure)
            else:
                # A copy in memory counts if no deletion made it stale, which `get` finds out.
                return await self._memory.contains(key) and await self.get(key) is not None
        return await self._memory.contains(key)

    async def set(self, key: str, value: bytes, ttl_seconds: float) -> None:
        await self.set_many({key: value}, ttl_seconds)

    async def set_many(self, values: Mapping[str, bytes], ttl_seconds: float) -> None:
        if not values:
            return
        await self._memory.set_many(values, ttl_seconds)
        for key in values:
            self._owed_deletes.pop(key, None)
        try:
            if self._outage is None:
                await self._shared.set_many(values, ttl_seconds)
        except SharedStoreError as failure:
            self._fail(failure)
        if self._outage is not None:
            for key in values:
                self._goes_ahead(key, None)
        try:
            if self._outage is Outage.FULL:  # what it still reads must not be older than the copy in memory
                await self._shared.delete(*values)
        except SharedStoreError as failure:
            self._fail(failure)

    async def swap(self, key: str, head: bytes, value: bytes, ttl_seconds: float) -> bool:
        """In memory alone while Redis fails, and made up for when it is back, if nobody else changed the value."""
        if self._outage is None:
            try:
                if not await self._shared.swap(key, head, value, ttl_seconds):
                    return False
            except SharedStoreError as failure:
                self._fail(failure)
            else:
                self._memory.put(key, value, ttl_seconds)
                return True
        written = await self._memory.swap(key, head, value, ttl_seconds)
        if written:
            self._goes_ahead(key, head)
        try:
            if written and self._outage is Outage.FULL:
                await self._shared.delete(key)
        except SharedStoreError as failure:
            self._fail(failure)
        return written

    async def delete(self, *keys: str) -> int:
        if not keys:
            return 0
        kept = await self._memory.delete(*keys)
        for key in keys:
            self._ahead.pop(key, None)
        shared = 0
        if self._readable:
            try:
                shared = await self._shared.delete(*keys)
                # Also what was not there: another replica may have a copy of what Redis lacks, or lately lost.
                await self._shared.mark_deleted(*keys)
            except SharedStoreError as failure:
                self._fail(failure)
                self._owe_deletes(keys)
        else:
            self._owe_deletes(keys)
        return max(kept, shared)

    async def health(self) -> StoreHealth:
        if self._outage is None:
            try:
                return await self._shared.health()
            except SharedStoreError as failure:
                self._fail(failure)
        memory = await self._memory.health()
        backend = "redis" if self._readable else "memory"
        return replace(memory, backend=backend, degraded=True, detail=f"Redis is {self._outage}; {memory.detail}")

    async def close(self) -> None:
        self._closed = True
        if self._prober is not None:
            self._prober.cancel()
            await asyncio.gather(self._prober, return_exceptions=True)
        await self._shared.close()
        await self._memory.close()

    @property
    def _readable(self) -> bool:
        return self._outage is None or self._outage is Outage.FULL

    async def _kept(self, key: str, answer: Deleted | None) -> bytes | None:
        """The copy in memory of what Redis lacks (evicted, restarted empty, or written during an outage), given back to
        Redis. A copy that is older than a deletion goes, and one that another replica may have changed since."""
        age = self._memory.age(key)
        stale = answer is not None and age is not None and age >= answer.age_seconds
        if stale or (key.startswith(self._mutable) and key not in self._ahead):
            await self._memory.delete(key)
            return None
        value, ttl = await self._memory.get(key), self._memory.remaining_ttl(key)
        if value is not None and ttl is not None and self._outage is None:
            try:
                if answer is None:
                    await self._shared.add(key, value, ttl)
                else:
                    await self._shared.set_many({key: value}, ttl)
            except SharedStoreError as failure:
                self._fail(failure)
        return value

    def _goes_ahead(self, key: str, head: bytes | None) -> None:
        if not key.startswith(self._mutable):
            return
        if key not in self._ahead and len(self._ahead) >= MAX_AHEAD:
            logger.error("too many changes during the Redis outage; what Redis holds under %s will count", key)
            return
        heads = self._ahead.setdefault(key, [])
        if head is not None:
            heads.append(head)
            del heads[1:-MOST_HEADS]

    def _owe_deletes(self, keys: tuple[str, ...]) -> None:
        for key in keys:
            if len(self._owed_deletes) >= MAX_OWED_DELETES:
                logger.error("too many deletions during the Redis outage; %s may come back", key)
                return
            self._owed_deletes[key] = None

    def _fail(self, failure: SharedStoreError) -> None:
        self._observer.store_failed(failure.outage.value)
        self._enter(failure.outage, failure.reason)
        if not self._closed and (self._prober is None or self._prober.done()):
            self._prober = asyncio.create_task(self._probe_until_healthy(), name="redis-probe")

    def _enter(self, outage: Outage | None, reason: str = "") -> None:
        before, self._outage = self._outage, outage
        if before is outage:
            return
        if outage is None:
            logger.info("Redis is back; it was %s", before)
        else:
            logger.warning("Redis is %s%s; memory serves in its place", outage, f" ({reason})" if reason else "")
        if (before is None) != (outage is None):
            self._observer.store_degraded(outage is not None)

    async def _probe_until_healthy(self) -> None:
        delay = self._probe_seconds
        while self._outage is not None:
            await asyncio.sleep(delay)
            delay = min(delay * 2, self._max_probe_seconds)
            self._enter(*await self._probe())

    async def _probe(self) -> tuple[Outage | None, str]:
        """How Redis is now, and why. It counts as back only when the deletions and changes that it missed are made."""
        try:
            await self._shared.probe()
            while self._owed_deletes:
                await self._replay_deletes(mark=True)
            await self._replay_changes()
        except SharedStoreError as failure:
            if failure.outage is not Outage.FULL:
                return failure.outage, failure.reason
            full = failure.reason
        else:
            return None, ""
        try:
            await self._replay_deletes(mark=False)
        except SharedStoreError as failure:
            return failure.outage, failure.reason
        return Outage.FULL, full

    async def _replay_deletes(self, *, mark: bool) -> None:
        owed = list(self._owed_deletes)
        for start in range(0, len(owed), _DELETES_PER_CALL):
            part = [key for key in owed[start : start + _DELETES_PER_CALL] if key in self._owed_deletes]
            if not part:
                continue
            await self._shared.delete(*part)
            if mark:
                await self._shared.mark_deleted(*part)
                for key in part:
                    self._owed_deletes.pop(key, None)

    async def _replay_changes(self) -> None:
        """Where Redis still holds what a value was changed from, or nothing; else what it holds counts."""
        while self._ahead:
            key, heads = next(iter(self._ahead.items()))
            value, ttl = self._memory.peek(key), self._memory.remaining_ttl(key)
            if value is not None and ttl is not None:
                for head in list(heads):  # a write that was cut off may have been made: then a later one fits
                    if await self._shared.swap(key, head, value, ttl):
                        break
                else:
                    await self._shared.add(key, value, ttl)
                if self._memory.peek(key) is not value:
                    continue  # changed meanwhile: once more
            self._ahead.pop(key, None)
