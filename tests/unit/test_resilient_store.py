"""The circuit breaker over a shared store that fails on command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from server.domain.ports import BlobStore, StoreHealth
from server.storage.keys import SESSION_PREFIX
from server.storage.memory import MemoryStore
from server.storage.resilient import ResilientStore
from server.storage.shared import Deleted, Found, Outage, SharedStore, SharedStoreError
from tests.stores import HandClock, RecordingObserver, eventually


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


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def shared(clock: HandClock) -> FailingStore:
    return FailingStore(clock)


@pytest.fixture
async def rig(shared: FailingStore, clock: HandClock) -> AsyncIterator[Rig]:
    rig = Rig(shared, clock)
    yield rig
    await rig.store.close()
    assert shared.closed


@pytest.fixture
async def other(shared: FailingStore, clock: HandClock) -> AsyncIterator[Rig]:
    """A second replica."""
    rig = Rig(shared, clock)
    yield rig
    await rig.store.close()


def test_it_fits_the_ports(rig: Rig) -> None:
    blob_store: BlobStore = rig.store
    shared_store: SharedStore = rig.shared
    assert (blob_store, shared_store) == (rig.store, rig.shared)


async def test_values_go_to_both_and_are_read_by_all(rig: Rig, other: Rig) -> None:
    await rig.store.set("a", b"one", 60)
    assert rig.shared.values["a"][0] == b"one"
    assert await rig.memory.get("a") == b"one"
    assert await other.store.get("a") == b"one"
    assert await other.memory.get("a") == b"one"
    assert await other.store.contains("a")
    assert not await other.store.contains("b")


@pytest.mark.parametrize("outage", [Outage.DOWN, Outage.SLOW, Outage.REFUSED])
async def test_an_outage_never_fails_a_call(rig: Rig, outage: Outage) -> None:
    await rig.store.set("a", b"one", 60)
    rig.shared.outage = outage
    assert await rig.store.get("a") == b"one"
    assert await rig.store.get("unknown") is None
    await rig.store.set("b", b"two", 60)
    await rig.store.set_many({"c": b"three"}, 60)
    assert await rig.store.get("b") == b"two"
    assert await rig.store.contains("c")
    assert await rig.store.delete("c", "unknown") == 1
    health = await rig.store.health()
    assert (health.backend, health.degraded) == ("memory", True)
    assert outage.value in health.detail
    assert rig.observer.counts["failed", outage.value] >= 1


@pytest.mark.parametrize("call", ["get", "contains", "set", "delete", "health"])
async def test_every_call_may_be_the_one_that_finds_out(rig: Rig, call: str) -> None:
    await rig.store.set("a", b"one", 60)
    rig.shared.outage = Outage.DOWN
    match call:
        case "get":
            assert await rig.store.get("a") == b"one"
        case "contains":
            assert await rig.store.contains("a")
        case "set":
            await rig.store.set("a", b"two", 60)
        case "delete":
            assert await rig.store.delete("a") == 1
        case _:
            assert (await rig.store.health()).degraded
    assert rig.observer.degraded == [True]


async def test_the_open_breaker_spares_the_failing_store(shared: FailingStore, clock: HandClock) -> None:
    store = ResilientStore(shared, MemoryStore(1 << 20, clock=clock), probe_seconds=3600)
    shared.outage = Outage.SLOW
    await store.get("a")
    calls = shared.calls
    for _ in range(50):
        await store.get("a")
        await store.set("a", b"one", 60)
        await store.contains("a")
        await store.delete("a")
        await store.health()
    assert shared.calls == calls
    await store.close()


async def test_it_reconnects_by_itself(rig: Rig) -> None:
    rig.shared.outage = Outage.DOWN
    await rig.store.get("a")
    assert await rig.degraded()
    rig.shared.outage = None
    await eventually(rig.healthy)
    assert rig.observer.degraded == [True, False]
    await rig.store.set("a", b"one", 60)
    assert "a" in rig.shared.values


async def test_a_second_outage_is_noticed_like_the_first(rig: Rig) -> None:
    for _ in range(2):
        rig.shared.outage = Outage.DOWN
        await rig.store.get("a")
        rig.shared.outage = None
        await eventually(rig.healthy)
    assert rig.observer.degraded == [True, False, True, False]


async def test_what_was_written_during_an_outage_is_served_and_given_back(rig: Rig, other: Rig) -> None:
    rig.shared.outage = Outage.DOWN
    await rig.store.set("a", b"one", 60)
    rig.shared.outage = None
    await eventually(rig.healthy)
    assert await other.store.get("a") is None
    assert await rig.store.contains("a")
    assert await rig.store.get("a") == b"one"
    assert await other.store.get("a") == b"one"


async def test_a_store_that_restarted_empty_is_filled_from_memory(rig: Rig) -> None:
    await rig.store.set("a", b"one", 60)
    rig.shared.values.clear()
    assert await rig.store.get("a") == b"one"
    assert rig.shared.values["a"][0] == b"one"


async def test_a_full_store_is_read_and_memory_takes_the_writes(rig: Rig) -> None:
    await rig.store.set("a", b"one", 60)
    rig.memory.put("a", b"stale", 60)
    rig.shared.outage = Outage.FULL
    await rig.store.set("b", b"two", 60)
    assert await rig.store.get("a") == b"one"
    assert await rig.store.get("b") == b"two"
    health = await rig.store.health()
    assert (health.backend, health.degraded) == ("redis", True)
    assert "full" in health.detail
    rig.shared.outage = None
    await eventually(rig.healthy)
    await rig.store.set("c", b"three", 60)
    assert "c" in rig.shared.values


async def test_a_full_store_does_not_answer_with_what_was_replaced(rig: Rig, clock: HandClock) -> None:
    await rig.store.set("a", b"one", 60)
    await rig.store.delete("b")
    clock.now += 1
    rig.shared.outage = Outage.FULL
    await rig.store.set_many({"a": b"two", "b": b"back again"}, 60)
    assert await rig.store.get("a") == b"two"
    assert await rig.store.get("b") == b"back again"


async def test_full_then_down_then_full_then_well(rig: Rig) -> None:
    for outage in (Outage.FULL, Outage.DOWN, Outage.FULL):
        rig.shared.outage = outage
        await rig.store.set("a", b"one", 60)

        async def seen(name: str = outage.value) -> bool:
            await rig.store.get("a")
            return name in (await rig.store.health()).detail

        await eventually(seen)
    rig.shared.outage = None
    await eventually(rig.healthy)
    assert rig.observer.degraded == [True, False]


async def test_a_deletion_reaches_the_copies_of_other_replicas(rig: Rig, other: Rig, clock: HandClock) -> None:
    await rig.store.set("a", b"one", 60)
    assert await other.store.get("a") == b"one"
    clock.now += 1
    assert await rig.store.delete("a") == 1
    assert not await other.store.contains("a")
    assert await other.store.get("a") is None
    assert await other.memory.get("a") is None


async def test_a_copy_that_is_younger_than_the_deletion_stays(rig: Rig, other: Rig, clock: HandClock) -> None:
    await rig.store.set("a", b"one", 60)
    await rig.store.delete("a")
    clock.now += 1
    rig.shared.outage = Outage.DOWN
    await rig.store.set("a", b"again", 60)
    rig.shared.outage = None
    await eventually(rig.healthy)
    clock.now += 1
    assert await rig.store.get("a") == b"again"
    assert await other.store.get("a") == b"again"


async def test_deletions_during_an_outage_are_made_afterwards(rig: Rig, other: Rig, clock: HandClock) -> None:
    await rig.store.set_many({"a": b"one", "b": b"two"}, 60)
    assert await other.store.get("a") == b"one"
    clock.now += 1
    rig.shared.outage = Outage.DOWN
    assert await rig.store.delete("a", "b") == 2
    await rig.store.set("b", b"back again", 60)
    rig.shared.outage = None
    await eventually(rig.healthy)
    assert await rig.store.get("a") is None
    assert await other.store.get("a") is None
    assert await rig.store.get("b") is not None


async def test_deletions_in_a_full_store_hold_at_once(rig: Rig, other: Rig, clock: HandClock) -> None:
    await rig.store.set("a", b"one", 60)
    await other.store.get("a")
    clock.now += 1
    rig.shared.outage = Outage.FULL
    assert await rig.store.delete("a") == 1
    assert await rig.store.get("a") is None
    rig.shared.outage = None
    await eventually(rig.healthy)
    assert await other.store.get("a") is None


async def test_deletions_of_an_outage_hold_in_a_store_that_comes_back_full(rig: Rig) -> None:
    await rig.store.set("a", b"one", 60)
    rig.shared.outage = Outage.DOWN
    await rig.store.delete("a")
    rig.shared.outage = Outage.FULL

    async def readable() -> bool:
        return (await rig.store.health()).backend == "redis"

    await eventually(readable)
    assert await rig.store.get("a") is None


async def test_nothing_asked_nothing_done(rig: Rig) -> None:
    await rig.store.set_many({}, 60)
    assert await rig.store.delete() == 0
    assert rig.shared.calls == 0


async def test_closing_ends_the_probing(shared: FailingStore, clock: HandClock) -> None:
    store = ResilientStore(shared, MemoryStore(1 << 20, clock=clock), probe_seconds=0.001)
    shared.outage = Outage.DOWN
    await store.get("a")
    await store.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    assert not [task for task in tasks if task.get_name() == "redis-probe"]


async def test_reads_are_counted_by_backend(rig: Rig) -> None:
    await rig.store.set("a", b"one", 60)
    await rig.store.get("a")
    await rig.store.get("b")
    assert rig.observer.counts["read", "redis", True] == 1
    assert rig.observer.counts["read", "redis", False] == 1


async def test_a_swap_counts_where_everybody_looks(rig: Rig, other: Rig) -> None:
    await rig.store.set("key", b"1 one", 60)
    assert await other.store.get("key") == b"1 one"
    assert await rig.store.swap("key", b"1 ", b"2 two", 60)
    assert not await other.store.swap("key", b"1 ", b"2 other", 60)
    assert await other.store.get("key") == b"2 two"
    assert not await rig.store.swap("none", b"1 ", b"2 ", 60)


@pytest.mark.parametrize("outage", [Outage.DOWN, Outage.FULL])
async def test_swaps_go_on_in_memory_while_the_shared_store_fails(
    rig: Rig, shared: FailingStore, outage: Outage
) -> None:
    await rig.store.set("key", b"1 one", 60)
    shared.outage = outage
    assert await rig.store.swap("key", b"1 ", b"2 two", 60)
    assert await rig.store.get("key") == b"2 two"
    assert not await rig.store.swap("key", b"1 ", b"2 again", 60)
    shared.outage = None


SESSION = f"{SESSION_PREFIX}{'0' * 32}"


async def test_a_changing_value_that_is_lost_does_not_come_back_older(rig: Rig, other: Rig) -> None:
    await rig.store.set(SESSION, b"1 one", 60)
    assert await rig.store.swap(SESSION, b"1 ", b"2 two", 60)
    assert await other.store.swap(SESSION, b"2 ", b"3 three", 60)  # the first replica's copy is behind
    rig.shared.values.clear()
    assert await rig.store.get(SESSION) is None
    assert SESSION not in rig.shared.values
    assert await rig.store.get(SESSION) is None


@pytest.mark.parametrize("outage", [Outage.DOWN, Outage.FULL])
async def test_changes_during_an_outage_are_made_afterwards(rig: Rig, other: Rig, outage: Outage) -> None:
    await rig.store.set(SESSION, b"1 one", 60)
    rig.shared.outage = outage
    assert await rig.store.swap(SESSION, b"1 ", b"2 two", 60)
    assert await rig.store.get(SESSION) == b"2 two"
    assert await rig.store.swap(SESSION, b"2 ", b"3 three", 60)
    await rig.store.set(SESSION.replace("0", "1"), b"1 new", 60)
    rig.shared.outage = None
    await eventually(rig.healthy)
    assert await rig.store.get(SESSION) == b"3 three"
    assert await other.store.get(SESSION) == b"3 three"
    assert await other.store.get(SESSION.replace("0", "1")) == b"1 new"


async def test_a_change_that_another_replica_made_meanwhile_counts(rig: Rig, other: Rig) -> None:
    await rig.store.set(SESSION, b"1 one", 60)
    rig.shared.outage = Outage.DOWN
    assert await rig.store.swap(SESSION, b"1 ", b"2 here", 60)
    rig.shared.values[SESSION] = (b"2 there", 0.0)
    rig.shared.outage = None
    await eventually(rig.healthy)
    assert await rig.store.get(SESSION) == b"2 there"


async def test_a_write_that_was_made_and_then_cut_off_is_gone_on_from(rig: Rig, other: Rig) -> None:
    await rig.store.set(SESSION, b"1 one", 60)
    rig.shared.outage = Outage.SLOW
    assert await rig.store.swap(SESSION, b"1 ", b"2 two", 60)
    rig.shared.values[SESSION] = (b"2 two", 0.0)  # it had arrived
    assert await rig.store.swap(SESSION, b"2 ", b"3 three", 60)
    rig.shared.outage = None
    await eventually(rig.healthy)
    assert await other.store.get(SESSION) == b"3 three"
