"""Segment Anything's prompt encoder and mask decoder (Kirillov et al. 2023, sections A.1 to A.3), for a graph.

The weights live in `transformers`' modules; the arithmetic is the same network's, rewritten exactly for few prompts and
one picture: image-side projections of the cross-attentions are absorbed into the token side (q . Wk x = (Wk^T q) . x),
and transposed convolutions of kernel 2 and stride 2 are matrix products, channels last.

Points with label -1 are masked out of the attention, so padding is neutral. The padding token that the authors'
`SamPredictor` adds itself (a prompt of clicks without a box) is added here, so that a caller need not know of it.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.models.sam.configuration_sam import SamConfig
from transformers.models.sam.modeling_sam import (
    SamAttention,
    SamFeedForward,
    SamMaskDecoder,
    SamPromptEncoder,
    SamTwoWayAttentionBlock,
)

MASKED = -1e4  # additive bias of a token that must not be attended to: its share is exactly 0, in float16 too
AUTHORS_NORM_EPS = 1e-5  # of the transformer's layer norms, torch's default; transformers' configuration says 1e-6


class PromptDecoder(nn.Module):
    """What the family's decoders share: prompts to tokens, and the transformer between tokens and picture.

    `input_size` is the model input's side in pixels, `first_mask_token` the place of the first mask's output token, the
    IoU's stands before it.
    """

    prompt_encoder: Any  # of `transformers`, which types its members as Tensor | Module
    mask_decoder: Any
    input_size: int
    first_mask_token = 1

    def point_kinds(self) -> Tensor:
        """-> [4, C]: embeddings of background, foreground and a box's two corners."""
        return torch.cat([embedding.weight for embedding in self.prompt_encoder.point_embed])

    def point_tokens(self, coords: Tensor, labels: Tensor) -> Tensor:
        """-> [B, N, C]: positional encoding of the point's pixel centre plus the embedding of its label."""
        places = self.positional((coords + 0.5) / self.input_size)
        chosen = torch.stack([(labels == k).to(places.dtype) for k in range(4)], -1)
        points: Tensor = places * chosen.sum(-1, keepdim=True) + chosen @ self.point_kinds()
        return points

    def positional(self, places: Tensor) -> Tensor:
        """places [..., 2] in 0..1, x before y -> [..., C] (random Fourier features, Tancik et al. 2020)."""
        angles = 2 * math.pi * ((2 * places - 1) @ self.prompt_encoder.shared_embedding.positional_embedding)
        return torch.cat([angles.sin(), angles.cos()], -1)

    def grid_positions(self, h: int, w: int) -> Tensor:
        """-> [h w, C]: the encoding of each cell's centre."""
        ys, xs = (torch.arange(h) + 0.5) / h, (torch.arange(w) + 0.5) / w
        grid = torch.stack([xs.expand(h, w), ys[:, None].expand(h, w)], -1).reshape(h * w, 2)
        return self.positional(grid.to(self.mask_decoder.iou_token.weight))

    def dense_prompt(self, mask_input: Tensor, has_mask_input: Tensor) -> Tensor:
        """-> [B, h w, C]: the embedded mask, or the embedding of having none."""
        layers = self.prompt_encoder.mask_embed
        x = F.gelu(F.layer_norm(halved(mask_input.permute(0, 2, 3, 1), layers.conv1), *norm(layers.layer_norm1)))
        x = F.gelu(F.layer_norm(halved(x, layers.conv2), *norm(layers.layer_norm2)))
        x = F.linear(x, layers.conv3.weight.flatten(1), layers.conv3.bias).flatten(1, 2)
        has_mask = has_mask_input.view(-1, 1, 1)
        result: Tensor = x * has_mask + self.prompt_encoder.no_mask_embed.weight * (1 - has_mask)
        return result

    def two_way(self, tokens: Tensor, bias: Tensor, image: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """tokens [B, T, C], bias [B, 1, 1, T], image [B, P, C], positions [P, C] -> both after the transformer."""
        transformer, queries = self.mask_decoder.transformer, tokens
        for block in transformer.layers:
            queries, image = two_way_block(block, queries, tokens, bias, image, positions)
        attended = token_to_image(transformer.final_attn_token_to_image, queries + tokens, image, image + positions)
        queries = transformer.layer_norm_final_attn(queries + attended)
        return queries, image

    def upscaled(self, image: Tensor, h: int, w: int) -> Tensor:
        """image [B, h w, C] -> [B, 16 h w, C/8], rows of the four times finer grid in reading order."""
        weights = self.mask_decoder
        x = doubled(image.reshape(image.shape[0], h, w, -1), weights.upscale_conv1)
        x = F.gelu(spelt_norm(x, weights.upscale_layer_norm))
        return F.gelu(doubled(x, weights.upscale_conv2)).flatten(1, 2)

    def hypernetwork(self, queries: Tensor) -> Tensor:
        """-> [B, M, C/8]: for each mask token the weights of its mask."""
        heads = self.mask_decoder.output_hypernetworks_mlps
        return torch.stack(
            [feed_forward(head, queries[:, self.first_mask_token + k]) for k, head in enumerate(heads)], 1
        )


class SamDecoder(PromptDecoder):
    """The decoder graph of docs/bundle-format.md for SAM: [B] prompts for one picture."""

    def __init__(self, config: SamConfig) -> None:
        super().__init__()
        config.mask_decoder_config.layer_norm_eps = AUTHORS_NORM_EPS
        self.prompt_encoder = SamPromptEncoder(config)
        self.mask_decoder = SamMaskDecoder(config.mask_decoder_config)
        self.input_size = int(config.prompt_encoder_config.image_size)

    def forward(
        self,
        image_embeddings: Tensor,
        point_coords: Tensor,
        point_labels: Tensor,
        mask_input: Tensor,
        has_mask_input: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """image_embeddings [1, C, h, w], point_coords [B, N, 2] ModelPx, point_labels [B, N], mask_input
        [B, 1, 4h, 4w] logits, has_mask_input [B] -> low_res_masks [B, 4, 4h, 4w] logits, iou_predictions [B, 4]."""
        prompts, points = point_coords.shape[0], self.point_tokens(point_coords, point_labels)
        weights = self.mask_decoder
        outputs = torch.cat([weights.iou_token.weight, weights.mask_tokens.weight])
        padding = self.prompt_encoder.not_a_point_embed.weight
        tokens = torch.cat([outputs.expand(prompts, -1, -1), padding.expand(prompts, -1, -1), points], 1)
        bias = attention_bias(point_labels, outputs.shape[0])
        image = image_embeddings.flatten(2).transpose(1, 2) + self.dense_prompt(mask_input, has_mask_input)
        h, w = image_embeddings.shape[-2:]
        queries, image = self.two_way(tokens, bias, image, self.grid_positions(h, w))
        masks = self.upscaled(image, h, w) @ self.hypernetwork(queries).transpose(1, 2)
        scores = feed_forward(weights.iou_prediction_head, queries[:, 0])
        return masks.transpose(1, 2).reshape(prompts, -1, 4 * h, 4 * w), scores


def attention_bias(labels: Tensor, outputs: int) -> Tensor:
    """[B, 1, 1, outputs + 1 + N]: 0, or MASKED for padding points and, unless the prompt is of clicks without a box,
    for the authors' padding token, which stands before the points."""
    clicks = ((labels == 0) | (labels == 1)).to(labels.dtype).amax(1, keepdim=True)
    box = (labels >= 2).to(labels.dtype).amax(1, keepdim=True)
    unused = torch.cat([1 - clicks * (1 - box), (labels < 0).to(labels.dtype)], 1)
    return (F.pad(unused, (outputs, 0)) * MASKED)[:, None, None]


def two_way_block(
    block: SamTwoWayAttentionBlock, queries: Tensor, tokens: Tensor, bias: Tensor, image: Tensor, positions: Tensor
) -> tuple[Tensor, Tensor]:
    if block.skip_first_layer_pe:
        queries = self_attention(block.self_attn, queries, queries, bias)
    else:
        queries = queries + self_attention(block.self_attn, queries + tokens, queries, bias)
    queries = block.layer_norm1(queries)
    placed = image + positions
    queries = queries + token_to_image(block.cross_attn_token_to_image, queries + tokens, image, placed)
    queries = block.layer_norm2(queries)
    queries = block.layer_norm3(queries + block.mlp(queries))
    image = image + image_to_token(block.cross_attn_image_to_token, placed, queries + tokens, queries, bias)
    return queries, spelt_norm(image, block.layer_norm4)


def self_attention(attention: SamAttention, placed: Tensor, tokens: Tensor, bias: Tensor) -> Tensor:
    q, k, v = (
        heads_of(attention, x) for x in (attention.q_proj(placed), attention.k_proj(placed), attention.v_proj(tokens))
    )
    scores = (q @ k.transpose(-1, -2)) * attention.scaling + bias
    result: Tensor = attention.out_proj((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))
    return result


def token_to_image(attention: SamAttention, tokens: Tensor, image: Tensor, placed: Tensor) -> Tensor:
    """tokens [B, T, C] attend to image [B, P, C], with its positions `placed`. Keys and values of the image are never
    made; the keys' bias shifts all scores of a token alike, so softmax does not see it."""
    (b, t, c), heads = tokens.shape, attention.num_attention_heads
    q = heads_of(attention, attention.q_proj(tokens)) * attention.scaling
    absorbed = (q @ attention.k_proj.weight.view(heads, -1, c)).reshape(b, heads * t, c)
    mean = ((absorbed @ placed.transpose(1, 2)).softmax(-1) @ image).view(b, heads, t, c)
    values = (mean @ attention.v_proj.weight.view(heads, -1, c).transpose(1, 2)).transpose(1, 2).flatten(2)
    result: Tensor = attention.out_proj(values + attention.v_proj.bias)
    return result


def image_to_token(attention: SamAttention, placed: Tensor, keys: Tensor, tokens: Tensor, bias: Tensor) -> Tensor:
    """placed [B, P, C] attends to tokens [B, T, C] -> [B, P, C], projections absorbed as in `token_to_image`."""
    (b, t, c), heads = tokens.shape, attention.num_attention_heads
    k = heads_of(attention, attention.k_proj(keys)) * attention.scaling
    absorbed = (k @ attention.q_proj.weight.view(heads, -1, c)).reshape(b, heads * t, c)
    constant = (k * attention.q_proj.bias.view(heads, 1, -1)).sum(-1, keepdim=True) + bias.transpose(-1, -2)
    scores = (absorbed @ placed.transpose(1, 2)).view(b, heads, t, -1) + constant
    shares = scores.softmax(2).flatten(1, 2)
    values = heads_of(attention, attention.v_proj(tokens)) @ attention.out_proj.weight.view(c, heads, -1).permute(
        1, 2, 0
    )
    result: Tensor = shares.transpose(1, 2) @ values.flatten(1, 2) + attention.out_proj.bias
    return result


def heads_of(attention: SamAttention, x: Tensor) -> Tensor:
    """[B, T, I] -> [B, heads, T, I / heads]."""
    return x.view(x.shape[0], x.shape[1], attention.num_attention_heads, -1).transpose(1, 2)


def feed_forward(head: SamFeedForward, x: Tensor) -> Tensor:
    result: Tensor = head(x)
    return result


def spelt_norm(x: Tensor, layer: nn.LayerNorm) -> Tensor:
    """Layer norm over the last axis of many places, in its parts: ONNX Runtime Web's operator is slow, three of them
    took 16 of a click's 128 ms; the parts, which no runtime puts together again in this form, take half of that."""
    centred = x - x.mean(-1, keepdim=True)
    variance = (centred * centred).mean(-1, keepdim=True)
    return centred * (variance + layer.eps).rsqrt() * layer.weight + layer.bias


def norm(layer: nn.LayerNorm) -> tuple[tuple[int, ...], Tensor, Tensor, float]:
    """Arguments of `F.layer_norm` over the last axis, for layers that would norm over channels in the second."""
    return layer.normalized_shape, layer.weight, layer.bias, layer.eps


def halved(x: Tensor, convolution: nn.Conv2d) -> Tensor:
    """x [B, 2h, 2w, I] -> [B, h, w, O]: a convolution of kernel 2 and stride 2, channels last."""
    b, h, w, c = x.shape
    patches = x.view(b, h // 2, 2, w // 2, 2, c).permute(0, 1, 3, 5, 2, 4).reshape(b, h // 2, w // 2, 4 * c)
    return F.linear(patches, convolution.weight.flatten(1), convolution.bias)


def doubled(x: Tensor, convolution: nn.ConvTranspose2d) -> Tensor:
    """x [B, h, w, I] -> [B, 2h, 2w, O]: a transposed convolution of kernel 2 and stride 2, channels last."""
    b, h, w, c = x.shape
    outputs = convolution.weight.shape[1]
    assert convolution.bias is not None
    cells = x @ convolution.weight.permute(0, 2, 3, 1).reshape(c, 4 * outputs) + convolution.bias.repeat(4)
    return cells.view(b, h, w, 2, 2, outputs).permute(0, 1, 3, 2, 4, 5).reshape(b, 2 * h, 2 * w, outputs)
