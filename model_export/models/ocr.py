"""Object-contextual representations (Yuan et al. 2020) for one object, as RITM and FocalClick have them.

Each place attends to one region alone, so its attention is 1 whatever the queries and keys are: every place is told the
same, and the published tensors of queries (`f_pixel`) and keys (`f_object`) never reach a mask. They are checked, not
kept.
"""

from __future__ import annotations

import re

import torch
from torch import Tensor, nn

from model_export.models.hrnet import paired

SPARE = "spare."  # what a checkpoint holds and no mask depends on


class ObjectContext(nn.Module):
    """features [B, C, h, w] -> logits [B, 1, h, w], features [B, 2 width, h, w]."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.feature = nn.Sequential(nn.Conv2d(channels, 2 * width, 3, padding=1), nn.BatchNorm2d(2 * width), nn.ReLU())
        self.guess = nn.Sequential(
            nn.Conv2d(channels, channels, 1), nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, 1, 1)
        )
        self.value = paired(2 * width, width, 1)
        self.up = paired(width, 2 * width, 1)
        self.join = paired(4 * width, 2 * width, 1)
        self.out = nn.Conv2d(2 * width, 1, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.feature(x)
        share = self.guess(x).flatten(2).softmax(2)  # [B, 1, h w]: where the object is thought to be
        region = (features.flatten(2) @ share.transpose(1, 2)).unsqueeze(3)
        context = self.up(self.value(region)).expand_as(features)
        joined = self.join(torch.cat([context, features], 1))
        return self.out(joined), joined


# The authors' name -> ours, the first that fits.
RULES = (
    (r"conv3x3_ocr\.", "feature."),
    (r"aux_head\.", "guess."),
    (r"cls_head\.", "out."),
    (r"ocr_distri_head\.conv_bn_dropout\.0\.", "join.0."),
    (r"ocr_distri_head\.conv_bn_dropout\.1\.0\.", "join.1."),
    (r"ocr_distri_head\.object_context_block\.f_down\.0\.", "value.0."),
    (r"ocr_distri_head\.object_context_block\.f_down\.1\.0\.", "value.1."),
    (r"ocr_distri_head\.object_context_block\.f_up\.0\.", "up.0."),
    (r"ocr_distri_head\.object_context_block\.f_up\.1\.0\.", "up.1."),
)


def ocr_name(name: str) -> str | None:
    """None for a tensor that is not of this head."""
    for pattern, ours in RULES:
        if match := re.match(pattern, name):
            return ours + name[match.end() :]
    return None


def attention_layout(width: int) -> dict[str, torch.Size]:
    """The tensors of queries and keys, named as the authors have them behind `object_context_block.`."""
    shapes: dict[str, tuple[int, ...]] = {}
    for part in ("f_pixel", "f_object"):
        for place, inputs in ((0, 2 * width), (2, width)):
            shapes[f"{part}.{place}.weight"] = (width, inputs, 1, 1)
            norm = f"{part}.{place + 1}.0"
            shapes |= {f"{norm}.{name}": (width,) for name in ("weight", "bias", "running_mean", "running_var")}
            shapes[f"{norm}.num_batches_tracked"] = ()
    return {name: torch.Size(shape) for name, shape in shapes.items()}
