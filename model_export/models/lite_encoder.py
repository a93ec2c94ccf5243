"""Image encoder of segserve-lite: inverted bottlenecks, two attention blocks at stride 32, a feature pyramid.

Blocks after MobileNetV4's universal inverted bottleneck (Qin et al. 2024), FPN (Lin et al. 2017) and, on the pyramid,
ConvNeXt (Liu et al. 2022).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model_export.models.depthwise import DepthwiseConv2d
from model_export.models.local_block import LocalBlock
from model_export.models.network import Encoder

PIXEL_MEAN = (123.675, 116.28, 103.53)
PIXEL_STD = (58.395, 57.12, 57.375)
STRIDE = 32


def conv_bn(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, act: bool = True
) -> nn.Sequential:
    kind = DepthwiseConv2d if groups == inputs else nn.Conv2d
    layers: list[nn.Module] = [
        kind(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    if act:
        layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def channels_last(blocks: nn.Module, x: Tensor) -> Tensor:
    """`blocks` of [B, h, w, C] on x [B, C, h, w]."""
    result: Tensor = blocks(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    return result


class InvertedBottleneck(nn.Module):
    """Optional depthwise conv, expansion, depthwise conv (may stride), projection; residual where shapes agree."""

    def __init__(self, inputs: int, outputs: int, expansion: float, first: int, middle: int, stride: int = 1) -> None:
        super().__init__()
        hidden = int(inputs * expansion)
        layers: list[nn.Module] = []
        if first:
            layers.append(conv_bn(inputs, inputs, first, groups=inputs, act=False))
        layers.append(conv_bn(inputs, hidden, 1))
        if middle:
            layers.append(conv_bn(hidden, hidden, middle, stride, groups=hidden))
        layers.append(conv_bn(hidden, outputs, 1, act=False))
        self.body = nn.Sequential(*layers)
        self.residual = inputs == outputs and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return x + y if self.residual else y


class AttentionBlock(nn.Module):
    """Pre-norm self-attention and MLP over all positions of a [B, C, h, w] map."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        t = x.flatten(2).transpose(1, 2)
        q, k, v = (
            self.qkv(self.norm1(t)).view(b, h * w, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        )
        a = F.scaled_dot_product_attention(q, k, v)
        t = t + self.out(a.transpose(1, 2).reshape(b, h * w, c))
        t = t + self.mlp(self.norm2(t))
        result: Tensor = t.transpose(1, 2).reshape(b, c, h, w)
        return result


class LiteEncoder(Encoder):
    """pixels uint8 [B, S, S, 3] RGB and valid_size int64 [B, 2] (height, width) -> embedding tensors.

    `image_embeddings` [B, dim, S/16, S/16], `high_res_8` [B, 32, S/8, S/8], `high_res_4` [B, 16, S/4, S/4], float32.
    """

    output_names = ("image_embeddings", "high_res_8", "high_res_4")

    def __init__(self, dim: int = 128) -> None:
        super().__init__()
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(PIXEL_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(PIXEL_STD).view(1, 3, 1, 1), persistent=False)
        block = InvertedBottleneck
        self.stage4 = nn.Sequential(conv_bn(3, 24, 3, 2), conv_bn(24, 32, 3, 2), conv_bn(32, 32, 1))
        self.stage8 = nn.Sequential(conv_bn(32, 96, 3, 2), conv_bn(96, 48, 1), block(48, 48, 2, 3, 3))
        self.stage16 = nn.Sequential(
            block(48, 96, 4, 5, 5, 2),
            block(96, 96, 3, 3, 3),
            block(96, 96, 3, 0, 5),
            block(96, 96, 4, 3, 0),
            block(96, 96, 3, 0, 3),
        )
        self.stage32 = nn.Sequential(
            block(96, 160, 4, 3, 3, 2),
            block(160, 160, 3, 5, 5),
            block(160, 160, 3, 0, 5),
            block(160, 160, 3, 3, 0),
            AttentionBlock(160, 5),
            AttentionBlock(160, 5),
        )
        self.lateral32 = nn.Conv2d(160, dim, 1)
        self.lateral16 = nn.Conv2d(96, dim, 1)
        self.smooth16 = nn.Sequential(conv_bn(dim, dim, 3, groups=dim), nn.Conv2d(dim, dim, 1))
        self.context16 = nn.Sequential(LocalBlock(dim, 7), LocalBlock(dim, 7))
        self.lateral8 = nn.Conv2d(48, 32, 1)
        self.from16 = nn.Conv2d(dim, 32, 1)
        self.smooth8 = conv_bn(32, 32, 3)
        self.context8 = nn.Sequential(LocalBlock(32, 7), LocalBlock(32, 7))
        self.high8 = nn.Conv2d(32, 32, 1)
        self.lateral4 = nn.Conv2d(32, 16, 1)
        self.from8 = nn.Conv2d(32, 16, 1)
        self.high4 = nn.Conv2d(16, 16, 3, padding=1)

    def normalise(self, pixels: Tensor, valid_size: Tensor) -> Tensor:
        """-> float32 [B, 3, S, S]; positions outside (height, width) are exactly 0 after normalisation."""
        x = (pixels.permute(0, 3, 1, 2).float() - self.mean) / self.std
        rows = torch.arange(pixels.shape[1], device=pixels.device).view(1, 1, -1, 1) < valid_size[:, 0].view(
            -1, 1, 1, 1
        )
        cols = torch.arange(pixels.shape[2], device=pixels.device).view(1, 1, 1, -1) < valid_size[:, 1].view(
            -1, 1, 1, 1
        )
        result: Tensor = x * (rows & cols).float()
        return result

    def features(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        c4 = self.stage4(x)
        c8 = self.stage8(c4)
        c16 = self.stage16(c8)
        c32 = self.stage32(c16)
        up = F.interpolate(self.lateral32(c32), scale_factor=2.0, mode="nearest")
        p16 = channels_last(self.context16, self.smooth16(F.relu(self.lateral16(c16) + up)))
        p8 = self.smooth8(F.relu(self.lateral8(c8) + F.interpolate(self.from16(p16), scale_factor=2.0, mode="nearest")))
        p8 = channels_last(self.context8, p8)
        p4 = F.relu(self.lateral4(c4) + F.interpolate(self.from8(p8), scale_factor=2.0, mode="nearest"))
        return p16, self.high8(p8), self.high4(p4)

    def forward(self, pixels: Tensor, valid_size: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.features(self.normalise(pixels, valid_size))
