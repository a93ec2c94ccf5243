"""A click model to train on, out of a bundle: all of an interactive one's weights, or a promptable one's encoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from model_export.models import CLICK_MODELS
from model_export.models.clicks import SegserveClicks
from model_export.train.click_samples import ClickSample
from model_export.train.click_step import coarse_inputs, refine_inputs
from model_export.train.clicked import Clicked
from model_export.train.warm_start import measure_statistics, model_from_bundle, unfold_batch_norm

CPU = torch.device("cpu")


def click_model_from_bundle(
    name: str, kind: str, path: Path, samples: Sequence[ClickSample], rng: np.random.Generator, frozen: bool = False
) -> SegserveClicks:
    """The trainable float32 network with the weights of the safetensors file `path` of a bundle of `kind`; batch norm's
    statistics are measured on `samples`, but not those of a `frozen` coarse stage. Raises ValueError when the file is
    of another network."""
    model = CLICK_MODELS[name]()
    size = model.input_size
    if kind == "promptable":
        images = [torch.from_numpy(Clicked(sample, size).pixels)[None] for sample in samples]
        whole = torch.tensor([[size, size]])
        encoder = model_from_bundle("segserve-lite", path, [(image, whole) for image in images]).encoder
        own = model.coarse.backbone.state_dict()
        model.coarse.backbone.load_state_dict({k: v for k, v in encoder.state_dict().items() if k in own})
        return model
    folded = {key: value.float() for key, value in load_file(path).items()}
    try:
        model.load_state_dict(unfold_batch_norm(model, folded))
    except RuntimeError as error:
        raise ValueError(f"the weights in {path} are not those of {name}: {error}") from error
    model.eval()
    measure_statistics(model.refine if frozen else model, [lambda: both_stages(model, samples, rng)])
    return model


def both_stages(model: SegserveClicks, samples: Sequence[ClickSample], rng: np.random.Generator) -> None:
    """One click on each sample, through both stages."""
    size = model.input_size
    batch = [Clicked.begun(rng, sample, size) for sample in samples]
    for each in batch:
        each.click(rng)
    logits, features = model.coarse(*coarse_inputs(batch, model.disk_radius, CPU))
    after = torch.nn.functional.interpolate(logits, (size, size), mode="bilinear")[:, 0].numpy() > 0
    boxes = [each.focus(rng, mask) for each, mask in zip(batch, after, strict=True)]
    pixels, disks = refine_inputs(batch, boxes, model.disk_radius, CPU)
    model.refine(pixels, disks, logits, features, torch.tensor(boxes, dtype=torch.float32))
