"""Real inputs of a click model's two graphs: a picture clicked as in training, for parity and golden vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from model_export.data.errors import AnnotationError
from model_export.data.picture import Picture
from model_export.data.picture_files import MAX_PIXELS
from model_export.data.readers import read_sets
from model_export.export.pictures import sample_paths
from model_export.models.click_network import ClickNetwork
from model_export.train.click_samples import ClickSample
from model_export.train.click_step import coarse_inputs, refine_inputs
from model_export.train.clicked import Clicked
from server.domain.ports import UInt8
from server.runtime.images import decode_image

CLICKS = 4
CPU = torch.device("cpu")
Inputs = dict[str, NDArray[np.float32] | UInt8]
# graph inputs by name -> its outputs by name
Graph = Callable[[Inputs], dict[str, NDArray[np.float32]]]


def annotated_samples(data: Path, count: int, size: int) -> list[ClickSample]:
    """`count` validation pictures spread over all sets, each whole with its largest mask below two thirds of it; fewer
    where one cannot be read."""
    pictures = read_sets(data, "val")
    found = (sample_of(picture, size) for picture in pictures[:: max(1, len(pictures) // count)][:count])
    return [sample for sample in found if sample is not None]


def sample_of(picture: Picture, size: int) -> ClickSample | None:
    masks = sorted((picture.mask(k) for k in range(len(picture.rles))), key=np.count_nonzero)
    fitting = [mask for mask in masks if 0 < mask.mean() < 0.67]
    if not fitting:
        return None
    try:
        return stretched(picture.pixels(), fitting[-1], size)
    except AnnotationError:
        return None


def drawn_sample(size: int, number: int = 0) -> ClickSample:
    """One of the page's own pictures with an ellipse in its middle as what is clicked."""
    rgb = decode_image(sample_paths()[number].read_bytes(), max_pixels=MAX_PIXELS).rgb
    mask = np.zeros(rgb.shape[:2], np.uint8)
    height, width = rgb.shape[0], rgb.shape[1]
    cv2.ellipse(mask, (width // 2, height // 2), (width // 5, height // 4), 0, 0, 360, 1, -1)
    return stretched(rgb, mask, size)


def stretched(rgb: UInt8, mask: UInt8, size: int) -> ClickSample:
    fine = (2 * size, 2 * size)
    pixels = np.asarray(cv2.resize(rgb, fine, interpolation=cv2.INTER_AREA), np.uint8)
    truth = np.asarray(cv2.resize(mask * 255, fine, interpolation=cv2.INTER_AREA), np.uint8)
    return ClickSample(pixels, truth, np.full(fine, 255, np.uint8))


def clicked(
    model: ClickNetwork, sample: ClickSample, coarse: Graph, clicks: int = CLICKS
) -> Iterator[tuple[str, Inputs]]:
    """("coarse", inputs) and ("refine", inputs) of each click; `coarse` answers the former."""
    rng, size = np.random.default_rng(0), model.input_size
    one = Clicked(sample, size)
    for _ in range(clicks):
        before = one.mask
        one.click(rng)
        names = ("pixels", "clicks", "previous_mask")
        inputs: Inputs = {
            name: value.numpy() for name, value in zip(names, coarse_inputs([one], model.disk_radius, CPU), strict=True)
        }
        yield "coarse", inputs
        answer = coarse(inputs)
        one.answered(answer["logits"][0, 0])
        after, one.mask = one.mask, before
        box = one.focus(rng, after)
        one.mask = after
        if model.refine is not None:
            pixels, disks = refine_inputs([one], [box], model.disk_radius, CPU)
            yield "refine", {
                "pixels": pixels.numpy(), "clicks": disks.numpy(), "coarse_logits": answer["logits"],
                **{name: answer[name] for name in model.feature_shapes}, "focus_box": np.array([box], np.float32),
            }  # fmt: skip
