"""POST /v1/predict with an interactive model: clicks, masks in every form, and what is refused."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from server.domain.rle import Rle
from server.services.given_masks import read_mask
from tests.api.conftest import BLUE, HEIGHT, RED, WIDTH, Service, Start, draw, encode, problem, rectangle
from tests.click_bundle import write_click_bundle

MODEL = "tiny-clicks"
CLICK_RED = {"point_coords": [[18, 24]], "point_labels": [1]}
CLICK_BLUE = {"point_coords": [[46, 24]], "point_labels": [1]}


@pytest.fixture
async def service(start: Start, tmp_path: Path) -> AsyncIterator[Service]:
    write_click_bundle(tmp_path / "bundles0")
    async with start() as running:
        yield running


async def uploaded(service: Service) -> str:
    response = await service.http.post(
        "/v1/images", params={"model": MODEL}, content=encode(draw()), headers={"Content-Type": "image/png"}
    )
    assert response.status_code in (200, 201), response.text
    assert response.json()["embedding_url"] is None
    image_id: str = response.json()["id"]
    return image_id


async def clicked(service: Service, image: str, prompt: dict[str, Any], **options: Any) -> dict[str, Any]:
    response = await service.predict(image, prompt, model=MODEL, **options)
    assert response.status_code == 200, response.text
    [result] = response.json()["results"]
    answer: dict[str, Any] = result
    return answer


def mask_of(result: dict[str, Any]) -> NDArray[np.bool_]:
    [mask] = result["masks"]
    return Rle.from_coco(mask["segmentation"]).to_mask()


def agree(mask: NDArray[np.bool_], expected: NDArray[np.bool_]) -> bool:
    return float((mask & expected).sum() / (mask | expected).sum()) > 0.97


async def test_a_click_selects_what_was_clicked(service: Service) -> None:
    image = await uploaded(service)
    result = await clicked(service, image, CLICK_RED)
    mask = mask_of(result)
    assert agree(mask, rectangle(RED))
    [fields] = result["masks"]
    assert fields["index"] == 0
    assert fields["area"] == int(mask.sum())
    assert 0 < fields["predicted_iou"] <= 1
    assert 0 < fields["stability_score"] <= 1
    assert "logits_ref" not in fields
    assert result["superseded_clicks"] == []
    assert service.backend.encoder.batches == []


async def test_clicks_are_replayed_in_their_order_and_a_mask_stands_for_the_earlier_ones(service: Service) -> None:
    image = await uploaded(service)
    first = await clicked(service, image, CLICK_RED)
    both = {"point_coords": [[18, 24], [46, 24]], "point_labels": [1, 1]}
    replayed = await clicked(service, image, both)
    given = {"mask": first["masks"][0]["segmentation"], "mask_accepted": False}
    once = await clicked(service, image, both | given)
    assert replayed == once


@pytest.mark.parametrize("mask_format", ["coco_rle", "rle_uncompressed", "polygon", "png", "geojson", "logits"])
async def test_every_answer_comes_back_as_mask(service: Service, mask_format: str) -> None:
    image = await uploaded(service)
    first = await clicked(service, image, CLICK_RED, format=mask_format)
    # A click on what is selected changes next to nothing: what comes out is what went in.
    again = {"point_coords": [[14, 14]], "point_labels": [1], "mask": first["masks"][0]["segmentation"]}
    assert agree(mask_of(await clicked(service, image, again)), rectangle(RED))


async def test_logits_of_a_promptable_model_lie_where_its_picture_does(service: Service) -> None:
    """Its grid covers the padded square, of which the picture fills three quarters."""
    image = await uploaded(service)
    answer = (await service.predict(image, CLICK_RED, format="logits", multimask_output=False)).json()
    segmentation = answer["results"][0]["masks"][0]["segmentation"]
    assert segmentation["frame"] == {"size": 64, "width": 64, "height": 48}
    read = read_mask(segmentation, WIDTH, HEIGHT, 0.0, {})
    masks = (await service.predict(image, CLICK_RED, multimask_output=False)).json()["results"][0]["masks"]
    np.testing.assert_array_equal(read, Rle.from_coco(masks[0]["segmentation"]).to_mask())
    # The model that takes them cuts them where the one that made them does.
    np.testing.assert_array_equal(read_mask(segmentation, WIDTH, HEIGHT, 3.0, {}), read)
    prompt = {"point_coords": [[14, 14]], "point_labels": [1], "mask": segmentation}
    assert agree(mask_of(await clicked(service, image, prompt)), rectangle(RED))


def png(mask: NDArray[np.bool_], mode: str = "L") -> str:
    buffer = io.BytesIO()
    if mode == "P":
        picture = Image.fromarray(mask.astype(np.uint8), "P")
        picture.putpalette([0, 0, 0, 128, 0, 0])
    elif mode == "RGBA":
        picture = Image.new("RGBA", (WIDTH, HEIGHT), (0, 0, 0, 0))
        picture.paste((9, 9, 9, 255), mask=Image.fromarray(mask))
    else:
        picture = Image.fromarray(mask.astype(np.uint8) * (1 if mode == "01" else 255))
    picture.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def ring(box: tuple[int, int, int, int]) -> list[list[float]]:
    left, top, right, bottom = box
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


FORMS: dict[str, Any] = {
    "png of 0 and 1": png(rectangle(RED), "01"),
    "png with a palette": png(rectangle(RED), "P"),
    "png with transparency": "data:image/png;base64," + png(rectangle(RED), "RGBA"),
    "one ring": ring(RED),
    "rings of one part": [ring(RED)],
    "COCO's flat list": [[number for point in ring(RED) for number in point]],
    "GeoJSON polygon": {"type": "Polygon", "coordinates": [ring(RED)]},
    "logits": {
        "shape": [HEIGHT, WIDTH],
        "logits": base64.b64encode((rectangle(RED).astype("<f2") - 0.5).tobytes()).decode(),
    },
}


@pytest.mark.parametrize("form", FORMS)
async def test_a_mask_from_elsewhere_is_read(service: Service, form: str) -> None:
    image = await uploaded(service)
    prompt = {"point_coords": [[46, 24]], "point_labels": [1], "mask": FORMS[form]}
    mask = mask_of(await clicked(service, image, prompt))
    # Accepted: red stays to the pixel, the piece at the click is added.
    left, top, right, bottom = RED
    assert mask[top:bottom, left:right].all()
    assert mask[BLUE[1] : BLUE[3], BLUE[0] : 54].all()  # as far as the target crop reaches
    assert not mask[~(rectangle(RED) | rectangle(BLUE))].any()


@pytest.mark.parametrize(
    ("mask", "code"),
    [
        ({"size": [HEIGHT, WIDTH + 1], "counts": [HEIGHT * (WIDTH + 1)]}, "mask_size_mismatch"),
        (png(np.zeros((3, 4), np.bool_)), "mask_size_mismatch"),
        ({"size": [HEIGHT, WIDTH], "counts": [5]}, "mask_invalid"),
        ({"size": [HEIGHT, WIDTH], "counts": [2**62, 2**62, 2**62, 2**62 + WIDTH * HEIGHT]}, "mask_invalid"),
        ({"size": [HEIGHT, WIDTH], "counts": "\u00ff"}, "mask_invalid"),
        ({"size": [HEIGHT, WIDTH], "counts": [10**30]}, "mask_invalid"),
        ({"size": [HEIGHT]}, "mask_invalid"),
        ({"size": 7, "counts": []}, "mask_invalid"),
        ("not base64!", "mask_invalid"),
        (base64.b64encode(b"\x89PNG\r\n\x1a\nrubbish").decode(), "mask_invalid"),
        ({"type": "Point", "coordinates": [1, 2]}, "mask_invalid"),
        ({"type": "Polygon"}, "mask_invalid"),
        ({"shape": [4, 4], "logits": "AAAA"}, "mask_invalid"),
        ({"shape": [0, 4], "logits": ""}, "mask_invalid"),
        ({"shape": [1, 1], "logits": "AAA=", "frame": {"size": 64, "width": 64, "height": 64.5}}, "mask_invalid"),
        ({"shape": [1, 1], "logits": "AAA=", "frame": {"size": 64, "width": 48, "height": 64}}, "mask_invalid"),
        ({"shape": [1, 1], "logits": "AAA=", "frame": {"size": 0, "width": 0, "height": 0}}, "mask_invalid"),
        ({"shape": [1, 1], "logits": "AAA=", "frame": {"size": 2**70, "width": 1, "height": 1}}, "mask_invalid"),
        ({"shape": [1, 1], "logits": "AAA=", "frame": {"size": 64}}, "mask_invalid"),
        ({"shape": [1, 1], "logits": "AAA=", "frame": 64}, "mask_invalid"),
        ({"shape": [1, 1], "logits": "AAA=", "threshold": "x"}, "mask_invalid"),
        ({"shape": [1, 1], "logits": "AAA=", "threshold": None}, "mask_invalid"),
        ({}, "mask_invalid"),
        (7, "mask_invalid"),
        (True, "mask_invalid"),
        ([1, 2, 3], "mask_invalid"),
        ([[[[[1, 2]]]]], "mask_invalid"),
        ([[[0, 0], [1, "x"], [2, 2]]], "mask_invalid"),
        ([[[0, 0], [10**400, 1], [2, 2]]], "mask_invalid"),
        ([[[-1e308, 0.5], [1e308, 10.5], [0, 20]]], "mask_invalid"),
        ([[[[0, 0], [1e6, 0], [1e6, 1e6], [0, 1e6]]] for _ in range(3000)], "mask_invalid"),
        ([[1, 2, 3, 4, 5]], "mask_invalid"),
    ],
)
async def test_a_mask_that_cannot_be_one(service: Service, mask: Any, code: str) -> None:
    image = await uploaded(service)
    response = await service.predict(image, CLICK_BLUE | {"mask": mask}, model=MODEL)
    body = problem(response, 422, code)
    assert body["prompt"] == 0


async def test_an_empty_mask_is_a_beginning(service: Service) -> None:
    image = await uploaded(service)
    empty = {"size": [HEIGHT, WIDTH], "counts": [HEIGHT * WIDTH]}
    for mask in (empty, []):
        result = await clicked(service, image, CLICK_RED | {"mask": mask})
        assert agree(mask_of(result), rectangle(RED))


async def test_the_last_of_contradictory_clicks_wins_and_the_answer_says_so(service: Service) -> None:
    image = await uploaded(service)
    prompt = {"point_coords": [[46, 24], [18.2, 24.9], [18.7, 24.1]], "point_labels": [1, 0, 1]}
    result = await clicked(service, image, prompt)
    assert result["superseded_clicks"] == [1]
    assert mask_of(result)[24, 18]


@pytest.mark.parametrize(
    ("prompt", "code"),
    [
        ({"box": [1, 1, 9, 9]}, "box_unsupported"),
        (CLICK_RED | {"box": [1, 1, 9, 9]}, "box_unsupported"),
        (CLICK_RED | {"mask_input": {"ref": "0" * 32}}, "model_kind_mismatch"),
        ({"mask": []}, "clicks_required"),
        ({}, "prompt_empty"),
        ({"point_coords": [[18, 24]], "point_labels": []}, "point_labels_mismatch"),
        ({"point_coords": [[65, 24]], "point_labels": [1]}, "point_outside_image"),
        ({"point_coords": [[18, -0.1]], "point_labels": [1]}, "point_outside_image"),
        ({"point_coords": [[18, 24]], "point_labels": [2]}, "point_label_invalid"),
        ({"point_labels": [1]}, "point_labels_mismatch"),
        ({"point_coords": [[18, 24]]}, "point_labels_mismatch"),
        ({"point_coords": [[18, 24]] * 129, "point_labels": [1] * 129}, "too_many_points"),
    ],
)
async def test_prompts_that_an_interactive_model_refuses(service: Service, prompt: dict[str, Any], code: str) -> None:
    image = await uploaded(service)
    problem(await service.predict(image, prompt, model=MODEL), 422, code)


async def test_clicks_on_the_very_border(service: Service) -> None:
    image = await uploaded(service)
    corners = [[0, 0], [WIDTH, 0], [0, HEIGHT], [WIDTH, HEIGHT]]
    for corner in corners:
        await clicked(service, image, {"point_coords": [corner], "point_labels": [1]})
    assert mask_of(await clicked(service, image, {"point_coords": corners, "point_labels": [1, 0, 1, 0]})).any()


async def test_a_hundred_clicks(service: Service) -> None:
    image = await uploaded(service)
    points = [[18 + (k % 10), 14 + k // 10] for k in range(100)]
    result = await clicked(service, image, {"point_coords": points, "point_labels": [1] * 100})
    assert agree(mask_of(result), rectangle(RED))
    body = problem(
        await service.predict(image, {"point_coords": points * 2, "point_labels": [1] * 200}, model=MODEL),
        422, "too_many_points",
    )  # fmt: skip
    assert "session" in body["detail"]


async def test_work_is_bounded(start: Start, tmp_path: Path) -> None:
    write_click_bundle(tmp_path / "bundles0")
    async with start(max_mask_pixels=WIDTH * HEIGHT) as service:
        image = await uploaded(service)
        nine = {"point_coords": [[18, 24]] * 9, "point_labels": [1] * 9}
        assert problem(await service.predict(image, nine, model=MODEL), 422, "too_many_prompts")["limit"] == 8


async def test_flip_is_for_interactive_models(service: Service) -> None:
    image = await uploaded(service)
    assert agree(mask_of(await clicked(service, image, CLICK_RED, flip=True)), rectangle(RED))
    problem(await service.predict(image, CLICK_RED, flip=True), 422, "model_kind_mismatch")


async def test_a_mask_for_a_promptable_model_names_the_way(service: Service) -> None:
    image = await uploaded(service)
    body = problem(await service.predict(image, CLICK_RED | {"mask": []}), 422, "model_kind_mismatch")
    assert "mask_input" in body["detail"]


async def test_an_interactive_model_has_no_embeddings(service: Service) -> None:
    image = await uploaded(service)
    response = await service.http.get(f"/v1/images/{image}/embedding", params={"model": MODEL})
    problem(response, 422, "model_kind_mismatch")
    known = (await service.http.get(f"/v1/images/{image}")).json()
    assert known["models"] == []


async def test_a_picture_is_known_whatever_model_it_came_for(service: Service) -> None:
    image = await uploaded(service)
    again = await service.http.post(
        "/v1/images", params={"model": MODEL}, content=encode(draw()), headers={"Content-Type": "image/png"}
    )
    assert (again.status_code, again.json()["cached"], again.json()["id"]) == (200, True, image)
    promptable = await service.upload()
    assert (promptable["id"], promptable["cached"]) == (image, False)


async def test_a_picture_that_left_the_cache_is_decoded_again(start: Start, tmp_path: Path) -> None:
    write_click_bundle(tmp_path / "bundles0")
    async with start(picture_bytes=0) as service:
        image = await uploaded(service)
        response = await service.predict(image, CLICK_RED, model=MODEL)
        assert "decode;dur=" in response.headers["server-timing"]
        assert agree(mask_of(response.json()["results"][0]), rectangle(RED))
        await service.context.images._store.delete(f"segserve:v1:source:{image}")
        problem(await service.predict(image, CLICK_RED, model=MODEL), 410, "image_expired")


async def test_server_timing_says_where_the_time_went(service: Service) -> None:
    image = await uploaded(service)
    timing = (await service.predict(image, CLICK_RED, model=MODEL)).headers["server-timing"]
    for name in ("receive", "cache", "predict", "decoder", "total"):
        assert f"{name};dur=" in timing


async def test_inline_pictures_and_many_prompts_at_once(service: Service) -> None:
    data = base64.b64encode(encode(draw())).decode()
    calls = [
        service.http.post(
            "/v1/predict", json={"image": {"base64": data}, "model": MODEL, "prompts": [CLICK_RED, CLICK_BLUE]}
        )
        for _ in range(4)
    ]
    answers: list[httpx.Response] = await asyncio.gather(*calls)
    for answer in answers:
        red, blue = answer.json()["results"]
        assert agree(mask_of(red), rectangle(RED))
        assert agree(mask_of(blue), rectangle(BLUE))


async def test_the_list_of_models_tells_the_kinds_apart(service: Service) -> None:
    body = (await service.http.get("/v1/models")).json()
    assert body["default"] == service.manifest.id
    kinds = {model["id"]: model for model in body["models"]}
    assert kinds[MODEL]["kind"] == "interactive"
    assert kinds[MODEL]["decoder"] is None
    assert kinds[MODEL]["interactive"]["merge_from"] == 10
    assert kinds[service.manifest.id]["interactive"] is None
    assert {entry["role"] for entry in kinds[MODEL]["files"].values()} >= {"coarse", "refine"}
