"""RITM (Sofiiuk et al. 2021), the IT-M models: HRNet with object context, one stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from model_export.models.click_network import ClickNetwork, CoarseStage
from model_export.models.click_stem import MAPS_RULES, Maps, Normalised
from model_export.models.hrnet import HRNet, hrnet_name, spread
from model_export.models.ocr import SPARE, ObjectContext, attention_layout, ocr_name
from model_export.models.vit_encoder import PIXEL_MEAN, PIXEL_STD

INPUT_SIZE = 400  # the longer side of RITM's own zoom-in
QUERIES_AND_KEYS = "ocr_distri_head.object_context_block."


@dataclass(frozen=True)
class HRNetSize:
    width: int
    context: int  # OCR's width
    small: bool = False


RITM_SIZES = {
    "ritm-hrnet18s-itm": HRNetSize(18, 48, small=True),
    "ritm-hrnet18-itm": HRNetSize(18, 64),
    "ritm-hrnet32-itm": HRNetSize(32, 128),
}


class HRNetClicks(nn.Module):
    """The network that RITM and FocalClick share; `features` is the number of its feature maps."""

    def __init__(self, size: HRNetSize) -> None:
        super().__init__()
        self.maps = Maps()
        self.backbone = HRNet(size.width, small=size.small)
        self.context = ObjectContext(self.backbone.channels, size.context)
        self.features = 2 * size.context

    def forward(self, x: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
        """x [B, 3, s, s] normalised, maps [B, 3, s, s] of mask and clicks -> logits [B, 1, s/4, s/4], features
        [B, C, s/4, s/4]."""
        logits, features = self.context(self.backbone(x, self.maps(maps)))
        return logits, features


class RitmCoarse(CoarseStage):
    """Logits of the input's size, as the authors have them: spread inside, corners aligned."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.normalised = Normalised()
        self.network = network

    def forward(self, pixels: Tensor, clicks: Tensor, previous_mask: Tensor) -> tuple[Tensor]:
        logits, _ = self.network(self.normalised(pixels), torch.cat([previous_mask, clicks], 1))
        return (spread(logits, clicks.shape[-2:]),)


class Ritm(ClickNetwork):
    pixel_mean, pixel_std = PIXEL_MEAN, PIXEL_STD
    refine_shape = None
    feature_shapes: ClassVar[Mapping[str, tuple[int, int, int]]] = {}

    def __init__(self, size: HRNetSize, input_size: int = INPUT_SIZE) -> None:
        super().__init__()
        self.input_size = input_size
        self.coarse_shape = (input_size, input_size)
        self.coarse = RitmCoarse(HRNetClicks(size))
        self.refine = None


def hrnet_click_name(name: str) -> str:
    """The authors' name -> that of `HRNetClicks` behind `coarse.network.`, or of a spare tensor; unknown ones stay."""
    if name.startswith("maps_transform."):
        rest = name.removeprefix("maps_transform.")
        return f"coarse.network.maps.{MAPS_RULES[rest[:2]]}{rest[2:]}" if rest[:2] in MAPS_RULES else name
    if not name.startswith("feature_extractor."):
        return name
    rest = name.removeprefix("feature_extractor.")
    if rest.startswith((QUERIES_AND_KEYS + "f_pixel.", QUERIES_AND_KEYS + "f_object.")):
        return SPARE + rest.removeprefix(QUERIES_AND_KEYS)
    head = ocr_name(rest)
    return f"coarse.network.context.{head}" if head else f"coarse.network.backbone.{hrnet_name(rest)}"


def ritm_spare(size: HRNetSize) -> dict[str, torch.Size]:
    return {SPARE + name: shape for name, shape in attention_layout(size.context).items()}
