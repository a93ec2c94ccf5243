"""Bounded worker threads for blocking work: the event loop never decodes, upsamples or encodes anything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import ParamSpec, TypeVar

from server.errors import UnavailableError

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Workers:
    """`threads` jobs run, `max_waiting` more may wait, the next is refused with `queue_full`. A caller who is
    cancelled before the job began costs nothing, and what the job was given is let go at once."""

    def __init__(self, name: str, *, threads: int, max_waiting: int) -> None:
        self._name = name
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=f"segserve-{name}")
        self._limit = threads + max_waiting
        self._jobs = 0
        self._closed = False

    @property
    def jobs(self) -> int:
        """Jobs running or waiting."""
        return self._jobs

    async def run(
        self, job: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Result:
        if self._closed:
            raise UnavailableError(
                "The server is shutting down. Send the request again in a moment.", code="shutting_down"
            )
        if self._jobs >= self._limit:
            raise UnavailableError(
                f"Too many requests wait for a {self._name} worker. Try again after the time in Retry-After.",
                code="queue_full",
            )
        self._jobs += 1
        loop = asyncio.get_running_loop()
        # The executor keeps a cancelled job until a thread comes to it: by then the cell is empty, the bytes are gone.
        cell = [partial(job, *args, **kwargs)]
        del args, kwargs  # a traceback keeps this frame

        def begin() -> Result:
            return cell.pop()()

        future = self._executor.submit(begin)
        future.add_done_callback(lambda _: self._finished(loop, cell))
        return await asyncio.wrap_future(future)

    def _finished(self, loop: asyncio.AbstractEventLoop, cell: list[partial[Result]]) -> None:
        # Called in the worker thread, or in the loop's when a waiting job is cancelled.
        cell.clear()
        with suppress(RuntimeError):  # the loop may be closed already
            loop.call_soon_threadsafe(self._count_down)

    def _count_down(self) -> None:
        self._jobs -= 1

    def close(self) -> None:
        self._closed = True
        self._executor.shutdown(wait=False, cancel_futures=True)
