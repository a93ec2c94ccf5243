"""Several models in one budget of memory: who stays, who goes, and what waits for nobody is ended."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest

from server.domain.bundle import Speed
from server.domain.ports import Encoder
from server.errors import NotFoundError, UnavailableError
from server.runtime.batcher import MicroBatcher
from server.runtime.onnx import OnnxBackend
from server.runtime.registry import BundleRegistry
from server.services.models import ModelPool
from server.services.served import memory_of
from tests.fakes import INPUT_SIZE, FakeBackend, FakeEncoder, fake_manifest, write_bundle
from tests.onnx_bundle import onnx_files

VALID = (INPUT_SIZE, INPUT_SIZE)
ONE = memory_of(fake_manifest())


def picture() -> np.ndarray:
    return np.zeros((INPUT_SIZE, INPUT_SIZE, 3), np.uint8)


def until_idle(queue: MicroBatcher) -> None:
    while not queue.idle:
        time.sleep(0.002)


class Watcher:
    def __init__(self) -> None:
        self.loaded: list[str] = []
        self.evicted: list[str] = []

    def model_loaded(self, model: str, seconds: float, memory_bytes: int) -> None:
        assert memory_bytes == ONE
        self.loaded.append(model)

    def model_evicted(self, model: str) -> None:
        self.evicted.append(model)


def pool_of(root: Path, names: str, memory: int) -> tuple[ModelPool, FakeBackend, Watcher]:
    """The first name is the default model."""
    for name in names:
        write_bundle(root, model_id=name)
    backend, watcher = FakeBackend(), Watcher()
    registry = BundleRegistry([root], backend, default_id=names[0])

    def make_queue(model_id: str, encoder: Encoder) -> MicroBatcher:
        return MicroBatcher(encoder, max_wait_seconds=0, name=model_id)

    return ModelPool(registry, make_queue, memory=memory, observer=watcher), backend, watcher


async def test_the_longest_unused_model_goes_and_the_default_last(tmp_path: Path) -> None:
    pool, _, watcher = pool_of(tmp_path, "abcd", 3 * ONE)
    for name in "abc":
        await pool.get(name)
    await pool.get("b")
    await pool.get("d")
    assert watcher.evicted == ["c"], "b was asked for since, and a is the default"
    await pool.get("c")
    assert watcher.evicted == ["c", "b"]
    assert [pool.state(name) for name in "abcd"] == ["ready", "idle", "ready", "ready"]
    assert sum(pool.loaded_bytes().values()) == 3 * ONE
    await pool.close()


async def test_the_default_goes_when_nothing_else_is_left(tmp_path: Path) -> None:
    pool, _, watcher = pool_of(tmp_path, "ab", ONE)
    await pool.get("a")
    await pool.get("b")
    assert watcher.evicted == ["a"]
    await pool.get(None)
    assert watcher.evicted == ["a", "b"]
    assert watcher.loaded == ["a", "b", "a"]
    await pool.close()


async def test_a_model_at_work_is_not_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pool, backend, watcher = pool_of(tmp_path, "ab", ONE)
    model = await pool.get("a")
    backend.encoder.gate.clear()
    backend.encoder.entered.clear()
    working = asyncio.create_task(model.queue.submit(picture(), VALID))
    await asyncio.to_thread(backend.encoder.entered.wait, 10)
    monkeypatch.setattr("server.services.models.ROOM_SECONDS", 0.05)
    with pytest.raises(UnavailableError) as caught:
        await pool.get("b")
    assert caught.value.code == "models_busy"
    assert watcher.evicted == []
    backend.encoder.gate.set()
    assert (await working).tensors
    await asyncio.to_thread(until_idle, model.queue)
    await pool.get("b")
    assert watcher.evicted == ["a"]
    with pytest.raises(UnavailableError):
        await model.queue.submit(picture(), VALID)
    await pool.close()


async def test_a_model_that_cannot_fit_is_refused_with_both_sizes(tmp_path: Path) -> None:
    pool, _, _ = pool_of(tmp_path, "ab", ONE - 1)
    await pool.get("a")  # there is no service without the default
    with pytest.raises(UnavailableError, match="SEGSERVE_MODEL_MEMORY") as caught:
        await pool.get("b")
    assert caught.value.code == "model_too_large"
    assert caught.value.details == {"bytes": ONE, "limit": ONE - 1}
    assert pool.state("a") == "ready"
    await pool.close()


async def test_many_who_ask_at_once_load_it_once(tmp_path: Path) -> None:
    pool, _, watcher = pool_of(tmp_path, "abc", 2 * ONE)
    await asyncio.gather(*(pool.get(name) for name in "abcabcabc"))
    assert watcher.loaded.count("a") == 1
    assert sum(pool.loaded_bytes().values()) <= 2 * ONE
    await pool.close()


async def test_a_model_in_use_stays_and_who_needs_its_room_waits(tmp_path: Path) -> None:
    pool, _, watcher = pool_of(tmp_path, "ab", ONE)
    async with pool.use("a"):
        waiting = asyncio.create_task(pool.get("b"))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        assert watcher.evicted == []
    assert (await waiting).manifest.id == "b"
    assert watcher.evicted == ["a"]
    assert await pool.healthy("a"), "it left for another, which is no fault"
    await pool.close()


async def test_warming_makes_nobody_leave(tmp_path: Path) -> None:
    pool, _, watcher = pool_of(tmp_path, "abc", 2 * ONE)
    await pool.get("a")
    await pool.warm(["b", "c"])
    assert watcher.loaded == ["a", "b"]
    assert watcher.evicted == []
    await pool.close()


async def test_warming_goes_on_after_a_failure(tmp_path: Path) -> None:
    pool, _, watcher = pool_of(tmp_path, "abc", 3 * ONE)
    (next((tmp_path / "b").iterdir()) / "decoder.onnx").write_bytes(b"damaged")
    await pool.warm(["b", "c"])
    assert watcher.loaded == ["c"]
    with pytest.raises(NotFoundError):
        await pool.get("d")
    await pool.close()


async def test_an_encoder_known_to_be_slow_is_not_run_for_nothing(tmp_path: Path) -> None:
    write_bundle(tmp_path, model_id="slow", speed=Speed(encode_ms=9000, decode_ms=20, threads=2, machine="here"))
    backend = FakeBackend()
    pool = ModelPool(BundleRegistry([tmp_path], backend), lambda name, encoder: MicroBatcher(encoder))
    await pool.get("slow")
    assert backend.encoder.pictures == 0
    assert backend.decoder.batches == [1]
    await pool.close()


async def test_an_evicted_session_is_gone(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_bundle(tmp_path, model_id=name, files=onnx_files())
    registry = BundleRegistry([tmp_path], OnnxBackend(1), default_id="a")
    pool = ModelPool(registry, lambda name, encoder: MicroBatcher(encoder), memory=memory_of(registry.manifest("a")))
    session = weakref.ref((await pool.get("b")).decoder._session)  # type: ignore[attr-defined]
    assert session() is not None
    await pool.get("a")
    gc.collect()
    assert session() is None
    await pool.close()


async def test_the_speed_of_the_last_pictures_is_told(tmp_path: Path) -> None:
    pool, _, _ = pool_of(tmp_path, "a", ONE)
    assert pool.encode_seconds("a") is None
    model = await pool.get("a")
    assert pool.encode_seconds("a") is None
    await model.queue.submit(picture(), VALID)
    await asyncio.to_thread(until_idle, model.queue)
    assert pool.encode_seconds("a") is not None
    await pool.close()


async def test_a_run_that_nobody_waits_for_is_interrupted() -> None:
    encoder = FakeEncoder()
    encoder.gate.clear()
    queue = MicroBatcher(encoder, max_wait_seconds=0)
    waiting = asyncio.create_task(queue.submit(picture(), VALID))
    await asyncio.to_thread(encoder.entered.wait, 10)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.to_thread(until_idle, queue)
    assert encoder.pictures == 0
    assert queue.healthy, "an interrupted run is no failure"
    encoder.gate.set()
    assert (await queue.submit(picture(), VALID)).tensors
    await queue.close()


async def test_a_run_that_somebody_waits_for_goes_on() -> None:
    encoder = FakeEncoder()
    queue = MicroBatcher(encoder, max_batch=2, max_wait_seconds=5)
    encoder.gate.clear()
    leaving, staying = (asyncio.create_task(queue.submit(picture(), VALID)) for _ in range(2))
    await asyncio.to_thread(encoder.entered.wait, 10)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    assert not encoder.interrupted.is_set()
    encoder.gate.set()
    assert (await staying).batch_size == 2
    await queue.close()


async def test_two_models_encode_one_after_the_other() -> None:
    turn = threading.Lock()
    encoders = [FakeEncoder(), FakeEncoder()]
    queues = [MicroBatcher(encoder, max_wait_seconds=0, turn=turn) for encoder in encoders]
    encoders[0].gate.clear()
    first = asyncio.create_task(queues[0].submit(picture(), VALID))
    await asyncio.to_thread(encoders[0].entered.wait, 10)
    second = asyncio.create_task(queues[1].submit(picture(), VALID))
    await asyncio.sleep(0.05)
    assert not encoders[1].entered.is_set()
    encoders[0].gate.set()
    await asyncio.gather(first, second)
    for queue in queues:
        await queue.close()
