"""Writes click_loop.json, the vectors of the interactive loop that pytest and vitest both read.

    python tests/golden/generate_clicks.py

Everything here is the definition spelt out in plain loops (docs/interactive.md); nothing of Segserve is imported, so
the file holds the implementations to account and not to themselves. The two graphs are toys that any language can
compute: see `coarse` and `refine`.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CLEARANCE = 2e-5
RULES = {"disk_radius": 3.0, "expansion": 1.4, "smallest_target": 16, "smallest_focus": 8, "merge_from": 6}
SIZE, GRID = 32, 16
Mask = list[list[bool]]
Box = tuple[int, int, int, int]
Click = tuple[float, float, bool]


def around(box: tuple[float, float, float, float], within: Box, expansion: float, smallest: int) -> Box:
    lengths = [max(expansion * (box[2] - box[0]), smallest), max(expansion * (box[3] - box[1]), smallest)]
    lengths = [max(length, 2 / 3 * max(lengths)) for length in lengths]
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return (
        max(within[0], math.floor(x - lengths[0] / 2)), max(within[1], math.floor(y - lengths[1] / 2)),
        min(within[2], math.ceil(x + lengths[0] / 2)), min(within[3], math.ceil(y + lengths[1] / 2)),
    )  # fmt: skip


def picture(width: int, height: int) -> list[list[list[int]]]:
    """RGB rows: a green disk and a green bar on dark ground, with a pattern that no two neighbours share."""
    rows = []
    for y in range(height):
        row = []
        for x in range(width):
            inside = math.hypot(x - width * 0.35, y - height * 0.45) < 0.28 * height or x > 0.8 * width
            row.append([(37 * x + 11 * y) % 256, 153 + (x * y) % 7 if inside else 40 + (x + 3 * y) % 9, (5 * x) % 256])
        rows.append(row)
    return rows


def halved(image: list[list[list[int]]]) -> list[list[list[int]]]:
    height, width = len(image), len(image[0])
    result = []
    for y in range(0, height, 2):
        row = []
        for x in range(0, width, 2):
            down, along = min(y + 1, height - 1), min(x + 1, width - 1)
            four = [image[y][x], image[y][along], image[down][x], image[down][along]]
            row.append([(sum(pixel[c] for pixel in four) + 2) // 4 for c in range(3)])
        result.append(row)
    return result


def place(low: int, high: int, index: int, step: int, count: int) -> tuple[int, int, float]:
    at = (low + (index + 0.5) * (high - low) / SIZE) / step - 0.5
    first = math.floor(at)
    return min(max(first, 0), count - 1), min(max(first + 1, 0), count - 1), at - first


def sample(image: list[list[list[int]]], crop: Box) -> list[list[list[int]]]:
    scale = max(crop[2] - crop[0], crop[3] - crop[1]) / SIZE
    level = max(0, math.floor(math.log2(scale)))
    for _ in range(level):
        image = halved(image)
    rows = []
    for j in range(SIZE):
        top, below, down = place(crop[1], crop[3], j, 2**level, len(image))
        row = []
        for i in range(SIZE):
            left, right, along = place(crop[0], crop[2], i, 2**level, len(image[0]))
            pixel = []
            for c in range(3):
                upper = image[top][left][c] + (image[top][right][c] - image[top][left][c]) * along
                lower = image[below][left][c] + (image[below][right][c] - image[below][left][c]) * along
                value = upper + (lower - upper) * down
                assert abs((value + 0.501) % 1) > 1e-4 or (value + 0.501) % 1 < 1 - 1e-4, "too near to the next number"
                pixel.append(math.floor(value + 0.501))
            row.append(pixel)
        rows.append(row)
    return rows


def sample_mask(mask: Mask, crop: Box) -> list[list[float]]:
    rows = []
    for j in range(SIZE):
        top, below, down = place(crop[1], crop[3], j, 1, len(mask))
        row = []
        for i in range(SIZE):
            left, right, along = place(crop[0], crop[2], i, 1, len(mask[0]))
            upper = mask[top][left] + (mask[top][right] - mask[top][left]) * along
            lower = mask[below][left] + (mask[below][right] - mask[below][left]) * along
            row.append(upper + (lower - upper) * down)
        rows.append(row)
    return rows


def disks(clicks: list[Click], crop: Box, radius: float) -> list[list[list[int]]]:
    maps = [[[0] * SIZE for _ in range(SIZE)] for _ in range(2)]
    last = {(math.floor(x), math.floor(y)): k for k, (x, y, _) in enumerate(clicks)}
    for k, (x, y, positive) in enumerate(clicks):
        if last[math.floor(x), math.floor(y)] != k:
            continue
        cx, cy = (x - crop[0]) * SIZE / (crop[2] - crop[0]), (y - crop[1]) * SIZE / (crop[3] - crop[1])
        for j in range(SIZE):
            for i in range(SIZE):
                distance = (i + 0.5 - cx) ** 2 + (j + 0.5 - cy) ** 2
                assert abs(distance - radius**2) > 1e-9 or distance == radius**2
                if distance <= radius**2:
                    maps[0][j][i], maps[1][j][i] = int(positive), int(not positive)
    return maps


def component(region: Mask, column: int, row: int) -> Mask | None:
    places = [(x, y) for y, line in enumerate(region) for x, value in enumerate(line) if value]
    if not places:
        return None
    seed = min(places, key=lambda place: ((place[0] - column) ** 2 + (place[1] - row) ** 2, place[1], place[0]))
    found = [[False] * len(region[0]) for _ in region]
    waiting = [seed]
    while waiting:
        x, y = waiting.pop()
        if not (0 <= y < len(region) and 0 <= x < len(region[0])) or found[y][x] or not region[y][x]:
            continue
        found[y][x] = True
        waiting += [(x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
    return found


def bounds(mask: Mask) -> Box | None:
    rows = [y for y, line in enumerate(mask) if any(line)]
    columns = [x for x in range(len(mask[0])) if any(line[x] for line in mask)]
    return (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) if rows else None


def cell(rows: list[list[Any]], j: int, i: int, value: Any) -> float:
    """Mean over the 2 x 2 pixels of a cell."""
    return sum(value(rows[2 * j + dy][2 * i + dx]) for dy in (0, 1) for dx in (0, 1)) / 4


def coarse(pixels: Any, maps: Any, previous: Any) -> list[list[float]]:
    """12 (0.17 - |g - m|) + 2 (p - 0.5) + 3 f - 9 b + 0.01 i at the cell in column i: means of green / 255, of the
    previous mask, of the two disk maps; m is the mean green under all foreground disks, 0.5 without one. The column
    makes a mirrored picture's answer another one."""
    marked = [pixels[j][i][1] / 255 for j in range(SIZE) for i in range(SIZE) if maps[0][j][i]]
    mean = sum(marked) / len(marked) if marked else 0.5
    return [
        [
            12 * (0.17 - abs(cell(pixels, j, i, lambda p: p[1] / 255) - mean))
            + 2 * (cell(previous, j, i, float) - 0.5)
            + 3 * cell(maps[0], j, i, float)
            - 9 * cell(maps[1], j, i, float)
            + 0.01 * i
            for i in range(GRID)
        ]
        for j in range(GRID)
    ]


def refine(pixels: Any, maps: Any, box: list[float]) -> list[list[float]]:
    """As `coarse` with m = 0.6, no previous mask, and for each pixel of the coarse input 0.01 of the focus crop's width
    and 0.02 of what lies left of it."""
    return [
        [
            12 * (0.17 - abs(cell(pixels, j, i, lambda p: p[1] / 255) - 0.6))
            + 0.01 * (box[2] - box[0])
            + 0.02 * box[0]
            + 3 * cell(maps[0], j, i, float)
            - 9 * cell(maps[1], j, i, float)
            + 0.01 * i
            for i in range(GRID)
        ]
        for j in range(GRID)
    ]


def mirrored(rows: list[list[Any]]) -> list[list[Any]]:
    return [line[::-1] for line in rows]


def mean(one: list[list[float]], other: list[list[float]]) -> list[list[float]]:
    return [[(a + b) / 2 for a, b in zip(line, far, strict=True)] for line, far in zip(one, other, strict=True)]


def coarse_answer(pixels: Any, maps: Any, previous: Any, *, flip: bool) -> list[list[float]]:
    """Under flip averaging the mean with the mirrored inputs' answer, mirrored back."""
    plain = coarse(pixels, maps, previous)
    if not flip:
        return plain
    return mean(plain, mirrored(coarse(mirrored(pixels), [mirrored(each) for each in maps], mirrored(previous))))


def refine_answer(pixels: Any, maps: Any, box: list[float], *, flip: bool) -> list[list[float]]:
    plain = refine(pixels, maps, box)
    if not flip:
        return plain
    across = [SIZE - box[2], box[1], SIZE - box[0], box[3]]
    return mean(plain, mirrored(refine(mirrored(pixels), [mirrored(each) for each in maps], across)))


def put(mask: Mask, crop: Box, logits: list[list[float]]) -> Mask:
    """A copy with the crop's pixels set by the upsampled logits (docs/coordinates.md)."""
    result = [list(line) for line in mask]
    width, height = crop[2] - crop[0], crop[3] - crop[1]
    for y in range(height):
        for x in range(width):
            u, v = (x + 0.5) / width * GRID - 0.5, (y + 0.5) / height * GRID - 0.5
            i, j = math.floor(u), math.floor(v)
            clamp = lambda k: min(max(k, 0), GRID - 1)  # noqa: E731
            upper = logits[clamp(j)][clamp(i)] * (1 - u + i) + logits[clamp(j)][clamp(i + 1)] * (u - i)
            lower = logits[clamp(j + 1)][clamp(i)] * (1 - u + i) + logits[clamp(j + 1)][clamp(i + 1)] * (u - i)
            value = upper * (1 - v + j) + lower * (v - j)
            assert abs(value) > CLEARANCE, "a pixel too near to the threshold: move a click"
            result[crop[1] + y][crop[0] + x] = value > 0
    return result


def differing(a: Mask, b: Mask, crop: Box) -> Mask:
    return [[a[y][x] != b[y][x] for x in range(crop[0], crop[2])] for y in range(crop[1], crop[3])]


def shifted(box: Box, crop: Box) -> Box:
    return box[0] + crop[0], box[1] + crop[1], box[2] + crop[0], box[3] + crop[1]


def step(
    image: Any, before: Mask, clicks: list[Click], *, given: bool, look_twice: bool, flip: bool
) -> tuple[Mask, Box, Box, float]:
    """-> mask, target crop, focus crop, predicted IoU."""
    whole = (0, 0, len(before[0]), len(before))

    def first(mask: Mask) -> tuple[Box, list[list[float]], Mask]:
        box = bounds(mask)
        target = whole
        if box:
            xs, ys = [x for x, _, _ in clicks], [y for _, y, _ in clicks]
            span = (min(box[0], *xs), min(box[1], *ys), max(box[2], *xs), max(box[3], *ys))
            target = around(span, whole, RULES["expansion"], int(RULES["smallest_target"]))
        maps = disks(clicks, target, RULES["disk_radius"])
        logits = coarse_answer(sample(image, target), maps, sample_mask(mask, target), flip=flip)
        return target, logits, put(mask, target, logits)

    target, logits, after = first(before)
    if look_twice and not any(map(any, before)) and any(map(any, after)):
        target, logits, after = first(after)
    column, row = math.floor(clicks[-1][0]), math.floor(clicks[-1][1])
    piece = component(differing(before, after, target), column - target[0], row - target[1])
    box = shifted(bounds(piece), target) if piece else (column, row, column, row)  # type: ignore[arg-type]
    focus = around(box, target, RULES["expansion"], int(RULES["smallest_focus"]))
    scale = SIZE / (target[2] - target[0]), SIZE / (target[3] - target[1])
    inner = [
        (focus[0] - target[0]) * scale[0], (focus[1] - target[1]) * scale[1],
        (focus[2] - target[0]) * scale[0], (focus[3] - target[1]) * scale[1],
    ]  # fmt: skip
    fine = refine_answer(sample(image, focus), disks(clicks, focus, RULES["disk_radius"]), inner, flip=flip)
    after = put(after, focus, fine)
    if given or len(clicks) >= RULES["merge_from"]:
        piece = component(differing(before, after, focus), column - focus[0], row - focus[1])
        kept = [list(line) for line in before]
        for y in range(focus[1], focus[3]):
            for x in range(focus[0], focus[2]):
                if piece and piece[y - focus[1]][x - focus[0]]:
                    kept[y][x] = not kept[y][x]
        after = kept
    inside = [1 / (1 + math.exp(-value)) for line in logits for value in line if value > 0]
    outside = [1 / (1 + math.exp(-value)) for line in logits for value in line if value <= 0]
    iou = sum(inside) / (len(inside) + sum(outside)) if inside else 0.0
    return after, target, focus, iou


def flat(image: list[list[list[int]]]) -> list[list[int]]:
    return [pixel for line in image for pixel in line]


def rows_of(mask: Mask) -> list[str]:
    return ["".join("1" if value else "0" for value in line) for line in mask]


SESSION: list[Any] = [
    (12.3, 11.6, True), (20.2, 20.1, False), (33.4, 6.7, True), "undo", (9.4, 17.3, True), (38.2, 25.4, True),
    (38.2, 25.4, False), (2.6, 3.2, True), "undo", (14.7, 9.3, False), (17.3, 14.2, True), (4.4, 4.2, True),
]  # fmt: skip


def session(*, look_twice: bool = False, given: bool = False, flip: bool = False) -> dict[str, Any]:
    width, height = 41, 30
    image = picture(width, height)
    start = [[given and 8 <= x < 18 and 8 <= y < 18 for x in range(width)] for y in range(height)]
    states: list[tuple[Mask, list[Click]]] = [(start, [])]
    steps: list[dict[str, Any]] = []
    for action in SESSION:
        if action == "undo":
            states.pop()
            steps.append({"undo": True, "mask": rows_of(states[-1][0])})
            continue
        mask, clicks = states[-1]
        clicks = [*clicks, action]
        after, target, focus, iou = step(image, mask, clicks, given=given, look_twice=look_twice, flip=flip)
        states.append((after, clicks))
        steps.append(
            {
                "x": action[0], "y": action[1], "positive": action[2], "mask": rows_of(after), "target": list(target),
                "focus": list(focus), "predicted_iou": iou,
            }
        )  # fmt: skip
    return {
        "width": width, "height": height, "size": SIZE, "grid": GRID, "rules": RULES | {"look_twice": look_twice},
        "given": given, "flip": flip, "start": rows_of(start), "pixels": flat(image), "steps": steps,
    }  # fmt: skip


def crop_case(box: list[float], width: int, height: int, expansion: float, smallest: int) -> dict[str, Any]:
    crop = around((box[0], box[1], box[2], box[3]), (0, 0, width, height), expansion, smallest)
    return {
        "box": box, "width": width, "height": height, "expansion": expansion, "smallest": smallest, "crop": list(crop),
    }  # fmt: skip


def main() -> None:
    crops = [
        crop_case([100, 80, 300, 120], 640, 480, 1.4, 128), crop_case([0, 0, 5, 5], 640, 480, 1.4, 128),
        crop_case([600.5, 400.25, 640, 480], 640, 480, 1.4, 128), crop_case([3, 3, 3, 3], 7, 200, 1.4, 64),
        crop_case([0, 0, 1, 1], 1, 1, 1.4, 128), crop_case([10, 10, 3900, 40], 4000, 3000, 1.4, 128),
    ]  # fmt: skip
    samples = []
    for width, height, crop in ((41, 30, (3, 2, 40, 30)), (150, 99, (0, 0, 150, 99)), (300, 7, (10, 0, 290, 7))):
        image = picture(width, height)
        samples.append(
            {
                "width": width, "height": height, "crop": list(crop), "size": SIZE,
                "pixels": flat(image), "sampled": flat(sample(image, crop)),
            }
        )  # fmt: skip
    clicks: list[Click] = [
        (5.5, 5.5, True),
        (7.2, 6.1, False),
        (5.1, 5.9, False),
        (39.9, 29.9, True),
        (60.0, 3.0, True),
    ]
    maps = disks(clicks, (0, 0, 40, 30), 3.0)
    content = {
        "crops": crops,
        "samples": samples,
        "disks": {
            "clicks": clicks, "crop": [0, 0, 40, 30], "size": SIZE, "radius": 3.0,
            "superseded": [0], "foreground": rows_of(maps[0]), "background": rows_of(maps[1]),
        },
        "sessions": [session(), session(look_twice=True), session(given=True), session(flip=True)],
    }  # fmt: skip
    text = json.dumps(content, separators=(",", ":"))
    (HERE / "click_loop.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
