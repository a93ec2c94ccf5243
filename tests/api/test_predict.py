"""POST /v1/predict: what a program gets for points, boxes and masks, in every format."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from pycocotools import mask as coco

from tests.api.conftest import BLUE, HEIGHT, RED, WIDTH, Service, Start, draw, encode, rectangle

# pycocotools 2.0.11 has not caught up with numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CLICK_RED = {"point_coords": [[18, 24]], "point_labels": [1]}
CLICK_BLUE = {"point_coords": [[46, 24]], "point_labels": [1]}


def decoded(segmentation: dict[str, Any]) -> np.ndarray[Any, Any]:
    return coco.decode(segmentation).astype(np.bool_)


def iou(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    return float((a & b).sum() / (a | b).sum())


async def test_a_click_selects_what_was_clicked(service: Service) -> None:
    image = await service.upload()
    response = await service.predict(image["id"], CLICK_RED)
    assert response.status_code == 200, response.text
    body = response.json()
    assert body["image"] == {"id": image["id"], "width": WIDTH, "height": HEIGHT}
    assert (body["model"], body["revision"]) == (service.manifest.id, service.manifest.revision)
    [result] = body["results"]
    assert [mask["index"] for mask in result["masks"]] == [2, 3, 1]
    scores = [mask["predicted_iou"] for mask in result["masks"]]
    assert scores == sorted(scores, reverse=True)
    best = result["masks"][0]
    mask = decoded(best["segmentation"])
    assert best["segmentation"]["size"] == [HEIGHT, WIDTH]
    assert iou(mask, rectangle(RED)) > 0.9
    assert best["area"] == mask.sum()
    x, y, width, height = best["bbox"]
    assert mask[y : y + height, x : x + width].sum() == mask.sum()
    assert 0 <= best["stability_score"] <= 1
    assert set(best) == {
        "index", "segmentation", "predicted_iou", "stability_score", "area", "bbox", "logits_ref",
    }  # fmt: skip


async def test_many_prompts_are_one_batch_and_keep_their_order(service: Service) -> None:
    image = await service.upload()
    box = {"box": [4, 4, 32, 44]}
    response = await service.predict(image["id"], CLICK_RED, CLICK_BLUE, box, multimask_output=False)
    first, second, third = (result["masks"] for result in response.json()["results"])
    assert service.backend.decoder.batches == [3]
    assert [len(masks) for masks in (first, second, third)] == [1, 1, 1]
    assert first[0]["index"] == 0
    assert iou(decoded(first[0]["segmentation"]), rectangle(RED)) > 0.9
    assert iou(decoded(second[0]["segmentation"]), rectangle(BLUE)) > 0.9
    assert iou(decoded(third[0]["segmentation"]), rectangle((4, 4, 32, 44))) > 0.8


@pytest.mark.parametrize("wanted", ["coco_rle", "rle_uncompressed", "polygon", "png", "geojson", "logits"])
async def test_every_format_is_the_same_mask(service: Service, wanted: str) -> None:
    image = await service.upload()
    reference = (await service.predict(image["id"], CLICK_RED)).json()["results"][0]["masks"]
    given = (await service.predict(image["id"], CLICK_RED, format=wanted)).json()["results"][0]["masks"]
    for expected, actual in zip(reference, given, strict=True):
        assert {key: actual[key] for key in ("index", "area", "bbox", "predicted_iou", "stability_score")} == {
            key: expected[key] for key in ("index", "area", "bbox", "predicted_iou", "stability_score")
        }
        mask = decoded(expected["segmentation"])
        segmentation = actual["segmentation"]
        if wanted == "coco_rle":
            assert segmentation == expected["segmentation"]
        elif wanted == "rle_uncompressed":
            rle = coco.frPyObjects(segmentation, *segmentation["size"])
            assert (decoded(rle) == mask).all()
        elif wanted == "png":
            picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(segmentation))))
            assert set(np.unique(picture)) <= {0, 255}
            assert ((picture == 255) == mask).all()
        elif wanted == "logits":
            assert segmentation["dtype"] == "float16"
            logits = np.frombuffer(base64.b64decode(segmentation["data"]), "<f2").reshape(segmentation["shape"])
            assert logits.shape == (32, 32)
            assert logits.max() > 0
        else:
            parts = segmentation if wanted == "polygon" else segmentation["geometry"]["coordinates"]
            assert iou(filled(parts), mask) > 0.95


def filled(parts: list[list[list[list[float]]]]) -> np.ndarray[Any, Any]:
    scale = 8
    canvas = Image.new("L", (WIDTH * scale, HEIGHT * scale))
    pen = ImageDraw.Draw(canvas)
    for outer, *holes in parts:
        pen.polygon([(x * scale, y * scale) for x, y in outer], fill=255)
        for hole in holes:
            pen.polygon([(x * scale, y * scale) for x, y in hole], fill=0)
    return np.asarray(canvas)[scale // 2 :: scale, scale // 2 :: scale] > 0


async def test_a_mask_with_a_hole_keeps_it_as_polygon(service: Service) -> None:
    picture = draw()
    picture.paste((240, 240, 240), (14, 18, 22, 30))
    image = await service.upload(encode(picture))
    prompt = {"point_coords": [[10, 12]], "point_labels": [1]}
    response = await service.predict(image["id"], prompt, format="polygon", multimask_output=False)
    [part] = response.json()["results"][0]["masks"][0]["segmentation"]
    assert len(part) == 2
    assert part[0][0] == part[0][-1]


async def test_refinement_by_reference_equals_refinement_by_value(service: Service) -> None:
    image = await service.upload()
    first = (await service.predict(image["id"], CLICK_RED, format="logits")).json()["results"][0]["masks"][0]
    second = {"point_coords": [[46, 24]], "point_labels": [1]}
    inline = {"logits": first["segmentation"]["data"], "shape": first["segmentation"]["shape"]}
    by_ref = await service.predict(image["id"], second | {"mask_input": {"ref": first["logits_ref"]}})
    by_value = await service.predict(image["id"], second | {"mask_input": inline})
    masks = [answer.json()["results"][0]["masks"] for answer in (by_ref, by_value)]
    assert [mask["segmentation"] for mask in masks[0]] == [mask["segmentation"] for mask in masks[1]]
    only_mask = await service.predict(image["id"], {"mask_input": {"ref": first["logits_ref"]}}, multimask_output=False)
    mask = decoded(only_mask.json()["results"][0]["masks"][0]["segmentation"])
    assert iou(mask, rectangle(RED)) > 0.9


async def test_every_reference_of_a_large_call_leads_somewhere(start: Start) -> None:
    async with start(cache_bytes=1 << 20) as service:
        image = await service.upload()
        results = (await service.predict(image["id"], *[CLICK_RED] * 30)).json()["results"]
        refs = [[mask.get("logits_ref") for mask in result["masks"]] for result in results]
        assert all(best is not None for best, *_ in refs)
        assert any(ref is None for _, *others in refs for ref in others)
        for ref in (ref for row in refs for ref in row if ref is not None):
            logits = await service.context.images.get_logits(
                ref, image_id=image["id"], revision=service.manifest.revision
            )
            assert logits is not None


async def test_an_inline_picture_by_base64_and_by_multipart_gives_the_same(service: Service) -> None:
    data = encode(draw())
    as_json = await service.http.post(
        "/v1/predict", json={"image": {"base64": base64.b64encode(data).decode()}, "prompts": [CLICK_RED]}
    )
    as_form = await service.http.post(
        "/v1/predict",
        files={"file": ("a.png", data, "image/png")},
        data={"request": '{"prompts": [{"point_coords": [[18, 24]], "point_labels": [1]}]}'},
    )
    data_url = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    as_url = await service.http.post("/v1/predict", json={"image": {"base64": data_url}, "prompts": [CLICK_RED]})
    wrapped = base64.encodebytes(data).decode()
    in_lines = await service.http.post("/v1/predict", json={"image": {"base64": wrapped}, "prompts": [CLICK_RED]})
    answers = []
    for response in (as_json, as_form, as_url, in_lines):
        assert response.status_code == 200, response.text
        answer = response.json()
        for mask in answer["results"][0]["masks"]:
            del mask["logits_ref"]
        answers.append(answer)
    assert all(answer == answers[0] for answer in answers)
    assert service.backend.encoder.pictures == 1


async def test_an_evicted_embedding_is_encoded_again_from_the_kept_file(service: Service) -> None:
    image = await service.upload()
    before = (await service.http.get(image["embedding_url"])).content
    store = service.context.images
    await store._store.delete(  # the seam is the store's port; here an eviction by hand
        f"segserve:v1:embedding:{service.manifest.preprocessing.version}:{service.manifest.revision}:{image['id']}"
    )
    assert (await service.http.get(f"/v1/images/{image['id']}")).json()["models"] == []
    assert (await service.http.get(image["embedding_url"])).content == before
    assert service.backend.encoder.pictures == 2
