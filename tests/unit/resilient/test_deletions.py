"""What is deleted stays deleted, in every replica, through outages and full stores."""

from __future__ import annotations

from server.settings import Settings
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


def test_a_mark_outlives_every_copy() -> None:
    assert Settings().longest_ttl == 604_800
    assert Settings(session_ttl=604_800).longest_ttl == 2 * 604_800
    assert Settings(logits_ttl=31_536_000).longest_ttl == 31_536_000


async def test_what_never_was_leaves_no_mark(rig: Rig) -> None:
    assert await rig.store.delete("a", "b") == 0
    assert rig.shared.values == {}
    await rig.store.set("a", b"one", 60)
    assert await rig.store.delete("a", "b") == 1
    assert rig.shared.values.keys() == {"a", "b"}  # another replica may have a copy of either


async def test_a_changing_value_leaves_no_mark(rig: Rig, other: Rig) -> None:
    """A copy of it counts for nothing anyway."""
    session = f"{SESSION_PREFIX}{'0' * 32}"
    for outage in (None, Outage.DOWN):
        await rig.store.set_many({session: b"1 one", "past": b"1"}, 60)
        assert await other.store.get(session) == b"1 one"
        rig.shared.outage = outage
        assert await rig.store.delete(session, "past") == 2
        rig.shared.outage = None
        await eventually(rig.healthy)
        assert rig.shared.values.keys() == {"past"}
        assert await other.store.get(session) is None


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
