"""MobileSAM's image encoder: TinyViT-5M (Wu et al. 2022) for 1024 px, with SAM's neck (Zhang et al. 2023).

Modules are named as in the authors' checkpoint. Stages: inverted bottlenecks at stride 4, then windowed attention with
learned biases and a depthwise convolution between attention and MLP, at strides 8, 16 and 16 (the last stage is not
merged further, so that the embedding has 64 x 64 places).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.models.sam.configuration_sam import SamVisionConfig
from transformers.models.sam.modeling_sam import SamVisionNeck

from model_export.models.network import Encoder
from model_export.models.vit_encoder import PaddedPixels, join_windows, split_windows

WIDTHS = (64, 128, 160, 320)
DEPTHS = (2, 2, 6, 2)
HEADS = (2, 4, 5, 10)
WINDOWS = (7, 7, 14, 7)
EXPANSION = 4
UNMERGED_WIDTHS = (320,)  # a merging into this width keeps the resolution
CLASSES = 1000


class ConvNorm(nn.Sequential):
    """Convolution without bias and batch norm, which export folds into one."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.add_module("c", nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False))
        self.add_module("bn", nn.BatchNorm2d(outputs))


class PatchEmbed(nn.Module):
    """[B, 3, S, S] -> [B, C, S/4, S/4]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.seq = nn.Sequential(ConvNorm(3, width // 2, 3, 2), nn.GELU(), ConvNorm(width // 2, width, 3, 2))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.seq(x)
        return result


class InvertedBottleneck(nn.Module):
    """[B, C, h, w] -> the same."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = width * EXPANSION
        self.conv1 = ConvNorm(width, hidden, 1)
        self.conv2 = ConvNorm(hidden, hidden, 3, groups=hidden)
        self.conv3 = ConvNorm(hidden, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.gelu(self.conv2(F.gelu(self.conv1(x))))
        return F.gelu(x + self.conv3(hidden))


class PatchMerging(nn.Module):
    """[B, C, h, w] -> [B, D, h/2, w/2], or the same resolution where the authors keep it."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(width, outputs, 1)
        self.conv2 = ConvNorm(outputs, outputs, 3, 1 if outputs in UNMERGED_WIDTHS else 2, groups=outputs)
        self.conv3 = ConvNorm(outputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x)))))
        return result


class BiasedAttention(nn.Module):
    """Attention inside windows with a learned bias for each pair of distances, layer norm first."""

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.attention_biases = nn.Parameter(torch.zeros(heads, window * window))

    def forward(self, x: Tensor) -> Tensor:
        """x [B, h, w, C] -> the same. Windows are padded with zeros before the norm, as the authors do it."""
        b, h, w, c = x.shape
        side = (self.window, self.window)
        windows = split_windows(x, side).flatten(1, 2)
        qkv = self.qkv(self.norm(windows)).view(-1, self.window**2, self.heads, 3, c // self.heads)
        q, k, v = qkv.permute(3, 0, 2, 1, 4).unbind(0)
        scores = (q @ k.transpose(-1, -2)) * (c // self.heads) ** -0.5 + self.biases()
        attended = (scores.softmax(-1) @ v).transpose(1, 2).reshape(-1, *side, c)
        result: Tensor = self.proj(join_windows(attended, b, h, w))
        return result

    def biases(self) -> Tensor:
        """[heads, N, N]: by the distances |dy|, |dx| of query and key. The authors number the pairs in the order in
        which they meet them, row by row from the first place: that is |dy| * window + |dx|."""
        steps = torch.arange(self.window)
        apart = (steps[:, None] - steps[None]).abs()
        numbers = apart[:, None, :, None] * self.window + apart[None, :, None, :]
        return self.attention_biases[:, numbers.reshape(self.window**2, self.window**2)]


class Mlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, EXPANSION * width)
        self.fc2 = nn.Linear(EXPANSION * width, width)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.fc2(F.gelu(self.fc1(self.norm(x))))
        return result


class TinyVitBlock(nn.Module):
    """[B, h, w, C] -> the same."""

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.attn = BiasedAttention(width, heads, window)
        self.local_conv = ConvNorm(width, width, 3, groups=width)
        self.mlp = Mlp(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(x)
        x = self.local_conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        result: Tensor = x + self.mlp(x)
        return result


class Stage(nn.Module):
    """Blocks, then the merging into the next stage's width where there is one. [B, C, h, w] -> [B, D, h', w']."""

    def __init__(self, index: int) -> None:
        super().__init__()
        width = WIDTHS[index]
        blocks = (
            InvertedBottleneck(width) if index == 0 else TinyVitBlock(width, HEADS[index], WINDOWS[index])
            for _ in range(DEPTHS[index])
        )
        self.blocks = nn.ModuleList(blocks)
        self.channels_last = index > 0
        if index + 1 < len(WIDTHS):
            self.downsample = PatchMerging(width, WIDTHS[index + 1])

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1) if self.channels_last else x
        for block in self.blocks:
            x = block(x)
        x = x.permute(0, 3, 1, 2) if self.channels_last else x
        return self.downsample(x) if hasattr(self, "downsample") else x


class TinyVitEncoder(Encoder):
    """The encoder graph of docs/bundle-format.md for MobileSAM. `norm_head` and `head` are the classifier's that the
    checkpoint still carries; nothing uses them."""

    output_names: tuple[str, ...] = ("image_embeddings",)

    def __init__(self) -> None:
        super().__init__()
        self.pixels = PaddedPixels()
        self.patch_embed = PatchEmbed(WIDTHS[0])
        self.layers = nn.ModuleList(Stage(index) for index in range(len(WIDTHS)))
        self.norm_head = nn.LayerNorm(WIDTHS[-1])
        self.head = nn.Linear(WIDTHS[-1], CLASSES)
        self.neck = SamVisionNeck(SamVisionConfig(hidden_size=WIDTHS[-1]))

    def forward(self, pixels: Tensor, valid_size: Tensor) -> tuple[Tensor, ...]:
        """As `PaddedPixels` -> (image_embeddings [B, 256, 64, 64],)."""
        x = self.patch_embed(self.pixels(pixels, valid_size))
        for stage in self.layers:
            x = stage(x)
        return (self.neck(x.permute(0, 2, 3, 1)),)
