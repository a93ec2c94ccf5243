"""Single flight, worker threads and the two small caches, each alone."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref

import numpy as np
import pytest

from server.errors import UnavailableError
from server.services.decoded import DecodedCache
from server.services.known_files import KnownFiles
from server.services.single_flight import SingleFlight
from server.services.workers import Workers


async def test_one_flight_for_many_callers_and_a_new_one_afterwards() -> None:
    flights: SingleFlight[int] = SingleFlight()
    runs = 0

    async def work() -> int:
        nonlocal runs
        runs += 1
        await asyncio.sleep(0.01)
        return runs

    assert await asyncio.gather(*(flights.run("key", work) for _ in range(50))) == [1] * 50
    assert await flights.run("key", work) == 2
    assert len(flights) == 0


async def test_a_failure_reaches_every_caller_and_is_not_kept() -> None:
    flights: SingleFlight[int] = SingleFlight()

    async def fail() -> int:
        await asyncio.sleep(0)
        raise ValueError("no")

    async def succeed() -> int:
        return 7

    outcomes = await asyncio.gather(*(flights.run("key", fail) for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ValueError] * 3
    assert await flights.run("key", succeed) == 7


async def test_the_work_is_cancelled_with_its_last_caller_and_nobody_joins_it_then() -> None:
    flights: SingleFlight[str] = SingleFlight()
    cancelled = asyncio.Event()

    async def endless() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return "never"

    async def quick() -> str:
        return "new"

    callers = [asyncio.create_task(flights.run("key", endless)) for _ in range(2)]
    await asyncio.sleep(0)
    callers[0].cancel()
    await asyncio.gather(callers[0], return_exceptions=True)
    assert not cancelled.is_set()
    callers[1].cancel()
    await asyncio.gather(callers[1], return_exceptions=True)
    assert await flights.run("key", quick) == "new"
    assert cancelled.is_set()


async def test_workers_refuse_what_they_cannot_hold_and_drop_who_left() -> None:
    workers = Workers("test", threads=1, max_waiting=1)
    gate, ran = threading.Event(), []
    running = asyncio.create_task(workers.run(gate.wait))
    waiting = asyncio.create_task(workers.run(ran.append, 1))
    await asyncio.sleep(0.01)
    with pytest.raises(UnavailableError) as refused:
        await workers.run(ran.append, 2)
    assert refused.value.code == "queue_full"
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    gate.set()
    assert await running
    await asyncio.sleep(0.01)
    assert workers.jobs == 0
    assert ran == []
    workers.close()
    with pytest.raises(UnavailableError) as closed:
        await workers.run(ran.append, 3)
    assert closed.value.code == "shutting_down"


async def test_a_job_that_was_cancelled_lets_go_of_what_it_was_given() -> None:
    workers = Workers("test", threads=1, max_waiting=1)
    gate = threading.Event()
    running = asyncio.create_task(workers.run(gate.wait))
    given = np.zeros(8)
    gone = weakref.ref(given)
    waiting = asyncio.create_task(workers.run(np.sum, given))
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    del given, waiting
    gc.collect()
    try:
        assert gone() is None  # while the only thread is still busy
    finally:
        gate.set()
    assert await running
    assert await workers.run(int, "7") == 7
    workers.close()


def test_the_decoded_cache_is_bounded_in_bytes() -> None:
    cache = DecodedCache(max_bytes=2 * 400)
    tensors = {"a": np.zeros(100, np.float32)}
    for image in ("1", "2"):
        cache.put(image, "r", tensors)
    assert cache.get("1", "r") is tensors
    cache.put("3", "r", tensors)
    assert cache.get("2", "r") is None
    assert cache.get("1", "r") is tensors
    cache.forget("1")
    assert cache.get("1", "r") is None
    cache.put("4", "r", {"a": np.zeros(1000, np.float32)})
    assert cache.get("4", "r") is None


def test_known_files_are_the_last_ones() -> None:
    known = KnownFiles(limit=2)
    for digest in (b"a", b"b"):
        known.put(digest, digest.hex())
    assert known.get(b"a") == "61"
    known.put(b"c", "63")
    assert known.get(b"b") is None
    assert known.get(b"a") == "61"
