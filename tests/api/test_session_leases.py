"""/v1/sessions: who holds a session, versions, several replicas, and how a session ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.storage.memory import MemoryStore
from tests.api.conftest import Service, Start, problem
from tests.api.session_tab import Tab, opened
from tests.api.test_clicks import CLICK_BLUE, CLICK_RED
from tests.click_bundle import write_click_bundle
from tests.stores import HandClock

MIB = 1 << 20


@pytest.fixture
async def service(start: Start, tmp_path: Path) -> AsyncIterator[Service]:
    write_click_bundle(tmp_path / "bundles0")
    async with start() as running:
        yield running


async def test_clicks_that_come_at_once_are_all_made(service: Service) -> None:
    tab = await opened(service)
    places = [[x, y] for y in (10, 24, 38) for x in (12, 24, 36, 50)]
    answers = await asyncio.gather(*(tab.send("clicks", point_coords=[place], point_labels=[1]) for place in places))
    assert [answer.status_code for answer in answers] == [200] * len(places)
    assert sorted((await tab.read())["point_coords"]) == sorted(places)


async def test_reading_needs_no_lease_and_gives_none(service: Service) -> None:
    tab = await opened(service)
    await tab.do("clicks", **CLICK_RED)
    seen = await tab.read()
    assert seen["lease"] is None
    assert seen["mask"] == tab.answer["mask"]
    other = await service.http.get(f"/v1/sessions/{seen['id']}", params={"format": "polygon"})
    assert isinstance(other.json()["mask"]["segmentation"], list)
    problem(await service.http.get(f"/v1/sessions/{seen['id']}", params={"format": "bmp"}), 422, "format_unsupported")


async def test_two_tabs_do_not_fight(service: Service) -> None:
    first = await opened(service)
    await first.do("clicks", **CLICK_RED)
    second = Tab(service, first.answer)
    for lease in ({"lease": None}, {"lease": "0" * 32}):
        code = "session_leased" if lease["lease"] is None else "session_lease_lost"
        problem(await second.send("clicks", **CLICK_BLUE, **lease), 409, code)
    refused = await service.http.post(f"/v1/sessions/{first.answer['id']}/lease", json={})
    assert "take_over" in problem(refused, 409, "session_leased")["detail"]
    taken = await service.http.post(f"/v1/sessions/{first.answer['id']}/lease", json={"take_over": True})
    assert taken.status_code == 200
    second = Tab(service, taken.json())
    assert second.answer["mask"] == first.answer["mask"]
    await second.do("clicks", **CLICK_BLUE)
    assert "take_over" in problem(await first.send("undo"), 409, "session_lease_lost")["detail"]
    problem(await service.http.delete(f"/v1/sessions/{first.answer['id']}"), 409, "session_leased")
    gone = await service.http.delete(f"/v1/sessions/{first.answer['id']}", params={"lease": second.lease})
    assert gone.status_code == 204
    problem(await second.send("undo"), 404, "session_not_found")


async def test_versions_are_held_and_simultaneous_clicks_are_all_made(service: Service) -> None:
    tab = await opened(service)
    await tab.do("clicks", **CLICK_RED, version=1)
    assert problem(await tab.send("clicks", **CLICK_BLUE, version=1), 409, "session_conflict")["version"] == 2
    points = [[18, 20], [18, 28], [20, 24]]
    answers = await asyncio.gather(*(tab.send("clicks", point_coords=[point], point_labels=[1]) for point in points))
    assert [answer.status_code for answer in answers] == [200] * 3
    seen = await tab.read()
    assert seen["version"] == 5
    assert sorted(seen["point_coords"][1:]) == sorted(map(list, points))
    same = await asyncio.gather(*(tab.send("clicks", **CLICK_BLUE, version=5) for _ in range(3)))
    assert sorted(answer.status_code for answer in same) == [200, 409, 409]


async def test_a_session_that_ended_says_how_to_go_on(start: Start, tmp_path: Path) -> None:
    write_click_bundle(tmp_path / "bundles0")
    clock = HandClock()
    async with start(store=MemoryStore(64 * MIB, clock=clock), session_ttl=100) as service:
        service.context.sessions._store.now = clock
        tab = await opened(service)
        clock.now += 90
        await tab.do("clicks", **CLICK_RED)
        last = tab.answer["mask"]["segmentation"]
        clock.now += 101
        for response in (await tab.send("undo"), await service.http.get(f"/v1/sessions/{tab.answer['id']}")):
            assert "POST /v1/sessions" in problem(response, 410, "session_expired")["detail"]
        resumed = await opened(service, mask=last)
        assert resumed.answer["mask"]["segmentation"] == last
        problem(await service.http.get(f"/v1/sessions/{'0' * 32}"), 404, "session_not_found")
        problem(await service.http.get("/v1/sessions/not-an-id"), 404, "session_not_found")


async def test_a_lease_that_ran_out_is_anybody_s(start: Start, tmp_path: Path) -> None:
    write_click_bundle(tmp_path / "bundles0")
    clock = HandClock()
    async with start(store=MemoryStore(64 * MIB, clock=clock), session_lease=10) as service:
        service.context.sessions._store.now = clock
        tab = await opened(service)
        clock.now += 11
        await tab.do("clicks", **CLICK_RED)  # nobody took it, so it is still this tab's
        clock.now += 11
        taken = await service.http.post(f"/v1/sessions/{tab.answer['id']}/lease", json={})
        assert taken.status_code == 200
        problem(await tab.send("undo"), 409, "session_lease_lost")


async def test_replicas_share_a_session(start: Start, tmp_path: Path) -> None:
    write_click_bundle(tmp_path / "bundles0")
    write_click_bundle(tmp_path / "bundles1")
    store = MemoryStore(64 * MIB)
    async with start(store=store) as one, start(store=store) as two:
        tab = await opened(one)
        first = await tab.do("clicks", **CLICK_RED)
        tab.http = two.http
        await tab.do("clicks", **CLICK_BLUE)
        tab.http = one.http
        assert (await tab.do("undo") == first).all()
