"""SAM 2's image encoder (Ravi et al. 2024): Hiera (Ryali et al. 2023) and a feature pyramid, for a graph.

The weights live in `transformers`' modules; the arithmetic is the same network's. Projections stay outside of the
windows: what a window is padded with is zero before the projection, so after it only the bias. A finer map's lateral
convolution and the decoder's convolution of it, both 1 x 1, are one product.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.models.sam2.configuration_sam2 import Sam2VisionConfig
from transformers.models.sam2.modeling_sam2 import Sam2MultiScaleAttention, Sam2MultiScaleBlock, Sam2VisionModel

from model_export.models.attention import tiled_attention
from model_export.models.network import Encoder
from model_export.models.vit_encoder import PIXEL_MEAN, PIXEL_STD, join_windows, split_windows


class HieraEncoder(Encoder):
    """The encoder graph of docs/bundle-format.md for SAM 2.1: what the authors' image predictor keeps of a picture."""

    output_names = ("image_embeddings", "high_res_feats_0", "high_res_feats_1")

    def __init__(self, config: Sam2VisionConfig) -> None:
        super().__init__()
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(PIXEL_MEAN), persistent=False)
        self.register_buffer("std", torch.tensor(PIXEL_STD), persistent=False)
        width = config.fpn_hidden_size
        self.vision = Sam2VisionModel(config)
        for block in self.vision.backbone.blocks:
            split_projection(block.attn)
        self.conv_s0 = nn.Conv2d(width, width // 8, 1)
        self.conv_s1 = nn.Conv2d(width, width // 4, 1)
        self.no_memory_embedding = nn.Parameter(torch.zeros(1, 1, width))

    def forward(self, pixels: Tensor, valid_size: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """pixels uint8 [B, S, S, 3] RGB; `valid_size` says nothing here: a stretched picture fills the square.

        -> image_embeddings [B, C, S/16, S/16] with the embedding of having no memory, high_res_feats_0
        [B, C/8, S/4, S/4] and high_res_feats_1 [B, C/4, S/8, S/8], the skips of the decoder's upscaling.
        """
        planes = pixels.permute(0, 3, 1, 2).contiguous()  # as in `PaddedPixels`
        x = (planes.to(self.mean.dtype) - self.mean.view(3, 1, 1)) / self.std.view(3, 1, 1)
        at4, at8, at16, at32 = stages(self.vision.backbone, x)
        from32, from16, from8, from4 = self.vision.neck.convs
        coarse = F.interpolate(lateral(from32, at32), scale_factor=2.0, mode="nearest")
        embedding = lateral(from16, at16) + coarse + self.no_memory_embedding.view(1, -1, 1, 1)
        return embedding, lateral(from4, at4, self.conv_s0), lateral(from8, at8, self.conv_s1)


def split_projection(attention: Sam2MultiScaleAttention) -> None:
    """Three projections instead of the one to queries, keys and values, whose output would have to be copied apart."""
    attention.q, attention.k, attention.v = (nn.Linear(attention.dim, attention.dim_out) for _ in range(3))
    del attention.qkv


def stages(backbone: Any, pixels: Tensor) -> list[Tensor]:
    """`backbone` Sam2HieraDetModel, pixels float [B, 3, S, S], normalised -> [B, h, w, C] at strides 4, 8, 16, 32."""
    x = backbone.patch_embed(pixels)
    x = x + backbone._get_pos_embed(x.shape[1:3])
    found = []
    for place, block in enumerate(backbone.blocks):
        x = hiera_block(block, x)
        if place in backbone.stage_ends:
            found.append(x)
    return found


def hiera_block(block: Sam2MultiScaleBlock, x: Tensor) -> Tensor:
    """x [B, h, w, C] -> [B, h', w', C'], halved and widened in the first block of a stage."""
    normed = block.layer_norm1(x)
    residual = x if block.dim == block.dim_out else pooled(block.proj(normed), block.query_stride)
    x = residual + windowed_attention(block.attn, normed, block.window_size)
    result: Tensor = x + block.mlp(block.layer_norm2(x))
    return result


def windowed_attention(attention: Sam2MultiScaleAttention, x: Tensor, window: int) -> Tensor:
    """x [B, h, w, C] -> [B, h', w', C']: within windows of `window` positions a side, or over the whole map where that
    is 0. Queries are the maxima of their pooling cells, which no window cuts."""
    b, h, w, _ = x.shape
    side = (window, window) if window else (h, w)
    query = pooled(F.linear(x, attention.q.weight), attention.query_stride)
    shrunk = h // query.shape[1]
    query_side = (side[0] // shrunk, side[1] // shrunk)
    q = windows(query, query_side, attention.q.bias, attention.num_attention_heads)
    k, v = (
        windows(F.linear(x, part.weight), side, part.bias, attention.num_attention_heads)
        for part in (attention.k, attention.v)
    )
    attended = tiled_attention(q, k, v, attention.scale).view(q.shape[0], *query_side, -1)
    result: Tensor = attention.proj(join_windows(attended, b, h // shrunk, w // shrunk))
    return result


def windows(x: Tensor, side: tuple[int, int], bias: Tensor, heads: int) -> Tensor:
    """x [B, h, w, C], projected without its bias -> [B * windows, side * side, heads, C / heads]."""
    parts = split_windows(x, side) + bias
    return parts.view(parts.shape[0], side[0] * side[1], heads, -1)


def pooled(x: Tensor, stride: list[int] | None) -> Tensor:
    """Maxima over cells of `stride` positions of x [B, h, w, C]; x itself where there is none."""
    return x if stride is None else F.max_pool2d(x.permute(0, 3, 1, 2), stride).permute(0, 2, 3, 1)


def lateral(convolution: nn.Conv2d, x: Tensor, after: nn.Conv2d | None = None) -> Tensor:
    """A 1 x 1 convolution of x [B, h, w, C], and another one `after` it, as one product -> [B, C', h, w]."""
    weight, bias = convolution.weight.flatten(1), convolution.bias
    assert bias is not None
    if after is not None:
        assert after.bias is not None
        then = after.weight.flatten(1)
        weight, bias = then @ weight, then @ bias + after.bias
    return F.linear(x, weight, bias).permute(0, 3, 1, 2)
