"""The circuit breaker over a shared store that fails on command: reads, writes, full stores, coming back."""

from __future__ import annotations

import asyncio

import pytest

from server.domain.ports import BlobStore
from server.storage.memory import MemoryStore
from server.storage.resilient import ResilientStore
from server.storage.shared import Outage, SharedStore
from tests.stores import HandClock, eventually
from tests.unit.resilient.rig import FailingStore, Rig


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
