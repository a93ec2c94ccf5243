"""Names of the tensors in SAM 2.1's published checkpoints, and what they are called here.

Here: `encoder.vision.*`, `encoder.conv_s*`, `decoder.prompt_encoder.*` and `decoder.mask_decoder.*`, the rest as in
`transformers`, but for the decoder's `out_proj` and the encoder's separate `q`, `k` and `v`. Tensors that only tracking
through a video reads are `video.*`: known, checked and left out.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from model_export.models.checkpoint import CheckpointError, differences, refuse_nonfinite
from model_export.models.sam_layout import renaming

Rules = tuple[tuple[str, str], ...]

MLPS = r"(output_hypernetworks_mlps\.\d+|iou_prediction_head)"
# The authors' name (facebookresearch/sam2) -> ours, the first that fits.
AUTHORS: Rules = (
    (r"image_encoder\.trunk\.patch_embed\.proj\.", "encoder.vision.backbone.patch_embed.projection."),
    (r"image_encoder\.trunk\.blocks\.(\d+)\.norm(\d)\.", r"encoder.vision.backbone.blocks.\1.layer_norm\2."),
    (r"image_encoder\.trunk\.blocks\.(\d+)\.mlp\.layers\.0\.", r"encoder.vision.backbone.blocks.\1.mlp.proj_in."),
    (r"image_encoder\.trunk\.blocks\.(\d+)\.mlp\.layers\.1\.", r"encoder.vision.backbone.blocks.\1.mlp.proj_out."),
    (r"image_encoder\.trunk\.", "encoder.vision.backbone."),
    (r"image_encoder\.neck\.convs\.(\d+)\.conv\.", r"encoder.vision.neck.convs.\1."),
    (r"no_mem_embed$", "encoder.no_memory_embedding"),
    (
        r"sam_prompt_encoder\.pe_layer\.positional_encoding_gaussian_matrix$",
        "decoder.prompt_encoder.shared_embedding.positional_embedding",
    ),
    (r"sam_prompt_encoder\.point_embeddings\.", "decoder.prompt_encoder.point_embed."),
    (r"sam_prompt_encoder\.mask_downscaling\.0\.", "decoder.prompt_encoder.mask_embed.conv1."),
    (r"sam_prompt_encoder\.mask_downscaling\.1\.", "decoder.prompt_encoder.mask_embed.layer_norm1."),
    (r"sam_prompt_encoder\.mask_downscaling\.3\.", "decoder.prompt_encoder.mask_embed.conv2."),
    (r"sam_prompt_encoder\.mask_downscaling\.4\.", "decoder.prompt_encoder.mask_embed.layer_norm2."),
    (r"sam_prompt_encoder\.mask_downscaling\.6\.", "decoder.prompt_encoder.mask_embed.conv3."),
    (r"sam_prompt_encoder\.", "decoder.prompt_encoder."),
    (r"sam_mask_decoder\.(conv_s[01])\.", r"encoder.\1."),
    (r"sam_mask_decoder\.pred_obj_score_head\.", "video.pred_obj_score_head."),
    (
        r"sam_mask_decoder\.transformer\.layers\.(\d+)\.norm(\d)\.",
        r"decoder.mask_decoder.transformer.layers.\1.layer_norm\2.",
    ),
    (
        r"sam_mask_decoder\.transformer\.layers\.(\d+)\.mlp\.layers\.0\.",
        r"decoder.mask_decoder.transformer.layers.\1.mlp.proj_in.",
    ),
    (
        r"sam_mask_decoder\.transformer\.layers\.(\d+)\.mlp\.layers\.1\.",
        r"decoder.mask_decoder.transformer.layers.\1.mlp.proj_out.",
    ),
    (r"sam_mask_decoder\.transformer\.norm_final_attn\.", "decoder.mask_decoder.transformer.layer_norm_final_attn."),
    (r"sam_mask_decoder\.output_upscaling\.0\.", "decoder.mask_decoder.upscale_conv1."),
    (r"sam_mask_decoder\.output_upscaling\.1\.", "decoder.mask_decoder.upscale_layer_norm."),
    (r"sam_mask_decoder\.output_upscaling\.3\.", "decoder.mask_decoder.upscale_conv2."),
    (rf"sam_mask_decoder\.{MLPS}\.layers\.0\.", r"decoder.mask_decoder.\1.proj_in."),
    (rf"sam_mask_decoder\.{MLPS}\.layers\.1\.", r"decoder.mask_decoder.\1.layers.0."),
    (rf"sam_mask_decoder\.{MLPS}\.layers\.2\.", r"decoder.mask_decoder.\1.proj_out."),
    (r"sam_mask_decoder\.", "decoder.mask_decoder."),
    (r"(?=memory_|maskmem_|mask_downsample\.|obj_ptr_|no_mem_pos_enc$|no_obj_)", "video."),
)
# The Hub's name (transformers' Sam2VideoModel, or Sam2Model without the video's) -> ours. The positional matrix is
# there once or twice, the same tensor.
HUB: Rules = (
    (r"vision_encoder\.", "encoder.vision."),
    (r"no_memory_embedding$", "encoder.no_memory_embedding"),
    (r"shared_image_embedding\.", "decoder.prompt_encoder.shared_embedding."),
    (r"prompt_encoder\.", "decoder.prompt_encoder."),
    (r"mask_decoder\.(conv_s[01])\.", r"encoder.\1."),
    (r"mask_decoder\.pred_obj_score_head\.proj_in\.", "video.pred_obj_score_head.layers.0."),
    (r"mask_decoder\.pred_obj_score_head\.layers\.0\.", "video.pred_obj_score_head.layers.1."),
    (r"mask_decoder\.pred_obj_score_head\.proj_out\.", "video.pred_obj_score_head.layers.2."),
    (r"mask_decoder\.transformer\.(.*)\.o_proj\.", r"decoder.mask_decoder.transformer.\1.out_proj."),
    (r"mask_decoder\.", "decoder.mask_decoder."),
    (r"memory_attention\.layers\.(\d+)\.layer_norm(\d)\.", r"video.memory_attention.layers.\1.norm\2."),
    (r"memory_attention\.layers\.(\d+)\.(\w+)\.o_proj\.", r"video.memory_attention.layers.\1.\2.out_proj."),
    (r"memory_attention\.layer_norm\.", "video.memory_attention.norm."),
    *(
        (
            rf"memory_encoder\.mask_downsampler\.layers\.{k}\.{part}\.",
            f"video.memory_encoder.mask_downsampler.encoder.{3 * k + place}.",
        )
        for k in range(4)
        for place, part in enumerate(("conv", "layer_norm"))
    ),
    (r"memory_encoder\.mask_downsampler\.final_conv\.", "video.memory_encoder.mask_downsampler.encoder.12."),
    (r"memory_encoder\.feature_projection\.", "video.memory_encoder.pix_feat_proj."),
    (r"memory_encoder\.projection\.", "video.memory_encoder.out_proj."),
    (
        r"memory_encoder\.memory_fuser\.layers\.(\d+)\.depthwise_conv\.",
        r"video.memory_encoder.fuser.layers.\1.dwconv.",
    ),
    (r"memory_encoder\.memory_fuser\.layers\.(\d+)\.layer_norm\.", r"video.memory_encoder.fuser.layers.\1.norm."),
    (
        r"memory_encoder\.memory_fuser\.layers\.(\d+)\.pointwise_conv(\d)\.",
        r"video.memory_encoder.fuser.layers.\1.pwconv\2.",
    ),
    (r"memory_encoder\.memory_fuser\.layers\.(\d+)\.scale$", r"video.memory_encoder.fuser.layers.\1.gamma"),
    (r"memory_temporal_positional_encoding$", "video.maskmem_tpos_enc"),
    (r"no_memory_positional_encoding$", "video.no_mem_pos_enc"),
    (r"no_object_pointer$", "video.no_obj_ptr"),
    (r"occlusion_spatial_embedding_parameter$", "video.no_obj_embed_spatial"),
    (r"temporal_positional_encoding_projection_layer\.", "video.obj_ptr_tpos_proj."),
    (r"object_pointer_proj\.proj_in\.", "video.obj_ptr_proj.layers.0."),
    (r"object_pointer_proj\.layers\.0\.", "video.obj_ptr_proj.layers.1."),
    (r"object_pointer_proj\.proj_out\.", "video.obj_ptr_proj.layers.2."),
    (r"(?=memory_|mask_downsample\.)", "video."),
)
POINT_EMBEDDING = "decoder.prompt_encoder.point_embed"
HEAD = "video.pred_obj_score_head."


def network_tensors(tensors: Mapping[str, Tensor], what: str) -> dict[str, Tensor]:
    """The checkpoint's tensors under the names of `Sam2`'s state dict, those for video checked and left out. Names of
    neither layout stay as they are, for the strict loader to complain of; so does a second tensor that would get the
    name of a first one and differs from it. Raises CheckpointError where the video's tensors are wrong."""
    rules = HUB if any(name.startswith("vision_encoder.") for name in tensors) else AUTHORS
    renamed: dict[str, Tensor] = {}
    for name, value in tensors.items():
        known = renamed.setdefault(renaming(name, rules), value)
        if known is not value and not (known.shape == value.shape and bool((known == value).all())):
            renamed[name] = value
    video = {name: renamed.pop(name) for name in list(renamed) if name.startswith("video.")}
    if video:
        refuse_other_video(video, what)
    for name in [name for name in renamed if ".attn.qkv." in name]:
        for part, value in zip("qkv", renamed.pop(name).chunk(3), strict=False):
            renamed[name.replace(".qkv.", f".{part}.")] = value
    kinds = [f"{POINT_EMBEDDING}.{k}.weight" for k in range(4)]
    if all(kind in renamed for kind in kinds) and len({renamed[kind].shape for kind in kinds}) == 1:
        renamed[f"{POINT_EMBEDDING}.weight"] = torch.cat([renamed.pop(kind) for kind in kinds])
    return renamed


def refuse_other_video(video: Mapping[str, Tensor], what: str) -> None:
    """Raises CheckpointError unless these are all the tensors for video. A file that an image model was saved to has
    only those of the mask decoder, so the rest may be missing together."""
    image_only = all(name.startswith(HEAD) for name in video)
    expected = {name: shape for name, shape in video_layout().items() if not image_only or name.startswith(HEAD)}
    if complaints := differences(expected, video):
        raise CheckpointError(
            f"this is not a checkpoint of {what}: of the tensors for video, {'; '.join(complaints)}"
            + (". It looks like one of SAM 2.0." if looks_like_sam2_0(video) else "")
        )
    refuse_nonfinite(video, what)


def looks_like_sam2_0(video: Mapping[str, Tensor]) -> bool:
    """SAM 2.0 has no embedding of an object that is hidden."""
    return "video.no_obj_ptr" in video and "video.no_obj_embed_spatial" not in video


def video_layout() -> dict[str, torch.Size]:
    """Shapes by name of what tracking through a video adds: memory attention, memory encoder, object pointers. The same
    in all four sizes."""
    layers: dict[str, tuple[int, ...]] = {
        "mask_downsample": (1, 1, 4, 4),
        "obj_ptr_tpos_proj": (64, 256),
        "memory_attention.norm": (256,),
        "memory_encoder.pix_feat_proj": (256, 256, 1, 1),
        "memory_encoder.out_proj": (64, 256, 1, 1),
        "memory_encoder.mask_downsampler.encoder.12": (256, 256, 1, 1),
    }
    for k in range(3):
        layers[f"obj_ptr_proj.layers.{k}"] = (256, 256)
        layers[f"pred_obj_score_head.layers.{k}"] = (256 if k < 2 else 1, 256)
    for k in range(4):
        channels = 4 ** (k + 1)
        layers[f"memory_encoder.mask_downsampler.encoder.{3 * k}"] = (channels, channels // 4, 3, 3)
        layers[f"memory_encoder.mask_downsampler.encoder.{3 * k + 1}"] = (channels,)
        layer = f"memory_attention.layers.{k}"
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            memory = 64 if part in ("k_proj", "v_proj") else 256
            layers |= {f"{layer}.self_attn.{part}": (256, 256), f"{layer}.cross_attn_image.{part}": (256, memory)}
        layers |= {f"{layer}.linear1": (2048, 256), f"{layer}.linear2": (256, 2048)}
        layers |= {f"{layer}.norm{place}": (256,) for place in (1, 2, 3)}
    single: dict[str, tuple[int, ...]] = {
        "maskmem_tpos_enc": (7, 1, 1, 64),
        "no_mem_pos_enc": (1, 1, 256),
        "no_obj_ptr": (1, 256),
        "no_obj_embed_spatial": (1, 64),
    }
    for k in range(2):
        layer = f"memory_encoder.fuser.layers.{k}"
        layers |= {f"{layer}.dwconv": (256, 1, 7, 7), f"{layer}.norm": (256,)}
        layers |= {f"{layer}.pwconv1": (1024, 256), f"{layer}.pwconv2": (256, 1024)}
        single[f"{layer}.gamma"] = (256,)
    for name, shape in layers.items():
        single |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    return {f"video.{name}": torch.Size(shape) for name, shape in single.items()}
