"""SAM-HQ (Ke et al. 2023): SAM with one more output token, whose mask is drawn on finer features; ViT-B, L and H, and
the light one with MobileSAM's encoder. Of `transformers` only the modules are used: in 5.24 its decoder's own forward
draws the masks on the embedding that went into the transformer."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.models.sam_hq.configuration_sam_hq import SamHQConfig
from transformers.models.sam_hq.modeling_sam_hq import SamHQMaskDecoder, SamHQPromptEncoder

from model_export.models.network import Encoder, Network
from model_export.models.sam import EMBEDDING_STRIDE, INPUT_SIZE, MASK_STRIDE, VIT_SIZES, sam_config
from model_export.models.sam_decoder import (
    AUTHORS_NORM_EPS,
    PromptDecoder,
    attention_bias,
    doubled,
    feed_forward,
    norm,
)
from model_export.models.sam_layout import network_tensors
from model_export.models.tiny_vit import WIDTHS, TinyVitEncoder
from model_export.models.vit_encoder import PIXEL_MEAN, PIXEL_STD, VitEncoder, vit_layer

WIDTH = 256
FINE = WIDTH // 8
NORM_EPS = 1e-6
LIGHT = "sam-hq-light"
SAM_HQ_SIZES = {name.replace("sam-", "sam-hq-", 1): size for name, size in VIT_SIZES.items()}
SAM_HQ_NAMES = (*SAM_HQ_SIZES, LIGHT)
ENCODER_SIDE = (
    *("compress_vit_conv1", "compress_vit_norm", "compress_vit_conv2"),
    *("encoder_conv1", "encoder_norm", "encoder_conv2"),
)

# What the layout of SAM makes of the authors' names for what SAM-HQ adds -> ours, which are `transformers`'.
ADDED = {
    "hf_token": "decoder.mask_decoder.hq_token",
    "hf_mlp.layers.0": "decoder.mask_decoder.hq_mask_mlp.proj_in",
    "hf_mlp.layers.1": "decoder.mask_decoder.hq_mask_mlp.layers.0",
    "hf_mlp.layers.2": "decoder.mask_decoder.hq_mask_mlp.proj_out",
    "compress_vit_feat.0": "encoder.fine.compress_vit_conv1",
    "compress_vit_feat.1": "encoder.fine.compress_vit_norm",
    "compress_vit_feat.3": "encoder.fine.compress_vit_conv2",
    "embedding_encoder.0": "encoder.fine.encoder_conv1",
    "embedding_encoder.1": "encoder.fine.encoder_norm",
    "embedding_encoder.3": "encoder.fine.encoder_conv2",
    "embedding_maskfeature.0": "decoder.mask_decoder.mask_conv1",
    "embedding_maskfeature.1": "decoder.mask_decoder.mask_norm",
    "embedding_maskfeature.3": "decoder.mask_decoder.mask_conv2",
} | {name: f"encoder.fine.{name}" for name in ENCODER_SIDE}  # fmt: skip


class FineFeatures(nn.Module):
    """The features of the fine mask: the embedding and an early layer of the encoder, both at four times the grid."""

    def __init__(self, early_width: int) -> None:
        super().__init__()
        self.compress_vit_conv1 = nn.ConvTranspose2d(early_width, WIDTH, 2, 2)
        self.compress_vit_norm = nn.LayerNorm(WIDTH, NORM_EPS)
        self.compress_vit_conv2 = nn.ConvTranspose2d(WIDTH, FINE, 2, 2)
        self.encoder_conv1 = nn.ConvTranspose2d(WIDTH, WIDTH // 4, 2, 2)
        self.encoder_norm = nn.LayerNorm(WIDTH // 4, NORM_EPS)
        self.encoder_conv2 = nn.ConvTranspose2d(WIDTH // 4, FINE, 2, 2)

    def forward(self, embedding: Tensor, early: Tensor) -> Tensor:
        """embedding [B, 256, h, w], early [B, h, w, C] -> [B, 32, 4h, 4w]."""
        x = F.gelu(self.encoder_norm(doubled(embedding.permute(0, 2, 3, 1), self.encoder_conv1)))
        y = F.gelu(self.compress_vit_norm(doubled(early, self.compress_vit_conv1)))
        fine = doubled(x, self.encoder_conv2) + doubled(y, self.compress_vit_conv2)
        return fine.permute(0, 3, 1, 2)


class HqVitEncoder(VitEncoder):
    """The encoder graph for SAM-HQ ViT-B, L and H. The early layer is the first that attends to the whole picture."""

    output_names: tuple[str, ...] = ("image_embeddings", "hq_features")

    def __init__(self, config: SamHQConfig) -> None:
        super().__init__(config.vision_config)
        self.fine = FineFeatures(int(config.vision_config.hidden_size))
        self.early_layer = min(config.vision_config.global_attn_indexes)

    def forward(self, pixels: Tensor, valid_size: Tensor) -> tuple[Tensor, ...]:
        """As `PaddedPixels` -> image_embeddings [B, 256, S/16, S/16], hq_features [B, 32, S/4, S/4]."""
        x = self.vision.patch_embed(self.pixels(pixels, valid_size)) + self.vision.pos_embed
        early = x
        for place, layer in enumerate(self.vision.layers):
            x = vit_layer(layer, x)
            early = x if place == self.early_layer else early
        embedding = self.vision.neck(x)
        return embedding, self.fine(embedding, early)


class HqTinyVitEncoder(TinyVitEncoder):
    """The encoder graph for SAM-HQ light. The early layer is the second stage, merged into the third's width."""

    output_names: tuple[str, ...] = ("image_embeddings", "hq_features")

    def __init__(self) -> None:
        super().__init__()
        self.fine = FineFeatures(WIDTHS[2])

    def forward(self, pixels: Tensor, valid_size: Tensor) -> tuple[Tensor, ...]:
        """As `PaddedPixels` -> image_embeddings [B, 256, S/16, S/16], hq_features [B, 32, S/4, S/4]."""
        x = self.layers[0](self.patch_embed(self.pixels(pixels, valid_size)))
        x = early = self.layers[1](x)
        for stage in self.layers[2:]:
            x = stage(x)
        embedding = self.neck(x.permute(0, 2, 3, 1))
        return embedding, self.fine(embedding, early.permute(0, 2, 3, 1))


class SamHqDecoder(PromptDecoder):
    """The decoder graph of docs/bundle-format.md for SAM-HQ: [B] prompts for one picture. The fine mask is added to
    each of SAM's four, as the authors do where `hq_token_only` is off. Of the three candidates they return the one that
    is thought best."""

    def __init__(self, config: SamHQConfig) -> None:
        super().__init__()
        config.mask_decoder_config.layer_norm_eps = AUTHORS_NORM_EPS
        self.prompt_encoder = SamHQPromptEncoder(config)
        self.mask_decoder = SamHQMaskDecoder(config.mask_decoder_config)
        self.input_size = int(config.prompt_encoder_config.image_size)
        for name in ENCODER_SIDE:
            delattr(self.mask_decoder, name)

    def forward(
        self,
        image_embeddings: Tensor,
        hq_features: Tensor,
        point_coords: Tensor,
        point_labels: Tensor,
        mask_input: Tensor,
        has_mask_input: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """image_embeddings [1, C, h, w], hq_features [1, C/8, 4h, 4w], point_coords [B, N, 2] ModelPx, point_labels
        [B, N] (-1: padding), mask_input [B, 1, 4h, 4w] logits, has_mask_input [B] -> low_res_masks [B, 4, 4h, 4w]
        logits, iou_predictions [B, 4]."""
        b, (h, w) = point_coords.shape[0], image_embeddings.shape[-2:]
        weights, padding = self.mask_decoder, self.prompt_encoder.not_a_point_embed.weight
        outputs = torch.cat([weights.iou_token.weight, weights.mask_tokens.weight, weights.hq_token.weight])
        points = self.point_tokens(point_coords, point_labels)
        tokens = torch.cat([torch.cat([outputs, padding]).expand(b, -1, -1), points], 1)
        bias = attention_bias(point_labels, outputs.shape[0])
        image = image_embeddings.flatten(2).transpose(1, 2) + self.dense_prompt(mask_input, has_mask_input)
        queries, image = self.two_way(tokens, bias, image, self.grid_positions(h, w))
        fine = self.upscaled(image, h, w)
        masks = (fine @ self.hypernetwork(queries).transpose(1, 2)).transpose(1, 2).reshape(b, -1, 4 * h, 4 * w)
        chosen = feed_forward(weights.hq_mask_mlp, queries[:, outputs.shape[0] - 1])
        scores = feed_forward(weights.iou_prediction_head, queries[:, 0])
        return masks + self.fine_mask(fine.view(b, 4 * h, 4 * w, -1), hq_features, chosen), scores

    def fine_mask(self, fine: Tensor, hq_features: Tensor, chosen: Tensor) -> Tensor:
        """fine [B, h, w, 32], hq_features [1, 32, h, w], chosen [B, 32], the weights of the fine mask -> its logits
        [B, 1, h, w].

        The weights are absorbed into the last convolution: a product to one map for each of its nine taps, then the
        taps' sum, instead of 32 maps."""
        weights = self.mask_decoder
        b, h, w, _ = fine.shape
        x = weights.mask_conv1(fine.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        x = F.gelu(F.layer_norm(x, *norm(weights.mask_norm)))
        last = weights.mask_conv2
        taps = (chosen @ last.weight.flatten(1)).view(b, -1, 9)
        maps = (x.flatten(1, 2) @ taps).transpose(1, 2).reshape(b, 9, h, w)
        shifted = F.conv2d(maps, torch.eye(9).view(1, 9, 3, 3).to(maps), padding=1)
        told = chosen @ hq_features.flatten(2)[0] + chosen @ last.bias[:, None]
        logits: Tensor = shifted + told.view(b, 1, h, w)
        return logits


class SamHq(Network):
    """Encoder and decoder as the bundle's graphs have them."""

    pixel_mean = PIXEL_MEAN
    pixel_std = PIXEL_STD

    def __init__(self, config: SamHQConfig, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = SamHqDecoder(config)
        self.input_size = self.decoder.input_size
        grid = self.input_size // EMBEDDING_STRIDE
        self.mask_shape = (MASK_STRIDE * grid, MASK_STRIDE * grid)
        self.embedding_shapes = ((WIDTH, grid, grid), (FINE, *self.mask_shape))


def sam_hq_config(name: str, input_size: int = INPUT_SIZE) -> SamHQConfig:
    """`transformers`' configuration of the same network; of the light one, whose encoder it lacks, the decoder's."""
    vision = sam_config(SAM_HQ_SIZES.get(name, VIT_SIZES["sam-vit-b"]), input_size).vision_config
    return hq_config(vision.to_dict(), input_size)


def hq_config(vision: dict[str, object], input_size: int) -> SamHQConfig:
    """From the fields of a SamVisionConfig."""
    shared = {name: value for name, value in vision.items() if name not in ("model_type", "scale")}
    return SamHQConfig(
        vision_config=shared,
        prompt_encoder_config={"image_size": input_size},
        mask_decoder_config={"vit_dim": vision["hidden_size"]},
    )


def sam_hq(name: str) -> SamHq:
    """The network `name` (of SAM_HQ_NAMES), with random weights."""
    config = sam_hq_config(name)
    return SamHq(config, HqTinyVitEncoder() if name == LIGHT else HqVitEncoder(config))


def hq_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The checkpoint's tensors under the names of `SamHq`'s state dict; unknown names stay as they are."""
    return {hq_name(name): value for name, value in network_tensors(tensors).items()}


def hq_name(name: str) -> str:
    added = re.fullmatch(r"decoder\.mask_decoder\.(.+)\.(weight|bias)", name)
    return f"{ADDED[added[1]]}.{added[2]}" if added and added[1] in ADDED else name


def looks_like(name: str, tensors: Mapping[str, Tensor]) -> bool:
    """Judged by the width of the early layer, where there is one."""
    early = hq_tensors(tensors).get("encoder.fine.compress_vit_conv1.weight")
    width = WIDTHS[2] if name == LIGHT else SAM_HQ_SIZES[name].hidden_size
    return early is not None and early.shape[:1] == (width,)
