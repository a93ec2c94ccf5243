"""A random checkpoint of SAM 2.1 in the authors' layout, written from names and shapes alone, without our networks.

Weights are normal with variance 1 / fan-in, so that activations keep their size through the depth; norms are near the
identity; biases, embeddings and positions are large enough to matter (0.1, 1; 0.5 and within windows 0.1). What makes
masks of it and not noise: the four taps of a transposed convolution are alike up to a tenth, so neighbouring pixels
agree; queries of the decoder's attentions x 2, so that a token looks at some places more than at others; the last layer
of each mask's head x 4, so that logits spread over several units; that of the IoU head x 3, so that the four scores
differ. What comes out is held to be so by `test_random_weights_give_masks_and_scores_that_differ`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from model_export.models.sam2 import HieraSize

Shapes = dict[str, tuple[int, ...]]

SMALL = HieraSize(16, 1, (1, 2, 3, 2), (4,))  # one block of the third stage sees everything, windows of 14 need padding
SMALL_INPUT = 256
TRANSPOSED = ("sam_mask_decoder.output_upscaling.0.weight", "sam_mask_decoder.output_upscaling.3.weight")
EMBEDDINGS = ("_token.", "mask_tokens.", "embed.weight", "point_embeddings", "gaussian", "no_mem", "no_obj", "tpos_enc")


def random_checkpoint(size: HieraSize, seed: int = 0) -> dict[str, Tensor]:
    """The tensors under `model` of an authors' file."""
    generator = torch.Generator().manual_seed(seed)
    return {name: random_tensor(name, shape, generator) for name, shape in authors_layout(size).items()}


def random_tensor(name: str, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    value = torch.randn(shape, generator=generator)
    if name.endswith(".bias"):
        return value * 0.1
    if len(shape) == 1:  # of a norm, or a layer scale
        return 1 + value * 0.1
    if any(part in name for part in EMBEDDINGS):
        return value
    if name.endswith("pos_embed_window"):
        return value * 0.1
    if name.endswith("pos_embed"):
        return value * 0.5
    if name in TRANSPOSED:
        alike = torch.randn((*shape[:2], 1, 1), generator=generator)
        return (alike + value * 0.1) / math.sqrt(shape[0])
    return value * gain(name) / math.sqrt(math.prod(shape[1:]))


def gain(name: str) -> float:
    if "sam_mask_decoder.transformer" in name and "attn" in name and name.endswith("q_proj.weight"):
        return 2.0
    if "output_hypernetworks_mlps" in name and ".layers.2." in name:
        return 4.0
    return 3.0 if name == "sam_mask_decoder.iou_prediction_head.layers.2.weight" else 1.0


def authors_layout(size: HieraSize) -> Shapes:
    return trunk(size) | neck(size) | prompt_encoder() | mask_decoder() | video()


def layer(name: str, *shape: int) -> Shapes:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def trunk(size: HieraSize) -> Shapes:
    base, width = "image_encoder.trunk", size.channels
    shapes: Shapes = {
        f"{base}.pos_embed": (1, width, size.positions, size.positions),
        f"{base}.pos_embed_window": (1, width, size.windows[0], size.windows[0]),
        **layer(f"{base}.patch_embed.proj", width, 3, 7, 7),
    }
    first_of_stage = {sum(size.blocks[:stage]) for stage in (1, 2, 3)}
    for k in range(sum(size.blocks)):
        block, before = f"{base}.blocks.{k}", width
        if k in first_of_stage:
            width *= 2
            shapes |= layer(f"{block}.proj", width, before)
        shapes |= layer(f"{block}.norm1", before) | layer(f"{block}.norm2", width)
        shapes |= layer(f"{block}.attn.qkv", 3 * width, before) | layer(f"{block}.attn.proj", width, width)
        shapes |= layer(f"{block}.mlp.layers.0", 4 * width, width) | layer(f"{block}.mlp.layers.1", width, 4 * width)
    return shapes


def neck(size: HieraSize) -> Shapes:
    shapes: Shapes = {}
    for k in range(4):
        shapes |= layer(f"image_encoder.neck.convs.{k}.conv", 256, size.channels * 2 ** (3 - k), 1, 1)
    return shapes


def prompt_encoder() -> Shapes:
    base = "sam_prompt_encoder"
    shapes: Shapes = {f"{base}.pe_layer.positional_encoding_gaussian_matrix": (2, 128)}
    for name in (*(f"point_embeddings.{k}" for k in range(4)), "not_a_point_embed", "no_mask_embed"):
        shapes[f"{base}.{name}.weight"] = (1, 256)
    shapes |= layer(f"{base}.mask_downscaling.0", 4, 1, 2, 2) | layer(f"{base}.mask_downscaling.1", 4)
    shapes |= layer(f"{base}.mask_downscaling.3", 16, 4, 2, 2) | layer(f"{base}.mask_downscaling.4", 16)
    return shapes | layer(f"{base}.mask_downscaling.6", 256, 16, 1, 1)


def attention(name: str, inner: int, outer: int = 256, memory: int = 256) -> Shapes:
    shapes = layer(f"{name}.q_proj", inner, outer) | layer(f"{name}.out_proj", outer, inner)
    return shapes | layer(f"{name}.k_proj", inner, memory) | layer(f"{name}.v_proj", inner, memory)


def mlp(name: str, *widths: int) -> Shapes:
    shapes: Shapes = {}
    for k in range(len(widths) - 1):
        shapes |= layer(f"{name}.layers.{k}", widths[k + 1], widths[k])
    return shapes


def mask_decoder() -> Shapes:
    base = "sam_mask_decoder"
    shapes: Shapes = {f"{base}.{name}.weight": (1, 256) for name in ("iou_token", "obj_score_token")}
    shapes[f"{base}.mask_tokens.weight"] = (4, 256)
    for k in range(2):
        block = f"{base}.transformer.layers.{k}"
        shapes |= attention(f"{block}.self_attn", 256) | mlp(f"{block}.mlp", 256, 2048, 256)
        shapes |= attention(f"{block}.cross_attn_token_to_image", 128)
        shapes |= attention(f"{block}.cross_attn_image_to_token", 128)
        for norm in (1, 2, 3, 4):
            shapes |= layer(f"{block}.norm{norm}", 256)
    shapes |= attention(f"{base}.transformer.final_attn_token_to_image", 128)
    shapes |= layer(f"{base}.transformer.norm_final_attn", 256) | layer(f"{base}.output_upscaling.1", 64)
    shapes[f"{base}.output_upscaling.0.weight"], shapes[f"{base}.output_upscaling.0.bias"] = (256, 64, 2, 2), (64,)
    shapes[f"{base}.output_upscaling.3.weight"], shapes[f"{base}.output_upscaling.3.bias"] = (64, 32, 2, 2), (32,)
    shapes |= layer(f"{base}.conv_s0", 32, 256, 1, 1) | layer(f"{base}.conv_s1", 64, 256, 1, 1)
    for k in range(4):
        shapes |= mlp(f"{base}.output_hypernetworks_mlps.{k}", 256, 256, 256, 32)
    shapes |= mlp(f"{base}.iou_prediction_head", 256, 256, 256, 4)
    return shapes | mlp(f"{base}.pred_obj_score_head", 256, 256, 256, 1)


def video() -> Shapes:
    shapes: Shapes = {
        "maskmem_tpos_enc": (7, 1, 1, 64),
        "no_mem_embed": (1, 1, 256),
        "no_mem_pos_enc": (1, 1, 256),
        "no_obj_ptr": (1, 256),
        "no_obj_embed_spatial": (1, 64),
        **layer("mask_downsample", 1, 1, 4, 4),
        **layer("obj_ptr_tpos_proj", 64, 256),
        **mlp("obj_ptr_proj", 256, 256, 256, 256),
        **layer("memory_attention.norm", 256),
        **layer("memory_encoder.pix_feat_proj", 256, 256, 1, 1),
        **layer("memory_encoder.out_proj", 64, 256, 1, 1),
    }
    for k in range(4):
        block = f"memory_attention.layers.{k}"
        shapes |= attention(f"{block}.self_attn", 256) | attention(f"{block}.cross_attn_image", 256, memory=64)
        shapes |= layer(f"{block}.linear1", 2048, 256) | layer(f"{block}.linear2", 256, 2048)
        for norm in (1, 2, 3):
            shapes |= layer(f"{block}.norm{norm}", 256)
    downsampler = "memory_encoder.mask_downsampler.encoder"
    for k, channels in enumerate((4, 16, 64, 256)):
        shapes |= layer(f"{downsampler}.{3 * k}", channels, channels // 4, 3, 3)
        shapes |= layer(f"{downsampler}.{3 * k + 1}", channels)
    shapes |= layer(f"{downsampler}.12", 256, 256, 1, 1)
    for k in range(2):
        block = f"memory_encoder.fuser.layers.{k}"
        shapes |= layer(f"{block}.dwconv", 256, 1, 7, 7) | layer(f"{block}.norm", 256)
        shapes |= layer(f"{block}.pwconv1", 1024, 256) | layer(f"{block}.pwconv2", 256, 1024)
        shapes[f"{block}.gamma"] = (256,)
    return shapes
