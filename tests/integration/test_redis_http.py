"""Real servers on a real Redis: no request fails for an outage, /readyz and metrics say so, replicas share them."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Self

import cv2
import httpx
import numpy as np
import pytest

from tests.redis_server import RedisServer
from tests.serving import serve

PROMPT = {"point_coords": [[60.0, 50.0]], "point_labels": [1]}


def picture(number: int) -> bytes:
    """A PNG of 160 x 120 with a bright disc on a ground of its own."""
    canvas = np.full((120, 160, 3), 20 + number % 100, np.uint8)
    canvas[0, :8] = [[(number >> bit & 1) * 255] * 3 for bit in range(8)]
    cv2.circle(canvas, (60, 50), 30, (200, 180, 90), thickness=-1)
    return bytes(cv2.imencode(".png", canvas)[1])


def upload(client: httpx.Client, number: int) -> dict[str, Any]:
    answer = client.post("/v1/images", content=picture(number), headers={"Content-Type": "image/png"})
    answer.raise_for_status()
    image: dict[str, Any] = answer.json()
    return image


def predict(client: httpx.Client, image_id: str, **prompt: Any) -> list[dict[str, Any]]:
    answer = client.post("/v1/predict", json={"image": {"id": image_id}, "prompts": [PROMPT | prompt]})
    answer.raise_for_status()
    masks: list[dict[str, Any]] = answer.json()["results"][0]["masks"]
    return masks


def use(client: httpx.Client, number: int) -> None:
    """Everything that touches the store once: upload, embedding, predict, refinement by reference, deletion."""
    image = upload(client, number)
    client.get(f"/v1/images/{image['id']}").raise_for_status()
    client.get(image["embedding_url"]).raise_for_status()
    best = predict(client, image["id"])[0]
    predict(client, image["id"], mask_input={"ref": best["logits_ref"]})
    if number % 3 == 0:
        client.delete(f"/v1/images/{image['id']}").raise_for_status()


def store_of(client: httpx.Client) -> dict[str, Any]:
    answer = client.get("/readyz")
    answer.raise_for_status()
    body: dict[str, Any] = answer.json()
    assert body["status"] == ("degraded" if body["store"]["degraded"] else "ready")
    store: dict[str, Any] = body["store"]
    return store


def metric(client: httpx.Client, name: str) -> float:
    lines = client.get("/metrics").raise_for_status().text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Traffic:
    """Threads that use the server until stopped; `failures` is to stay empty."""

    def __init__(self, url: httpx.URL, threads: int = 3) -> None:
        self.failures: list[Exception] = []
        self.rounds = 0
        self._url = url
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work) for _ in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def goes_on(self) -> None:
        target = self.rounds + 6
        wait_until(lambda: self.rounds >= target or bool(self.failures))
        assert not self.failures

    def _work(self) -> None:
        with httpx.Client(base_url=self._url, timeout=60) as client:
            while not self._stop.is_set() and not self.failures:
                try:
                    use(client, next(self._numbers))
                except Exception as failure:
                    self.failures.append(failure)
                self.rounds += 1


def settings(redis_server: RedisServer, **more: str) -> dict[str, str]:
    return {"redis_url": redis_server.url, "threads": "1"} | more


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[httpx.Client]:
    """Patient with Redis, as the machine may be busy."""
    with serve(settings(redis_server, redis_timeout="10")) as client:
        yield client


def test_redis_killed_and_restarted_under_traffic(client: httpx.Client, redis_server: RedisServer) -> None:
    kept = upload(client, 1_000)
    assert store_of(client)["backend"] == "redis"
    with Traffic(client.base_url) as traffic:
        for _ in range(2):
            traffic.goes_on()
            redis_server.kill()
            traffic.goes_on()
            assert store_of(client)["degraded"]
            assert store_of(client)["backend"] == "memory"
            assert metric(client, "segserve_store_degraded") == 1
            predict(client, kept["id"])
            redis_server.start()
            wait_until(lambda: not store_of(client)["degraded"])
            assert metric(client, "segserve_store_degraded") == 0
        traffic.goes_on()
    assert not traffic.failures
    assert metric(client, "segserve_store_failures_total") >= 2
    predict(client, kept["id"])


def test_redis_frozen_under_traffic(redis_server: RedisServer) -> None:
    with serve(settings(redis_server, redis_timeout="0.5")) as client, Traffic(client.base_url) as traffic:
        traffic.goes_on()
        redis_server.freeze()
        wait_until(lambda: bool(store_of(client)["degraded"]))
        traffic.goes_on()
        redis_server.thaw()
        wait_until(lambda: not store_of(client)["degraded"])
        traffic.goes_on()
    assert not traffic.failures


def test_redis_full_under_traffic(client: httpx.Client, redis_server: RedisServer) -> None:
    with Traffic(client.base_url) as traffic:
        traffic.goes_on()
        redis_server.command("CONFIG", "SET", "maxmemory", "1")
        wait_until(lambda: bool(store_of(client)["degraded"]))
        traffic.goes_on()
        assert "full" in store_of(client)["detail"]
        redis_server.command("CONFIG", "SET", "maxmemory", "0")
        wait_until(lambda: not store_of(client)["degraded"])
        traffic.goes_on()
    assert not traffic.failures


def test_replicas_share_pictures_and_logits(client: httpx.Client, redis_server: RedisServer) -> None:
    with serve(settings(redis_server, redis_timeout="10")) as other:
        image = upload(client, 7)
        assert not image["cached"]
        assert upload(other, 7)["cached"]
        mine, theirs = client.get(image["embedding_url"]), other.get(image["embedding_url"])
        assert mine.content == theirs.content
        assert mine.headers["etag"] == theirs.headers["etag"]
        best = predict(client, image["id"])[0]
        here, there = (
            predict(server, image["id"], mask_input={"ref": best["logits_ref"]})[0]["segmentation"]
            for server in (client, other)
        )
        assert here == there
        assert client.delete(f"/v1/images/{image['id']}").status_code == 204
        assert other.get(f"/v1/images/{image['id']}").status_code == 404
