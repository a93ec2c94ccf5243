"""Bad input: one test per item of the list, each a problem with a stable code and a sentence; the service goes on."""

from __future__ import annotations

import asyncio
import base64
import struct
import zlib
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from server.domain.bundle import BundleManifest
from server.storage import keys
from server.storage.codec import encode_embedding
from server.storage.memory import MemoryStore
from tests.api.conftest import HEIGHT, WIDTH, Service, Start, draw, encode, problem

CLICK = {"point_coords": [[18, 24]], "point_labels": [1]}


@pytest.fixture(autouse=True)
async def goes_on(service: Service) -> AsyncIterator[None]:
    """After whatever a test sent, the same service still takes a picture and answers a click."""
    yield
    image = await service.upload()
    assert (await service.predict(image["id"], CLICK)).status_code == 200


async def upload(service: Service, data: bytes, content_type: str = "image/png") -> Any:
    return await service.http.post("/v1/images", content=data, headers={"Content-Type": content_type})


# ---------------------------------------------------------------- pictures


@pytest.mark.parametrize("data", [b"hello, I am not a picture", b"\x00" * 4096, b"%PDF-1.7 ...", b"<svg/>"])
async def test_not_an_image(service: Service, data: bytes) -> None:
    problem(await upload(service, data), 415, "image_unsupported")


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
async def test_truncated(service: Service, file_format: str) -> None:
    data = encode(draw(), file_format)
    body = problem(await upload(service, data[: len(data) // 2]), 422, "image_truncated")
    assert "again" in body["detail"]


async def test_no_bytes(service: Service) -> None:
    problem(await upload(service, b""), 422, "image_empty")
    response = await service.http.post("/v1/images", files={"file": ("a.png", b"", "image/png")})
    problem(response, 422, "image_empty")


def png_of(width: int, height: int) -> bytes:
    """A PNG header that claims a size, and next to no data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\x00")) + chunk(b"IEND", b"")


async def test_zero_sized(service: Service) -> None:
    response = await upload(service, png_of(0, 0))
    assert response.status_code == 422
    assert response.json()["code"] in {"image_empty", "image_truncated"}


async def test_decompression_bomb_is_refused_by_its_header(service: Service) -> None:
    body = problem(await upload(service, png_of(60_000, 60_000)), 413, "image_too_many_pixels")
    assert (body["width"], body["height"]) == (60_000, 60_000)


async def test_a_picture_over_the_pixel_limit(start: Start) -> None:
    async with start(max_pixels=WIDTH * HEIGHT - 1) as service:
        problem(await upload(service, encode(draw())), 413, "image_too_many_pixels")


async def test_too_large_is_refused_while_reading(start: Start) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1024
            yield b"\x89" * 1024

    async with start(max_upload_bytes=4096) as service:
        seen: list[int] = []
        original = service.context.budget.take
        service.context.budget.take = lambda *counts: (seen.append(sent), original(*counts))[1]  # type: ignore[method-assign]
        response = await service.http.post("/v1/images", content=endless(), headers={"Content-Type": "image/png"})
        body = problem(response, 413, "payload_too_large")
        assert body["limit"] == 4096
        assert max(seen) <= 4096
        assert service.context.budget.held == 0


async def test_too_large_by_its_stated_length_is_not_read_at_all(start: Start) -> None:
    async with start(max_upload_bytes=4096) as service:
        problem(await upload(service, b"\x89" * 5000), 413, "payload_too_large")
        response = await service.http.post("/v1/images", files={"file": ("a.png", b"\x89" * 5000, "image/png")})
        problem(response, 413, "payload_too_large")


async def test_a_json_body_over_its_limit(start: Start) -> None:
    async with start(max_json_bytes=2048) as service:
        response = await service.predict("0" * 64, *[CLICK] * 200)
        problem(response, 413, "payload_too_large")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "video/mp4", ""])
async def test_wrong_content_type(service: Service, content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    problem(
        await service.http.post("/v1/images", content=encode(draw()), headers=headers), 415, "unsupported_media_type"
    )
    problem(await service.http.post("/v1/predict", content=b"{}", headers=headers), 415, "unsupported_media_type")


async def test_a_compressed_body(service: Service) -> None:
    headers = {"Content-Type": "image/png", "Content-Encoding": "gzip"}
    problem(await service.http.post("/v1/images", content=b"x", headers=headers), 415, "unsupported_media_type")


async def test_forms_that_are_not_what_they_should_be(service: Service) -> None:
    post = service.http.post
    problem(await post("/v1/images", files={"picture": ("a.png", b"x", "image/png")}), 422, "image_required")
    problem(await post("/v1/predict", files={"file": ("a.png", encode(draw()), "image/png")}), 422, "invalid_request")
    problem(await post("/v1/predict", files={"request": (None, b'{"prompts": []}')}), 422, "image_required")
    form = {"Content-Type": "multipart/form-data"}
    problem(await post("/v1/images", content=b"x", headers=form), 400, "invalid_multipart")
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    for body in (
        b"nothing of the kind",
        b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\ncut off',
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="file"\r\nX: ' + b"y" * 10_000 + b"\r\n\r\nx\r\n--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n' * 2 + b"--b--\r\n",
        b"".join(b'--b\r\nContent-Disposition: form-data; name="p%d"\r\n\r\nx\r\n' % k for k in range(9))
        + b"--b--\r\n",
    ):
        problem(await post("/v1/images", content=body, headers=form), 400, "invalid_multipart")


async def test_base64_that_is_none(service: Service) -> None:
    response = await service.http.post("/v1/predict", json={"image": {"base64": "&&&"}, "prompts": [CLICK]})
    problem(response, 422, "image_invalid")


@pytest.mark.parametrize("image", [{}, {"id": "0" * 64, "base64": ""}])
async def test_no_picture_or_two(service: Service, image: dict[str, str]) -> None:
    response = await service.http.post("/v1/predict", json={"image": image, "prompts": [CLICK]})
    assert "{{" not in problem(response, 422, "image_required")["detail"]


# ---------------------------------------------------------------- models and ids


async def test_unknown_model(service: Service) -> None:
    data = encode(draw())
    headers = {"Content-Type": "image/png"}
    responses = [
        await service.http.post("/v1/images?model=fake-mode", content=data, headers=headers),
        await service.http.post("/v1/images", files={"file": ("a.png", data)}, data={"model": "fake-mode"}),
        await service.predict("0" * 64, CLICK, model="fake-mode"),
        await service.http.get(f"/v1/images/{'0' * 64}/embedding?model=fake-mode"),
        await service.http.get("/v1/models/fake-mode/0123456789abcdef/decoder.onnx"),
    ]
    for response in responses:
        body = problem(response, 404, "model_not_found")
        assert "did you mean 'fake-model'" in body["detail"]


@pytest.mark.parametrize("image_id", ["x", "0" * 63, "A" * 64, "0" * 65, "..%2F..%2Fetc%2Fpasswd"])
async def test_a_malformed_id(service: Service, image_id: str) -> None:
    response = await service.http.get(f"/v1/images/{image_id}")
    if "%2F" in image_id:
        problem(response, 404, "route_not_found")
    else:
        problem(response, 422, "image_id_invalid")
        problem(await service.predict(image_id, CLICK), 422, "image_id_invalid")
        problem(await service.http.delete(f"/v1/images/{image_id}"), 422, "image_id_invalid")


async def test_an_unknown_id(service: Service) -> None:
    unknown = "0" * 64
    for response in (
        await service.predict(unknown, CLICK),
        await service.http.get(f"/v1/images/{unknown}"),
        await service.http.get(f"/v1/images/{unknown}/embedding"),
        await service.http.delete(f"/v1/images/{unknown}"),
    ):
        body = problem(response, 404, "image_not_found")
        assert response.request.method == "DELETE" or "POST /v1/images" in body["detail"]


async def test_an_expired_id(start: Start) -> None:
    now = 0.0
    store = MemoryStore(10_000_000, clock=lambda: now)
    async with start(store=store, image_ttl=100, record_ttl=1000, decoded_bytes=0) as service:
        image = await service.upload()
        now = 500.0
        for response in (
            await service.predict(image["id"], CLICK),
            await service.http.get(f"/v1/images/{image['id']}/embedding"),
        ):
            assert "Upload it again" in problem(response, 410, "image_expired")["detail"]
        assert (await service.http.get(f"/v1/images/{image['id']}")).status_code == 200
        now = 1500.0
        problem(await service.predict(image["id"], CLICK), 404, "image_not_found")


@pytest.mark.parametrize("again", ["PNG", "BMP"])
async def test_an_upload_of_what_is_known_renews_its_embedding_too(start: Start, again: str) -> None:
    now = 0.0
    store = MemoryStore(10_000_000, clock=lambda: now)
    async with start(store=store, image_ttl=100, record_ttl=1000, decoded_bytes=0) as service:
        image = await service.upload()
        now = 80.0
        assert (await service.upload(encode(draw(), again)))["cached"] is True
        now = 160.0
        assert (await service.http.get(f"/v1/images/{image['id']}/embedding")).status_code == 200
        assert service.backend.encoder.pictures == 1


async def test_an_expired_id_whose_embedding_is_still_in_use(start: Start) -> None:
    async with start(image_ttl=1, record_ttl=100) as service:
        image = await service.upload()
        assert (await service.predict(image["id"], CLICK)).status_code == 200
        await asyncio.sleep(1.1)
        problem(await service.predict(image["id"], CLICK), 410, "image_expired")


async def test_a_picture_that_others_pushed_out_of_memory_has_expired(start: Start) -> None:
    async with start(cache_bytes=1 << 20, decoded_bytes=0) as service:
        first = await service.upload()
        rng = np.random.default_rng(1)
        for _ in range(4):
            noise = rng.integers(0, 256, (320, 320, 3), dtype=np.uint8)
            assert (await upload(service, encode(Image.fromarray(noise)))).status_code == 201
        problem(await service.predict(first["id"], CLICK), 410, "image_expired")
        problem(await service.http.get(f"/v1/images/{first['id']}/embedding"), 410, "image_expired")


async def test_an_embedding_of_another_revision(service: Service) -> None:
    image = await service.upload()
    response = await service.http.get(f"/v1/images/{image['id']}/embedding?revision=0123456789abcdef")
    body = problem(response, 409, "embedding_revision_mismatch")
    assert body["actual"] == service.manifest.revision
    old = f"/v1/models/{service.manifest.id}/0123456789abcdef/decoder.onnx"
    problem(await service.http.get(old), 404, "file_not_found")


async def test_a_stored_embedding_of_another_revision_is_made_anew(start: Start) -> None:
    store = MemoryStore(10_000_000)
    async with start(store=store) as service:
        image = await service.upload()
        key = keys.embedding_key(1, service.manifest.revision, image["id"])
        assert await store.contains(key)
        await store.set(key, foreign_embedding(service.manifest, image["id"]), 100)
        assert (await service.predict(image["id"], CLICK)).status_code == 200
        assert service.backend.encoder.pictures == 2


def foreign_embedding(manifest: BundleManifest, image_id: str) -> bytes:
    other = manifest.model_copy(update={"revision": "0123456789abcdef"})
    tensors = {spec.name: np.zeros((1, *spec.shape), np.float32) for spec in manifest.embedding}
    return encode_embedding(
        tensors,
        other,
        image_id=image_id,
        original_width=WIDTH,
        original_height=HEIGHT,
        input_width=64,
        input_height=48,
    )


# ---------------------------------------------------------------- prompts


@pytest.mark.parametrize("point", [[-0.1, 5], [WIDTH + 0.1, 5], [5, HEIGHT + 1], [1e300, 0]])
async def test_a_point_outside(service: Service, point: list[float]) -> None:
    image = await service.upload()
    response = await service.predict(image["id"], CLICK, {"point_coords": [point], "point_labels": [1]})
    body = problem(response, 422, "point_outside_image")
    assert (body["prompt"], body["point"]) == (1, 0)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("field", ['"point_coords": [[%s, 1]], "point_labels": [1]', '"box": [0, 0, 10, %s]'])
async def test_numbers_that_are_none(service: Service, number: str, field: str) -> None:
    image = await service.upload()
    content = f'{{"image": {{"id": "{image["id"]}"}}, "prompts": [{{{field % number}}}]}}'
    response = await service.http.post("/v1/predict", content=content, headers={"Content-Type": "application/json"})
    problem(response, 422, "number_not_finite")


@pytest.mark.parametrize("box", [[40, 10, 10, 40], [10, 40, 40, 10], [10, 10, 10, 40], [1, 2, 3], [0, 0, 999, 10]])
async def test_a_box_that_is_none(service: Service, box: list[float]) -> None:
    image = await service.upload()
    problem(await service.predict(image["id"], {"box": box}), 422, "box_invalid")


async def test_thousands_of_prompts(service: Service) -> None:
    image = await service.upload()
    for count in (257, 3000, 5000):
        problem(await service.predict(image["id"], *[CLICK] * count), 422, "too_many_prompts")


async def test_more_mask_pixels_than_the_budget(start: Start) -> None:
    async with start(max_mask_pixels=3 * 3 * WIDTH * HEIGHT) as service:
        image = await service.upload()
        assert (await service.predict(image["id"], *[CLICK] * 3)).status_code == 200
        body = problem(await service.predict(image["id"], *[CLICK] * 4), 422, "too_many_prompts")
        assert body["limit"] == 3
        assert (await service.predict(image["id"], *[CLICK] * 9, multimask_output=False)).status_code == 200
    async with start(max_mask_pixels=WIDTH * HEIGHT) as service:
        image = await service.upload()
        body = problem(await service.predict(image["id"], CLICK), 422, "too_many_prompts")
        assert body["limit"] == 0
        assert "Scale the picture down" in body["detail"]
        assert (await service.predict(image["id"], CLICK, multimask_output=False)).status_code == 200


async def test_thousands_of_points(service: Service) -> None:
    image = await service.upload()
    for count in (129, 2000):
        prompt = {"point_coords": [[1, 1]] * count, "point_labels": [1] * count}
        problem(await service.predict(image["id"], prompt), 422, "too_many_points")


async def test_a_body_that_is_wrong_in_thousands_of_places(service: Service) -> None:
    image = await service.upload()
    wrong: dict[str, Any] = {
        "numbers of a point": {"point_coords": [["x"] * 5000], "point_labels": [1]},
        "points": {"point_coords": ["x"] * 5000, "point_labels": ["x"] * 5000},
        "numbers of a box": {"box": ["x"] * 5000},
        "too many numbers": {"box": [1] * 5000},
    }
    for prompt in wrong.values():
        body = problem(await service.predict(image["id"], prompt), 422, "invalid_request")
        assert len(body["errors"]) <= 2
    body = problem(await service.predict(image["id"], {f"n{k}": 1 for k in range(5000)}), 422, "invalid_request")
    assert "5000 places" in body["detail"]
    assert "errors" not in body


async def test_a_name_that_is_a_megabyte_long(service: Service) -> None:
    response = await service.predict("0" * 64, {"n" * 1_000_000: 1})
    problem(response, 422, "invalid_request")
    assert len(response.content) < 2000


@pytest.mark.parametrize("label", [2, 3, -1, 0.5, 1e9])
async def test_labels_other_than_0_and_1(service: Service, label: float) -> None:
    image = await service.upload()
    prompt = {"point_coords": [[1, 1]], "point_labels": [label]}
    problem(await service.predict(image["id"], prompt), 422, "point_label_invalid")


async def test_labels_and_points_that_differ_in_number(service: Service) -> None:
    image = await service.upload()
    for prompt in (
        {"point_coords": [[1, 1]]},
        {"point_labels": [1]},
        {"point_coords": [[1, 1]], "point_labels": [1, 0]},
    ):
        problem(await service.predict(image["id"], prompt), 422, "point_labels_mismatch")


async def test_no_prompt_and_an_empty_one(service: Service) -> None:
    image = await service.upload()
    problem(await service.predict(image["id"]), 422, "prompts_required")
    problem(await service.predict(image["id"], {}), 422, "prompt_empty")
    problem(await service.predict(image["id"], {"point_coords": [], "point_labels": []}), 422, "prompt_empty")


def float16(height: int, width: int, value: float = 0.0) -> str:
    return base64.b64encode(np.full((height, width), value, "<f2").tobytes()).decode()


@pytest.mark.parametrize(
    "mask_input",
    [
        {"logits": float16(16, 16), "shape": [16, 16]},
        {"logits": float16(32, 16), "shape": [32, 32]},
        {"logits": "&&&", "shape": [32, 32]},
        {"logits": float16(32, 32)},
        {"ref": "0" * 32, "logits": float16(32, 32), "shape": [32, 32]},
        {},
    ],
)
async def test_mask_logits_of_the_wrong_shape(service: Service, mask_input: dict[str, Any]) -> None:
    image = await service.upload()
    problem(await service.predict(image["id"], {"mask_input": mask_input}), 422, "mask_input_invalid")


async def test_mask_logits_that_are_not_finite(service: Service) -> None:
    image = await service.upload()
    mask_input = {"logits": float16(32, 32, float("nan")), "shape": [32, 32]}
    problem(await service.predict(image["id"], {"mask_input": mask_input}), 422, "number_not_finite")


async def test_logits_that_are_not_kept_or_belong_elsewhere(service: Service) -> None:
    image = await service.upload()
    other = await service.upload(encode(draw(background=(1, 2, 3))))
    answer = (await service.predict(image["id"], CLICK)).json()
    ref = answer["results"][0]["masks"][0]["logits_ref"]
    for image_id, wrong in ((image["id"], "0" * 32), (image["id"], "../etc"), (other["id"], ref)):
        problem(await service.predict(image_id, {"mask_input": {"ref": wrong}}), 410, "logits_ref_not_found")
    assert (await service.predict(image["id"], {"mask_input": {"ref": ref}})).status_code == 200


async def test_an_unknown_format(service: Service) -> None:
    image = await service.upload()
    body = problem(await service.predict(image["id"], CLICK, format="yolo"), 422, "format_unsupported")
    assert "coco_rle" in body["formats"]


# ---------------------------------------------------------------- JSON


@pytest.mark.parametrize(
    "content", [b"", b"{", b"nonsense", b'{"image": ', b"\xff\xfe{}", b"[" * 100_000, b'{"a":' * 50_000, b'"\\ud800"']
)
async def test_broken_json(service: Service, content: bytes) -> None:
    response = await service.http.post("/v1/predict", content=content, headers={"Content-Type": "application/json"})
    assert response.json()["code"] in {"invalid_json", "invalid_request"}
    assert response.status_code in (400, 422)


@pytest.mark.parametrize(
    "change",
    [
        {"prompts": "all"},
        {"prompts": [{"points": [[1, 1]]}]},
        {"prompts": [{"point_coords": [[1, 1, 1]], "point_labels": [1]}]},
        {"prompts": [{"point_coords": [1, 1], "point_labels": [1]}]},
        {"prompts": [{"point_coords": [["1", 1]], "point_labels": [1]}]},
        {"prompts": [{"point_coords": [[1, 1]], "point_labels": [True]}]},
        {"multimask_output": "yes"},
        {"image": "0" * 64},
        {"more": 1},
        {"model": ""},
    ],
)
async def test_json_of_another_shape(service: Service, change: dict[str, Any]) -> None:
    image = await service.upload()
    call = {"image": {"id": image["id"]}, "prompts": [CLICK]} | change
    body = problem(await service.http.post("/v1/predict", json=call), 422, "invalid_request")
    assert len(body["detail"]) > 10


# ---------------------------------------------------------------- addresses


async def test_addresses_and_methods(service: Service) -> None:
    problem(await service.http.get("/v2/images"), 404, "route_not_found")
    problem(await service.http.post("/nowhere"), 404, "route_not_found")
    for method, path, allowed in (
        ("GET", "/v1/predict", "POST"),
        ("PUT", "/v1/models", "GET, HEAD"),
        ("PATCH", "/", "GET, HEAD"),
        ("PUT", f"/v1/images/{'0' * 64}", "DELETE, GET, HEAD"),
    ):
        response = await service.http.request(method, path)
        problem(response, 405, "method_not_allowed")
        assert response.headers["allow"] == allowed
    problem(await service.http.get("/v1/images/x/embedding?model=" + "m" * 100), 422, "invalid_request")
