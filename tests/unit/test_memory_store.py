"""The in-process store: bounded in bytes, least recently used first out, times to live by an injected clock."""

from __future__ import annotations

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from server.storage.memory import ENTRY_OVERHEAD, MemoryStore
from tests.stores import HandClock, RecordingObserver

VALUE = bytes(1000)
COST = 1000 + 1 + ENTRY_OVERHEAD  # under a key of one letter


async def keys_in(store: MemoryStore, names: str) -> str:
    return "".join([name for name in names if await store.contains(name)])


async def test_what_was_set_is_got_until_deleted() -> None:
    store = MemoryStore(1 << 20)
    await store.set("a", b"one", 60)
    await store.set("a", b"two", 60)
    await store.set_many({"b": b"three", "c": b"four"}, 60)
    assert [await store.get(name) for name in "abcd"] == [b"two", b"three", b"four", None]
    assert await store.delete("a", "b", "d") == 2
    assert [await store.get(name) for name in "abc"] == [None, None, b"four"]


async def test_entries_end_with_their_time_to_live() -> None:
    clock = HandClock()
    store = MemoryStore(1 << 20, clock=clock)
    await store.set("a", VALUE, 10)
    await store.set("b", VALUE, 20)
    clock.now += 9.9
    assert await keys_in(store, "ab") == "ab"
    clock.now += 0.1
    assert await keys_in(store, "ab") == "b"
    assert store.remaining_ttl("a") is None
    assert store.remaining_ttl("b") == pytest.approx(10)
    assert store.age("b") == pytest.approx(10)


async def test_setting_again_renews_the_time_to_live() -> None:
    clock = HandClock()
    store = MemoryStore(1 << 20, clock=clock)
    await store.set("a", VALUE, 10)
    clock.now += 5
    await store.set("a", VALUE, 10)
    clock.now += 9
    assert await store.contains("a")


async def test_the_expired_make_room_before_the_living() -> None:
    clock = HandClock()
    store = MemoryStore(3 * COST, clock=clock)
    await store.set("a", VALUE, 100)
    await store.set("b", VALUE, 1)
    await store.set("c", VALUE, 100)
    clock.now += 2
    await store.set("d", VALUE, 100)
    assert await keys_in(store, "abcd") == "acd"


async def test_the_least_recently_used_goes_first() -> None:
    observer = RecordingObserver()
    store = MemoryStore(3 * COST, observer=observer)
    for name in "abc":
        await store.set(name, VALUE, 60)
    assert await store.get("a") is not None
    await store.set("d", VALUE, 60)
    assert await keys_in(store, "abcd") == "acd"
    assert observer.counts["evicted",] == 1


async def test_what_exceeds_the_bound_alone_is_refused_and_replaces_nothing_else() -> None:
    observer = RecordingObserver()
    store = MemoryStore(3 * COST, observer=observer)
    await store.set("a", VALUE, 60)
    await store.set("b", VALUE, 60)
    await store.set("b", bytes(3 * COST), 60)
    assert await keys_in(store, "ab") == "a"
    assert observer.counts["refused", "memory"] == 1


@pytest.mark.parametrize(("value", "ttl"), [(b"", 60.0), (b"x", 0.0), (b"x", -1.0)])
async def test_nothing_to_keep_is_not_kept(value: bytes, ttl: float) -> None:
    store = MemoryStore(1 << 20)
    await store.set("a", value, ttl)
    assert await store.get("a") is None


async def test_a_quota_bounds_its_prefix_and_spares_the_rest() -> None:
    cost = COST + 1
    store = MemoryStore(4 * cost, quotas={"l:": 2 * cost})
    await store.set_many({"a": VALUE, "b": VALUE}, 60)
    await store.set_many({f"l:{index}": VALUE[:-1] for index in range(9)}, 60)
    assert await keys_in(store, "ab") == "ab"
    assert [index for index in range(9) if await store.contains(f"l:{index}")] == [7, 8]


@pytest.mark.parametrize(("bound", "quotas"), [(0, {}), (-1, {}), (100, {"l:": 100}), (100, {"l:": 0})])
def test_bounds_that_make_no_sense(bound: int, quotas: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="max_bytes"):
        MemoryStore(bound, quotas=quotas)


async def test_health_counts_bytes_and_entries() -> None:
    clock = HandClock()
    store = MemoryStore(1 << 20, clock=clock)
    await store.set("a", VALUE, 10)
    await store.set("b", VALUE, 20)
    clock.now += 15
    health = await store.health()
    assert (health.backend, health.degraded, health.bytes_used, health.entries) == ("memory", False, COST, 1)
    await store.close()
    assert (await store.health()).bytes_used == 0


async def test_the_observer_hears_reads_and_writes() -> None:
    observer = RecordingObserver()
    store = MemoryStore(1 << 20, observer=observer)
    await store.set("a", VALUE, 10)
    await store.get("a")
    await store.get("b")
    assert observer.counts == {
        ("written", "memory"): 1,
        ("read", "memory", True): 1,
        ("read", "memory", False): 1,
    }


async def test_memory_for_expiries_is_bounded_when_one_key_is_set_for_ever() -> None:
    store = MemoryStore(1 << 20)
    for _ in range(2000):
        await store.set("a", VALUE, 3600)
    assert len(store._expiries) < 200


async def test_a_random_history_keeps_the_books() -> None:
    clock, dice = HandClock(), random.Random(0)
    store = MemoryStore(20_000, quotas={"l": 5_000}, clock=clock)
    for _ in range(5000):
        name = dice.choice("abcdefghijklmnop")
        match dice.randrange(4):
            case 0 | 1:
                await store.set(name, bytes(dice.randrange(1, 6000)), dice.randrange(1, 50))
            case 2:
                await store.delete(name)
            case _:
                value = await store.get(name)
                assert value is None or len(value) < 6000
        clock.now += dice.random()
        health = await store.health()
        assert 0 <= health.bytes_used <= 20_000
    clock.now += 100
    health = await store.health()
    assert (health.bytes_used, health.entries) == (0, 0)


def test_many_threads_and_loops_share_one_store() -> None:
    store = MemoryStore(50_000)

    async def work(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(500):
            name = str(dice.randrange(40))
            await store.set(name, name.encode() * 500, 60)
            value = await store.get(name)
            assert value is None or value == name.encode() * 500
            if dice.random() < 0.2:
                await store.delete(name)

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(asyncio.run, work(seed)) for seed in range(8)]:
            done.result()
    health = asyncio.run(store.health())
    assert 0 < health.bytes_used <= 50_000


async def test_of_two_swaps_on_what_both_saw_one_is_made() -> None:
    store = MemoryStore(1 << 20)
    await store.set("a", b"1 one", 60)
    assert await store.swap("a", b"1 ", b"2 two", 60)
    assert not await store.swap("a", b"1 ", b"2 other", 60)
    assert await store.get("a") == b"2 two"
    assert not await store.swap("b", b"", b"new", 60)


async def test_swaps_from_many_threads_lose_nothing() -> None:
    store = MemoryStore(1 << 20)
    await store.set("a", b"0 ", 60)

    def count(_: int) -> None:
        while True:
            seen = store.peek("a") or b""
            number = int(seen.split()[0])
            if store.put("a", b"%d " % (number + 1), 60, head=b"%d " % number):
                return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(200)))
    assert await store.get("a") == b"200 "


async def test_an_entry_that_expired_is_not_swapped() -> None:
    clock = HandClock()
    store = MemoryStore(1 << 20, clock=clock)
    await store.set("a", b"1 ", 10)
    clock.now += 11
    assert not await store.swap("a", b"1 ", b"2 ", 10)
    assert await store.get("a") is None
