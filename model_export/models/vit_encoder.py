"""Segment Anything's ViT image encoder (Kirillov et al. 2023, section A; ViTDet, Li et al. 2022), for a graph.

The weights live in `transformers`' modules. The decomposed relative positions (Li et al. 2022, MViTv2) are not added to
a score matrix, which would take 12 x 4096 x 4096 floats, but carried by longer queries and keys: with one-hot rows and
columns appended to the keys, q . k + rel_h + rel_w is one dot product, and attention can run in tiles.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.models.sam.configuration_sam import SamVisionConfig
from transformers.models.sam.modeling_sam import SamVisionAttention, SamVisionEncoder, SamVisionLayer

from model_export.models.attention import tiled_attention
from model_export.models.network import Encoder

PIXEL_MEAN = (123.675, 116.28, 103.53)
PIXEL_STD = (58.395, 57.12, 57.375)


class PaddedPixels(nn.Module):
    """The authors' preprocessing after resizing: normalise, then zeros outside of the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(PIXEL_MEAN), persistent=False)
        self.register_buffer("std", torch.tensor(PIXEL_STD), persistent=False)

    def forward(self, pixels: Tensor, valid_size: Tensor) -> Tensor:
        """pixels uint8 [B, S, S, 3] RGB, valid_size int64 [B, 2] (height, width) -> float [B, 3, S, S]."""
        size = pixels.shape[1]
        places = torch.arange(size, device=pixels.device)
        inside = (places < valid_size[:, :1])[:, :, None] & (places < valid_size[:, 1:])[:, None]
        planes = pixels.permute(0, 3, 1, 2).contiguous()  # runs of S x S with one mean are quicker than of 3 channels
        normal = (planes.to(self.mean.dtype) - self.mean.view(3, 1, 1)) / self.std.view(3, 1, 1)
        return normal * inside[:, None]


class VitEncoder(Encoder):
    """The encoder graph of docs/bundle-format.md for SAM ViT-B, L and H."""

    output_names: tuple[str, ...] = ("image_embeddings",)

    def __init__(self, config: SamVisionConfig) -> None:
        super().__init__()
        self.pixels = PaddedPixels()
        self.vision = SamVisionEncoder(config)
        for layer in self.vision.layers:
            layer.attn = JointAttention(config, layer.window_size)

    def forward(self, pixels: Tensor, valid_size: Tensor) -> tuple[Tensor, ...]:
        """As `PaddedPixels` -> (image_embeddings [B, 256, S/16, S/16],)."""
        x = self.vision.patch_embed(self.pixels(pixels, valid_size)) + self.vision.pos_embed
        for layer in self.vision.layers:
            x = vit_layer(layer, x)
        return (self.vision.neck(x),)


def vit_layer(layer: SamVisionLayer, x: Tensor) -> Tensor:
    """x [B, h, w, C] -> the same."""
    x = x + layer.attn(layer.layer_norm1(x))
    result: Tensor = x + layer.mlp(layer.layer_norm2(x))
    return result


class JointAttention(SamVisionAttention):  # type: ignore[misc]  # transformers is untyped to mypy
    """`transformers`' attention with the same weights and the same result, computed as the module's docstring says.

    Projections stay outside of the windows: what a window is padded with is zero before the projection, so after it
    only the bias.
    """

    def __init__(self, config: SamVisionConfig, window_size: int) -> None:
        super().__init__(config, window_size)
        self.window_size = window_size

    def forward(self, x: Tensor) -> Tensor:
        """x [B, h, w, C] -> the same."""
        b, h, w, _ = x.shape
        qkv = F.linear(x, self.qkv.weight)
        side = (self.window_size, self.window_size) if self.window_size else (h, w)
        windows = split_windows(qkv, side) + self.qkv.bias
        attended = self.attend(
            windows.view(-1, *side, 3, self.num_attention_heads, windows.shape[-1] // 3 // self.num_attention_heads)
        )
        result: Tensor = self.proj(join_windows(attended, b, h, w))
        return result

    def attend(self, qkv: Tensor) -> Tensor:
        """qkv [B, h, w, 3, heads, D] -> [B, h, w, heads * D]."""
        b, h, w, _, heads, d = qkv.shape
        q, k, v = qkv.unbind(3)
        by_row = q.reshape(b, h, w * heads, d) @ relative(self.rel_pos_h, h).transpose(1, 2)
        by_column = q.transpose(1, 2).reshape(b, w, h * heads, d) @ relative(self.rel_pos_w, w).transpose(1, 2)
        rows, columns = torch.eye(h).repeat_interleave(w, 0), torch.eye(w).repeat(h, 1)
        places = torch.cat([rows, columns], 1).to(k)[None, :, None].expand(b, -1, heads, -1)
        queries = torch.cat(
            [
                (q * self.scale).reshape(b, h * w, heads, d),
                by_row.reshape(b, h * w, heads, h),
                by_column.view(b, w, h, heads, w).transpose(1, 2).reshape(b, h * w, heads, w),
            ],
            -1,
        )
        keys = torch.cat([k.reshape(b, h * w, heads, d), places], -1)
        return tiled_attention(queries, keys, v.reshape(b, h * w, heads, d)).view(b, h, w, heads * d)


def relative(table: Tensor, side: int) -> Tensor:
    """table [2 side - 1, D] -> [side, side, D]: for query i and key j the row of i - j."""
    steps = torch.arange(side)
    return table[steps[:, None] - steps[None] + side - 1]


def split_windows(x: Tensor, side: tuple[int, int]) -> Tensor:
    """x [B, h, w, C] -> [B * windows, side, side, C], padded with zeros bottom right."""
    b, h, w, c = x.shape
    if side == (h, w):
        return x
    rows, columns = -(-h // side[0]), -(-w // side[1])
    x = F.pad(x, (0, 0, 0, columns * side[1] - w, 0, rows * side[0] - h))
    x = x.view(b, rows, side[0], columns, side[1], c).transpose(2, 3)
    return x.reshape(b * rows * columns, *side, c)


def join_windows(x: Tensor, b: int, h: int, w: int) -> Tensor:
    """The inverse of `split_windows`: -> [b, h, w, C], padding cut off."""
    _, side_h, side_w, c = x.shape
    if (side_h, side_w) == (h, w):
        return x
    rows, columns = -(-h // side_h), -(-w // side_w)
    x = x.view(b, rows, columns, side_h, side_w, c).transpose(2, 3)
    return x.reshape(b, rows * side_h, columns * side_w, c)[:, :h, :w]
