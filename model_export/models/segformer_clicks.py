"""SegFormer (Xie et al. 2021) as FocalClick uses it: what the clicks say joins between the first two stages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.models.segformer.configuration_segformer import SegformerConfig
from transformers.models.segformer.modeling_segformer import SegformerModel, SegformerOverlapPatchEmbeddings

from model_export.models.click_stem import MAPS
from model_export.models.ocr import SPARE

STAGES = 4
BLOCK_NORM_EPS = 1e-6  # the authors'; `transformers` has 1e-5 for every norm, which they have for some


@dataclass(frozen=True)
class SegformerSize:
    widths: tuple[int, ...]
    depths: tuple[int, ...]
    head: int


SEGFORMER_SIZES = {
    "b0": SegformerSize((32, 64, 160, 256), (2, 2, 2, 2), 256),
    "b3": SegformerSize((64, 128, 320, 512), (3, 4, 18, 3), 512),
}


class Head(nn.Module):
    """Every stage at the width and grid of one sum -> logits [B, 1, h, w], features [B, C, h, w].

    The authors project each stage, spread it, join all four and mix them by a 1x1 convolution. All of that is linear,
    so here each stage is mixed before it is spread: the same sum for a twentieth of the products."""

    def __init__(self, widths: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.projections = nn.ModuleList(nn.Linear(each, width) for each in widths)
        self.fuse = nn.Sequential(nn.Conv2d(STAGES * width, width, 1, bias=False), nn.BatchNorm2d(width))
        self.out = nn.Conv2d(width, 1, 1)

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        fuse, norm = self.fuse
        assert isinstance(fuse, nn.Conv2d)
        shares = fuse.weight.flatten(1).chunk(STAGES, 1)[::-1]  # the authors join the coarsest first
        mixed = []
        for x, projection, share in zip(maps, self.projections, shares, strict=True):
            assert isinstance(projection, nn.Linear)
            weight, bias = share @ projection.weight, share @ projection.bias
            y = F.conv2d(x, weight[..., None, None], bias)
            mixed.append(F.interpolate(y, size=maps[0].shape[-2:], mode="bilinear", align_corners=False))
        total = sum(mixed[1:], start=mixed[0])
        if fuse.bias is not None:  # of the norm, when that is folded into it
            total = total + fuse.bias[:, None, None]
        features = F.relu(norm(total))
        return self.out(features), features


class SegformerClicks(nn.Module):
    """As `HRNetClicks`: x and maps [B, 3, s, s] -> logits and features at s/4; `features` of them."""

    def __init__(self, size: SegformerSize) -> None:
        super().__init__()
        config = SegformerConfig(hidden_sizes=size.widths, depths=size.depths)
        self.backbone = SegformerModel._from_config(config, attn_implementation="eager")
        for stage in self.backbone.stages:
            stage.layer_norm.eps = BLOCK_NORM_EPS
            for block in stage.blocks:
                block.layernorm_before.eps = block.layernorm_after.eps = BLOCK_NORM_EPS
        self.side = SegformerOverlapPatchEmbeddings(7, 4, MAPS, size.widths[0])
        self.head = Head(size.widths, size.head)
        self.features = size.head

    def forward(self, x: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
        told, height, width = self.side(maps)
        told = told.transpose(1, 2).unflatten(2, (height, width))
        stages = []
        for number, stage in enumerate(self.backbone.stages):
            x = stage(x + told if number == 1 else x)
            stages.append(x)
        logits, features = self.head(stages)
        return logits, features


# The authors' name behind `feature_extractor.` -> ours; stages are counted from 1 there.
RULES = (
    (r"backbone\.patch_embed_side1\.proj\.", "side.proj."),
    (r"backbone\.patch_embed_side1\.norm\.", "side.layer_norm."),
    (r"backbone\.patch_embed(\d)\.proj\.", "backbone.stages.{stage}.patch_embeddings.proj."),
    (r"backbone\.patch_embed(\d)\.norm\.", "backbone.stages.{stage}.patch_embeddings.layer_norm."),
    (r"backbone\.block(\d)\.(\d+)\.norm1\.", "backbone.stages.{stage}.blocks.{block}.layernorm_before."),
    (r"backbone\.block(\d)\.(\d+)\.norm2\.", "backbone.stages.{stage}.blocks.{block}.layernorm_after."),
    (r"backbone\.block(\d)\.(\d+)\.attn\.q\.", "backbone.stages.{stage}.blocks.{block}.attention.q_proj."),
    (r"backbone\.block(\d)\.(\d+)\.attn\.kv\.", "backbone.stages.{stage}.blocks.{block}.attention.kv_proj."),
    (r"backbone\.block(\d)\.(\d+)\.attn\.proj\.", "backbone.stages.{stage}.blocks.{block}.attention.o_proj."),
    (
        r"backbone\.block(\d)\.(\d+)\.attn\.sr\.",
        "backbone.stages.{stage}.blocks.{block}.attention.sequence_reduction.sequence_reduction.",
    ),
    (
        r"backbone\.block(\d)\.(\d+)\.attn\.norm\.",
        "backbone.stages.{stage}.blocks.{block}.attention.sequence_reduction.layer_norm.",
    ),
    (r"backbone\.block(\d)\.(\d+)\.mlp\.", "backbone.stages.{stage}.blocks.{block}.mlp."),
    (r"backbone\.norm(\d)\.", "backbone.stages.{stage}.layer_norm."),
    (r"decode_head\.linear_c(\d)\.proj\.", "head.projections.{stage}."),
    (r"decode_head\.linear_fuse\.conv\.", "head.fuse.0."),
    (r"decode_head\.linear_fuse\.bn\.", "head.fuse.1."),
    (r"decode_head\.linear_pred\.", "head.out."),
)


def segformer_name(name: str) -> str:
    """The authors' name -> that of `SegformerClicks` behind `coarse.network.`, or of a spare tensor; unknown ones stay,
    and keys and values are still one."""
    if name.startswith("maps_transform."):
        return SPARE + name
    if not name.startswith("feature_extractor."):
        return name
    rest = name.removeprefix("feature_extractor.")
    for pattern, ours in RULES:
        if match := re.match(pattern, rest):
            number, block = (*match.groups(), "", "")[:2]
            stage = int(number) - 1 if number else 0
            return "coarse.network." + ours.format(stage=stage, block=block) + rest[match.end() :]
    return name


def segformer_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Keys and values, one layer of the authors', are split."""
    renamed: dict[str, Tensor] = {}
    for name, value in tensors.items():
        ours = segformer_name(name)
        if ".kv_proj." in ours and value.shape[0] % 2 == 0:
            for part, half in zip(("k_proj", "v_proj"), value.chunk(2), strict=True):
                renamed[ours.replace("kv_proj", part)] = half
        else:
            renamed[ours] = value
    return renamed


def maps_layout() -> dict[str, torch.Size]:
    """Tensors that FocalClick's SegFormer models hold and never use."""
    convolutions = {"0": (16, MAPS, 3, 3), "2": (32, 16, 3, 3)}
    shapes: dict[str, tuple[int, ...]] = {"3.scale": (1,)}
    for place, shape in convolutions.items():
        shapes |= {f"{place}.weight": shape, f"{place}.bias": shape[:1]}
    return {f"{SPARE}maps_transform.{name}": torch.Size(shape) for name, shape in shapes.items()}
