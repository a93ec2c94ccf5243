"""SAM 2.1's image model spelt out on the authors' tensors by name, one picture and one prompt at a time: the plainest
arithmetic that the papers describe (Kirillov et al. 2023; Ryali et al. 2023; Ravi et al. 2024), to hold the network and
its conversion to. Nothing here comes from `model_export` or `transformers`."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

Tensors = dict[str, Tensor]
HEADS = 8
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]).double(), torch.tensor([0.229, 0.224, 0.225]).double()


def linear(t: Tensors, name: str, x: Tensor) -> Tensor:
    return F.linear(x, t[f"{name}.weight"], t[f"{name}.bias"])


def conv(t: Tensors, name: str, x: Tensor, **options: int) -> Tensor:
    return F.conv2d(x, t[f"{name}.weight"], t[f"{name}.bias"], **options)


def norm(t: Tensors, name: str, x: Tensor, eps: float) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], t[f"{name}.weight"], t[f"{name}.bias"], eps)


def channel_norm(t: Tensors, name: str, x: Tensor) -> Tensor:
    """Over the channels of [1, C, h, w]."""
    return norm(t, name, x.permute(0, 2, 3, 1), 1e-6).permute(0, 3, 1, 2)


def mlp(t: Tensors, name: str, x: Tensor, *, gelu: bool = False) -> Tensor:
    depth = sum(key.startswith(f"{name}.layers.") and key.endswith(".weight") for key in t)
    for k in range(depth):
        x = linear(t, f"{name}.layers.{k}", x)
        if k < depth - 1:
            x = F.gelu(x) if gelu else F.relu(x)
    return x


# ---------------------------------------------------------------- encoder


def encode(t: Tensors, pixels: Tensor, heads: int, blocks: tuple[int, ...], globals_: tuple[int, ...],
           windows: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """pixels uint8 [S, S, 3] -> the three maps that the image predictor keeps, each [1, C, h, w]."""
    trunk, neck = "image_encoder.trunk", "image_encoder.neck"
    x = ((pixels.double() / 255 - MEAN) / STD).permute(2, 0, 1)[None]
    x = conv(t, f"{trunk}.patch_embed.proj", x, stride=4, padding=3)
    side = x.shape[-1]
    within = t[f"{trunk}.pos_embed_window"]
    x = x + F.interpolate(t[f"{trunk}.pos_embed"], size=(side, side), mode="bicubic")
    x = x + within.repeat(1, 1, side // within.shape[2], side // within.shape[3])
    x, found, k = x[0].permute(1, 2, 0), [], 0
    for stage, count in enumerate(blocks):
        for place in range(count):
            first = stage > 0 and place == 0
            window = 0 if k in globals_ else windows[stage - 1] if first else windows[stage]
            x = block(t, f"{trunk}.blocks.{k}", x, heads * 2**stage, window, first)
            k += 1
        found.append(x.permute(2, 0, 1)[None])
    flat = [conv(t, f"{neck}.convs.{3 - stage}.conv", found[stage]) for stage in range(4)]
    coarse = flat[3].repeat_interleave(2, 2).repeat_interleave(2, 3)
    return (
        flat[2] + coarse + t["no_mem_embed"].view(1, -1, 1, 1),
        conv(t, "sam_mask_decoder.conv_s0", flat[0]),
        conv(t, "sam_mask_decoder.conv_s1", flat[1]),
    )


def block(t: Tensors, name: str, x: Tensor, heads: int, window: int, first: bool) -> Tensor:
    """x [h, w, C]."""
    normed = norm(t, f"{name}.norm1", x, 1e-6)
    if first:
        x = halved(linear(t, f"{name}.proj", normed))
    h, w, _ = normed.shape
    window = window or h
    padded = F.pad(normed, (0, 0, 0, -w % window, 0, -h % window))
    rows = []
    for top in range(0, padded.shape[0], window):
        row = [
            window_attention(t, f"{name}.attn", padded[top : top + window, left : left + window], heads, first)
            for left in range(0, padded.shape[1], window)
        ]
        rows.append(torch.cat(row, 1))
    x = x + torch.cat(rows, 0)[: x.shape[0], : x.shape[1]]
    return x + mlp(t, f"{name}.mlp", norm(t, f"{name}.norm2", x, 1e-6), gelu=True)


def window_attention(t: Tensors, name: str, x: Tensor, heads: int, first: bool) -> Tensor:
    q, k, v = linear(t, f"{name}.qkv", x).chunk(3, -1)
    q = halved(q) if first else q
    attended = torch.cat(
        [
            (qh.flatten(0, 1) @ kh.flatten(0, 1).T / math.sqrt(qh.shape[-1])).softmax(-1) @ vh.flatten(0, 1)
            for qh, kh, vh in zip(q.chunk(heads, -1), k.chunk(heads, -1), v.chunk(heads, -1), strict=True)
        ],
        -1,
    )
    return linear(t, f"{name}.proj", attended).view(q.shape)


def halved(x: Tensor) -> Tensor:
    return torch.stack([x[i::2, j::2] for i in (0, 1) for j in (0, 1)]).amax(0)


# ---------------------------------------------------------------- decoder


def decode(t: Tensors, maps: tuple[Tensor, ...], size: int, points: list[tuple[float, float, int]],
           mask: Tensor | None) -> tuple[Tensor, Tensor]:  # fmt: skip
    """points (x, y, label) in input pixels, box corners among them; mask [1, 1, h, w] logits or None -> masks
    [4, h, w] logits as the four mask tokens have them, and their predicted IoU [4]."""
    image, skip4, skip8 = maps
    prompt, head = "sam_prompt_encoder", "sam_mask_decoder"
    h, w = image.shape[-2:]
    rows = [t[f"{head}.obj_score_token.weight"], t[f"{head}.iou_token.weight"], t[f"{head}.mask_tokens.weight"]]
    for x, y, label in points:
        place = fourier(t, torch.tensor([[(x + 0.5) / size, (y + 0.5) / size]]).double())
        rows.append(place + t[f"{prompt}.point_embeddings.{label}.weight"])
    if points:
        rows.append(t[f"{prompt}.not_a_point_embed.weight"])
    tokens = torch.cat(rows)
    if mask is None:
        dense = t[f"{prompt}.no_mask_embed.weight"].view(1, -1, 1, 1)
    else:
        dense = F.gelu(
            channel_norm(t, f"{prompt}.mask_downscaling.1", conv(t, f"{prompt}.mask_downscaling.0", mask, stride=2))
        )
        dense = F.gelu(
            channel_norm(t, f"{prompt}.mask_downscaling.4", conv(t, f"{prompt}.mask_downscaling.3", dense, stride=2))
        )
        dense = conv(t, f"{prompt}.mask_downscaling.6", dense)
    xs, ys = (torch.arange(w).double() + 0.5) / w, (torch.arange(h).double() + 0.5) / h
    positions = fourier(t, torch.stack(torch.meshgrid(xs, ys, indexing="xy"), -1).view(-1, 2))
    tokens, flat = two_way(t, f"{head}.transformer", tokens, (image + dense)[0].flatten(1).T, positions)
    up = f"{head}.output_upscaling"
    fine = F.conv_transpose2d(flat.T.reshape(1, -1, h, w), t[f"{up}.0.weight"], t[f"{up}.0.bias"], stride=2)
    fine = F.gelu(channel_norm(t, f"{up}.1", fine + skip8))
    fine = F.gelu(F.conv_transpose2d(fine, t[f"{up}.3.weight"], t[f"{up}.3.bias"], stride=2) + skip4)
    weights = torch.stack([mlp(t, f"{head}.output_hypernetworks_mlps.{k}", tokens[2 + k]) for k in range(4)])
    return torch.einsum("kc,chw->khw", weights, fine[0]), torch.sigmoid(
        mlp(t, f"{head}.iou_prediction_head", tokens[1])
    )


def fourier(t: Tensors, places: Tensor) -> Tensor:
    angles = 2 * math.pi * ((2 * places - 1) @ t["sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"])
    return torch.cat([angles.sin(), angles.cos()], -1)


def two_way(t: Tensors, name: str, tokens: Tensor, image: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
    x = tokens
    for k in range(2):
        layer = f"{name}.layers.{k}"
        placed = x if k == 0 else x + tokens
        attended = attention(t, f"{layer}.self_attn", placed, placed, x)
        x = norm(t, f"{layer}.norm1", attended if k == 0 else x + attended, 1e-5)
        attended = attention(t, f"{layer}.cross_attn_token_to_image", x + tokens, image + positions, image)
        x = norm(t, f"{layer}.norm2", x + attended, 1e-5)
        x = norm(t, f"{layer}.norm3", x + mlp(t, f"{layer}.mlp", x), 1e-5)
        attended = attention(t, f"{layer}.cross_attn_image_to_token", image + positions, x + tokens, x)
        image = norm(t, f"{layer}.norm4", image + attended, 1e-5)
    attended = attention(t, f"{name}.final_attn_token_to_image", x + tokens, image + positions, image)
    return norm(t, f"{name}.norm_final_attn", x + attended, 1e-5), image


def attention(t: Tensors, name: str, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q, k, v = linear(t, f"{name}.q_proj", q), linear(t, f"{name}.k_proj", k), linear(t, f"{name}.v_proj", v)
    heads = [
        (qh @ kh.T / math.sqrt(qh.shape[-1])).softmax(-1) @ vh
        for qh, kh, vh in zip(q.chunk(HEADS, -1), k.chunk(HEADS, -1), v.chunk(HEADS, -1), strict=True)
    ]
    return linear(t, f"{name}.out_proj", torch.cat(heads, -1))


def single_mask(masks: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
    """The answer where one mask is asked for: the first, if its area hardly depends on the threshold, or else the
    candidate that is thought best."""
    inside, around = int((masks[0] > 0.05).sum()), int((masks[0] > -0.05).sum())
    if around == 0 or inside / around >= 0.98:
        return masks[0], scores[0]
    best = 1 + max(range(3), key=lambda k: float(scores[1 + k]))
    return masks[best], scores[best]
