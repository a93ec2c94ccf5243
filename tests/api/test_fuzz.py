"""Property tests: whatever bytes arrive, the answer is a success or a problem of the table, and the service goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from server.api.problems import PROBLEMS
from server.app import create_app
from server.settings import Settings
from tests.api.conftest import draw, encode
from tests.contract.openapi import SNAPSHOT
from tests.fakes import FakeBackend, write_bundle

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
FILES = [encode(draw(), name) for name in FORMATS]
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Sender:
    """Talks to one app from a test that is not a coroutine; the app's loop lives as long as the sender."""

    def __init__(self, app: FastAPI) -> None:
        self._loop = asyncio.new_event_loop()
        self._lifespan = app.router.lifespan_context(app)
        self._loop.run_until_complete(self._lifespan.__aenter__())
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)
        self._http = httpx.AsyncClient(transport=transport, base_url="http://segserve.test")

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._loop.run_until_complete(self._http.request(method, path, **options))

    def close(self) -> None:
        self._loop.run_until_complete(self._http.aclose())
        self._loop.run_until_complete(self._lifespan.__aexit__(None, None, None))
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    root: Path = tmp_path_factory.mktemp("fuzz")
    manifest = write_bundle(root)
    chosen: dict[str, Any] = {"bundle_dir": root, "model": manifest.id, "static_dir": root / "none"}
    return create_app(Settings(max_pixels=1_000_000, **chosen), backend=FakeBackend())


@pytest.fixture(scope="module")
def sender(app: FastAPI) -> Iterator[Sender]:
    sender = Sender(app)
    yield sender
    sender.close()


def accept(response: httpx.Response) -> None:
    if response.status_code in (200, 201):
        assert response.json()["width"] * response.json()["height"] <= 1_000_000
        return
    body = response.json()
    assert 400 <= response.status_code < 500, body
    assert PROBLEMS[body["code"]].status == response.status_code
    assert body["detail"]


@st.composite
def mutated(draw_from: st.DrawFn) -> bytes:
    """A real picture file with bytes changed, cut out, doubled or appended."""
    data = bytearray(draw_from(st.sampled_from(FILES)))
    for _ in range(draw_from(st.integers(1, 8))):
        place = draw_from(st.integers(0, max(0, len(data) - 1)))
        length = draw_from(st.integers(0, 64))
        match draw_from(st.sampled_from(("change", "cut", "double", "insert"))):
            case "change":
                data[place : place + length] = draw_from(st.binary(min_size=length, max_size=length))
            case "cut":
                del data[place : place + length]
            case "double":
                data[place:place] = data[place : place + length]
            case _:
                data[place:place] = draw_from(st.binary(max_size=64))
    return bytes(data)


@QUICK
@given(data=st.binary(max_size=2048))
def test_random_bytes_at_upload(sender: Sender, data: bytes) -> None:
    accept(sender.request("POST", "/v1/images", content=data, headers={"Content-Type": "image/jpeg"}))


@QUICK
@given(data=mutated())
def test_mutated_pictures_at_upload(sender: Sender, data: bytes) -> None:
    accept(sender.request("POST", "/v1/images", content=data, headers={"Content-Type": "image/png"}))
    accept(sender.request("POST", "/v1/images", files={"file": ("a", data)}))


@QUICK
@given(data=st.binary(max_size=512), boundary=st.sampled_from([b"b", b"--", b"0"]))
def test_random_multipart_bodies(sender: Sender, data: bytes, boundary: bytes) -> None:
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary.decode()}"}
    framed = b"--" + boundary + b'\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + data
    for content in (data, framed, framed + b"\r\n--" + boundary + b"--\r\n"):
        accept(sender.request("POST", "/v1/images", content=content, headers=headers))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["image", "id", "prompts", "point_coords", "point_labels", "box", "mask_input", "shape", "logits"]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@QUICK
@given(prompts=st.lists(st.fixed_dictionaries({}, optional={"point_coords": JSON, "point_labels": JSON, "box": JSON,
                                                            "mask_input": JSON}), max_size=3), image=JSON)  # fmt: skip
def test_any_json_at_predict(sender: Sender, prompts: list[Any], image: Any) -> None:
    known = sender.request("POST", "/v1/images", content=FILES[0], headers={"Content-Type": "image/png"}).json()["id"]
    for given_image in (image, {"id": known}):
        body = to_json_bytes({"image": given_image, "prompts": prompts})
        response = sender.request("POST", "/v1/predict", content=body, headers={"Content-Type": "application/json"})
        assert response.status_code < 500, response.text


def to_json_bytes(value: Any) -> bytes:
    return json.dumps(value).encode()  # NaN and Infinity included, as careless clients write them


# ---------------------------------------------------------------- the schema


# The pytest plug-in of schemathesis 4.32 does not run under pytest 9; its engine does.
SCHEMA = schemathesis.openapi.from_dict(json.loads(SNAPSHOT.read_text(encoding="utf-8")))
OPERATIONS = [result.ok() for result in SCHEMA.get_all_operations()]
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_the_schema_holds(sender: Sender, operation: Any, mode: GenerationMode) -> None:
    """Status codes, content types and bodies are those that the schema states, for calls that it allows and for
    calls that it does not."""

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: schemathesis.Case) -> None:
        # Prepared by requests, whose idea of a multipart body schemathesis follows, and sent by httpx.
        options = case.as_transport_kwargs(base_url="http://segserve.test")
        options.pop("cookies", None)
        prepared = requests.Request(**options).prepare()
        content = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
        headers = {name.encode(): _bytes(value) for name, value in prepared.headers.items()}
        response = sender.request(str(prepared.method), str(prepared.url), content=content, headers=headers)
        case.validate_response(schemathesis.Response.from_httpx(response, verify=False), checks=CHECKS)

    try:
        run()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # an operation without inputs cannot be called wrongly


def _bytes(value: str | bytes) -> bytes:
    return value.encode("utf-8") if isinstance(value, str) else value
