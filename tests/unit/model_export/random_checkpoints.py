"""Checkpoints with random weights under the names that the authors give their tensors, for tests of the conversion.

Written from the published layouts alone, not from Segserve's renaming. Masks are not noise: matrices are normal with
variance 1 / inputs, so that activations keep their size through the layers; norms are near 1 and biases 0.1; relative
positions, position embeddings and biases of attention are normal with 0.1 to 0.5. The residual streams carry the
picture through and transposed convolutions are nearly even, so the masks follow the picture.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

Tensors = dict[str, Tensor]
WIDTH = 256


class Layout:
    """Collects tensors; every call draws from one generator, so a seed gives one checkpoint."""

    def __init__(self, seed: int) -> None:
        self.tensors: Tensors = {}
        self._random = torch.Generator().manual_seed(seed)

    def normal(self, name: str, *shape: int, std: float = 0.1, mean: float = 0.0) -> None:
        self.tensors[name] = mean + std * torch.randn(shape, generator=self._random)

    def norm(self, name: str, width: int) -> None:
        self.normal(f"{name}.weight", width, mean=1.0)
        self.normal(f"{name}.bias", width)

    def linear(self, name: str, inputs: int, outputs: int) -> None:
        self.normal(f"{name}.weight", outputs, inputs, std=1 / math.sqrt(inputs))
        self.normal(f"{name}.bias", outputs)

    def conv(self, name: str, inputs: int, outputs: int, kernel: int, *, bias: bool = True, groups: int = 1) -> None:
        fan = inputs // groups * kernel**2
        self.normal(f"{name}.weight", outputs, inputs // groups, kernel, kernel, std=1 / math.sqrt(fan))
        if bias:
            self.normal(f"{name}.bias", outputs)

    def transposed(self, name: str, inputs: int, outputs: int) -> None:
        """The four cells that a place is doubled into nearly alike, or every mask would be their pattern."""
        self.normal(f"{name}.weight", inputs, outputs, 1, 1, std=1 / math.sqrt(inputs))
        alike = self.tensors[f"{name}.weight"].expand(-1, -1, 2, 2)
        apart = torch.randn(alike.shape, generator=self._random) / math.sqrt(inputs)
        self.tensors[f"{name}.weight"] = (alike + 0.2 * apart).contiguous()
        self.normal(f"{name}.bias", outputs)

    def conv_norm(self, name: str, inputs: int, outputs: int, kernel: int, groups: int = 1) -> None:
        self.conv(f"{name}.c", inputs, outputs, kernel, bias=False, groups=groups)
        self.norm(f"{name}.bn", outputs)
        self.normal(f"{name}.bn.running_mean", outputs)
        self.tensors[f"{name}.bn.running_var"] = 0.5 + torch.rand(outputs, generator=self._random)
        self.tensors[f"{name}.bn.num_batches_tracked"] = torch.tensor(1000)


def sam_decoder(layout: Layout) -> None:
    """`prompt_encoder.*` and `mask_decoder.*` of segment_anything."""
    prompt, decoder = "prompt_encoder", "mask_decoder"
    layout.normal(f"{prompt}.pe_layer.positional_encoding_gaussian_matrix", 2, WIDTH // 2, std=1.0)
    for k in range(4):
        layout.normal(f"{prompt}.point_embeddings.{k}.weight", 1, WIDTH, std=1.0)
    layout.normal(f"{prompt}.not_a_point_embed.weight", 1, WIDTH, std=1.0)
    layout.normal(f"{prompt}.no_mask_embed.weight", 1, WIDTH, std=0.5)
    layout.conv(f"{prompt}.mask_downscaling.0", 1, 4, 2)
    layout.norm(f"{prompt}.mask_downscaling.1", 4)
    layout.conv(f"{prompt}.mask_downscaling.3", 4, 16, 2)
    layout.norm(f"{prompt}.mask_downscaling.4", 16)
    layout.conv(f"{prompt}.mask_downscaling.6", 16, WIDTH, 1)
    layout.normal(f"{decoder}.iou_token.weight", 1, WIDTH, std=1.0)
    layout.normal(f"{decoder}.mask_tokens.weight", 4, WIDTH, std=1.0)
    for k in range(2):
        block = f"{decoder}.transformer.layers.{k}"
        attention(layout, f"{block}.self_attn", WIDTH)
        attention(layout, f"{block}.cross_attn_token_to_image", WIDTH // 2)
        attention(layout, f"{block}.cross_attn_image_to_token", WIDTH // 2)
        layout.linear(f"{block}.mlp.lin1", WIDTH, 2048)
        layout.linear(f"{block}.mlp.lin2", 2048, WIDTH)
        for number in range(1, 5):
            layout.norm(f"{block}.norm{number}", WIDTH)
    attention(layout, f"{decoder}.transformer.final_attn_token_to_image", WIDTH // 2)
    layout.norm(f"{decoder}.transformer.norm_final_attn", WIDTH)
    layout.transposed(f"{decoder}.output_upscaling.0", WIDTH, WIDTH // 4)
    layout.norm(f"{decoder}.output_upscaling.1", WIDTH // 4)
    layout.transposed(f"{decoder}.output_upscaling.3", WIDTH // 4, WIDTH // 8)
    for k in range(4):
        mlp(layout, f"{decoder}.output_hypernetworks_mlps.{k}", WIDTH // 8)
    mlp(layout, f"{decoder}.iou_prediction_head", 4)


def attention(layout: Layout, name: str, inner: int) -> None:
    for projection in ("q_proj", "k_proj", "v_proj"):
        layout.linear(f"{name}.{projection}", WIDTH, inner)
    layout.linear(f"{name}.out_proj", inner, WIDTH)


def mlp(layout: Layout, name: str, outputs: int) -> None:
    layout.linear(f"{name}.layers.0", WIDTH, WIDTH)
    layout.linear(f"{name}.layers.1", WIDTH, WIDTH)
    layout.linear(f"{name}.layers.2", WIDTH, outputs)


def neck(layout: Layout, width: int) -> None:
    layout.conv("image_encoder.neck.0", width, WIDTH, 1, bias=False)
    layout.norm("image_encoder.neck.1", WIDTH)
    layout.conv("image_encoder.neck.2", WIDTH, WIDTH, 3, bias=False)
    layout.norm("image_encoder.neck.3", WIDTH)


def sam_vit(width: int, depth: int, heads: int, everywhere: tuple[int, ...], grid: int = 64, seed: int = 1) -> Tensors:
    """A SAM checkpoint: `everywhere` are the blocks that attend to the whole picture, the others see windows of 14."""
    layout, encoder = Layout(seed), "image_encoder"
    layout.normal(f"{encoder}.pos_embed", 1, grid, grid, width)
    layout.conv(f"{encoder}.patch_embed.proj", 3, width, 16)
    for k in range(depth):
        block, side = f"{encoder}.blocks.{k}", grid if k in everywhere else 14
        layout.norm(f"{block}.norm1", width)
        layout.normal(f"{block}.attn.rel_pos_h", 2 * side - 1, width // heads)
        layout.normal(f"{block}.attn.rel_pos_w", 2 * side - 1, width // heads)
        layout.linear(f"{block}.attn.qkv", width, 3 * width)
        layout.linear(f"{block}.attn.proj", width, width)
        layout.norm(f"{block}.norm2", width)
        layout.linear(f"{block}.mlp.lin1", width, 4 * width)
        layout.linear(f"{block}.mlp.lin2", 4 * width, width)
    neck(layout, width)
    sam_decoder(layout)
    return layout.tensors


def mobile_sam(seed: int = 1) -> Tensors:
    """A MobileSAM checkpoint, the unused classifier included."""
    layout, encoder = Layout(seed), "image_encoder"
    widths, depths, heads, windows = (64, 128, 160, 320), (2, 2, 6, 2), (2, 4, 5, 10), (7, 7, 14, 7)
    layout.conv_norm(f"{encoder}.patch_embed.seq.0", 3, 32, 3)
    layout.conv_norm(f"{encoder}.patch_embed.seq.2", 32, 64, 3)
    for stage, width in enumerate(widths):
        for k in range(depths[stage]):
            block = f"{encoder}.layers.{stage}.blocks.{k}"
            if stage == 0:
                layout.conv_norm(f"{block}.conv1", width, 4 * width, 1)
                layout.conv_norm(f"{block}.conv2", 4 * width, 4 * width, 3, groups=4 * width)
                layout.conv_norm(f"{block}.conv3", 4 * width, width, 1)
                continue
            layout.norm(f"{block}.attn.norm", width)
            layout.linear(f"{block}.attn.qkv", width, 3 * width)
            layout.linear(f"{block}.attn.proj", width, width)
            layout.normal(f"{block}.attn.attention_biases", heads[stage], windows[stage] ** 2, std=0.5)
            layout.conv_norm(f"{block}.local_conv", width, width, 3, groups=width)
            layout.norm(f"{block}.mlp.norm", width)
            layout.linear(f"{block}.mlp.fc1", width, 4 * width)
            layout.linear(f"{block}.mlp.fc2", 4 * width, width)
        if stage + 1 < len(widths):
            merging, outputs = f"{encoder}.layers.{stage}.downsample", widths[stage + 1]
            layout.conv_norm(f"{merging}.conv1", width, outputs, 1)
            layout.conv_norm(f"{merging}.conv2", outputs, outputs, 3, groups=outputs)
            layout.conv_norm(f"{merging}.conv3", outputs, outputs, 1)
    layout.norm(f"{encoder}.norm_head", widths[-1])
    layout.linear(f"{encoder}.head", widths[-1], 1000)
    neck(layout, widths[-1])
    sam_decoder(layout)
    return layout.tensors
