"""No clocks here: the fake encoder's gate decides when a batch may go on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from server.domain.ports import Float32, UInt8
from server.errors import ImageError, ServerFault, UnavailableError
from server.runtime.batcher import MicroBatcher
from tests.fakes import INPUT_SIZE, FakeEncoder

POISON = (251, 251, 251)
VALID = (INPUT_SIZE, INPUT_SIZE)


def picture(value: int = 100) -> UInt8:
    return np.full((INPUT_SIZE, INPUT_SIZE, 3), value, np.uint8)


class Recorder:
    def __init__(self) -> None:
        self.rejections = 0
        self.abandonments = 0
        self.batches: list[tuple[int, int]] = []
        self.waits: list[float] = []

    def rejected(self) -> None:
        self.rejections += 1

    def abandoned(self) -> None:
        self.abandonments += 1

    def batch(self, size: int, failed: int, queue_seconds: Sequence[float], encode_seconds: float) -> None:
        self.batches.append((size, failed))
        self.waits.extend(queue_seconds)


@pytest.fixture
def encoder() -> FakeEncoder:
    return FakeEncoder(poison=POISON)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def batcher(encoder: FakeEncoder, recorder: Recorder) -> AsyncIterator[MicroBatcher]:
    made = MicroBatcher(encoder, max_batch=4, max_queue=100, max_wait_seconds=0, observer=recorder)
    yield made
    encoder.gate.set()
    await made.close()


async def encoded(batcher: MicroBatcher, pixels: UInt8, valid: tuple[int, int]) -> dict[str, Float32]:
    return (await batcher.submit(pixels, valid)).tensors


async def occupy(batcher: MicroBatcher, encoder: FakeEncoder) -> asyncio.Task[dict[str, Float32]]:
    """A first picture that keeps the encoder busy until the gate opens."""
    encoder.gate.clear()
    task = asyncio.create_task(encoded(batcher, picture(), VALID))
    await asyncio.to_thread(encoder.entered.wait)
    return task


async def enqueue(batcher: MicroBatcher, pictures: Sequence[UInt8]) -> list[asyncio.Task[dict[str, Float32]]]:
    """Tasks whose pictures wait in the queue by the time this returns."""
    tasks = [asyncio.create_task(encoded(batcher, pixels, VALID)) for pixels in pictures]
    await asyncio.sleep(0)
    assert batcher.queue_depth == len(pictures)
    return tasks


async def test_each_caller_gets_its_own_embedding(batcher: MicroBatcher) -> None:
    answers = await asyncio.gather(*(encoded(batcher, picture(value), VALID) for value in range(20)))
    for value, tensors in enumerate(answers):
        assert tensors["colour"].shape == (1, 3, 32, 32)
        np.testing.assert_allclose(tensors["colour"], value / 255, rtol=1e-6)


async def test_waiting_pictures_are_encoded_together_in_their_order(
    batcher: MicroBatcher, encoder: FakeEncoder, recorder: Recorder
) -> None:
    first = await occupy(batcher, encoder)
    others = await enqueue(batcher, [picture(value) for value in range(6)])
    encoder.gate.set()
    await asyncio.gather(first, *others)
    assert encoder.batches == [1, 4, 2]
    await batcher.close()
    assert recorder.batches == [(1, 0), (4, 0), (2, 0)]
    assert len(recorder.waits) == 7


async def test_a_submission_tells_where_its_time_went(batcher: MicroBatcher) -> None:
    encoding = await batcher.submit(picture(), VALID)
    assert encoding.batch_size == 1
    assert encoding.queue_seconds >= 0
    assert encoding.encode_seconds >= 0


async def test_the_first_picture_waits_for_company_until_the_batch_is_full(encoder: FakeEncoder) -> None:
    batcher = MicroBatcher(encoder, max_batch=3, max_wait_seconds=3600)
    await asyncio.gather(*(encoded(batcher, picture(), VALID) for _ in range(3)))
    assert encoder.batches == [3]
    waiting = asyncio.create_task(encoded(batcher, picture(), VALID))
    await asyncio.sleep(0)
    await batcher.close()
    with pytest.raises(UnavailableError):
        await waiting


async def test_a_hundred_callers_who_hang_up_cost_nothing(
    batcher: MicroBatcher, encoder: FakeEncoder, recorder: Recorder
) -> None:
    first = await occupy(batcher, encoder)
    callers = await enqueue(batcher, [picture()] * 100)
    for caller in callers:
        caller.cancel()
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
    assert batcher.queue_depth == 0
    encoder.gate.set()
    await first
    await encoded(batcher, picture(), VALID)
    assert encoder.batches == [1, 1]
    assert recorder.abandonments == 100


async def test_hanging_up_makes_room(encoder: FakeEncoder) -> None:
    batcher = MicroBatcher(encoder, max_batch=1, max_queue=1, max_wait_seconds=0)
    first = await occupy(batcher, encoder)
    (leaving,) = await enqueue(batcher, [picture()])
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    (staying,) = await enqueue(batcher, [picture(9)])
    encoder.gate.set()
    await asyncio.gather(first, staying)
    assert encoder.pictures == 2
    await batcher.close()


async def test_hanging_up_in_mid_flight_leaves_the_batch_alone(batcher: MicroBatcher, encoder: FakeEncoder) -> None:
    first = await occupy(batcher, encoder)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    (second,) = await enqueue(batcher, [picture(51)])
    encoder.gate.set()
    np.testing.assert_allclose((await second)["colour"], 0.2, rtol=1e-6)
    assert batcher.healthy


async def test_a_full_queue_refuses_at_the_door(encoder: FakeEncoder, recorder: Recorder) -> None:
    batcher = MicroBatcher(encoder, max_batch=2, max_queue=3, max_wait_seconds=0, observer=recorder)
    first = await occupy(batcher, encoder)
    waiting = await enqueue(batcher, [picture()] * 3)
    with pytest.raises(UnavailableError) as caught:
        await encoded(batcher, picture(), VALID)
    assert caught.value.code == "queue_full"
    assert 1 <= caught.value.retry_after <= 30
    assert recorder.rejections == 1
    encoder.gate.set()
    await asyncio.gather(first, *waiting)
    assert encoder.pictures == 4
    await batcher.close()


async def test_a_poisoned_picture_fails_alone(
    batcher: MicroBatcher, encoder: FakeEncoder, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    first = await occupy(batcher, encoder)
    poisoned = picture()
    poisoned[0, 0] = POISON
    tasks = await enqueue(batcher, [picture(1), poisoned, picture(2)])
    encoder.gate.set()
    with caplog.at_level(logging.WARNING):
        one, failure, two = await asyncio.gather(*tasks, return_exceptions=True)
    await first
    assert isinstance(failure, ServerFault)
    assert failure.code == "internal_error"
    assert isinstance(failure.__cause__, RuntimeError)
    assert isinstance(one, dict)
    assert isinstance(two, dict)
    assert encoder.batches == [1, 3, 1, 1, 1]
    await batcher.close()
    assert recorder.batches == [(1, 0), (3, 1)]
    assert "one by one" in caplog.text


async def test_pictures_of_different_sizes_do_not_spoil_each_other(batcher: MicroBatcher, encoder: FakeEncoder) -> None:
    first = await occupy(batcher, encoder)
    tasks = await enqueue(batcher, [picture(), np.zeros((128, 128, 3), np.uint8)])
    encoder.gate.set()
    answers = await asyncio.gather(first, *tasks)
    assert len(answers) == 3


async def test_the_thread_outlives_failures_and_health_recovers(batcher: MicroBatcher, encoder: FakeEncoder) -> None:
    poisoned = np.full((INPUT_SIZE, INPUT_SIZE, 3), POISON[0], np.uint8)
    assert await batcher.check(INPUT_SIZE)
    assert encoder.pictures == 0, "health is free after a success"
    for _ in range(3):
        with pytest.raises(ServerFault):
            await encoded(batcher, poisoned, VALID)
    assert not batcher.healthy
    assert await batcher.check(INPUT_SIZE)
    assert encoder.pictures == 4
    assert batcher.healthy


class BrokenEncoder:
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def encode(self, pixels: UInt8, valid_size: NDArray[np.int64]) -> list[dict[str, Float32]]:
        if self.error is not None:
            raise self.error
        return []


async def test_a_broken_encoder_is_unhealthy_and_stays_so() -> None:
    batcher = MicroBatcher(BrokenEncoder())
    with pytest.raises(ServerFault) as caught:
        await encoded(batcher, picture(), VALID)
    assert "answered 0 of 1" in str(caught.value.__cause__)
    assert not await batcher.check(INPUT_SIZE)
    await batcher.close()


async def test_errors_of_our_own_tree_reach_the_caller_as_they_are() -> None:
    batcher = MicroBatcher(BrokenEncoder(ImageError("no", code="image_truncated")))
    with pytest.raises(ImageError) as caught:
        await encoded(batcher, picture(), VALID)
    assert caught.value.code == "image_truncated"
    await batcher.close()


async def test_closing_answers_everyone(batcher: MicroBatcher, encoder: FakeEncoder) -> None:
    first = await occupy(batcher, encoder)
    waiting = await enqueue(batcher, [picture()] * 5)
    closing = asyncio.create_task(batcher.close())
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [getattr(outcome, "code", None) for outcome in outcomes] == ["shutting_down"] * 5
    assert not first.done()
    encoder.gate.set()
    assert "colour" in await first
    await closing
    with pytest.raises(UnavailableError) as caught:
        await encoded(batcher, picture(), VALID)
    assert caught.value.code == "shutting_down"
    assert encoder.pictures == 1


async def test_closing_an_unused_batcher_and_closing_twice() -> None:
    batcher = MicroBatcher(FakeEncoder())
    await batcher.close()
    await batcher.close()


@pytest.mark.parametrize("bounds", [{"max_batch": 0}, {"max_queue": 0}])
def test_bounds_below_one_are_a_programming_error(bounds: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        MicroBatcher(FakeEncoder(), **bounds)
