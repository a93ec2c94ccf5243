"""The published networks of interactive segmentation: how each is made and loaded (docs/models.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from model_export.models.checkpoint import (
    CheckpointError,
    differences,
    fit,
    read_content,
    refuse_nonfinite,
    tensors_in,
)
from model_export.models.click_network import ClickNetwork
from model_export.models.focal_click import FocalClick, FocalClickS1, FocalClickS2, gate_layout, refiner_name
from model_export.models.ocr import SPARE
from model_export.models.ritm import RITM_SIZES, HRNetClicks, HRNetSize, Ritm, hrnet_click_name, ritm_spare
from model_export.models.segformer_clicks import (
    SEGFORMER_SIZES,
    SegformerClicks,
    SegformerSize,
    maps_layout,
    segformer_tensors,
)
from model_export.models.simple_click import SimpleClick, ViTSize, simple_click_spare, simple_click_tensors

RITM_PAPER = (
    "Sofiiuk et al., Reviving Iterative Training with Mask Guidance for Interactive Segmentation, 2021; "
    "https://github.com/SamsungLabs/ritm_interactive_segmentation"
)
FOCAL_PAPER = (
    "Chen et al., FocalClick: Towards Practical Interactive Image Segmentation, 2022; "
    "https://github.com/alibaba/ClickSEG"
)
SIMPLE_PAPER = (
    "Liu et al., SimpleClick: Interactive Image Segmentation with Simple Vision Transformers, 2023; "
    "https://github.com/uncbiag/SimpleClick"
)
LICENSE = "MIT"  # of the repositories that published the weights
STAGES: dict[str, type[FocalClick]] = {"s1": FocalClickS1, "s2": FocalClickS2}
HRNET_S1_RADIUS, SEGFORMER_S1_RADIUS, RADIUS = 2, 3, 5

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class ClickPublished:
    """`make` gives the network with random weights, `rename` a checkpoint's tensors under the names of its state dict
    (unknown ones stay as they are). `spare`: shapes of tensors that belong to the checkpoint and reach no mask, under
    their renamed names. `says`: what the checkpoint's own configuration has to say, where it has one: tensors alone do
    not tell S1 from S2, nor disks from distance maps."""

    title: str
    description: str
    license: str
    source: str
    make: Callable[[], ClickNetwork]
    rename: Callable[[Tensors], dict[str, Tensor]]
    spare: Mapping[str, torch.Size]
    says: Mapping[str, object]


def hrnet_tensors(tensors: Tensors) -> dict[str, Tensor]:
    """Of RITM's models and of FocalClick's with HRNet."""
    return {refiner_name(hrnet_click_name(name)): value for name, value in tensors.items()}


def focal_segformer_tensors(tensors: Tensors) -> dict[str, Tensor]:
    return {refiner_name(name): value for name, value in segformer_tensors(tensors).items()}


def _ritm(size: HRNetSize, title: str, description: str) -> ClickPublished:
    says = {"use_disks": True, "norm_radius": RADIUS, "with_prev_mask": True, "use_leaky_relu": True}
    return ClickPublished(
        title, description, LICENSE, RITM_PAPER, partial(Ritm, size), hrnet_tensors, ritm_spare(size), says
    )


def _focal_hrnet(size: HRNetSize, version: str, title: str, description: str) -> ClickPublished:
    def make() -> ClickNetwork:
        network = HRNetClicks(size)
        return STAGES[version](network, network.features, HRNET_S1_RADIUS if version == "s1" else RADIUS)

    says = {"pipeline_version": version, "with_prev_mask": True, "use_leaky_relu": True}
    return ClickPublished(title, description, LICENSE, FOCAL_PAPER, make, hrnet_tensors, ritm_spare(size), says)


def _focal_segformer(size: SegformerSize, version: str, title: str, description: str) -> ClickPublished:
    def make() -> ClickNetwork:
        network = SegformerClicks(size)
        return STAGES[version](network, network.features, SEGFORMER_S1_RADIUS if version == "s1" else RADIUS)

    says = {"pipeline_version": version, "with_prev_mask": True}
    spare = maps_layout() | gate_layout()
    return ClickPublished(title, description, LICENSE, FOCAL_PAPER, make, focal_segformer_tensors, spare, says)


def _simple_click(title: str, description: str) -> ClickPublished:
    says = {"use_disks": True, "norm_radius": RADIUS, "with_prev_mask": True}
    spare = simple_click_spare(ViTSize().width)
    return ClickPublished(title, description, LICENSE, SIMPLE_PAPER, SimpleClick, simple_click_tensors, spare, says)


_SMALL = RITM_SIZES["ritm-hrnet18s-itm"]
_AT_128 = "at 128 pixels coarse, 256 refined"
_AT_256 = "at 256 pixels, coarse and refined"
CLICK_PUBLISHED: dict[str, ClickPublished] = {
    "ritm-hrnet18s-itm": _ritm(_SMALL, "RITM HRNet18s IT-M", "RITM's smallest; one stage at 400 pixels."),
    "ritm-hrnet18-itm": _ritm(
        RITM_SIZES["ritm-hrnet18-itm"], "RITM HRNet18 IT-M", "RITM's middle size; one stage at 400 pixels."
    ),
    "ritm-hrnet32-itm": _ritm(
        RITM_SIZES["ritm-hrnet32-itm"], "RITM HRNet32 IT-M", "RITM's largest; one stage at 400 pixels."
    ),
    "focalclick-segformer-b0-s1": _focal_segformer(
        SEGFORMER_SIZES["b0"], "s1", "FocalClick B0-S1", f"FocalClick's quickest, {_AT_128}."
    ),
    "focalclick-segformer-b0-s2": _focal_segformer(
        SEGFORMER_SIZES["b0"], "s2", "FocalClick B0-S2", f"FocalClick's small SegFormer, {_AT_256}."
    ),
    "focalclick-segformer-b3-s2": _focal_segformer(
        SEGFORMER_SIZES["b3"], "s2", "FocalClick B3-S2", f"FocalClick's best, {_AT_256}."
    ),
    "focalclick-hrnet18s-s1": _focal_hrnet(
        _SMALL, "s1", "FocalClick HRNet18s-S1", f"FocalClick's small HRNet, {_AT_128}."
    ),
    "focalclick-hrnet18s-s2": _focal_hrnet(
        _SMALL, "s2", "FocalClick HRNet18s-S2", f"FocalClick's small HRNet, {_AT_256}."
    ),
    "simpleclick-vit-b": _simple_click("SimpleClick ViT-B", "A plain ViT for clicks; one stage at 448 pixels, slow."),
}


def load_click_published(name: str, checkpoint: Path) -> ClickNetwork:
    """The network `name` with a published checkpoint's weights, in eval mode. Raises CheckpointError."""
    content = read_content(checkpoint)
    model = load_click_tensors(name, tensors_in(content, checkpoint.name))
    refuse_other_configuration(name, content)
    return model.eval().requires_grad_(False)


def load_click_tensors(name: str, tensors: Tensors) -> ClickNetwork:
    """The network `name` with the weights of a published checkpoint in the authors' layout. Strict: every tensor has
    its place, in the network or among the spare ones. Raises CheckpointError that says what differs, and which other
    network the file is of."""
    known = CLICK_PUBLISHED[name]
    renamed = known.rename(tensors)
    spare = {key: value for key, value in renamed.items() if key.startswith(SPARE)}
    model = known.make()
    try:
        if complaints := differences(known.spare, spare):
            raise CheckpointError(f"this is not a checkpoint of {name}: {'; '.join(complaints)}")
        refuse_nonfinite(spare, name)
        fit(model, {key: value for key, value in renamed.items() if key not in spare}, name)
    except CheckpointError as error:
        others = [other for other in CLICK_PUBLISHED if other != name and has_layout(other, tensors)]
        raise CheckpointError(f"{error}. It is one of {' or '.join(others)}." if others else str(error)) from error
    return model


def has_layout(name: str, tensors: Tensors) -> bool:
    """Whether these are the tensors of a checkpoint of `name`, by names and shapes."""
    known = CLICK_PUBLISHED[name]
    with torch.device("meta"):
        state = known.make().state_dict()
    expected = {key: value.shape for key, value in state.items()} | dict(known.spare)
    return not differences(expected, known.rename(tensors))


def refuse_other_configuration(name: str, content: object) -> None:
    """Raises CheckpointError where the checkpoint's configuration, of which the authors write one beside the tensors,
    contradicts the network's."""
    config = content.get("config") if isinstance(content, Mapping) else None
    params = config.get("params") if isinstance(config, Mapping) else None
    if not isinstance(params, Mapping):
        return
    for key, wanted in CLICK_PUBLISHED[name].says.items():
        told = params.get(key)
        if isinstance(told, Mapping) and "value" in told and told["value"] != wanted:
            raise CheckpointError(
                f"this is not a checkpoint of {name}: its configuration says {key} = {told['value']!r}, not {wanted!r}"
            )
