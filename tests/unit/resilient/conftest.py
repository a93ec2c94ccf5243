"""Two replicas over one shared store, and the clock of all three."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.stores import HandClock
from tests.unit.resilient.rig import FailingStore, Rig


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
