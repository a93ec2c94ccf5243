"""What the answers carry: headers, identity, caching, ranges, compression, timing, readiness, metrics, the page."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

import httpx
import pytest
from PIL import Image
from starlette.requests import Request
from starlette.responses import StreamingResponse

from server.api import files
from server.api.files import immutable_file
from server.api.headers import SECURITY_HEADERS
from server.api.problems import PROBLEMS
from server.domain.bundle import MANIFEST_NAME
from server.storage.container import read_container
from server.storage.keys import embedding_key
from server.storage.memory import MemoryStore
from tests.api.conftest import HEIGHT, WIDTH, Service, Start, draw, encode, problem
from tests.fakes import DUMMY_FILES, write_bundle

PNG = {"Content-Type": "image/png"}
CLICK = {"point_coords": [[18, 24]], "point_labels": [1]}


async def test_upload_answers(service: Service) -> None:
    first = await service.http.post("/v1/images", content=encode(draw()), headers=PNG)
    assert first.status_code == 201
    answer = first.json()
    assert first.headers["location"] == f"/v1/images/{answer['id']}"
    assert (answer["width"], answer["height"], answer["cached"]) == (WIDTH, HEIGHT, False)
    assert (answer["model"], answer["revision"]) == (service.manifest.id, service.manifest.revision)
    assert answer["embedding_url"] == f"/v1/images/{answer['id']}/embedding?model=fake-model"
    assert answer["expires_at"].endswith("Z")
    form = await service.http.post("/v1/images", files={"file": ("b.bmp", encode(draw(), "BMP"))})
    assert form.status_code == 200
    assert form.json() | {"cached": False, "expires_at": 0} == answer | {"expires_at": 0}
    known = (await service.http.get(f"/v1/images/{answer['id']}")).json()
    assert (known["width"], known["height"]) == (WIDTH, HEIGHT)
    assert [model["id"] for model in known["models"]] == ["fake-model"]
    assert known["models"][0]["embedding_url"] == answer["embedding_url"]


async def test_orientation_is_applied_before_anything_else(service: Service) -> None:
    turned = draw().transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = await service.upload(encode(draw()))
    answer = await service.upload(encode(turned, "PNG", exif=exif))
    assert answer["id"] == upright["id"]
    assert (answer["width"], answer["height"]) == (WIDTH, HEIGHT)


async def test_the_embedding_is_the_stored_container_with_a_strong_etag(service: Service) -> None:
    image = await service.upload()
    response = await service.http.get(image["embedding_url"])
    assert response.status_code == 200
    container = read_container(response.content)
    assert container.metadata["image_id"] == image["id"]
    assert set(container.tensors) == {"colour", "luma"}
    assert "immutable" in response.headers["cache-control"]
    assert "content-encoding" not in response.headers
    etag = response.headers["etag"]
    assert etag.startswith('"')
    for value in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = await service.http.get(image["embedding_url"], headers={"If-None-Match": value})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    other = await service.http.get(image["embedding_url"], headers={"If-None-Match": '"other"'})
    assert other.status_code == 200
    exact = await service.http.get(f"{image['embedding_url']}&revision={image['revision']}")
    assert "max-age=31536000" in exact.headers["cache-control"]


async def test_delete_forgets_everything(service: Service) -> None:
    image = await service.upload()
    assert (await service.predict(image["id"], CLICK)).status_code == 200
    response = await service.http.delete(f"/v1/images/{image['id']}")
    assert (response.status_code, response.content) == (204, b"")
    problem(await service.predict(image["id"], CLICK), 404, "image_not_found")
    problem(await service.http.get(image["embedding_url"]), 404, "image_not_found")
    again = await service.http.post("/v1/images", content=encode(draw()), headers=PNG)
    assert again.status_code == 201
    assert service.backend.encoder.pictures == 2


async def test_models_and_their_files(service: Service) -> None:
    listed = (await service.http.get("/v1/models")).json()
    assert listed["default"] == "fake-model"
    model = next(model for model in listed["models"] if model["id"] == "fake-model")
    assert model["preprocessing"]["size"] == 64
    assert model["decoder"]["mask_height"] == 32
    assert {spec["name"] for spec in model["embedding"]} == {"colour", "luma"}
    for name, (role, data) in DUMMY_FILES.items():
        file = model["files"][name]
        assert (file["bytes"], file["role"]) == (len(data), role)
        response = await service.http.get(file["url"])
        assert response.content == data
        assert response.headers["etag"] == f'"{file["sha256"]}"'
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_only_files_that_the_manifest_names(service: Service) -> None:
    root = f"/v1/models/fake-model/{service.manifest.revision}"
    for name in ("bundle.json", "nothing.onnx", "..", "%2e%2e%2fbundle.json", "decoder.onnx/"):
        assert (await service.http.get(f"{root}/{name}")).status_code == 404
    problem(await service.http.get(f"{root}/bundle.json"), 404, "file_not_found")


@pytest.mark.parametrize(
    ("wanted", "status", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=10-", 206, slice(10, None)),
        ("bytes=-5", 206, slice(-5, None)),
        ("bytes=640-9999", 206, slice(640, None)),
        ("bytes=0-0,5-6", 200, slice(None)),
        ("bytes=9-1", 200, slice(None)),
        ("lines=1-2", 200, slice(None)),
        ("bytes=-", 200, slice(None)),
    ],
)
async def test_ranges(service: Service, wanted: str, status: int, part: slice) -> None:
    data = DUMMY_FILES["decoder.onnx"][1]
    url = f"/v1/models/fake-model/{service.manifest.revision}/decoder.onnx"
    response = await service.http.get(url, headers={"Range": wanted})
    assert response.status_code == status
    assert response.content == data[part]
    assert response.headers["accept-ranges"] == "bytes"
    assert response.headers["content-length"] == str(len(data[part]))
    if status == 206:
        start = range(len(data))[part][0]
        assert response.headers["content-range"] == f"bytes {start}-{start + len(response.content) - 1}/{len(data)}"


async def test_a_file_that_is_replaced_while_it_is_sent_ends_as_it_began(tmp_path: Path) -> None:
    path, size = tmp_path / "a.onnx", 600_000
    path.write_bytes(b"a" * size)
    request = Request({"type": "http", "headers": []})
    response = immutable_file(request, path, size=size, sha256="0", media_type="application/octet-stream")
    assert isinstance(response, StreamingResponse)
    sent = b""
    async for piece in response.body_iterator:
        sent += bytes(piece)
        (tmp_path / "b.onnx").write_bytes(b"b" * size)
        (tmp_path / "b.onnx").rename(path)
    assert sent == b"a" * size


async def test_ranges_that_cannot_be_met_and_conditional_ones(service: Service) -> None:
    url = f"/v1/models/fake-model/{service.manifest.revision}/decoder.onnx"
    size = len(DUMMY_FILES["decoder.onnx"][1])
    for wanted in (f"bytes={size}-", "bytes=-0"):
        response = await service.http.get(url, headers={"Range": wanted})
        problem(response, 416, "range_not_satisfiable")
        assert response.headers["content-range"] == f"bytes */{size}"
    etag = (await service.http.get(url)).headers["etag"]
    same = await service.http.get(url, headers={"Range": "bytes=0-1", "If-Range": etag})
    other = await service.http.get(url, headers={"Range": "bytes=0-1", "If-Range": '"other"'})
    assert (same.status_code, other.status_code) == (206, 200)
    assert (await service.http.get(url, headers={"If-None-Match": etag})).status_code == 304


async def test_every_answer_carries_the_security_headers(service: Service) -> None:
    image = await service.upload()
    paths = ["/", "/docs", "/healthz", "/metrics", "/v1/models", "/nowhere", image["embedding_url"], "/v1/images/x"]
    for path in paths:
        response = await service.http.get(path)
        for name, value in SECURITY_HEADERS:
            assert response.headers[name.decode()] == value.decode(), path
        assert response.headers["x-request-id"]
        assert "total;dur=" in response.headers["server-timing"]


async def test_an_unexpected_failure_is_a_problem_like_all_others(service: Service) -> None:
    def broken() -> list[object]:
        raise RuntimeError("secret detail")

    service.context.models.manifests = broken  # type: ignore[method-assign]
    response = await service.http.get("/v1/models")
    body = problem(response, 500, "internal_error")
    assert "secret" not in response.text
    assert body["request_id"]
    assert response.headers["cross-origin-opener-policy"] == "same-origin"


async def test_request_ids(service: Service) -> None:
    given = await service.http.get("/healthz", headers={"X-Request-ID": "batch-7.image_3"})
    assert given.headers["x-request-id"] == "batch-7.image_3"
    for bad in (b"a b", b"x" * 65, b"\xe9", b"<script>"):
        response = await service.http.get("/healthz", headers={b"X-Request-ID": bad})
        assert len(response.headers["x-request-id"]) == 32


async def test_server_timing_says_where_the_time_went(service: Service) -> None:
    upload = await service.http.post("/v1/images", content=encode(draw()), headers=PNG)
    names = {part.split(";")[0].strip() for part in upload.headers["server-timing"].split(",")}
    assert {"receive", "decode", "queue", "encode", "cache", "total"} <= names
    predict = await service.predict(upload.json()["id"], CLICK)
    names = {part.split(";")[0].strip() for part in predict.headers["server-timing"].split(",")}
    assert {"predict", "decoder", "cache", "total"} <= names


async def test_text_is_compressed_and_embeddings_are_not(service: Service) -> None:
    image = await service.upload()
    async with service.http.stream("GET", "/openapi.json", headers={"Accept-Encoding": "gzip"}) as response:
        raw = b"".join([chunk async for chunk in response.aiter_raw()])
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["vary"] == "Accept-Encoding"
    assert len(raw) == int(response.headers["content-length"])
    assert gzip.decompress(raw).startswith(b'{"openapi"')
    plain = await service.http.get("/openapi.json", headers={"Accept-Encoding": "gzip;q=0, br"})
    assert "content-encoding" not in plain.headers
    small = await service.http.get("/healthz", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in small.headers
    embedding = await service.http.get(image["embedding_url"], headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in embedding.headers


async def test_head_is_get_without_a_body(service: Service) -> None:
    url = f"/v1/models/fake-model/{service.manifest.revision}/decoder.onnx"
    for path in (url, "/v1/models", "/healthz"):
        get, head = await service.http.get(path), await service.http.head(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers["content-length"] == get.headers["content-length"]


async def test_head_reads_no_file(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object) -> None:
        raise AssertionError("HEAD needs no bytes")

    monkeypatch.setattr(files, "_pieces", read)
    url = f"/v1/models/fake-model/{service.manifest.revision}/decoder.onnx"
    head = await service.http.head(url)
    assert (head.status_code, head.headers["content-length"]) == (200, "650")
    assert head.headers["etag"]
    part = await service.http.head(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.headers["content-length"]) == (206, "10")


async def test_delete_forgets_embeddings_of_older_revisions_too(start: Start, tmp_path: Path) -> None:
    older = write_bundle(tmp_path / "bundles0", files={**DUMMY_FILES, "MODEL_CARD.md": ("card", b"# Older\n")})
    manifest_file = tmp_path / "bundles0" / older.id / older.revision / MANIFEST_NAME
    os.utime(manifest_file, (1_000, 1_000))
    store = MemoryStore(10_000_000)
    async with start(store=store) as service:
        assert service.context.models.registry.manifest().revision != older.revision
        image = await service.upload()
        key = embedding_key(older.preprocessing.version, older.revision, image["id"])
        await store.set(key, b"made before the upgrade", 100)
        assert (await service.http.delete(f"/v1/images/{image['id']}")).status_code == 204
        assert not await store.contains(key)


async def test_not_ready_before_the_model_is_loaded(start: Start) -> None:
    async with start(ready=False) as service:
        service.backend.encoder.gate.clear()
        assert (await service.http.get("/healthz")).json() == {"status": "ok"}
        response = await service.http.get("/readyz")
        problem(response, 503, "not_ready")
        assert response.headers["retry-after"]
        service.backend.encoder.gate.set()
        await service.context.models.get(None)
        ready = await service.http.get("/readyz")
        assert ready.json()["status"] == "ready"
        assert ready.json()["store"]["backend"] == "memory"
        assert ready.json()["backend"] == "fake"


async def test_a_default_model_that_is_damaged_never_becomes_ready(start: Start) -> None:
    async with start(ready=False) as service:
        service.backend.encoder.gate.clear()
        directory = Path(service.context.models.registry._bundles[("fake-model", service.manifest.revision)].directory)
        (directory / "decoder.onnx").write_bytes(b"tampered with")
        service.backend.encoder.gate.set()
        service.context.models._loaded.clear()
        service.context.models.registry._verified.clear()
        service.context.models.registry._decoders.clear()
        response = await service.http.post("/v1/images", content=encode(draw()), headers=PNG)
        body = problem(response, 500, "bundle_hash_mismatch")
        assert "decoder.onnx" in body["detail"]


async def test_metrics(service: Service) -> None:
    image = await service.upload()
    await service.upload(encode(draw(), "BMP"))
    await service.predict(image["id"], CLICK)
    await service.predict(image["id"], {})
    text = (await service.http.get("/metrics")).text
    for line in (
        'segserve_requests_total{method="POST",route="/v1/predict",status="200"} 1.0',
        'segserve_requests_total{method="POST",route="/v1/predict",status="422"} 1.0',
        'segserve_request_seconds_count{route="/v1/images"} 2.0',
        'segserve_errors_total{code="prompt_empty"} 1.0',
        'segserve_encoded_images_total{model="fake-model"} 1.0',
        'segserve_encode_seconds_count{model="fake-model"} 1.0',
        'segserve_batch_size_sum{model="fake-model"} 1.0',
        'segserve_queue_depth{model="fake-model"} 0.0',
        'segserve_embedding_cache_total{model="fake-model",outcome="miss"} 1.0',
        'segserve_masks_total{model="fake-model"} 3.0',
        "segserve_store_degraded 0.0",
        'segserve_worker_jobs{pool="mask"}',
    ):
        assert line in text, line
    assert image["id"] not in text


async def test_docs_work_without_any_other_host(service: Service) -> None:
    page = await service.http.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "<script>" not in page.text
    for asset in ("docs.js", "docs.css"):
        response = await service.http.get(f"/docs/assets/{asset}")
        assert response.status_code == 200
        assert response.headers["etag"].startswith('W/"')  # compressed or not it is the same
        again = await service.http.get(f"/docs/assets/{asset}", headers={"If-None-Match": response.headers["etag"]})
        assert again.status_code == 304
    problem(await service.http.get("/docs/assets/index.html"), 404, "route_not_found")
    errors = (await service.http.get("/docs/errors")).text
    assert all(f'id="{code}"' in errors for code in PROBLEMS)


async def test_a_page_that_is_not_built_says_so(service: Service) -> None:
    response = await service.http.get("/")
    assert response.status_code == 503
    assert "make page" in response.text


@pytest.fixture
def built_page(tmp_path: Path) -> Path:
    page = tmp_path / "page"
    (page / "assets").mkdir(parents=True)
    (page / "samples").mkdir()
    (page / "index.html").write_text("<!doctype html><title>Segserve</title>" + " " * 2000)
    (page / "assets" / "app-1a2b.js").write_text("export const a = 1;\n" * 200)
    (page / "sw.js").write_text("self.addEventListener('fetch', () => {});\n" * 50)
    (page / "assets" / "ort.wasm").write_bytes(b"\x00asm" * 500)
    (page / "assets" / "ort.wasm.br").write_bytes(b"brotli bytes")
    picture = io.BytesIO()
    draw().save(picture, "JPEG")
    (page / "samples" / "a.jpg").write_bytes(picture.getvalue())
    return page


async def test_the_built_page(start: Start, built_page: Path) -> None:
    async with start(static_dir=built_page) as service:

        async def get(path: str, **headers: str) -> httpx.Response:
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            return await service.http.get(path, headers={"accept-encoding": "identity"} | names)

        index = await get("/")
        assert index.headers["content-type"] == "text/html; charset=utf-8"
        assert index.headers["cache-control"] == "no-cache"
        assert (await get("/", if_none_match=index.headers["etag"])).status_code == 304
        script = await get("/assets/app-1a2b.js")
        assert script.headers["content-type"].startswith("text/javascript")
        assert "immutable" in script.headers["cache-control"]
        worker = await get("/sw.js")
        assert worker.headers["content-type"].startswith("text/javascript")
        assert worker.headers["cache-control"] == "no-cache"  # or an old service worker would stay for a year
        assert worker.headers["cross-origin-embedder-policy"] == "require-corp"
        assert (await get("/sw.js", if_none_match=worker.headers["etag"])).status_code == 304
        zipped = await get("/assets/app-1a2b.js", accept_encoding="gzip")
        assert zipped.headers["content-encoding"] == "gzip"
        assert zipped.text == script.text
        assert zipped.headers["etag"] != script.headers["etag"]
        wasm = await get("/assets/ort.wasm")
        assert wasm.headers["content-type"] == "application/wasm"
        async with service.http.stream("GET", "/assets/ort.wasm", headers={"Accept-Encoding": "gzip, br"}) as response:
            assert response.headers["content-encoding"] == "br"
            assert b"".join([chunk async for chunk in response.aiter_raw()]) == b"brotli bytes"
        assert (await get("/samples/a.jpg")).headers["content-type"] == "image/jpeg"
        for path in ("/assets/none.js", "/assets/../../secret", "/samples/%2e%2e/index.htm", "/none"):
            problem(await get(path), 404, "route_not_found")
