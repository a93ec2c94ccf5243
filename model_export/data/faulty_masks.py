"""Faulty masks: a true mask spoilt to an IoU in a given range, for clicks that repair instead of starting over.

After FocalClick's DAVIS-585 (Chen et al., CVPR 2022: masks of IoU 0.75 to 0.85 with errors of the border, wrongly added
and missing regions). One to four faults of these kinds, each of a random share of the error:

- `border`: a smooth signed displacement of the outline, so that stretches are eroded, dilated or shifted;
- `cut`: a side of the object is missing behind a wavy line;
- `bite`: a blob is missing, inside (a hole) or at the border;
- `blob`: a blob is added beside the border;
- `island`: a blob is added away from the object;
- `leak`, `hollow`: the mask runs out into the surroundings, or ends too early, along what has a similar colour.

A fault is a field over the pixels that are still right: the lower its value, the sooner a pixel turns wrong. So each is
carried on pixel by pixel to the IoU that it is allowed, and the last one meets the range whatever the object's shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Bitmap = NDArray[np.bool_]
Field = NDArray[np.float32]  # [h, w]; infinite where the fault leaves a pixel as it is

MOST_FAULTS = 4
REACH = 0.6  # of the object's longer side: how far around it faults lie
LEVELS = 512  # steps in which a field is carried on, before single pixels
CELLS = 64  # longer side of the grid on which colours are followed
FAR = 1e6


@dataclass(frozen=True)
class Scene:
    """The surroundings of an object. `truth` bool [h, w]; `depth` float32 [h, w]: distance to the border, inside and
    outside; `scale`: root of the object's area; `pixels` uint8 [h, w, 3] where they are known."""

    truth: Bitmap
    depth: Field
    scale: float
    pixels: NDArray[np.uint8] | None


def faulty_mask(
    rng: np.random.Generator,
    mask: NDArray[np.uint8] | Bitmap,
    low: float = 0.75,
    high: float = 0.85,
    pixels: NDArray[np.uint8] | None = None,
) -> Bitmap:
    """mask [H, W], whatever is not 0 is the object; pixels uint8 [H, W, 3] -> bool [H, W] with an IoU from `low` to
    `high` to it, the same for the same state of `rng`. As near as can be where no mask has such an IoU (objects of
    one or two pixels); an empty mask stays empty. Raises ValueError for a range that is none."""
    if not 0 < low < high < 1:
        raise ValueError(f"IoU from {low} to {high} is no range inside 0 to 1")
    whole: Bitmap = np.ascontiguousarray(mask) != 0
    if not whole.any():
        return whole
    crop = surroundings(whole)
    truth = np.ascontiguousarray(whole[crop])
    scene = Scene(truth, depths(truth), math.sqrt(np.count_nonzero(truth)), None if pixels is None else pixels[crop])
    goal = float(rng.uniform(low, high))
    shares = np.cumsum(rng.dirichlet(np.full(rng.integers(1, MOST_FAULTS + 1), 2.0)))
    kinds = rng.choice(len(KINDS), len(shares), p=CHANCES)
    found = truth.copy()
    for kind, share in zip(kinds, shares, strict=True):
        carry_on(found, KINDS[kind](rng, scene), scene, 1 - (1 - goal) * float(share))
    carry_on(found, eroded(scene), scene, goal)
    if iou(truth, found) > high:
        one_more(rng, scene, found, low)
    result: Bitmap = np.zeros_like(whole)
    result[crop] = found
    return result


def iou(truth: Bitmap, found: Bitmap) -> float:
    return float(np.count_nonzero(truth & found) / np.count_nonzero(truth | found))


def surroundings(mask: Bitmap) -> tuple[slice, slice]:
    """Rows and columns of the object's box and REACH around it."""
    ranges = [np.flatnonzero(mask.any(axis=axis))[[0, -1]] for axis in (1, 0)]
    reach = 2 + int(REACH * max(last - first for first, last in ranges))
    rows, columns = (slice(max(0, int(first) - reach), int(last) + 1 + reach) for first, last in ranges)
    return rows, columns


def depths(truth: Bitmap) -> Field:
    """Distance to the nearest pixel of the other kind; the picture's edge is no border."""
    inside = truth.astype(np.uint8)
    own = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_5)
    if not truth.all():
        own = own + cv2.distanceTransform(1 - inside, cv2.DIST_L2, cv2.DIST_MASK_5)
    else:
        own = np.ones_like(own)
    return np.asarray(own, np.float32)


def carry_on(found: Bitmap, field: Field, scene: Scene, goal: float) -> None:
    """Turns the pixels of `field` wrong in `found`, lowest first, while the IoU stays at least `goal`."""
    truth = scene.truth
    places = np.flatnonzero((found == truth) & np.isfinite(field))
    if not places.size:
        return
    values, inside = field.ravel()[places], truth.ravel()[places]
    common, union = np.count_nonzero(truth & found), np.count_nonzero(truth | found)
    lowest, highest = float(values.min()), float(values.max())
    level = ((values - lowest) * ((LEVELS - 1) / max(highest - lowest, 1e-9))).astype(np.intp)
    lost, added = np.bincount(level[inside], minlength=LEVELS), np.bincount(level[~inside], minlength=LEVELS)
    kept = int(np.count_nonzero((common - np.cumsum(lost)) >= goal * (union + np.cumsum(added))))
    chosen = level < kept
    common, union = common - int(lost[:kept].sum()), union + int(added[:kept].sum())
    edge = np.flatnonzero(level == kept)
    edge = edge[np.argsort(values[edge], kind="stable")]
    apart = inside[edge]
    fits = (common - np.cumsum(apart)) >= goal * (union + np.cumsum(~apart))
    chosen[edge[fits]] = True
    turned = places[chosen]
    found.ravel()[turned] = ~truth.ravel()[turned]


def one_more(rng: np.random.Generator, scene: Scene, found: Bitmap, low: float) -> None:
    """A single pixel at the border, where the IoU is still too high for want of pixels: one is taken away, or added
    where that would bring the IoU below `low`."""
    right = np.flatnonzero((found == scene.truth) & (scene.depth < 2))
    inside = scene.truth.ravel()[right]
    common, union = np.count_nonzero(scene.truth & found), np.count_nonzero(scene.truth | found)
    taken = (common - 1) / union >= low or bool(inside.all())
    chosen = right[inside == taken]
    if chosen.size:
        found.ravel()[rng.choice(chosen)] ^= True


def noise(rng: np.random.Generator, shape: tuple[int, int], cells: int) -> Field:
    """Smooth, of mean 0 and deviation about 1, with `cells` bumps along each side."""
    return np.asarray(
        cv2.resize(rng.normal(size=(cells, cells)), shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32
    )


def places_of(truth: Bitmap) -> tuple[Field, Field]:
    """x [1, w] and y [h, 1] of the pixels."""
    height, width = truth.shape
    return np.arange(width, dtype=np.float32)[None], np.arange(height, dtype=np.float32)[:, None]


def border(rng: np.random.Generator, scene: Scene) -> Field:
    push = noise(rng, scene.truth.shape, int(rng.integers(3, 9))) + np.float32(rng.normal(0, 0.7))
    outwards = np.where(scene.truth, -push, push)
    with np.errstate(divide="ignore"):
        return np.where(outwards > 0.02, (scene.depth - 0.5) / outwards, np.float32(np.inf)).astype(np.float32)


def cut(rng: np.random.Generator, scene: Scene) -> Field:
    x, y = places_of(scene.truth)
    angle = rng.uniform(0, 2 * math.pi)
    wave = noise(rng, scene.truth.shape, 6) * np.float32(0.12 * scene.scale)
    along = np.float32(math.cos(angle)) * x + np.float32(math.sin(angle)) * y + wave
    return np.where(scene.truth, along, np.float32(np.inf))


def around(rng: np.random.Generator, scene: Scene, wanted: Bitmap, inside: bool) -> Field:
    """Grows a blob from a place of `wanted`, or anywhere where there is none."""
    seed = pick(rng, wanted, scene, inside)
    x, y = places_of(scene.truth)
    distance = np.hypot((x - seed[1]) * np.float32(np.exp(rng.normal(0, 0.4))), y - seed[0])
    field = distance * np.exp(np.float32(0.35) * noise(rng, scene.truth.shape, 7))
    return np.where(scene.truth == inside, field, np.float32(np.inf)).astype(np.float32)


def pick(rng: np.random.Generator, wanted: Bitmap, scene: Scene, inside: bool) -> tuple[int, int]:
    """(row, column) of a pixel of `wanted` that is inside or outside; any such pixel, then any, where none is."""
    side = scene.truth == inside
    for choice in (side & wanted, side, np.ones_like(side)):
        found = np.flatnonzero(choice)
        if found.size:
            break
    row, column = divmod(int(found[rng.integers(found.size)]), side.shape[1])
    return row, column


def bite(rng: np.random.Generator, scene: Scene) -> Field:
    return around(rng, scene, scene.truth, inside=True)


def blob(rng: np.random.Generator, scene: Scene) -> Field:
    return around(rng, scene, scene.depth < 2 + 0.1 * scene.scale, inside=False)


def island(rng: np.random.Generator, scene: Scene) -> Field:
    return around(rng, scene, scene.depth > 3 + 0.25 * scene.scale, inside=False)


def leak(rng: np.random.Generator, scene: Scene) -> Field:
    return along_colour(rng, scene, inside=False)


def hollow(rng: np.random.Generator, scene: Scene) -> Field:
    return along_colour(rng, scene, inside=True)


def along_colour(rng: np.random.Generator, scene: Scene, inside: bool) -> Field:
    """Geodesic distance from a place at the border, dear where the colour differs from that place's."""
    height, width = scene.truth.shape
    shrink = min(1.0, CELLS / max(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    row, column = pick(rng, scene.depth < 3, scene, inside)
    row, column = min(int(row * shrink), size[1] - 1), min(int(column * shrink), size[0] - 1)
    cost = np.exp(0.5 * noise(rng, (size[1], size[0]), 8).astype(np.float64))
    if scene.pixels is not None:
        colours = cv2.resize(np.ascontiguousarray(scene.pixels), size, interpolation=cv2.INTER_AREA).astype(np.float64)
        cost += 0.15 * np.abs(colours - colours[row, column]).sum(axis=2)
    share = cv2.resize(scene.truth.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    cost += 20.0 * np.abs(share - inside)
    distance = np.full(cost.shape, FAR)
    distance[row, column] = 0
    for _ in range(4):
        for axis in (0, 1):
            distance = swept(distance, cost, axis)
    full = cv2.resize(distance.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.where(scene.truth == inside, full, np.float32(np.inf)).astype(np.float32)


def swept(distance: NDArray[np.float64], cost: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Shortest ways that end with a straight run along `axis`, forwards or backwards, from cell centre to centre."""
    run = np.cumsum(cost, axis=axis) - cost / 2
    forwards = np.minimum.accumulate(distance - run, axis=axis) + run
    turned = np.flip(distance + run, axis=axis)
    return np.minimum(forwards, np.flip(np.minimum.accumulate(turned, axis=axis), axis=axis) - run)


def eroded(scene: Scene) -> Field:
    """Every pixel of the object, from the border inwards: enough for any IoU."""
    return np.where(scene.truth, scene.depth, np.float32(np.inf))


KINDS: tuple[Callable[[np.random.Generator, Scene], Field], ...] = (border, cut, bite, blob, island, leak, hollow)
CHANCES = (0.3, 0.1, 0.15, 0.15, 0.1, 0.12, 0.08)
