"""Segment Anything: ViT-B, L and H, and MobileSAM, which has the same decoder behind a smaller encoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor
from transformers.models.sam.configuration_sam import SamConfig

from model_export.models.network import Encoder, Network
from model_export.models.sam_decoder import SamDecoder
from model_export.models.sam_layout import network_tensors
from model_export.models.tiny_vit import TinyVitEncoder
from model_export.models.vit_encoder import PIXEL_MEAN, PIXEL_STD, VitEncoder

INPUT_SIZE = 1024
MASK_STRIDE = 4
EMBEDDING_STRIDE = 16


@dataclass(frozen=True)
class VitSize:
    """Width, depth, heads and the layers that attend to the whole picture, of an image encoder."""

    hidden_size: int
    layers: int
    heads: int
    global_layers: tuple[int, ...]


VIT_SIZES = {
    "sam-vit-b": VitSize(768, 12, 12, (2, 5, 8, 11)),
    "sam-vit-l": VitSize(1024, 24, 16, (5, 11, 17, 23)),
    "sam-vit-h": VitSize(1280, 32, 16, (7, 15, 23, 31)),
}
MOBILE_SAM = "mobile-sam"
SAM_NAMES = (*VIT_SIZES, MOBILE_SAM)


class Sam(Network):
    """SAM's decoder behind an image encoder; of `config` only the decoder's part and the sizes count."""

    pixel_mean = PIXEL_MEAN
    pixel_std = PIXEL_STD

    def __init__(self, config: SamConfig, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = SamDecoder(config)
        self.input_size = int(config.vision_config.image_size)
        grid = self.input_size // EMBEDDING_STRIDE
        self.embedding_shapes = ((int(config.vision_config.output_channels), grid, grid),)
        self.mask_shape = (MASK_STRIDE * grid, MASK_STRIDE * grid)


def sam_config(size: VitSize, input_size: int = INPUT_SIZE) -> SamConfig:
    """`transformers`' configuration of the same network."""
    return SamConfig(
        vision_config={
            "hidden_size": size.hidden_size,
            "num_hidden_layers": size.layers,
            "num_attention_heads": size.heads,
            "global_attn_indexes": list(size.global_layers),
            "image_size": input_size,
            "initializer_range": 0.02,
        },
        prompt_encoder_config={"image_size": input_size},
    )


def sam(name: str) -> Sam:
    """The network `name` (of SAM_NAMES), with random weights."""
    if name == MOBILE_SAM:
        return Sam(sam_config(VIT_SIZES["sam-vit-b"]), TinyVitEncoder())
    config = sam_config(VIT_SIZES[name])
    return Sam(config, VitEncoder(config.vision_config))


def looks_like(name: str, tensors: Mapping[str, Tensor]) -> bool:
    """Judged by names and shapes of a few tensors of the encoder."""
    found = network_tensors(tensors)
    if name == MOBILE_SAM:
        return "encoder.patch_embed.seq.0.c.weight" in found
    size, last = VIT_SIZES[name], f"encoder.vision.layers.{VIT_SIZES[name].layers - 1}.layer_norm1.weight"
    deeper = f"encoder.vision.layers.{size.layers}.layer_norm1.weight"
    return last in found and deeper not in found and found[last].shape == (size.hidden_size,)
