"""Single flight: callers who ask for the same key at the same time share one run of the work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

Result = TypeVar("Result")


@dataclass(slots=True)
class _Flight(Generic[Result]):
    task: asyncio.Task[Result]
    waiters: int = 0


class SingleFlight(Generic[Result]):
    """The work runs in a task of its own, so a caller who leaves takes nobody along; when the last one leaves, the
    work is cancelled. Results are not kept: that is the store's part."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[Result]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    async def run(self, key: Hashable, work: Callable[[], Awaitable[Result]]) -> Result:
        flight = self._flights.get(key)
        if flight is None:
            flight = _Flight(asyncio.ensure_future(_started(work)))
            self._flights[key] = flight
            flight.task.add_done_callback(lambda _: self._land(key, flight))
        flight.waiters += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiters -= 1
            if flight.waiters == 0 and not flight.task.done():
                # Off the table first: a newcomer must not join a flight that is being cancelled.
                self._land(key, flight)
                flight.task.cancel()

    def _land(self, key: Hashable, flight: _Flight[Result]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if flight.task.done() and not flight.task.cancelled():
            flight.task.exception()  # retrieved here, so that a failure whose waiters all left is not logged as lost


async def _started(work: Callable[[], Awaitable[Result]]) -> Result:
    return await work()
