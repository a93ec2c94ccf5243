"""Prompts a bundle as a person would, object by object, and keeps the IoU after each prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model_export.data.picture import Picture
from model_export.evaluate.clicker import next_click
from model_export.evaluate.metrics import MAX_CLICKS, mask_iou
from model_export.export.cases import bounding_box
from model_export.export.parity import through_wire
from model_export.export.pictures import open_picture
from server.domain.geometry import InputFrame
from server.domain.masks import upsample_mask
from server.domain.ports import Decoder, DecoderOutputs, Float32, LoadedBundle, Tensors
from server.domain.prompts import Prompt, assemble
from server.runtime.onnx import OnnxBackend

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class ObjectResult:
    """IoU values of one object. `curve[k]` is after k + 1 clicks; the first by the best-scored of the candidates."""

    source: str
    picture: str
    box: float
    first_best_of_three: float
    first_score: float
    curve: tuple[float, ...]


@dataclass(frozen=True)
class Session:
    """One picture, encoded, ready to be prompted."""

    bundle: LoadedBundle
    decoder: Decoder
    embedding: Tensors
    frame: InputFrame

    def ask(self, prompt: Prompt) -> DecoderOutputs:
        spec = self.bundle.manifest.decoder
        return self.decoder.decode(self.embedding, assemble([prompt], self.frame, (spec.mask_height, spec.mask_width)))

    def mask(self, logits: Float32) -> Mask:
        return upsample_mask(logits, self.frame, self.bundle.manifest.mask_threshold)


def evaluate_object(
    session: Session, truth: Mask, source: str, picture: str, max_clicks: int = MAX_CLICKS
) -> ObjectResult:
    spec = session.bundle.manifest.decoder
    empty = np.empty((0, 2)), np.empty(0, np.float32)
    boxed = session.ask(Prompt(*empty, box=bounding_box(truth)))
    box = mask_iou(truth, session.mask(boxed.low_res_masks[0, spec.single_mask_index]))

    predicted: Mask = np.zeros_like(truth)
    clicked: Mask = np.zeros_like(truth)
    coords: list[tuple[float, float]] = []
    labels: list[float] = []
    curve: list[float] = []
    fed_back: Float32 | None = None
    best_of_three = first_score = 0.0
    for count in range(max_clicks):
        click = next_click(truth, predicted, clicked)
        if click is None:
            break
        clicked[int(click.y), int(click.x)] = True
        coords.append((click.x, click.y))
        labels.append(float(click.positive))
        answer = session.ask(Prompt(np.array(coords), np.array(labels, np.float32), mask_input=fed_back))
        if count == 0:
            candidates = list(spec.multi_mask_indices)
            index = candidates[int(answer.iou_predictions[0, candidates].argmax())]
            best_of_three = max(mask_iou(truth, session.mask(answer.low_res_masks[0, k])) for k in candidates)
            first_score = float(answer.iou_predictions[0, index])
        else:
            index = spec.single_mask_index
        fed_back = answer.low_res_masks[0, index]
        predicted = session.mask(fed_back)
        curve.append(mask_iou(truth, predicted))
    return ObjectResult(source, picture, box, best_of_three, first_score, tuple(curve))


def chosen_masks(picture: Picture, count: int) -> list[Mask]:
    """The `count` largest masks between 0.1 % and 90 % of the picture."""
    masks = [picture.mask(k).astype(bool) for k in range(len(picture.rles))]
    fitting = [mask for mask in masks if 0.001 < mask.mean() < 0.9]
    return sorted(fitting, key=np.count_nonzero, reverse=True)[:count]


def evaluate_bundle(
    bundle: LoadedBundle,
    pictures: Iterable[Picture],
    *,
    objects: int = 2,
    max_clicks: int = MAX_CLICKS,
    threads: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> Iterator[ObjectResult]:
    """`objects` per picture, largest first. The embedding goes through its stored form, as when serving."""
    backend = OnnxBackend(threads)
    encoder, decoder = backend.load_encoder(bundle), backend.load_decoder(bundle)
    for done, picture in enumerate(pictures, 1):
        opened = open_picture(Path(picture.path), bundle)
        embedding = through_wire(bundle, encoder.encode(opened.pixels, opened.valid_size)[0])
        session = Session(bundle, decoder, embedding, opened.frame)
        for mask in chosen_masks(picture, objects):
            yield evaluate_object(session, mask, picture.source, picture.path.name, max_clicks)
        progress(done)
