"""Values that change, compared and swapped, through outages and beside other replicas."""

from __future__ import annotations

import pytest

from server.storage.keys import SESSION_PREFIX
from server.storage.shared import Outage
from tests.stores import eventually
from tests.unit.resilient.rig import FailingStore, Rig


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
