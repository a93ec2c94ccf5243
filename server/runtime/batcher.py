"""The encoder's queue: bounded at the door, served in small batches by one thread.

Each entry carries its own reply channel. A caller that hangs up while it waits is taken out of the queue and costs
nothing; when every caller of the running batch has hung up, the run is interrupted. When a batch fails its members are
tried one by one, so that a poisoned picture fails alone. The thread outlives every failure; `healthy` says how the last
run went, and `check` makes sure with a real run after a failure.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from server.domain.ports import Encoder, Float32, UInt8
from server.errors import SegserveError, ServerFault, UnavailableError

logger = logging.getLogger(__name__)

# A first guess for Retry-After, until a batch was timed.
ASSUMED_SECONDS_PER_PICTURE = 0.1
MAX_RETRY_AFTER = 30.0
RECENT = 20


@dataclass(frozen=True, slots=True)
class Encoding:
    """A picture's embedding, float32 [1, C, H, W] by name, and where its time went."""

    tensors: dict[str, Float32]
    queue_seconds: float
    encode_seconds: float
    batch_size: int


class BatcherObserver(Protocol):
    """Told what happens, for metrics. `rejected` and `abandoned` come from event loops, `batch` from the worker."""

    def rejected(self) -> None: ...

    def abandoned(self) -> None: ...

    def batch(self, size: int, failed: int, queue_seconds: Sequence[float], encode_seconds: float) -> None: ...


class SilentObserver:
    def rejected(self) -> None: ...

    def abandoned(self) -> None: ...

    def batch(self, size: int, failed: int, queue_seconds: Sequence[float], encode_seconds: float) -> None: ...


@dataclass(slots=True, eq=False)
class _Entry:
    pixels: UInt8
    valid_size: tuple[int, int]
    loop: asyncio.AbstractEventLoop
    reply: asyncio.Future[Encoding]
    queued_at: float = field(default_factory=time.perf_counter)

    def answer(self, outcome: Encoding | Exception) -> None:
        """From the worker thread; a caller whose event loop is gone needs no answer."""
        try:
            self.loop.call_soon_threadsafe(self._settle, outcome)
        except RuntimeError:
            logger.debug("a caller's event loop closed before its answer")

    def _settle(self, outcome: Encoding | Exception) -> None:
        if self.reply.done():
            return
        if isinstance(outcome, Exception):
            self.reply.set_exception(outcome)
        else:
            self.reply.set_result(outcome)


class MicroBatcher:
    """`max_batch` pictures at most per run, `max_queue` waiting at most. The worker waits up to `max_wait_seconds` for
    company after the first picture; while it encodes, the next batch gathers by itself. Queues that share `turn` encode
    one after the other: two models with every core each would only be in each other's way."""

    def __init__(
        self,
        encoder: Encoder,
        *,
        max_batch: int = 8,
        max_queue: int = 64,
        max_wait_seconds: float = 0.002,
        observer: BatcherObserver | None = None,
        name: str = "encoder",
        turn: threading.Lock | None = None,
    ) -> None:
        if max_batch < 1 or max_queue < 1:
            raise ValueError("max_batch and max_queue must be at least 1")
        self._encoder = encoder
        self._max_batch = max_batch
        self._max_queue = max_queue
        self._max_wait = max_wait_seconds
        self._observer: BatcherObserver = observer or SilentObserver()
        self._turn = turn or threading.Lock()
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._running: list[_Entry] = []
        self._queue: deque[_Entry] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._healthy = True
        self._seconds_per_picture = ASSUMED_SECONDS_PER_PICTURE
        self._thread = threading.Thread(target=self._work, name=f"segserve-{name}", daemon=True)
        self._started = False

    @property
    def queue_depth(self) -> int:
        """Pictures that wait; those being encoded are not counted."""
        return len(self._queue)

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing runs."""
        with self._changed:
            return not self._queue and not self._running

    @property
    def seconds_per_picture(self) -> float | None:
        """Median of the last runs; None before the first."""
        return statistics.median(self._recent) if self._recent else None

    @property
    def healthy(self) -> bool:
        """Whether the last run succeeded."""
        return self._healthy

    async def submit(self, pixels: UInt8, valid_size: tuple[int, int]) -> Encoding:
        """pixels uint8 [S, S, 3], valid (height, width) -> embedding tensors float32 [1, C, H, W] by name, with
        timings. Raises UnavailableError `queue_full` or `shutting_down`, what the encoder raised
        if that is a SegserveError, ServerFault for any other failure."""
        loop = asyncio.get_running_loop()
        entry = _Entry(pixels, valid_size, loop, loop.create_future())
        with self._changed:
            if self._closing:
                raise _shutting_down()
            if len(self._queue) >= self._max_queue:
                self._observer.rejected()
                message = f"{len(self._queue)} pictures wait for the encoder already. Try again in a moment."
                raise UnavailableError(message, code="queue_full", retry_after=self._retry_after())
            self._queue.append(entry)
            if not self._started:
                self._started = True
                self._thread.start()
            self._changed.notify_all()
        try:
            return await entry.reply
        except asyncio.CancelledError:
            self._abandon(entry)
            raise

    async def check(self, input_size: int) -> bool:
        """Cheap after a success; after a failure a real run on a blank picture decides."""
        if self._healthy:
            return True
        try:
            await self.submit(np.zeros((input_size, input_size, 3), np.uint8), (input_size, input_size))
        except SegserveError:
            return False
        return True

    async def close(self) -> None:
        """Refuses those who wait and whoever comes, lets the running batch finish, ends the thread."""
        with self._changed:
            self._closing = True
            waiting = list(self._queue)
            self._queue.clear()
            started = self._started
            self._changed.notify_all()
        for entry in waiting:
            entry.answer(_shutting_down())
        if started:
            await asyncio.to_thread(self._thread.join)

    def _abandon(self, entry: _Entry) -> None:
        with self._changed:
            if entry in self._queue:
                self._queue.remove(entry)
            elif entry in self._running and all(other.reply.cancelled() for other in self._running):
                self._encoder.interrupt()
        self._observer.abandoned()

    def _retry_after(self) -> float:
        return min(MAX_RETRY_AFTER, max(1.0, len(self._queue) * self._seconds_per_picture))

    def _work(self) -> None:
        while True:
            batch = self._next_batch()
            if batch is None:
                return
            if batch:
                with self._turn:
                    self._run(batch)
            with self._changed:
                self._running = []

    def _next_batch(self) -> list[_Entry] | None:
        """None: closing. May be empty when every caller hung up meanwhile."""
        with self._changed:
            while not self._queue and not self._closing:
                self._changed.wait()
            deadline = time.monotonic() + self._max_wait
            while 0 < len(self._queue) < self._max_batch and not self._closing:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
            if self._closing:
                return None
            taken = [self._queue.popleft() for _ in range(min(self._max_batch, len(self._queue)))]
            self._running = [entry for entry in taken if not entry.reply.cancelled()]
            return self._running

    def _run(self, batch: list[_Entry]) -> None:
        if all(entry.reply.cancelled() for entry in batch):  # while another model had its turn
            return
        started = time.perf_counter()
        waits = [started - entry.queued_at for entry in batch]
        failed = 0
        try:
            self._encode(batch, started)
        except Exception as error:  # whatever a back end raises concerns these callers alone
            if all(entry.reply.cancelled() for entry in batch):
                return  # interrupted, for nobody waits any more
            if len(batch) == 1:
                failed = 1
                self._fail(batch[0], error)
            else:
                logger.warning("a batch of %d failed (%s); trying its pictures one by one", len(batch), error)
                failed = sum(self._run_alone(entry) for entry in batch)
        seconds = time.perf_counter() - started
        self._seconds_per_picture = seconds / len(batch)
        if not failed:
            self._recent.append(self._seconds_per_picture)
        self._observer.batch(len(batch), failed, waits, seconds)

    def _run_alone(self, entry: _Entry) -> int:
        if entry.reply.cancelled():
            return 0
        try:
            self._encode([entry], time.perf_counter())
        except Exception as error:  # as above, now for one caller
            if entry.reply.cancelled():
                return 0
            self._fail(entry, error)
            return 1
        return 0

    def _encode(self, batch: list[_Entry], started: float) -> None:
        pixels = np.stack([entry.pixels for entry in batch])
        valid_size = np.array([entry.valid_size for entry in batch], np.int64)
        embeddings = self._encoder.encode(pixels, valid_size)
        if len(embeddings) != len(batch):
            raise RuntimeError(f"the encoder answered {len(embeddings)} of {len(batch)} pictures")
        seconds = time.perf_counter() - started
        self._healthy = True
        for entry, tensors in zip(batch, embeddings, strict=True):
            entry.answer(Encoding(tensors, started - entry.queued_at, seconds, len(batch)))

    def _fail(self, entry: _Entry, error: Exception) -> None:
        self._healthy = False
        if isinstance(error, SegserveError):
            entry.answer(error)
            return
        logger.error("the encoder failed on a picture", exc_info=error)
        fault = ServerFault("The encoder failed on this picture.")
        fault.__cause__ = error
        entry.answer(fault)


def _shutting_down() -> UnavailableError:
    return UnavailableError("The server is shutting down. Send the request again.", code="shutting_down")
