"""Two models behind one API: each request's `model` decides, and nothing of one is ever answered for the other."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from server.api.context import Context
from server.app import create_app
from server.domain.bundle import BundleManifest, Speed
from server.errors import NotFoundError
from server.services.served import memory_of
from server.settings import Settings
from server.storage.container import read_container
from tests.api.conftest import draw, encode
from tests.fakes import DUMMY_FILES, FakeBackend, write_bundle

PNG = {"Content-Type": "image/png"}
SPEED = Speed(encode_ms=4000, decode_ms=20, threads=2, machine="a machine")


@dataclass
class Two:
    http: httpx.AsyncClient
    context: Context
    backend: FakeBackend
    first: BundleManifest
    second: BundleManifest


def two_bundles(root: Path) -> tuple[BundleManifest, BundleManifest]:
    other = {**DUMMY_FILES, "MODEL_CARD.md": ("card", b"# The other one\n")}
    return write_bundle(root, model_id="first"), write_bundle(root, model_id="second", files=other, speed=SPEED)  # type: ignore[arg-type]


@asynccontextmanager
async def served(root: Path, *, room_for_one: bool = False) -> AsyncIterator[Two]:
    first, second = two_bundles(root)
    room = max(memory_of(first), memory_of(second)) if room_for_one else 0
    settings = Settings(bundle_dir=root, model="first", static_dir=root / "static", model_memory=room)
    backend = FakeBackend()
    app = create_app(settings, backend=backend)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://segserve.test") as http,
    ):
        yield Two(http, app.state.context, backend, first, second)


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    async with served(tmp_path) as both:
        await both.context.models.get(None)
        yield both
        both.backend.encoder.gate.set()


async def test_revisions_never_mix(two: Two) -> None:
    assert two.first.revision != two.second.revision
    data = encode(draw())
    answers = await asyncio.gather(
        *(
            two.http.post("/v1/images", params={"model": name}, content=data, headers=PNG)
            for name in ("first", "second") * 3
        )
    )
    for name, answer in zip(("first", "second") * 3, answers, strict=True):
        manifest = two.first if name == "first" else two.second
        assert (answer.json()["model"], answer.json()["revision"]) == (name, manifest.revision)
        container = (await two.http.get(answer.json()["embedding_url"])).content
        assert read_container(container).metadata["revision"] == manifest.revision
        asked = {"image": {"id": answer.json()["id"]}, "model": name, "prompts": [{"box": [1, 1, 20, 20]}]}
        predicted = (await two.http.post("/v1/predict", json=asked)).json()
        assert (predicted["model"], predicted["revision"]) == (name, manifest.revision)
    known = (await two.http.get(f"/v1/images/{answers[0].json()['id']}")).json()
    assert {entry["revision"] for entry in known["models"]} == {two.first.revision, two.second.revision}


async def test_logits_of_one_model_are_not_fed_to_the_other(two: Two) -> None:
    image = (await two.http.post("/v1/images", content=encode(draw()), headers=PNG)).json()["id"]
    prompt = {"point_coords": [[5, 5]], "point_labels": [1]}
    ask = {"image": {"id": image}, "prompts": [prompt], "model": "first"}
    ref = (await two.http.post("/v1/predict", json=ask)).json()["results"][0]["masks"][0]["logits_ref"]
    prompt["mask_input"] = {"ref": ref}  # type: ignore[assignment]
    assert (await two.http.post("/v1/predict", json=ask)).status_code == 200
    refused = await two.http.post("/v1/predict", json=ask | {"model": "second"})
    assert refused.status_code in (404, 409, 410, 422), refused.text


async def test_the_list_says_what_is_in_memory_and_how_fast(two: Two) -> None:
    rows = {row["id"]: row for row in (await two.http.get("/v1/models")).json()["models"]}
    assert (rows["first"]["state"], rows["second"]["state"]) == ("ready", "idle")
    assert rows["second"]["encode_ms"] is None
    assert rows["second"]["speed"]["encode_ms"] == SPEED.encode_ms
    assert rows["first"]["memory_bytes"] == memory_of(two.first)
    await two.http.post("/v1/images", params={"model": "second"}, content=encode(draw()), headers=PNG)
    rows = {row["id"]: row for row in (await two.http.get("/v1/models")).json()["models"]}
    assert rows["second"]["state"] == "ready"
    assert rows["second"]["encode_ms"] >= 0
    metrics = (await two.http.get("/metrics")).text
    assert 'segserve_model_loads_total{model="second"} 1.0' in metrics
    [held] = re.findall(r'^segserve_model_bytes\{model="second"\} (.*)$', metrics, re.MULTILINE)
    assert float(held) == memory_of(two.second)


async def test_a_caller_who_hangs_up_ends_the_run(two: Two) -> None:
    encoder = two.backend.encoder
    encoder.gate.clear()
    encoder.entered.clear()
    upload = asyncio.create_task(two.context.embed.upload(encode(draw()), "first"))
    await asyncio.to_thread(encoder.entered.wait, 10)
    upload.cancel()
    await asyncio.gather(upload, return_exceptions=True)
    assert encoder.interrupted.is_set() or encoder.gate.is_set()


async def test_many_uploads_to_two_models_with_room_for_one(tmp_path: Path) -> None:
    async with served(tmp_path, room_for_one=True) as two:
        pictures = [encode(draw(background=(shade, 200, 200))) for shade in range(12)]
        sent = [(name, data) for data in pictures for name in ("first", "second")]
        answers = await asyncio.gather(
            *(two.http.post("/v1/images", params={"model": name}, content=data, headers=PNG) for name, data in sent)
        )
        assert [answer.status_code for answer in answers] == [201] * len(sent)
        assert [answer.json()["model"] for answer in answers] == [name for name, _ in sent]
        assert (await two.http.get("/readyz")).status_code == 200


async def test_a_stored_embedding_is_given_without_its_model(tmp_path: Path) -> None:
    async with served(tmp_path, room_for_one=True) as two:
        for name in ("second", "first"):  # which leaves no room for the second
            sent = await two.http.post("/v1/images", params={"model": name}, content=encode(draw()), headers=PNG)
            assert sent.status_code == 201
        url = f"/v1/images/{sent.json()['id']}/embedding?model=second"
        whole = await two.http.get(url)
        assert (whole.status_code, whole.headers["x-segserve-revision"]) == (200, two.second.revision)
        assert (await two.http.get(url, headers={"If-None-Match": whole.headers["etag"]})).status_code == 304
        states = {name: two.context.models.state(name) for name in ("first", "second")}
        assert states == {"first": "ready", "second": "idle"}
        metrics = (await two.http.get("/metrics")).text
        assert 'segserve_embedding_cache_total{model="second",outcome="hit"} 2.0' in metrics


async def test_models_named_for_the_start_are_warm_soon(tmp_path: Path) -> None:
    two_bundles(tmp_path)
    settings = Settings(bundle_dir=tmp_path, model="first", static_dir=tmp_path / "static", warm_models="second, ")
    app = create_app(settings, backend=FakeBackend())
    async with app.router.lifespan_context(app):
        async with asyncio.timeout(20):
            while app.state.context.models.state("second") != "ready":  # noqa: ASYNC110 — nobody tells a test
                await asyncio.sleep(0.005)
    with pytest.raises(NotFoundError, match="did you mean 'second'"):
        create_app(settings.model_copy(update={"warm_models": "secnd"}), backend=FakeBackend())


async def test_no_room_for_a_model(tmp_path: Path) -> None:
    first, _ = two_bundles(tmp_path)
    settings = Settings(
        bundle_dir=tmp_path, model="first", static_dir=tmp_path / "static", model_memory=memory_of(first) - 1
    )
    app = create_app(settings, backend=FakeBackend())
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://segserve.test") as http,
    ):
        answer = await http.post("/v1/images", params={"model": "second"}, content=encode(draw()), headers=PNG)
        assert (answer.status_code, answer.json()["code"]) == (503, "model_too_large")
        assert "Retry-After" in answer.headers
        assert (await http.post("/v1/images", content=encode(draw()), headers=PNG)).status_code == 201
