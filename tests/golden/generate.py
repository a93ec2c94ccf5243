"""Writes coordinates.json and rle.json, the vectors that pytest and vitest both read.

    python tests/golden/generate.py

Everything here is the definition spelt out in plain loops (docs/coordinates.md), and the RLE strings are pycocotools'
own; nothing of Segserve is imported, so the files hold the implementations to account and not to themselves.
"""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco

HERE = Path(__file__).parent
# No expected value lies nearer to the threshold, so float32 and a graphics card agree on every pixel.
CLEARANCE = 1e-3

PICTURES = [
    # width, height, size
    (1, 1, 384),
    (1, 1, 1024),
    (640, 427, 384),
    (427, 640, 384),
    (400, 100, 384),
    (100, 400, 64),
    (1600, 400, 1024),
    (384, 384, 384),
    (383, 385, 384),
    (4000, 3000, 384),
    (5000, 3333, 1024),
    (3333, 5000, 384),
    (5000, 1, 384),
    (3, 5000, 384),
    (768, 3, 384),  # 1.5 rounds up to 2
    (48, 37, 24),  # 18.5 rounds up to 19
    (37, 49, 1008),
]

STRETCHED = [(1, 1, 1024), (640, 427, 1024), (400, 100, 1024), (3333, 5000, 1024), (48, 37, 24)]

UPSAMPLING = [
    # name, width, height, size, grid side
    ("landscape", 10, 7, 8, 4),
    ("portrait", 7, 12, 8, 4),
    ("one pixel", 1, 1, 8, 4),
    ("wide", 16, 4, 16, 4),
    ("smaller than the grid", 3, 2, 16, 8),
    ("photo", 61, 47, 32, 8),
]


def resized(width: int, height: int, size: int, rule: str) -> tuple[int, int]:
    if rule == "square":
        return size, size
    longest = max(width, height)
    return tuple(max(1, math.floor(side * size / longest + 0.5)) for side in (width, height))  # type: ignore[return-value]


def coordinate_case(width: int, height: int, size: int, rule: str, rng: random.Random) -> dict[str, Any]:
    input_width, input_height = resized(width, height, size, rule)
    image = [
        (0.0, 0.0),
        (float(width), float(height)),
        (width / 2, height / 2),
        (0.5, 0.5),
        (width - 0.5, height - 0.5),
        *((round(rng.uniform(0, width), 3), round(rng.uniform(0, height), 3)) for _ in range(3)),
    ]
    points = [{"image": [x, y], "model": [x * input_width / width, y * input_height / height]} for x, y in image]
    frame = {"width": width, "height": height, "size": size, "resize": rule}
    return {**frame, "input_width": input_width, "input_height": input_height, "points": points}


def bilinear(logits: list[list[float]], u: float, v: float) -> float:
    rows, columns = len(logits), len(logits[0])
    left, top = math.floor(u), math.floor(v)
    total = 0.0
    for row, row_weight in ((top, 1 - (v - top)), (top + 1, v - top)):
        for column, column_weight in ((left, 1 - (u - left)), (left + 1, u - left)):
            value = logits[min(max(row, 0), rows - 1)][min(max(column, 0), columns - 1)]
            total += row_weight * column_weight * value
    return total


def upsampling_case(
    name: str, width: int, height: int, size: int, grid: int, rule: str, rng: random.Random
) -> dict[str, Any]:
    input_width, input_height = resized(width, height, size, rule)
    threshold = 0.25
    while True:
        logits = [[round(rng.uniform(-6, 6), 2) for _ in range(grid)] for _ in range(grid)]
        values = [
            [
                bilinear(
                    logits,
                    (x + 0.5) * input_width / width * grid / size - 0.5,
                    (y + 0.5) * input_height / height * grid / size - 0.5,
                )
                for x in range(width)
            ]
            for y in range(height)
        ]
        if all(abs(value - threshold) > CLEARANCE for row in values for value in row):
            break
    mask = [[value > threshold for value in row] for row in values]
    return {
        "name": name,
        "width": width,
        "height": height,
        "size": size,
        "resize": rule,
        "input_width": input_width,
        "input_height": input_height,
        "threshold": threshold,
        "logits": logits,
        "first_row": values[0],
        "mask": {"size": [height, width], "counts": runs(mask)},
    }


def runs(rows: list[list[bool]]) -> list[int]:
    """Lengths of runs of 0, 1, 0, ... down the columns."""
    counts, value = [0], False
    for column in zip(*rows, strict=True):
        for pixel in column:
            if pixel != value:
                counts.append(0)
                value = pixel
            counts[-1] += 1
    return counts


def rle_case(name: str, mask: np.ndarray, *, with_rows: bool = True) -> dict[str, Any]:
    compressed = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    case: dict[str, Any] = {"name": name, "size": list(mask.shape)}
    if with_rows:
        case["rows"] = ["".join("1" if pixel else "0" for pixel in row) for row in mask]
    case["uncompressed"] = runs(mask.tolist())
    case["compressed"] = compressed["counts"].decode()
    case["area"] = int(coco.area(compressed))
    case["bbox"] = [int(value) for value in coco.toBbox(compressed)]
    return case


def rle_cases() -> list[dict[str, Any]]:
    rng = np.random.default_rng(20)
    square = np.zeros((6, 8), bool)
    square[2:5, 3:6] = True
    first = np.zeros((3, 4), bool)
    first[0, 0] = True
    two = np.zeros((5, 9), bool)
    two[:, 0] = two[1:3, 6:] = True
    y, x = np.mgrid[0:300, 0:400]
    return [
        rle_case("empty", np.zeros((4, 5), bool)),
        rle_case("full", np.ones((4, 5), bool)),
        rle_case("one pixel set", np.ones((1, 1), bool)),
        rle_case("one pixel clear", np.zeros((1, 1), bool)),
        rle_case("square", square),
        rle_case("first pixel", first),
        rle_case("two parts", two),
        rle_case("one row", np.array([[0, 1, 1, 0, 1]], bool)),
        rle_case("one column", np.array([[0], [1], [1], [0], [1]], bool)),
        rle_case("noise", rng.random((12, 17)) < 0.5),
        rle_case("sparse", rng.random((20, 15)) < 0.05),
        rle_case("disk", (x - 150) ** 2 + (y - 120) ** 2 < 100**2, with_rows=False),
        rle_case("ring", np.abs(np.hypot(x - 210, y - 150) - 120) < 17, with_rows=False),
        rle_case("long runs", (x > 250) & (y >= 0), with_rows=False),
    ]


def write(name: str, content: dict[str, Any]) -> None:
    (HERE / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    rng = random.Random(20)
    write(
        "coordinates.json",
        {
            "cases": [coordinate_case(*picture, "longest_side", rng) for picture in PICTURES]
            + [coordinate_case(*picture, "square", rng) for picture in STRETCHED],
            "upsampling": [upsampling_case(*case, "longest_side", rng) for case in UPSAMPLING]
            + [upsampling_case("stretched", 10, 7, 8, 4, "square", rng)],
        },
    )
    write("rle.json", {"cases": rle_cases()})


if __name__ == "__main__":
    main()
