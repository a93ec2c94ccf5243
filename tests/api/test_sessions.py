"""/v1/sessions: clicks with exact undo, what a session begins with, and its bounds."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from server.runtime import contours
from tests.api.conftest import BLUE, HEIGHT, RED, WIDTH, Service, Start, draw, encode, problem, rectangle
from tests.api.session_tab import Tab, opened
from tests.api.test_clicks import CLICK_BLUE, CLICK_RED, MODEL, agree, png, uploaded
from tests.click_bundle import write_click_bundle

MIB = 1 << 20


@pytest.fixture
async def service(start: Start, tmp_path: Path) -> AsyncIterator[Service]:
    write_click_bundle(tmp_path / "bundles0")
    async with start() as running:
        yield running


async def test_clicks_undo_and_redo_are_exact(service: Service) -> None:
    tab = await opened(service)
    assert (tab.answer["model"], tab.answer["version"], tab.answer["can_undo"]) == ("tiny-clicks", 1, False)
    assert not tab.mask.any()
    first = await tab.do("clicks", **CLICK_RED)
    shown_first = tab.answer["mask"]
    assert agree(first, rectangle(RED))
    second = await tab.do("clicks", **CLICK_BLUE)
    shown_second = tab.answer["mask"]
    assert (first != second).any()
    assert (await tab.do("undo") == first).all()
    assert tab.answer["mask"] == shown_first
    assert (tab.answer["can_undo"], tab.answer["can_redo"]) == (True, True)
    assert (await tab.do("redo") == second).all()
    assert tab.answer["mask"] == shown_second
    assert tab.answer["point_coords"] == [[18, 24], [46, 24]]
    await tab.do("undo")
    assert not (await tab.do("undo")).any()
    problem(await tab.send("undo"), 409, "nothing_to_undo")
    await tab.do("clicks", **CLICK_BLUE)
    problem(await tab.send("redo"), 409, "nothing_to_redo")  # what was undone is gone with a new click
    assert tab.answer["point_coords"] == [[46, 24]]


async def test_a_session_gives_what_stateless_calls_give(service: Service) -> None:
    tab = await opened(service)
    clicks = [([18, 24], 1), ([46, 24], 1), ([30, 24], 0), ([20, 12], 1)]
    for point, label in clicks:
        await tab.do("clicks", point_coords=[point], point_labels=[label])
    prompt = {"point_coords": [point for point, _ in clicks], "point_labels": [label for _, label in clicks]}
    response = await service.predict(tab.answer["image"]["id"], prompt, model="tiny-clicks")
    assert response.json()["results"][0]["masks"] == [tab.answer["mask"]]
    several = await opened(service)
    await several.do("clicks", **prompt)
    assert several.answer["mask"] == tab.answer["mask"]
    await several.do("undo")  # each click was a step
    assert several.answer["point_labels"] == [1, 1, 0]


async def test_an_answer_that_cannot_be_made_changes_nothing(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    tab = await opened(service)
    await tab.do("clicks", **CLICK_RED)
    await tab.do("clicks", **CLICK_BLUE)
    before = await tab.read()
    monkeypatch.setattr(contours, "MOST_CORNERS", 3)
    for action, body in (("undo", {}), ("clicks", CLICK_RED)):
        problem(await tab.send(action, format="polygon", **body), 422, "outline_too_long")
    taking = {"take_over": True, "format": "polygon"}
    response = await service.http.post(f"/v1/sessions/{tab.answer['id']}/lease", json=taking)
    problem(response, 422, "outline_too_long")
    response = await service.http.get(f"/v1/sessions/{tab.answer['id']}", params={"format": "geojson"})
    assert problem(response, 422, "outline_too_long")["limit"] == 3
    seen = await tab.read()
    assert {name: seen[name] for name in ("version", "mask", "point_coords", "can_redo")} == {
        name: before[name] for name in ("version", "mask", "point_coords", "can_redo")
    }
    await tab.do("undo")  # the lease is the same


async def test_a_hundred_clicks_and_more(service: Service) -> None:
    tab = await opened(service)
    points = [[18 + (k % 10), 14 + k // 10] for k in range(100)]
    assert agree(await tab.do("clicks", point_coords=points, point_labels=[1] * 100), rectangle(RED))
    await tab.do("clicks", point_coords=points[:99], point_labels=[1] * 99)
    assert agree(await tab.do("clicks", point_coords=points[-1:], point_labels=[1]), rectangle(RED))
    problem(await tab.send("clicks", **CLICK_RED), 409, "session_full")
    await tab.do("undo")
    assert len(tab.answer["point_labels"]) == 199


async def test_the_work_of_one_call_is_bounded(start: Start, tmp_path: Path) -> None:
    write_click_bundle(tmp_path / "bundles0")
    async with start(max_mask_pixels=WIDTH * HEIGHT) as service:
        tab = await opened(service)
        nine = {"point_coords": [[18, 24]] * 9, "point_labels": [1] * 9}
        body = problem(await tab.send("clicks", **nine), 422, "too_many_prompts")
        assert body["limit"] == 8
        assert "several calls" in body["detail"]
        await tab.do("clicks", point_coords=[[18, 24]] * 8, point_labels=[1] * 8)


async def test_one_click_is_always_allowed(start: Start, tmp_path: Path) -> None:
    write_click_bundle(tmp_path / "bundles0")
    async with start(max_mask_pixels=WIDTH * HEIGHT // 9) as service:
        tab = await opened(service)
        await tab.do("clicks", point_coords=[[18, 24]], point_labels=[1])
        body = problem(
            await tab.send("clicks", point_coords=[[18, 24]] * 2, point_labels=[1] * 2), 422, "too_many_prompts"
        )
        assert body["limit"] == 1


async def test_a_session_begins_with_a_mask_that_stays(service: Service) -> None:
    tab = await opened(service, mask=png(rectangle(RED)))
    assert (tab.mask == rectangle(RED)).all()
    grown = await tab.do("clicks", **CLICK_BLUE)
    assert (grown & rectangle(RED) == rectangle(RED)).all()
    assert grown[BLUE[1] + 2 : BLUE[3] - 2, BLUE[0] + 2 : 52].all()
    assert (await tab.do("undo") == rectangle(RED)).all()


async def test_a_session_is_no_larger_than_the_store_takes(start: Start, tmp_path: Path) -> None:
    write_click_bundle(tmp_path / "bundles0")
    async with start(max_upload_bytes=4096) as service:
        tab = await opened(service)
        answers = [await tab.send("clicks", **CLICK_RED) for _ in range(40)]
        codes = [answer.status_code for answer in answers]
        assert codes[0] == 200
        problem(answers[-1], 409, "session_full")
        assert (await tab.read())["version"] == 1 + codes.count(200)


async def test_sessions_are_bounded(start: Start, tmp_path: Path) -> None:
    write_click_bundle(tmp_path / "bundles0")
    async with start(session_steps=2) as service:
        tab = await opened(service)
        await tab.do("clicks", **CLICK_RED)
        await tab.do("clicks", **CLICK_RED)
        assert tab.answer["superseded_clicks"] == [0]
        problem(await tab.send("clicks", **CLICK_RED), 409, "session_full")
        await tab.do("undo")
        await tab.do("clicks", **CLICK_BLUE)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"point_coords": [], "point_labels": []}, 422, "clicks_required"),
        ({"point_coords": [[99, 1]], "point_labels": [1]}, 422, "point_outside_image"),
        ({"point_coords": [[9, 1]], "point_labels": [1, 0]}, 422, "point_labels_mismatch"),
        ({"point_coords": [[9, 1]]}, 422, "invalid_request"),
        (CLICK_RED | {"format": "gif"}, 422, "format_unsupported"),
        (CLICK_RED | {"version": 0}, 422, "invalid_request"),
    ],
)
async def test_clicks_that_are_refused_change_nothing(
    service: Service, body: dict[str, Any], status: int, code: str
) -> None:
    tab = await opened(service)
    problem(await tab.send("clicks", **body), status, code)
    assert (await tab.read())["version"] == 1


async def test_sessions_that_cannot_begin(service: Service) -> None:
    image = await uploaded(service)
    size = {"size": [HEIGHT, WIDTH + 1], "counts": [HEIGHT * (WIDTH + 1)]}
    for body, status, code in (
        ({"image": {"id": image}, "model": service.manifest.id}, 422, "model_kind_mismatch"),
        ({"image": {"id": image}, "model": "no-such"}, 404, "model_not_found"),
        ({"image": {"id": "0" * 64}}, 404, "image_not_found"),
        ({"image": {"id": image}, "mask": size}, 422, "mask_size_mismatch"),
        ({"image": {"id": image}, "mask": 5}, 422, "mask_invalid"),
        ({}, 422, "invalid_request"),
    ):
        problem(await service.http.post("/v1/sessions", json=body), status, code)
    problem(await service.http.post("/v1/sessions", content=b"x"), 415, "unsupported_media_type")


async def test_segserve_clicks_is_the_model_of_a_session_by_default(start: Start, tmp_path: Path) -> None:
    for model_id in ("a-clicks", "segserve-clicks", MODEL):
        write_click_bundle(tmp_path / "bundles0", model_id=model_id)
    async with start() as service:
        image = await uploaded(service)
        response = await service.http.post("/v1/sessions", json={"image": {"id": image}})
        assert response.json()["model"] == "segserve-clicks"


async def test_without_an_interactive_model_there_are_no_sessions(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.app.EMBEDDED_BUNDLES", tmp_path / "none")
    async with start() as service:
        image = (await service.upload())["id"]
        problem(await service.http.post("/v1/sessions", json={"image": {"id": image}}), 404, "model_not_found")


async def test_a_picture_that_was_deleted_takes_no_clicks(service: Service) -> None:
    tab = await opened(service)
    await service.http.delete(f"/v1/images/{tab.answer['image']['id']}")
    problem(await tab.send("clicks", **CLICK_RED), 404, "image_not_found")


async def test_a_picture_in_the_call(service: Service) -> None:
    import base64

    data = base64.b64encode(encode(draw())).decode()
    response = await service.http.post("/v1/sessions", json={"image": {"base64": data}, "model": MODEL, "flip": True})
    assert response.status_code == 201
    assert agree(await Tab(service, response.json()).do("clicks", **CLICK_RED), rectangle(RED))


async def slowly(service: Service, entered: asyncio.Event, gate: threading.Event) -> list[int]:
    """Makes each run of the first stage wait for the gate; counts the runs."""
    stages: Any = (await service.context.models.get(MODEL)).stages
    loop, runs, coarse = asyncio.get_running_loop(), [], stages.coarse

    def waiting(*inputs: Any) -> Any:
        runs.append(1)
        loop.call_soon_threadsafe(entered.set)
        assert gate.wait(30)
        return coarse(*inputs)

    stages.coarse = waiting
    return runs


async def test_a_slow_session_holds_nobody_else_up(service: Service) -> None:
    tab, entered, gate = await opened(service), asyncio.Event(), threading.Event()
    await slowly(service, entered, gate)
    clicking = asyncio.create_task(tab.send("clicks", **CLICK_RED))
    try:
        await entered.wait()
        assert (await service.http.get("/healthz")).status_code == 200
        assert (await tab.read())["version"] == 1
        image = tab.answer["image"]["id"]
        assert (await service.predict(image, CLICK_RED)).status_code == 200
    finally:
        gate.set()
    assert (await clicking).status_code == 200


async def test_clicks_that_nobody_waits_for_end_between_two_runs(start: Start, tmp_path: Path) -> None:
    write_click_bundle(tmp_path / "bundles0")
    async with start(request_timeout=1.0) as service:
        tab, entered, gate = await opened(service), asyncio.Event(), threading.Event()
        runs = await slowly(service, entered, gate)
        nine = {"point_coords": [[18, 10 + k] for k in range(9)], "point_labels": [1] * 9}
        problem(await tab.send("clicks", **nine), 503, "timeout")
        gate.set()
        while service.context.pools["mask"].jobs:  # noqa: ASYNC110 - what it waits for happens in a thread
            await asyncio.sleep(0.01)
        assert len(runs) == 1
        assert (await tab.read())["version"] == 1


async def test_an_interactive_default_model_makes_the_server_ready(start: Start, tmp_path: Path) -> None:
    write_click_bundle(tmp_path / "bundles0")
    async with start(model=MODEL) as service:
        assert (await service.http.get("/readyz")).json()["model"] == MODEL
        assert (await service.upload())["embedding_url"] is None
        assert (await service.http.get("/metrics")).status_code == 200
        image = await uploaded(service)
        assert (await service.predict(image, CLICK_RED)).status_code == 200


async def test_sessions_are_counted(service: Service) -> None:
    tab = await opened(service)
    await tab.do("clicks", point_coords=[[18, 24], [46, 24]], point_labels=[1, 1])
    await tab.do("undo")
    await tab.do("redo")
    assert (await tab.send("redo")).status_code == 409
    text = (await service.http.get("/metrics")).text
    assert f'segserve_sessions_total{{model="{MODEL}"}} 1.0' in text
    for kind, count in (("click", 2), ("undo", 1), ("redo", 1)):
        assert f'segserve_session_steps_total{{kind="{kind}",model="{MODEL}"}} {count}.0' in text
