"""A Segserve in this process: fake back end, memory store, httpx straight into the ASGI app."""

from __future__ import annotations

import io
import itertools
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image

import server.models_cli as commands
from server.api.context import Context
from server.app import create_app
from server.domain.bundle import BundleManifest
from server.domain.ports import BlobStore
from server.runtime.install import InstallPlace
from server.settings import Settings
from tests.api.installing import CHECKPOINT, MODEL
from tests.fakes import FakeBackend, write_bundle

WIDTH, HEIGHT = 64, 48
# In ImagePx: left, top, right, bottom.
RED = (8, 8, 28, 40)
BLUE = (36, 12, 56, 36)


def draw(width: int = WIDTH, height: int = HEIGHT, background: tuple[int, int, int] = (240, 240, 240)) -> Image.Image:
    """A red and a blue rectangle on a plain ground: what the fake back end segments exactly."""
    picture = Image.new("RGB", (width, height), background)
    picture.paste((220, 20, 20), RED)
    picture.paste((20, 20, 220), BLUE)
    return picture


def encode(picture: Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()


def rectangle(box: tuple[int, int, int, int]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


@dataclass(frozen=True)
class Service:
    """A running app: `http` talks to it, the rest looks inside."""

    app: FastAPI
    http: httpx.AsyncClient
    backend: FakeBackend
    manifest: BundleManifest
    context: Context

    async def upload(self, data: bytes | None = None) -> dict[str, Any]:
        response = await self.http.post(
            "/v1/images", content=data or encode(draw()), headers={"Content-Type": "image/png"}
        )
        assert response.status_code in (200, 201), response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def predict(self, image_id: str, *prompts: dict[str, Any], **options: Any) -> httpx.Response:
        return await self.http.post("/v1/predict", json={"image": {"id": image_id}, "prompts": list(prompts)} | options)


Start = Callable[..., AbstractAsyncContextManager[Service]]


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Asserts the one error shape and gives it back."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["code"] == code, body
    assert body["status"] == status
    assert body["type"].endswith(f"/docs/errors#{code}")
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == response.headers["x-request-id"]
    return body


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts a service: `async with start(max_prompts=3) as service`. Settings by name; `store` and `poison` too."""

    numbers = itertools.count()

    @asynccontextmanager
    async def starting(
        *,
        ready: bool = True,
        store: BlobStore | None = None,
        poison: tuple[int, int, int] | None = None,
        **settings: Any,
    ) -> AsyncIterator[Service]:
        bundles = tmp_path / f"bundles{next(numbers)}"
        manifest = write_bundle(bundles)
        backend = FakeBackend(poison)
        chosen = {"bundle_dir": bundles, "model": manifest.id, "static_dir": tmp_path / "static", **settings}
        app = create_app(Settings(**chosen), backend=backend, store=store)
        context: Context = app.state.context
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://segserve.test") as http,
        ):
            if ready:
                await context.models.get(None)
                backend.encoder.entered.clear()
                backend.encoder.batches.clear()
                backend.decoder.batches.clear()
            try:
                yield Service(app, http, backend, manifest, context)
            finally:
                backend.encoder.gate.set()  # or a failed test would keep the worker, and so the shutdown, waiting

    return starting


@pytest.fixture
async def service(start: Start) -> AsyncIterator[Service]:
    async with start() as running:
        yield running


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InstallPlace:
    monkeypatch.setattr(commands, "CATALOGUE", (MODEL,))
    monkeypatch.setattr(commands, "known_model", lambda name: MODEL if name == MODEL.id else None)
    os.environ["SEGSERVE_BUNDLE_DIR"] = str(tmp_path / "bundles")
    return InstallPlace(tmp_path / "bundles")


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "carried.pth"
    path.write_bytes(CHECKPOINT)
    return path
