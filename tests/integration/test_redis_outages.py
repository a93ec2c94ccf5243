"""The image store on a real Redis that is killed, restarted, frozen and filled under traffic: no call may fail."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest

from server.domain.ports import BlobStore
from server.storage.images import ImageStore
from server.storage.memory import MemoryStore
from server.storage.opening import open_store
from server.storage.redis import RedisStore
from server.storage.resilient import ResilientStore
from tests.fakes import fake_manifest
from tests.integration.conftest import StartRedis
from tests.redis_server import RedisServer
from tests.stores import RecordingObserver, container_of, eventually

MANIFEST = fake_manifest()
MIB = 1 << 20


def image_id(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


class Replica:
    def __init__(self, server: RedisServer, timeout_seconds: float) -> None:
        self.observer = RecordingObserver()
        self.store = ResilientStore(
            RedisStore(server.url, timeout_seconds=timeout_seconds, observer=self.observer),
            MemoryStore(64 * MIB, observer=self.observer),
            probe_seconds=0.05,
            max_probe_seconds=0.2,
            observer=self.observer,
        )
        self.images = ImageStore(self.store, record_ttl_seconds=7200, data_ttl_seconds=3600, logits_ttl_seconds=600)

    async def put(self, number: int) -> None:
        identity = image_id(number)
        await self.images.put_image(
            image_id=identity, width=64, height=43, file_format="png", source=b"source %d" % number
        )
        await self.images.put_embedding(identity, MANIFEST, container_of(MANIFEST, identity, seed=number))

    async def check(self, number: int) -> None:
        """The picture is all there, with the right bytes, and logits for it can be kept."""
        identity = image_id(number)
        record = await self.images.get_record(identity)
        assert record is not None
        assert await self.images.get_source(identity) == b"source %d" % number
        assert await self.images.get_embedding(identity, MANIFEST) == container_of(MANIFEST, identity, seed=number)
        logits = np.full((8, 8), number, np.float32)
        (ref,) = await self.images.put_logits([logits], image_id=identity, revision=MANIFEST.revision)
        kept = await self.images.get_logits(ref, image_id=identity, revision=MANIFEST.revision)
        assert kept is not None
        np.testing.assert_array_equal(kept, logits)

    async def degraded(self) -> bool:
        return (await self.store.health()).degraded

    async def healthy(self) -> bool:
        return not await self.degraded()


Join = Callable[..., Replica]


@pytest.fixture
async def join(redis_server: RedisServer) -> AsyncIterator[Join]:
    """join(): one more replica on the server."""
    replicas: list[Replica] = []

    def start(server: RedisServer = redis_server, timeout_seconds: float = 10.0) -> Replica:
        replicas.append(Replica(server, timeout_seconds))
        return replicas[-1]

    yield start
    for replica in replicas:
        await replica.store.close()


class Traffic:
    """Workers that put and check pictures until told to stop; the first failure of any of them comes out of `end`."""

    def __init__(self, replica: Replica, workers: int = 4) -> None:
        self.rounds = 0
        self._replica = replica
        self._going = True
        self._tasks = [asyncio.create_task(self._work(worker, workers)) for worker in range(workers)]

    async def _work(self, worker: int, workers: int) -> None:
        turn = 0
        while self._going:
            await self._replica.put(worker + workers * turn)
            for earlier in range(max(0, turn - 3), turn + 1):
                await self._replica.check(worker + workers * earlier)
            turn += 1
            self.rounds += 1
            await asyncio.sleep(0)

    async def goes_on(self) -> None:
        """Wait until every worker had a few more rounds."""
        target = self.rounds + 20

        async def reached() -> bool:
            assert not any(task.done() for task in self._tasks), [task for task in self._tasks if task.done()]
            return self.rounds >= target

        await eventually(reached)

    async def end(self) -> None:
        self._going = False
        await asyncio.gather(*self._tasks)


async def test_killed_and_restarted_under_traffic(join: Join, redis_server: RedisServer) -> None:
    replica = join()
    traffic = Traffic(replica)
    for _ in range(3):
        await traffic.goes_on()
        assert await replica.healthy()
        redis_server.kill()
        await traffic.goes_on()
        assert await replica.degraded()
        redis_server.start()
        await eventually(replica.healthy)
    await traffic.goes_on()
    await traffic.end()
    assert replica.observer.degraded == [True, False] * 3
    assert replica.observer.counts["failed", "down"] >= 3


async def test_frozen_and_thawed_under_traffic(join: Join, redis_server: RedisServer) -> None:
    replica = join(timeout_seconds=0.5)
    traffic = Traffic(replica)
    await traffic.goes_on()
    redis_server.freeze()
    await eventually(replica.degraded)
    await traffic.goes_on()
    assert replica.observer.counts["failed", "slow"] >= 1
    assert "slow" in (await replica.store.health()).detail
    redis_server.thaw()
    await eventually(replica.healthy)
    await traffic.goes_on()
    await traffic.end()


async def test_a_pause_of_redis_passes(join: Join, redis_server: RedisServer) -> None:
    replica = join(timeout_seconds=0.2)
    await replica.put(1)
    redis_server.command("CLIENT", "PAUSE", 1500)
    await eventually(replica.degraded)
    await replica.check(1)
    await eventually(replica.healthy)
    await replica.check(1)


async def test_full_under_traffic(join: Join, redis_server: RedisServer) -> None:
    replica = join()
    await replica.put(10_000)
    traffic = Traffic(replica)
    await traffic.goes_on()
    redis_server.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    redis_server.command("CONFIG", "SET", "maxmemory", "1")
    await eventually(replica.degraded)
    await traffic.goes_on()
    health = await replica.store.health()
    assert (health.backend, health.degraded) == ("redis", True)
    assert "full" in health.detail
    assert replica.observer.counts["failed", "full"] >= 1
    await replica.check(10_000)
    redis_server.command("CONFIG", "SET", "maxmemory", "0")
    await eventually(replica.healthy)
    await traffic.goes_on()
    await traffic.end()


async def test_down_from_the_start_and_up_later(join: Join, redis_server: RedisServer) -> None:
    redis_server.kill()
    replica = join()
    assert await replica.degraded()
    await replica.put(1)
    await replica.check(1)
    redis_server.start()
    await eventually(replica.healthy)
    await replica.check(1)
    await join().check(1)


async def test_a_restart_while_nobody_asks(join: Join, redis_server: RedisServer) -> None:
    """The restarted Redis is empty; what memory holds is served and given back."""
    replica = join()
    await replica.put(1)
    redis_server.kill()
    redis_server.start()
    await replica.check(1)
    await eventually(replica.healthy)
    await replica.check(1)
    await join().check(1)


async def test_replicas_see_each_others_pictures_and_deletions(join: Join) -> None:
    first, second = join(), join()
    await first.put(1)
    await second.check(1)
    assert await first.images.delete_image(image_id(1), [MANIFEST])
    assert await second.images.get_record(image_id(1)) is None
    assert await second.images.get_embedding(image_id(1), MANIFEST) is None
    assert await second.images.get_source(image_id(1)) is None
    assert not await second.images.delete_image(image_id(1), [MANIFEST])
    await second.put(1)
    await first.check(1)


async def test_a_deletion_during_an_outage_holds_afterwards(join: Join, redis_server: RedisServer) -> None:
    first, second = join(timeout_seconds=0.5), join()
    await first.put(1)
    await second.check(1)
    redis_server.freeze()
    assert await first.images.delete_image(image_id(1), [MANIFEST])
    redis_server.thaw()
    await eventually(first.healthy)
    for replica in (first, second):
        assert await replica.images.get_record(image_id(1)) is None
        assert await replica.images.get_source(image_id(1)) is None


async def test_a_small_redis_that_evicts_costs_nothing_but_memory(start_redis: StartRedis, join: Join) -> None:
    server = start_redis("--maxmemory", "4mb", "--maxmemory-policy", "allkeys-lru")
    replica = join(server)
    for number in range(60):
        identity = image_id(number)
        await replica.images.put_source(identity, bytes([number]) * 200_000)
    for number in range(60):
        assert await replica.images.get_source(image_id(number)) == bytes([number]) * 200_000
    assert await replica.healthy()


@pytest.mark.parametrize("with_redis", [False, True])
async def test_the_store_of_the_settings(redis_server: RedisServer, with_redis: bool) -> None:
    store: BlobStore = open_store(
        cache_bytes=16 * MIB, redis_url=redis_server.url if with_redis else None, redis_timeout_seconds=10.0
    )
    await store.set("key", b"value", 60)
    assert await store.get("key") == b"value"
    health = await store.health()
    assert (health.backend, health.degraded) == ("redis" if with_redis else "memory", False)
    assert (redis_server.command("GET", "key") == b"value") is with_redis
    await store.close()


async def test_a_password_stays_out_of_health_and_logs(
    start_redis: StartRedis, caplog: pytest.LogCaptureFixture
) -> None:
    server = start_redis("--requirepass", "right")
    store = open_store(cache_bytes=16 * MIB, redis_url=f"redis://:hunter2@127.0.0.1:{server.port}/0")
    await store.set("key", b"value", 60)
    assert await store.get("key") == b"value"
    health = await store.health()
    assert health.degraded
    assert "hunter2" not in health.detail + caplog.text
    assert "AuthenticationError: " in caplog.text  # it says why
    await store.close()
