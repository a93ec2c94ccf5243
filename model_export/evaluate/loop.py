"""Prompts a model as a person would, object by object, and keeps what came of each prompt."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from model_export.data.errors import AnnotationError
from model_export.data.picture import Picture
from model_export.data.rle import RLE, area, covers, from_bitmap, to_bitmap
from model_export.evaluate.boundary import boundary_f
from model_export.evaluate.clicker import next_click
from model_export.evaluate.metrics import MAX_CLICKS, mask_iou
from model_export.evaluate.opening import open_predictor
from model_export.evaluate.predictor import Click, Mask, OpenPicture, Predictor, Previous
from model_export.evaluate.repair import mask_to_repair
from model_export.evaluate.results import ObjectResult, Probe, Repair, Times
from model_export.export.cases import bounding_box
from server.domain.ports import LoadedBundle, UInt8

BOUNDARY_CLICKS = (1, 3, 5, 10)
EXAMPLE_CLICKS = 5
SMALLEST, LARGEST = 0.001, 0.9  # share of the picture that an object covers
REPAIR = 1  # in the seed of faulty masks, so that they are not drawn with the numbers of `Probe`


@dataclass(frozen=True)
class Protocol:
    """What is asked of every model. `objects` a picture, the largest first; `seed` is for the random places of
    `Probe` and for faulty masks; `ritm_clicks`: see clicker.py; `given`: also repair a faulty mask."""

    objects: int = 2
    max_clicks: int = MAX_CLICKS
    seed: int = 0
    ritm_clicks: bool = False
    given: bool = False


@dataclass(frozen=True)
class Target:
    """One object of a picture: `truth` bool [height, width] without the pixels of `ignore`, Fortran order like every
    mask here; `index` among the picture's masks."""

    picture: Picture
    index: int
    truth: Mask
    ignore: Mask | None

    @cached_property
    def rle(self) -> RLE:
        return text_rle(self.truth)

    def generator(self, *seed: int) -> np.random.Generator:
        """The same for the same object wherever its folder lies."""
        name = f"{self.picture.source}/{self.picture.path.name}"
        return np.random.default_rng([*seed, zlib.crc32(name.encode()), self.index])

    def counting(self, mask: Mask) -> Mask:
        return mask if self.ignore is None else mask & ~self.ignore


def text_rle(mask: Mask) -> RLE:
    """COCO RLE whose counts are text, as JSON needs it."""
    rle = from_bitmap(mask)
    return {"size": [int(side) for side in rle["size"]], "counts": rle["counts"].decode()}


def targets_of(picture: Picture, count: int) -> Iterator[Target]:
    """The `count` largest masks that cover 0.1 % to 90 % of the picture, each decoded when its turn comes: a thousand
    objects of a large picture would not fit into memory at once."""
    ignored = picture.ignore_mask()
    ignore = None if ignored is None else ignored.astype(bool)
    pixels = picture.width * picture.height
    sizes = [area(rle) for rle in picture.rles]
    fitting = [k for k, size in enumerate(sizes) if SMALLEST < size / pixels < LARGEST]
    found = 0
    for index in sorted(fitting, key=lambda k: sizes[k], reverse=True):
        if found == count:
            return
        truth = picture.mask(index).astype(bool)
        if ignore is not None:
            truth &= ~ignore
            if np.count_nonzero(truth) <= SMALLEST * pixels:
                continue
        found += 1
        yield Target(picture, index, truth, ignore)


def probe(opened: OpenPicture, target: Target, seed: int) -> Probe | None:
    """One click at a random place of the object, the same for every model. The candidates are compared with every
    annotated mask of the picture around that place, since the click may mean any of them."""
    rng = target.generator(seed)
    ys, xs = np.nonzero(target.truth)
    place = int(rng.integers(len(ys)))
    y, x = int(ys[place]), int(xs[place])
    answer = opened.ask([Click(x + 0.5, y + 0.5, True)])
    scored = [(k, answer.score(k), answer.stability(k)) for k in answer.candidates]
    known = [(k, score, stable) for k, score, stable in scored if score is not None and stable is not None]
    if not known:
        return None
    rles = target.picture.rles
    others = [k for k, rle in enumerate(rles) if k != target.index and covers(rle, x, y)]
    around = [target.truth] + [target.picture.mask(k).astype(bool) for k in others]
    masks = [answer.mask(k) for k, _, _ in known]
    ious = [max(mask_iou(truth, mask, target.ignore) for truth in around) for mask in masks]
    return Probe(tuple(score for _, score, _ in known), tuple(stable for _, _, stable in known), tuple(ious))


def ask_box(opened: OpenPicture, target: Target) -> tuple[float, float | None, float]:
    """(IoU, predicted IoU, boundary F) of the mask for the tight box."""
    answer = opened.ask([], box=bounding_box(target.truth))
    mask = answer.mask(answer.shown)
    iou, boundary = mask_iou(target.truth, mask, target.ignore), boundary_f(target.truth, mask, target.ignore)
    return iou, answer.score(answer.shown), boundary


@dataclass
class Clicking:
    """What came of each click; see `ObjectResult`."""

    example: Mask
    clicks: list[Click] = field(default_factory=list)
    curve: list[float] = field(default_factory=list)
    scores: list[float | None] = field(default_factory=list)
    boundary: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    candidate_ious: list[float] = field(default_factory=list)
    candidate_scores: list[float | None] = field(default_factory=list)


def ask_clicks(opened: OpenPicture, target: Target, protocol: Protocol, given: Mask | None = None) -> Clicking:
    """Clicks from the error of the mask before, which is fed back, until nothing is left to correct. Begins with the
    mask `given`, or with none."""
    truth, ignore = target.truth, target.ignore
    predicted: Mask = np.zeros_like(truth) if given is None else given
    clicked: Mask = np.zeros_like(truth)
    found = Clicking(predicted)
    previous: Previous | None = given
    while len(found.clicks) < protocol.max_clicks:
        click = next_click(truth, predicted, clicked, ignore, as_ritm=protocol.ritm_clicks)
        if click is None:
            break
        clicked[int(click.y), int(click.x)] = True
        found.clicks.append(click)
        started = time.perf_counter()
        previous = answer = opened.ask(found.clicks, previous=previous)
        predicted = answer.mask(answer.shown)
        found.seconds.append(time.perf_counter() - started)
        found.curve.append(mask_iou(truth, predicted, ignore))
        found.scores.append(answer.score(answer.shown))
        count = len(found.clicks)
        if count == 1:
            found.candidate_ious = [mask_iou(truth, answer.mask(k), ignore) for k in answer.candidates]
            found.candidate_scores = [answer.score(k) for k in answer.candidates]
        if count in BOUNDARY_CLICKS:
            found.boundary.append(boundary_f(truth, predicted, ignore))
        if count <= EXAMPLE_CLICKS:
            found.example = predicted
    missing = sum(click > len(found.clicks) for click in BOUNDARY_CLICKS)
    found.boundary += [boundary_f(truth, predicted, ignore)] * missing
    return found


def evaluate_object(
    opened: OpenPicture,
    target: Target,
    protocol: Protocol,
    *,
    boxes: bool = True,
    encode_seconds: float = 0.0,
    given: Mask | None = None,
) -> ObjectResult:
    """The box alone, the clicks, the click at a random place, and the clicks that repair the mask `given`, none of
    which knows of the others."""
    box, box_score, box_boundary = ask_box(opened, target) if boxes else (None, None, None)
    clicking = ask_clicks(opened, target, protocol)
    repairing = None if given is None else ask_clicks(opened, target, protocol, given)
    return ObjectResult(
        source=target.picture.source,
        picture=str(target.picture.path),
        mask=target.index,
        box=box,
        box_score=box_score,
        box_boundary=box_boundary,
        candidate_ious=tuple(clicking.candidate_ious),
        candidate_scores=tuple(clicking.candidate_scores),
        curve=tuple(clicking.curve),
        scores=tuple(clicking.scores),
        boundary=tuple(clicking.boundary),
        clicks=tuple(clicking.clicks),
        probe=probe(opened, target, protocol.seed),
        truth=target.rle,
        example=text_rle(target.counting(clicking.example)),
        times=Times(encode_seconds, tuple(clicking.seconds), tuple(repairing.seconds) if repairing else ()),
        repair=repair_of(target, given, repairing) if given is not None and repairing else None,
    )


def repair_of(target: Target, given: Mask, clicking: Clicking) -> Repair:
    begun = mask_iou(target.truth, given, target.ignore)
    return Repair(text_rle(given), begun, tuple(clicking.curve), tuple(clicking.scores), tuple(clicking.clicks))


class UnreadablePictureError(ValueError):
    """The message names the file and what is wrong with it."""


def read_upright(picture: Picture) -> UInt8:
    """As `pixels` of a picture. Raises UnreadablePictureError when the file is not there, no picture or damaged, or of
    another size than its annotations."""
    try:
        return picture.pixels()
    except AnnotationError as error:
        raise UnreadablePictureError(str(error)) from error


def evaluate_picture(
    predictors: Mapping[str, Predictor], picture: Picture, protocol: Protocol
) -> dict[str, list[ObjectResult]]:
    """Every model on the same objects."""
    if next(targets_of(picture, 1), None) is None:
        return {name: [] for name in predictors}
    rgb = read_upright(picture)
    given = faulty_masks(picture, rgb, protocol) if protocol.given else {}
    results = {}
    for name, predictor in predictors.items():
        started = time.perf_counter()
        opened = predictor.open(rgb)
        seconds = time.perf_counter() - started
        results[name] = [
            evaluate_object(
                opened, target, protocol, boxes=predictor.takes_boxes, encode_seconds=seconds,
                given=to_bitmap(given[target.index]).astype(bool) if target.index in given else None,
            )
            for target in targets_of(picture, protocol.objects)
        ]  # fmt: skip
    return results


def faulty_masks(picture: Picture, rgb: UInt8, protocol: Protocol) -> dict[int, RLE]:
    """The mask that is to be repaired of each object, by its index; none of an object for which none will do."""
    found = {}
    for target in targets_of(picture, protocol.objects):
        mask = mask_to_repair(target.generator(protocol.seed, REPAIR), target.truth, target.ignore, rgb)
        if mask is not None:
            found[target.index] = text_rle(mask)
    return found


def evaluate_bundle(
    bundle: LoadedBundle,
    pictures: Iterable[Picture],
    *,
    objects: int = 2,
    max_clicks: int = MAX_CLICKS,
    threads: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> Iterator[ObjectResult]:
    """One bundle, in this process. `progress` hears of the number of pictures done."""
    protocol = Protocol(objects, max_clicks)
    predictors = {"bundle": open_predictor(bundle, threads=threads)}
    for done, picture in enumerate(pictures, 1):
        yield from evaluate_picture(predictors, picture, protocol)["bundle"]
        progress(done)
