"""The vectors that the browser's tests read too (tests/golden/generate.py)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.domain.geometry import InputFrame
from server.domain.masks import upsample_logits, upsample_mask
from server.domain.rle import Rle, compress, decompress

GOLDEN = Path(__file__).parents[1] / "golden"
COORDINATES = json.loads((GOLDEN / "coordinates.json").read_text())
RLE = json.loads((GOLDEN / "rle.json").read_text())


@pytest.mark.parametrize("case", COORDINATES["cases"], ids=lambda case: f"{case['width']}x{case['height']}")
def test_coordinates(case: dict[str, Any]) -> None:
    frame = InputFrame.of(case["width"], case["height"], case["resize"], case["size"])
    assert (frame.input_width, frame.input_height) == (case["input_width"], case["input_height"])
    image = [point["image"] for point in case["points"]]
    model = [point["model"] for point in case["points"]]
    np.testing.assert_allclose(frame.to_model(image), model, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(frame.to_image(model), image, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", COORDINATES["upsampling"], ids=lambda case: case["name"])
def test_upsampling(case: dict[str, Any]) -> None:
    frame = InputFrame.of(case["width"], case["height"], case["resize"], case["size"])
    logits = np.array(case["logits"], np.float32)
    np.testing.assert_allclose(upsample_logits(logits, frame)[0], case["first_row"], atol=1e-4)
    mask = upsample_mask(logits, frame, case["threshold"])
    assert Rle.from_mask(mask).to_uncompressed() == case["mask"]


@pytest.mark.parametrize("case", RLE["cases"], ids=lambda case: case["name"])
def test_rle(case: dict[str, Any]) -> None:
    rle = Rle.from_coco({"size": case["size"], "counts": case["uncompressed"]})
    assert compress(rle.counts) == case["compressed"]
    assert decompress(case["compressed"]).tolist() == case["uncompressed"]
    assert rle.area == case["area"]
    assert list(rle.bbox) == case["bbox"]
    if "rows" in case:
        mask = np.array([[pixel == "1" for pixel in row] for row in case["rows"]])
        assert Rle.from_mask(mask).to_coco() == {"size": case["size"], "counts": case["compressed"]}
        np.testing.assert_array_equal(rle.to_mask(), mask)
