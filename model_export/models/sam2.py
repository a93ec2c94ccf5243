"""SAM 2.1 in its four sizes, as an image model: what its tracking through a video needs is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor
from transformers.models.sam2.configuration_sam2 import (
    Sam2HieraDetConfig,
    Sam2MaskDecoderConfig,
    Sam2PromptEncoderConfig,
    Sam2VisionConfig,
)

from model_export.models.hiera import HieraEncoder
from model_export.models.network import Network
from model_export.models.sam2_decoder import Sam2Decoder
from model_export.models.vit_encoder import PIXEL_MEAN, PIXEL_STD

INPUT_SIZE = 1024
MASK_STRIDE = 4
EMBEDDING_STRIDE = 16
WIDTH = 256


@dataclass(frozen=True)
class HieraSize:
    """An image encoder: channels and heads of the first stage (each further one has twice as many), blocks of each
    stage, the blocks that attend to the whole picture, side of the learnt grid of positions, window of each stage."""

    channels: int
    heads: int
    blocks: tuple[int, int, int, int]
    global_blocks: tuple[int, ...]
    positions: int = 7
    windows: tuple[int, int, int, int] = (8, 4, 14, 7)


SAM2_SIZES = {
    "sam2.1-hiera-tiny": HieraSize(96, 1, (1, 2, 7, 2), (5, 7, 9)),
    "sam2.1-hiera-small": HieraSize(96, 1, (1, 2, 11, 2), (7, 10, 13)),
    "sam2.1-hiera-base-plus": HieraSize(112, 2, (2, 3, 16, 3), (12, 16, 20), positions=14),
    "sam2.1-hiera-large": HieraSize(144, 2, (2, 6, 36, 4), (23, 33, 43), windows=(8, 4, 16, 8)),
}
SAM2_NAMES = tuple(SAM2_SIZES)


class Sam2(Network):
    """Encoder and decoder as the bundle's graphs have them. A picture is stretched to `input_size` squared."""

    resize = "square"
    pixel_mean = PIXEL_MEAN
    pixel_std = PIXEL_STD

    def __init__(self, size: HieraSize, input_size: int = INPUT_SIZE) -> None:
        super().__init__()
        self.input_size = input_size
        self.encoder = HieraEncoder(vision_config(size, input_size))
        self.decoder = Sam2Decoder(Sam2PromptEncoderConfig(image_size=input_size), Sam2MaskDecoderConfig())
        grid = input_size // EMBEDDING_STRIDE
        self.mask_shape = (MASK_STRIDE * grid, MASK_STRIDE * grid)
        self.embedding_shapes = (
            (WIDTH, grid, grid),
            (WIDTH // 8, 4 * grid, 4 * grid),
            (WIDTH // 4, 2 * grid, 2 * grid),
        )


def vision_config(size: HieraSize, input_size: int = INPUT_SIZE) -> Sam2VisionConfig:
    """`transformers`' configuration of the same network."""
    channels = [size.channels * 2**stage for stage in range(4)]
    backbone = Sam2HieraDetConfig(
        hidden_size=size.channels,
        image_size=[input_size, input_size],
        window_positional_embedding_background_size=[size.positions, size.positions],
        blocks_per_stage=list(size.blocks),
        embed_dim_per_stage=channels,
        num_attention_heads_per_stage=[size.heads * 2**stage for stage in range(4)],
        window_size_per_stage=list(size.windows),
        global_attention_blocks=list(size.global_blocks),
    )
    return Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=channels[::-1],
        backbone_feature_sizes=[[input_size // stride, input_size // stride] for stride in (4, 8, 16)],
        fpn_hidden_size=WIDTH,
    )


def sam2(name: str) -> Sam2:
    """The network `name` (of SAM2_NAMES), with random weights."""
    return Sam2(SAM2_SIZES[name])


def looks_like(name: str, tensors: Mapping[str, Tensor]) -> bool:
    """Judged by the first convolution's channels and the number of blocks."""
    size = SAM2_SIZES[name]
    trunk = "image_encoder.trunk" if "image_encoder.trunk.pos_embed" in tensors else "vision_encoder.backbone"
    positions = tensors.get(f"{trunk}.pos_embed")
    blocks = sum(size.blocks)
    return (
        positions is not None
        and positions.shape == (1, size.channels, size.positions, size.positions)
        and f"{trunk}.blocks.{blocks - 1}.attn.qkv.weight" in tensors
        and f"{trunk}.blocks.{blocks}.attn.qkv.weight" not in tensors
    )
