"""Single flight, callers who leave, full queues, time limits, poisoned pictures: when many come at once."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.api.conftest import Service, Start, draw, encode, problem

CLICK = {"point_coords": [[18, 24]], "point_labels": [1]}
PNG = {"Content-Type": "image/png"}
BMP = {"Content-Type": "image/bmp"}


async def until(condition: Any, seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for is a state, not an event
            await asyncio.sleep(0.005)


async def test_a_hundred_uploads_of_one_picture_cost_one_encode(service: Service) -> None:
    files = [encode(draw()), encode(draw(), "BMP"), encode(draw(), "TIFF"), encode(draw(), "WEBP", lossless=True)]
    service.backend.encoder.gate.clear()
    uploads = [
        asyncio.create_task(service.http.post("/v1/images", content=files[k % 4], headers=PNG)) for k in range(100)
    ]
    await until(service.backend.encoder.entered.is_set)
    await asyncio.sleep(0.2)
    service.backend.encoder.gate.set()
    answers = [response.json() for response in await asyncio.gather(*uploads)]
    assert len({answer["id"] for answer in answers}) == 1
    assert service.backend.encoder.pictures == 1
    again = await service.http.post("/v1/images", content=files[0], headers=PNG)
    assert again.status_code == 200
    assert again.json()["cached"] is True
    assert service.backend.encoder.pictures == 1


async def test_a_hundred_predicts_on_an_evicted_embedding_cost_one_encode(start: Start) -> None:
    async with start(decoded_bytes=0) as service:
        image = await service.upload()
        key = f"segserve:v1:embedding:1:{service.manifest.revision}:{image['id']}"
        await service.context.images._store.delete(key)
        answers = await asyncio.gather(*(service.predict(image["id"], CLICK) for _ in range(100)))
        assert {answer.status_code for answer in answers} == {200}
        assert service.backend.encoder.pictures == 2


async def test_a_leader_who_leaves_does_not_take_the_others_along(service: Service) -> None:
    service.backend.encoder.gate.clear()
    data = encode(draw())
    leader = asyncio.create_task(service.context.embed.upload(data, None))
    await until(service.backend.encoder.entered.is_set)
    follower = asyncio.create_task(service.context.embed.upload(data, None))
    await asyncio.sleep(0.05)
    leader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leader
    service.backend.encoder.gate.set()
    assert (await follower).record.width == 64
    assert service.backend.encoder.pictures == 1


async def test_callers_who_leave_before_their_turn_cost_nothing(service: Service) -> None:
    encoder = service.backend.encoder
    encoder.gate.clear()
    first = asyncio.create_task(service.context.embed.upload(encode(draw()), None))
    await until(encoder.entered.is_set)
    waiting = [
        asyncio.create_task(service.context.embed.upload(encode(draw(background=(k, 0, 0))), None)) for k in range(20)
    ]
    queue = (await service.context.models.get(None)).queue
    await until(lambda: queue.queue_depth == 20)
    for task in waiting[:15]:
        task.cancel()
    await asyncio.gather(*waiting[:15], return_exceptions=True)
    await until(lambda: queue.queue_depth == 5)
    encoder.gate.set()
    await asyncio.gather(first, *waiting[15:])
    assert encoder.pictures == 6


async def test_a_browser_that_hangs_up_is_dropped_from_the_queue(start: Start) -> None:
    """At the level of ASGI: the connection says http.disconnect while the picture waits for the encoder."""
    async with start() as service:
        encoder = service.backend.encoder
        encoder.gate.clear()
        first = asyncio.create_task(service.context.embed.upload(encode(draw()), None))
        await until(encoder.entered.is_set)
        queue = (await service.context.models.get(None)).queue
        gone, sent = asyncio.Event(), []
        messages = [{"type": "http.request", "body": encode(draw(background=(9, 9, 9))), "more_body": False}]

        async def receive() -> Any:
            if messages:
                return messages.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/images",
            "raw_path": b"/v1/images",
            "root_path": "",
            "query_string": b"",
            "headers": [(b"content-type", b"image/png")],
            "http_version": "1.1",
            "scheme": "http",
            "asgi": {"version": "3.0"},
        }
        call = asyncio.create_task(service.app(scope, receive, send))
        await until(lambda: queue.queue_depth == 1)
        gone.set()
        await call
        assert queue.queue_depth == 0
        assert sent == []
        encoder.gate.set()
        await first
        assert encoder.pictures == 1


async def test_a_full_queue_is_503_with_retry_after_and_nothing_half_done(start: Start) -> None:
    async with start(queue_size=2, batch_size=1) as service:
        encoder = service.backend.encoder
        encoder.gate.clear()
        pictures = [encode(draw(background=(k, k, 0))) for k in range(6)]
        uploads = [asyncio.create_task(service.http.post("/v1/images", content=pictures[0], headers=PNG))]
        await until(encoder.entered.is_set)
        uploads += [
            asyncio.create_task(service.http.post("/v1/images", content=data, headers=PNG)) for data in pictures[1:]
        ]
        await until(lambda: sum(task.done() for task in uploads) == 3)
        encoder.gate.set()
        answers = await asyncio.gather(*uploads)
        refused = [answer for answer in answers if answer.status_code == 503]
        assert len(refused) == 3
        for answer in refused:
            problem(answer, 503, "queue_full")
            assert int(answer.headers["retry-after"]) >= 1
        assert encoder.pictures == 3
        assert (await service.context.images.health()).entries == 3 * 3


async def test_full_workers_are_503(start: Start) -> None:
    async with start(workers=1, work_queue_size=1) as service:
        image = await service.upload()
        answers = await asyncio.gather(*(service.predict(image["id"], CLICK) for _ in range(20)))
        refused = [answer for answer in answers if answer.status_code == 503]
        assert refused
        assert any(answer.status_code == 200 for answer in answers)
        problem(refused[0], 503, "queue_full")
        assert (await service.predict(image["id"], CLICK)).status_code == 200


async def test_too_many_bodies_at_once_are_503(start: Start) -> None:
    async with start(max_buffered_bytes=1024) as service:
        release = asyncio.Event()

        async def slow() -> Any:
            yield b"x" * 1000
            await release.wait()

        first = asyncio.create_task(service.http.post("/v1/images", content=slow(), headers=PNG))
        await until(lambda: service.context.budget.held == 1000)
        problem(await service.http.post("/v1/images", content=b"y" * 100, headers=PNG), 503, "queue_full")
        release.set()
        problem(await first, 415, "image_unsupported")
        assert service.context.budget.held == 0


async def test_a_lone_body_fits_in_however_many_pieces_it_comes(start: Start) -> None:
    data = encode(draw(), "BMP")
    assert len(data) > 2048

    async def in_pieces() -> Any:
        for begin in range(0, len(data), 500):
            yield data[begin : begin + 500]

    async with start(max_buffered_bytes=1024) as service:
        answer = await service.http.post("/v1/images", content=in_pieces(), headers=BMP)
        assert answer.status_code == 201, answer.text
        assert service.context.budget.held == 0


async def test_a_request_that_takes_too_long_is_503_timeout(start: Start) -> None:
    async with start(request_timeout=0.2) as service:
        service.backend.encoder.gate.clear()
        response = await service.http.post("/v1/images", content=encode(draw()), headers=PNG)
        service.backend.encoder.gate.set()
        problem(response, 503, "timeout")
        assert response.headers["retry-after"]


async def test_a_body_that_never_ends_times_out(start: Start) -> None:
    async def dripping() -> Any:
        while True:
            yield b"x"
            await asyncio.sleep(0.02)

    async with start(request_timeout=0.2) as service:
        problem(await service.http.post("/v1/images", content=dripping(), headers=PNG), 503, "timeout")


async def test_a_poisoned_picture_fails_alone(start: Start) -> None:
    async with start(poison=(66, 66, 66), batch_size=8) as service:
        encoder = service.backend.encoder
        encoder.gate.clear()
        blocker = asyncio.create_task(service.context.embed.upload(encode(draw()), None))
        await until(encoder.entered.is_set)
        grounds = [(66, 66, 66), *((k, 10, 10) for k in range(4))]
        uploads = [
            asyncio.create_task(service.http.post("/v1/images", content=encode(draw(background=ground)), headers=PNG))
            for ground in grounds
        ]
        queue = (await service.context.models.get(None)).queue
        await until(lambda: queue.queue_depth == 5)
        encoder.gate.set()
        await blocker
        poisoned, *fine = await asyncio.gather(*uploads)
        problem(poisoned, 500, "internal_error")
        assert [response.status_code for response in fine] == [201] * 4
        assert (await service.http.get("/readyz")).status_code == 200


async def test_after_the_end_callers_are_told_so(start: Start) -> None:
    async with start() as service:
        app, context = service.app, service.context
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://segserve.test") as http:
        problem(await http.post("/v1/images", content=encode(draw()), headers=PNG), 503, "shutting_down")
        problem(await http.get("/readyz"), 503, "not_ready")
    assert not context.readiness.ready
