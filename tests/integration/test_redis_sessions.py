"""Sessions in a real Redis: two replicas serve one, and a click is made once whoever makes it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from server.storage.opening import open_store
from tests.api import conftest as api
from tests.api.conftest import RED, Start, rectangle
from tests.api.session_tab import Tab, opened
from tests.api.test_clicks import CLICK_BLUE, CLICK_RED, agree
from tests.click_bundle import write_click_bundle
from tests.redis_server import RedisServer

start = api.start  # the fixture


async def test_two_replicas_serve_one_session(start: Start, tmp_path: Path, redis_server: RedisServer) -> None:
    stores = [
        open_store(cache_bytes=64 << 20, redis_url=redis_server.url, redis_timeout_seconds=10.0) for _ in range(2)
    ]
    for number in range(2):
        write_click_bundle(tmp_path / f"bundles{number}")
    async with start(store=stores[0]) as one, start(store=stores[1]) as two:
        tab = await opened(one)
        first = await tab.do("clicks", **CLICK_RED)
        assert agree(first, rectangle(RED))
        away = Tab(two, tab.answer)
        both = await asyncio.gather(*(each.send("clicks", **CLICK_BLUE, version=2) for each in (tab, away)))
        assert sorted(answer.status_code for answer in both) == [200, 409]
        assert (await away.do("undo") == first).all()
        assert (await tab.read())["version"] == 4
