"""What is deleted stays deleted, in every replica, through outages and full stores."""

from __future__ import annotations

from server.storage.keys import SESSION_PREFIX
from server.storage.shared import Outage
from tests.stores import HandClock, eventually
from tests.unit.resilient.rig import Rig


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


async def test_a_second_deletion_does_not_undo_the_first(rig: Rig, other: Rig) -> None:
    await rig.store.set("a", b"one", 60)
    assert await other.store.get("a") == b"one"
    assert await rig.store.delete("a") == 1
    assert await rig.store.delete("a") == 0
    assert await other.store.get("a") is None


async def test_what_redis_has_lost_is_deleted_from_other_replicas_too(rig: Rig, other: Rig) -> None:
    await other.store.set("a", b"one", 60)
    rig.shared.values.clear()
    assert await rig.store.delete("a") == 0
    assert await other.store.get("a") is None


async def test_a_session_changed_in_an_outage_and_deleted_meanwhile_stays_deleted(rig: Rig, clock: HandClock) -> None:
    session = f"{SESSION_PREFIX}{'0' * 32}"
    await rig.store.set(session, b"1 one", 60)
    rig.shared.outage = Outage.DOWN
    assert await rig.store.swap(session, b"1 ", b"2 two", 60)
    rig.shared.values[session] = (b"", clock())  # as a deletion by another replica, which reached Redis, leaves it
    rig.shared.outage = None
    await eventually(rig.healthy)
    assert await rig.store.get(session) is None


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
