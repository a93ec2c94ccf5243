"""Further valid regions of a picture from the masks that it has: part, object and group at one place.

A click is ambiguous, and a network only learns to answer with several sizes if training shows it several. Annotators
draw one of them, mostly the object. Two more follow from the masks alone, without looking at the picture:

- a group: a mask joined with one to three others that touch it (two people arm in arm, a rider and the horse);
- a remainder: a mask without a part of it that has a mask of its own (a person without the coat).

For use while sampling:

    rles = picture.rles + further_regions(picture.rles, rng, 3)

Everything happens on RLEs. A call with `count=3` takes 1 to 5 ms at 512 px, the more the more masks there are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from model_export.data.rle import RLE, area, borders, from_borders, intersection, subtract, union

GAP = 3  # pixels between masks that still touch: annotators leave a seam
CONTACT = 0.25  # shared border of masks that touch, as a share of the square root of the smaller area
NESTED = 0.9  # share of a part's area that lies in the whole
PART_AREA = (0.05, 0.7)  # of the whole: less removes nothing to see, more leaves a rim
LARGEST = 0.5  # area of a group, of the picture: more would join a street, its trees and the sky
ALIKE = 0.1  # least ratio of areas in a group: a person and a crumb beside make none
NEW = 0.9  # a region with this IoU to a known one is not a further one
TRIES = 3  # for each region that is asked for


def further_regions(rles: Sequence[RLE], rng: np.random.Generator, count: int) -> tuple[RLE, ...]:
    """At most `count` groups and remainders of the masks `rles` (RLEs of one picture), none of them nearly equal to a
    mask or to another; fewer, or none, where the masks neither touch nor nest. The same `rng` state gives the same
    regions."""
    masks = [rle for rle in rles if area(rle)]
    if len(masks) < 2:
        return ()
    areas = np.asarray(coco_mask.area(masks), np.float64)
    boxes = np.asarray(coco_mask.toBbox(masks), np.float64)
    found: list[RLE] = []
    for _ in range(TRIES * count):
        if len(found) == count:
            break
        seed = int(rng.integers(len(masks)))
        if rng.random() < 0.5:
            region = _remainder(masks, areas, seed, rng)
        else:
            region = _group(masks, _near(boxes, seed), seed, rng)
        if region is not None and not _is_known(region, masks, areas) and not _is_known(region, found):
            found.append(region)
    return tuple(found)


def _remainder(masks: Sequence[RLE], areas: NDArray[np.float64], seed: int, rng: np.random.Generator) -> RLE | None:
    """The mask `seed` without one of its parts."""
    share = areas / areas[seed]
    smaller = np.flatnonzero((share > PART_AREA[0]) & (share < PART_AREA[1]))
    if not len(smaller):
        return None
    # COCO's IoU with a crowd is the share of a mask's area that lies in the crowd
    inside = np.asarray(coco_mask.iou([masks[int(k)] for k in smaller], [masks[seed]], [1]))[:, 0]
    parts = smaller[inside >= NESTED]
    return subtract(masks[seed], masks[int(rng.choice(parts))]) if len(parts) else None


def _group(masks: Sequence[RLE], near: NDArray[np.intp], seed: int, rng: np.random.Generator) -> RLE | None:
    """The mask `seed` and one to three of those in `near`, each of which touches what is there already."""
    group = masks[seed]
    around = surroundings(group)
    joined = 0
    wanted = int(rng.integers(1, 4))
    for index in rng.permutation(near):
        other = masks[int(index)]
        # what lies inside, or holds all that is there, makes no group
        overlap, areas = area(intersection([group, other])), sorted((area(group), area(other)))
        if areas[0] >= ALIKE * areas[1] and overlap < 0.5 * areas[0] and _contact(around, group, other):
            group = union([group, other])
            joined += 1
            if joined == wanted:
                break
            around = surroundings(group)
    height, width = group["size"]
    return group if joined and area(group) <= LARGEST * height * width else None


def _near(boxes: NDArray[np.float64], seed: int) -> NDArray[np.intp]:
    """Indices of the boxes (float64 [n, 4] x y width height) that come within GAP of the box `seed`."""
    corner, far = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    near = ((corner <= far[seed] + GAP) & (corner[seed] <= far + GAP)).all(axis=1)
    near[seed] = False
    return np.flatnonzero(near)


def surroundings(rle: RLE) -> RLE:
    """The mask and its copies moved by GAP pixels up, down, left and right. What leaves a column above or below enters
    its neighbour at the other end: rare, and too little to make a contact."""
    height, width = rle["size"]
    places = borders(rle)
    moved = (np.clip(places + step, 0, height * width) for step in (-GAP, GAP, -GAP * height, GAP * height))
    return union([rle, *(from_borders(each, height, width) for each in moved)])


def touches(first: RLE, second: RLE) -> bool:
    """Whether the masks overlap or run along each other with at most GAP pixels between."""
    return _contact(surroundings(first), first, second)


def _contact(around: RLE, first: RLE, second: RLE) -> bool:
    """`touches`, with `around` as the surroundings of `first`."""
    needed = CONTACT * GAP * float(np.sqrt(min(area(first), area(second))))
    return area(intersection([around, second])) >= needed


def _is_known(region: RLE, known: Sequence[RLE], areas: NDArray[np.float64] | None = None) -> bool:
    """Whether `region` is nearly equal to one of `known`. An IoU cannot exceed the ratio of the areas."""
    if areas is None:
        areas = np.array([area(rle) for rle in known], np.float64)
    ratio = areas / max(area(region), 1)
    alike = [known[int(k)] for k in np.flatnonzero((ratio >= NEW) & (ratio <= 1 / NEW))]
    return bool(alike) and float(np.max(coco_mask.iou([region], alike, [0] * len(alike)))) >= NEW
