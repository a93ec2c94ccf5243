"""RedisStore on a real redis-server: bytes, lives, bounds, and failures by their kind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from server.storage.memory import MemoryStore
from server.storage.redis import DELETED_SECONDS, RedisStore
from server.storage.resilient import ResilientStore
from server.storage.shared import Deleted, Found, Outage, SharedStoreError
from tests.fakes import fake_manifest
from tests.integration.conftest import StartRedis
from tests.redis_server import RedisServer
from tests.stores import RecordingObserver, container_of, eventually

Connect = Callable[..., RedisStore]
EVERY_BYTE = bytes(range(256)) * 1000
MIB = 1 << 20


@pytest.fixture
async def connect(redis_server: RedisServer) -> AsyncIterator[Connect]:
    """connect(**options): a store on the server; generous with time, as the machine may be busy."""
    opened: list[RedisStore] = []

    def open_one(server: RedisServer = redis_server, timeout_seconds: float = 10.0, **options: Any) -> RedisStore:
        opened.append(RedisStore(server.url, timeout_seconds=timeout_seconds, **options))
        return opened[-1]

    yield open_one
    for store in opened:
        await store.close()


async def put(store: RedisStore, key: str, value: bytes, ttl_seconds: float = 60.0) -> None:
    await store.set_many({key: value}, ttl_seconds)


async def value_of(store: RedisStore, key: str) -> bytes | None:
    answer = await store.fetch(key)
    return answer.value if isinstance(answer, Found) else None


async def outage_of(store: RedisStore) -> Outage:
    with pytest.raises(SharedStoreError) as caught:
        await put(store, "key", b"value")
    return caught.value.outage


async def test_bytes_lie_in_redis_as_in_memory(connect: Connect, redis_server: RedisServer) -> None:
    memory, container = MemoryStore(64 * MIB), container_of(fake_manifest())
    store = connect()
    for key, value in {"bytes": EVERY_BYTE, "container": container, "one": b"\x00"}.items():
        await put(store, key, value)
        await memory.set(key, value, 60)
        assert await value_of(store, key) == await memory.get(key) == redis_server.command("GET", key) == value


async def test_redis_keeps_the_time_to_live(connect: Connect, redis_server: RedisServer) -> None:
    store = connect()
    await put(store, "long", b"value", 3600)
    await put(store, "short", b"value", 0.05)
    remaining = redis_server.command("PTTL", "long")
    assert isinstance(remaining, int)
    assert 0 < remaining <= 3_600_000
    found = await store.fetch("long")
    assert isinstance(found, Found)
    assert 0 < found.ttl_seconds <= 3600

    async def gone() -> bool:
        return await store.fetch("short") is None

    await eventually(gone)
    assert not await store.contains("short")


async def test_values_beyond_the_bound_are_refused(connect: Connect) -> None:
    observer = RecordingObserver()
    store = connect(max_value_bytes=1000, observer=observer)
    await store.set_many({"small": bytes(1000), "large": bytes(1001), "empty": b""}, 60)
    await store.add("large", bytes(1001), 60)
    assert await store.contains("small")
    assert not await store.contains("large")
    assert not await store.contains("empty")
    assert observer.counts["refused", "redis"] == 3
    assert observer.counts["written", "redis"] == 1


async def test_a_larger_value_of_somebody_elses_is_not_read(connect: Connect) -> None:
    await put(connect(), "key", bytes(2000))
    assert await connect(max_value_bytes=1000).fetch("key") is None


async def test_a_key_without_a_time_to_live_is_not_ours(connect: Connect, redis_server: RedisServer) -> None:
    redis_server.command("SET", "key", b"value")
    assert await connect().fetch("key") is None


async def test_many_values_of_many_megabytes(connect: Connect) -> None:
    store = connect()
    values = {f"key{index}": bytes([index]) * (3 * MIB) for index in range(6)}
    await store.set_many(values, 60)
    for key, value in values.items():
        assert await value_of(store, key) == value


async def test_deleting_counts_values_and_leaves_a_mark(connect: Connect, redis_server: RedisServer) -> None:
    store = connect()
    await put(store, "a", b"one")
    assert await store.delete("a", "b") == 1
    await store.mark_deleted("a", "b")
    answer = await store.fetch("a")
    assert isinstance(answer, Deleted)
    assert 0 <= answer.age_seconds < 60
    assert not await store.contains("a")
    assert await store.delete("a", "b") == 0
    await store.mark_deleted("a", "b")
    await store.add("a", b"old copy", 60)
    assert isinstance(await store.fetch("a"), Deleted)
    await put(store, "a", b"new")
    assert await value_of(store, "a") == b"new"
    remaining = redis_server.command("PTTL", "b")
    assert isinstance(remaining, int)
    assert 0 < remaining <= DELETED_SECONDS * 1000


async def test_adding_does_not_replace(connect: Connect) -> None:
    store = connect()
    await store.add("a", b"one", 60)
    await store.add("a", b"two", 60)
    assert await value_of(store, "a") == b"one"


async def test_a_call_that_was_cut_off_answers_nobody_else(connect: Connect, redis_server: RedisServer) -> None:
    store = connect(max_connections=1)
    for name in "ab":
        await put(store, name, name.encode() * 1000)
    redis_server.freeze()
    abandoned = asyncio.create_task(store.fetch("a"))
    await asyncio.sleep(0.05)
    abandoned.cancel()
    await asyncio.gather(abandoned, return_exceptions=True)
    redis_server.thaw()
    for _ in range(20):
        assert await value_of(store, "b") == b"b" * 1000


async def test_more_callers_than_connections(connect: Connect) -> None:
    store = connect(max_connections=2)
    await asyncio.gather(*(put(store, str(index), b"%d" % index) for index in range(100)))
    values = await asyncio.gather(*(value_of(store, str(index)) for index in range(100)))
    assert values == [b"%d" % index for index in range(100)]


async def test_redis_bounds_itself(start_redis: StartRedis, connect: Connect) -> None:
    server = start_redis("--maxmemory", "16mb", "--maxmemory-policy", "allkeys-lru")
    store = connect(server)
    for index in range(100):
        await put(store, f"key{index}", bytes(MIB // 2))
    health = await store.health()
    assert health.bytes_used <= 17 * MIB
    assert 0 < health.entries < 100
    assert "of 16777216 bytes in use" in health.detail
    assert await store.contains("key99")


async def test_health_warns_of_a_redis_without_bounds(start_redis: StartRedis, connect: Connect) -> None:
    assert "grows without bound" in (await connect().health()).detail
    strict = start_redis("--maxmemory", "64mb", "--maxmemory-policy", "noeviction")
    assert "set allkeys-lru" in (await connect(strict).health()).detail


async def test_a_restart_between_two_calls_goes_unnoticed(connect: Connect, redis_server: RedisServer) -> None:
    store = connect()
    await asyncio.gather(*(put(store, str(index), b"value") for index in range(8)))
    redis_server.kill()
    await asyncio.to_thread(redis_server.start)
    for index in range(20):
        await put(store, str(index), b"value")


async def test_down_is_told_as_down(connect: Connect, redis_server: RedisServer) -> None:
    store = connect()
    await put(store, "key", b"value")
    redis_server.kill()
    assert await outage_of(store) is Outage.DOWN
    redis_server.start()
    await put(store, "key", b"value")


@pytest.mark.parametrize("connected", [True, False])
async def test_slow_is_told_as_slow(connect: Connect, redis_server: RedisServer, connected: bool) -> None:
    store = connect(timeout_seconds=0.05)
    if connected:

        async def answers() -> bool:
            try:
                await store.probe()
            except SharedStoreError:
                return False
            return True

        await eventually(answers)
    redis_server.freeze()
    assert await outage_of(store) is Outage.SLOW
    redis_server.thaw()


async def test_full_is_told_as_full_and_still_reads_and_deletes(connect: Connect, redis_server: RedisServer) -> None:
    store = connect()
    await put(store, "a", b"one")
    redis_server.command("CONFIG", "SET", "maxmemory", "1")
    assert await outage_of(store) is Outage.FULL
    with pytest.raises(SharedStoreError) as caught:
        await store.probe()
    assert caught.value.outage is Outage.FULL
    assert await value_of(store, "a") == b"one"
    assert await store.delete("a") == 1


async def test_a_read_only_replica_is_told_as_refusing(connect: Connect, redis_server: RedisServer) -> None:
    redis_server.command("REPLICAOF", "127.0.0.1", "1")
    assert await outage_of(connect()) is Outage.REFUSED


async def test_a_wrong_password_is_told_as_refusing(start_redis: StartRedis, connect: Connect) -> None:
    assert await outage_of(connect(start_redis("--requirepass", "secret"))) is Outage.REFUSED


async def test_a_key_of_another_type_is_told_as_refusing(connect: Connect, redis_server: RedisServer) -> None:
    redis_server.command("LPUSH", "key", "value")
    with pytest.raises(SharedStoreError) as caught:
        await connect().fetch("key")
    assert caught.value.outage is Outage.REFUSED


async def test_health_needs_no_right_to_info(connect: Connect, redis_server: RedisServer) -> None:
    redis_server.command("ACL", "SETUSER", "default", "-info", "-dbsize")
    health = await connect().health()
    assert not health.degraded
    assert "not permitted" in health.detail


@pytest.mark.parametrize("url", ["redis://:hunter2@localhost:port/0", "http://hunter2@localhost"])
def test_a_url_that_cannot_be_read_is_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="cannot be read") as caught:
        RedisStore(url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_nobody_at_the_address(redis_server: RedisServer) -> None:
    redis_server.kill()
    memory = MemoryStore(MIB)
    store = ResilientStore(RedisStore(redis_server.url), memory)
    await store.set("key", b"value", 60)
    assert await store.get("key") == b"value"
    assert (await store.health()).degraded
    await store.close()


async def test_of_many_swaps_on_what_all_saw_one_is_made(connect: Connect, redis_server: RedisServer) -> None:
    stores = [connect() for _ in range(4)]
    await put(stores[0], "key", b"0 ")
    for version in range(5):
        head = b"%d " % version
        made = await asyncio.gather(
            *(store.swap("key", head, b"%d by %d" % (version + 1, k), 60) for k, store in enumerate(stores * 4))
        )
        assert sum(made) == 1
        value = await value_of(stores[0], "key")
        assert value == b"%d by %d" % (version + 1, made.index(True))
    assert int(str(redis_server.command("PTTL", "key"))) > 50_000


async def test_a_swap_needs_what_it_saw(connect: Connect) -> None:
    store = connect(max_value_bytes=100)
    assert not await store.swap("none", b"1 ", b"2 ", 60)
    await put(store, "key", b"1 ")
    assert not await store.swap("key", b"1 longer than what is there", b"2 ", 60)
    assert not await store.swap("key", b"1 ", bytes(101), 60)
    await store.delete("key")
    await store.mark_deleted("key")
    assert not await store.swap("key", b"1 ", b"2 ", 60)
