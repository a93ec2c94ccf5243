"""SAM 2's prompt encoder and mask decoder (Ravi et al. 2024, section 4 and appendix D), for a graph.

Differences from SAM's, whose arithmetic it shares (`sam_decoder`): a token of its own for whether there is an object,
which takes part in the attention though no image answer reads it; skips from the encoder at strides 8 and 4; predicted
IoU through a sigmoid; a padding token for every prompt with a point or box corner; and the authors' rule for a single
mask, which falls back on the best of the three candidates where the first mask is unstable.

The authors' image predictor cuts the small logits it returns to -32..32 for the next prompt's `mask_input`, after the
large ones were made from the uncut; here they are uncut.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers.models.sam2.configuration_sam2 import Sam2MaskDecoderConfig, Sam2PromptEncoderConfig
from transformers.models.sam2.modeling_sam2 import Sam2Attention, Sam2MaskDecoder, Sam2PromptEncoder

from model_export.models.sam_decoder import MASKED, PromptDecoder, doubled, feed_forward, spelt_norm

STABILITY_DELTA = 0.05  # logits
STABLE_PERCENT = 98


class Sam2Decoder(PromptDecoder):
    """The decoder graph of docs/bundle-format.md for SAM 2.1: [B] prompts for one picture."""

    first_mask_token = 2

    def __init__(self, prompts: Sam2PromptEncoderConfig, masks: Sam2MaskDecoderConfig) -> None:
        super().__init__()
        self.prompt_encoder = Sam2PromptEncoder(prompts)
        self.mask_decoder = Sam2MaskDecoder(masks)
        self.input_size = int(prompts.image_size)
        del self.mask_decoder.conv_s0, self.mask_decoder.conv_s1  # the encoder has them
        del self.mask_decoder.pred_obj_score_head  # only tracking through a video asks for it
        for module in self.mask_decoder.modules():
            if isinstance(module, Sam2Attention):  # the authors' name, which SAM's attention kept
                module.out_proj = module.o_proj
                del module.o_proj

    def forward(
        self,
        image_embeddings: Tensor,
        high_res_feats_0: Tensor,
        high_res_feats_1: Tensor,
        point_coords: Tensor,
        point_labels: Tensor,
        mask_input: Tensor,
        has_mask_input: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """image_embeddings [1, C, h, w], high_res_feats_0 [1, C/8, 4h, 4w], high_res_feats_1 [1, C/4, 2h, 2w],
        point_coords [B, N, 2] ModelPx, point_labels [B, N] (-1: padding), mask_input [B, 1, 4h, 4w] logits,
        has_mask_input [B] -> low_res_masks [B, 4, 4h, 4w] logits, iou_predictions [B, 4] in 0..1.

        Output 0 answers one mask, by `single_mask`; 1 to 3 answer an ambiguous prompt.
        """
        b, (h, w) = point_coords.shape[0], image_embeddings.shape[-2:]
        outputs, tokens = self.tokens(point_coords, point_labels)
        bias = attention_bias(point_labels, outputs)
        image = image_embeddings.flatten(2).transpose(1, 2) + self.dense_prompt(mask_input, has_mask_input)
        queries, image = self.two_way(tokens, bias, image, self.grid_positions(h, w))
        fine = self.upscaled_with_skips(image.reshape(b, h, w, -1), high_res_feats_1, high_res_feats_0)
        masks = (fine @ self.hypernetwork(queries).transpose(1, 2)).transpose(1, 2).reshape(b, -1, 4 * h, 4 * w)
        scores = feed_forward(self.mask_decoder.iou_prediction_head, queries[:, self.first_mask_token - 1])
        return single_mask(masks, scores)

    def tokens(self, coords: Tensor, labels: Tensor) -> tuple[int, Tensor]:
        """-> how many output tokens there are, and [B, outputs + 1 + N, C]: these, the padding token, the points."""
        weights = self.mask_decoder
        outputs = [weights.obj_score_token.weight, weights.iou_token.weight, weights.mask_tokens.weight]
        same = torch.cat([*outputs, self.prompt_encoder.not_a_point_embed.weight])
        tokens = torch.cat([same.expand(coords.shape[0], -1, -1), self.point_tokens(coords, labels)], 1)
        return same.shape[0] - 1, tokens

    def point_kinds(self) -> Tensor:
        kinds: Tensor = self.prompt_encoder.point_embed.weight
        return kinds

    def upscaled_with_skips(self, image: Tensor, skip8: Tensor, skip4: Tensor) -> Tensor:
        """image [B, h, w, C], skips [1, C/4, 2h, 2w] and [1, C/8, 4h, 4w] -> [B, 16 h w, C/8]."""
        weights = self.mask_decoder
        x = doubled(image, weights.upscale_conv1) + skip8.permute(0, 2, 3, 1)
        x = F.gelu(spelt_norm(x, weights.upscale_layer_norm))
        return F.gelu(doubled(x, weights.upscale_conv2) + skip4.permute(0, 2, 3, 1)).flatten(1, 2)


def attention_bias(labels: Tensor, outputs: int) -> Tensor:
    """[B, 1, 1, outputs + 1 + N]: 0, or MASKED for padding points and, where there is no other point, for the authors'
    padding token, which stands before the points."""
    padding = (labels < 0).to(labels.dtype)
    none = padding.amin(1, keepdim=True)
    return (F.pad(torch.cat([none, padding], 1), (outputs, 0)) * MASKED)[:, None, None]


def single_mask(masks: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
    """masks [B, 4, h, w] logits, scores [B, 4] -> the same with output 0 replaced by the candidate of the highest
    predicted IoU where it is not stable: where it keeps, cut at +delta, less than 98 % of its area when cut at -delta.

    In whole numbers: exact in every precision, and 0 of 0 counts as stable.
    """
    inside = (masks[:, 0] > STABILITY_DELTA).flatten(1).sum(1, dtype=torch.int32)
    around = (masks[:, 0] > -STABILITY_DELTA).flatten(1).sum(1, dtype=torch.int32)
    unstable = inside * 100 < around * STABLE_PERCENT
    best = scores[:, 1:].argmax(1)
    single, score = masks[:, 0], scores[:, 0]
    for candidate in range(scores.shape[1] - 1):
        taken = unstable & (best == candidate)
        single = torch.where(taken[:, None, None], masks[:, 1 + candidate], single)
        score = torch.where(taken, scores[:, 1 + candidate], score)
    return torch.cat([single[:, None], masks[:, 1:]], 1), torch.cat([score[:, None], scores[:, 1:]], 1)
