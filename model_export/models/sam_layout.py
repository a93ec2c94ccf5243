"""Names of the tensors in SAM's published checkpoints, and what they are called here.

Here: `encoder.vision.*`, `decoder.prompt_encoder.*` and `decoder.mask_decoder.*`, the rest as in `transformers`; of
MobileSAM's encoder `encoder.*`, the rest as its authors have it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

_MLP = r"mask_decoder\.(output_hypernetworks_mlps\.\d+|iou_prediction_head)\.layers\."
_TWO_WAY = r"decoder.mask_decoder.transformer."
# The authors' name (segment_anything, mobile_sam) -> ours, the first that fits.
AUTHORS = (
    (r"image_encoder\.pos_embed$", "encoder.vision.pos_embed"),
    (r"image_encoder\.patch_embed\.proj\.", "encoder.vision.patch_embed.projection."),
    (r"image_encoder\.blocks\.(\d+)\.norm(\d)\.", r"encoder.vision.layers.\1.layer_norm\2."),
    (r"image_encoder\.blocks\.", "encoder.vision.layers."),
    (r"image_encoder\.neck\.0\.", "{neck}.conv1."),
    (r"image_encoder\.neck\.1\.", "{neck}.layer_norm1."),
    (r"image_encoder\.neck\.2\.", "{neck}.conv2."),
    (r"image_encoder\.neck\.3\.", "{neck}.layer_norm2."),
    (r"image_encoder\.", "encoder."),
    (
        r"prompt_encoder\.pe_layer\.positional_encoding_gaussian_matrix$",
        "decoder.prompt_encoder.shared_embedding.positional_embedding",
    ),
    (r"prompt_encoder\.point_embeddings\.", "decoder.prompt_encoder.point_embed."),
    (r"prompt_encoder\.mask_downscaling\.0\.", "decoder.prompt_encoder.mask_embed.conv1."),
    (r"prompt_encoder\.mask_downscaling\.1\.", "decoder.prompt_encoder.mask_embed.layer_norm1."),
    (r"prompt_encoder\.mask_downscaling\.3\.", "decoder.prompt_encoder.mask_embed.conv2."),
    (r"prompt_encoder\.mask_downscaling\.4\.", "decoder.prompt_encoder.mask_embed.layer_norm2."),
    (r"prompt_encoder\.mask_downscaling\.6\.", "decoder.prompt_encoder.mask_embed.conv3."),
    (r"mask_decoder\.transformer\.layers\.(\d+)\.norm(\d)\.", _TWO_WAY + r"layers.\1.layer_norm\2."),
    (r"mask_decoder\.transformer\.norm_final_attn\.", _TWO_WAY + "layer_norm_final_attn."),
    (r"mask_decoder\.output_upscaling\.0\.", "decoder.mask_decoder.upscale_conv1."),
    (r"mask_decoder\.output_upscaling\.1\.", "decoder.mask_decoder.upscale_layer_norm."),
    (r"mask_decoder\.output_upscaling\.3\.", "decoder.mask_decoder.upscale_conv2."),
    (_MLP + r"0\.", r"decoder.mask_decoder.\1.proj_in."),
    (_MLP + r"1\.", r"decoder.mask_decoder.\1.layers.0."),
    (_MLP + r"2\.", r"decoder.mask_decoder.\1.proj_out."),
    (r"(prompt_encoder|mask_decoder)\.", r"decoder.\1."),
)  # fmt: skip
# The Hub's name (transformers' SamModel) -> ours. The positional matrix is there once or twice, the same tensor.
HUB = (
    (r"vision_encoder\.", "encoder.vision."),
    (r"shared_image_embedding\.", "decoder.prompt_encoder.shared_embedding."),
    (r"(prompt_encoder|mask_decoder)\.", r"decoder.\1."),
)


def network_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The checkpoint's tensors under the names of `Sam`'s state dict. Names of neither layout stay as they are, for the
    strict loader to complain of; so does a second tensor that would get the name of a first one and differs from it."""
    hub = any(name.startswith("vision_encoder.") for name in tensors)
    mobile = any(name.startswith("image_encoder.layers.") for name in tensors)
    neck = "encoder.neck" if mobile else "encoder.vision.neck"
    renamed: dict[str, Tensor] = {}
    for name, value in tensors.items():
        ours = renaming(name, HUB if hub else AUTHORS).replace("{neck}", neck)
        known = renamed.setdefault(ours, value)
        if known is not value and not (known.shape == value.shape and bool((known == value).all())):
            renamed[name] = value
    return renamed


def renaming(name: str, rules: tuple[tuple[str, str], ...]) -> str:
    for pattern, ours in rules:
        if match := re.match(pattern, name):
            return match.expand(ours) + name[match.end() :]
    return name
