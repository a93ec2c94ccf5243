"""Checkpoints of SAM 2.1 in both published layouts: every tensor has its place, and a wrong file is told apart."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers.models.sam2.configuration_sam2 import Sam2Config, Sam2MaskDecoderConfig, Sam2PromptEncoderConfig
from transformers.models.sam2.modeling_sam2 import Sam2Model
from transformers.models.sam2_video.configuration_sam2_video import Sam2VideoConfig
from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoModel

from model_export.models.checkpoint import CheckpointError, fit, read_tensors
from model_export.models.published import load_tensors
from model_export.models.sam2 import SAM2_NAMES, SAM2_SIZES, Sam2, looks_like, sam2, vision_config
from model_export.models.sam2_layout import AUTHORS, HUB, network_tensors, video_layout
from model_export.models.sam_layout import renaming
from tests.unit.model_export.sam2_checkpoint import SMALL, SMALL_INPUT, authors_layout, random_checkpoint

PUBLISHED_MILLIONS = {  # parameters, facebookresearch/sam2's table
    "sam2.1-hiera-tiny": 38.9,
    "sam2.1-hiera-small": 46.0,
    "sam2.1-hiera-base-plus": 80.8,
    "sam2.1-hiera-large": 224.4,
}
TWINS = tuple(f"{part}.positional_embedding" for part in ("shared_image_embedding", "prompt_encoder.shared_embedding"))
Broken = dict[str, Tensor]


def checkpoint() -> dict[str, Tensor]:
    return dict(drawn())


@cache
def drawn() -> dict[str, Tensor]:
    return random_checkpoint(SMALL)


def load(tensors: dict[str, Tensor]) -> Sam2:
    model = Sam2(SMALL, SMALL_INPUT).eval().requires_grad_(False)
    fit(model, network_tensors(tensors, "sam2.1-hiera-tiny"), "sam2.1-hiera-tiny")
    return model


def hub_layout(image_only: bool = False) -> dict[str, Tensor]:
    """A Hub file of the small network, with `transformers`' own random weights."""
    torch.manual_seed(0)
    options = {"enable_temporal_pos_encoding_for_object_pointers": True, "enable_occlusion_spatial_embedding": True}
    video = Sam2VideoConfig(vision_config=vision_config(SMALL, SMALL_INPUT), **options)
    tensors = dict((Sam2Model(image_config()) if image_only else Sam2VideoModel(video)).state_dict())
    tensors[TWINS[0]] = tensors[TWINS[1]]
    return tensors


def image_config() -> Sam2Config:
    return Sam2Config(
        vision_config=vision_config(SMALL, SMALL_INPUT),
        prompt_encoder_config=Sam2PromptEncoderConfig(image_size=SMALL_INPUT),
        mask_decoder_config=Sam2MaskDecoderConfig(),
    )


@pytest.mark.parametrize("name", SAM2_NAMES)
def test_sizes_have_the_published_tensors_and_no_others(name: str) -> None:
    layout = authors_layout(SAM2_SIZES[name])
    count = sum(torch.Size(shape).numel() for shape in layout.values()) / 1e6
    assert count == pytest.approx(PUBLISHED_MILLIONS[name], abs=0.1)
    with torch.device("meta"):
        model = sam2(name)
    renamed = {renaming(key, AUTHORS): torch.Size(shape) for key, shape in layout.items()}
    assert len(renamed) == len(layout)
    video = {key: shape for key, shape in renamed.items() if key.startswith("video.")}
    assert video == video_layout()
    kinds = [renamed.pop(f"decoder.prompt_encoder.point_embed.{k}.weight") for k in range(4)]
    renamed["decoder.prompt_encoder.point_embed.weight"] = torch.Size((len(kinds), kinds[0][1]))
    for key in [key for key in renamed if ".attn.qkv." in key]:
        shape = renamed.pop(key)
        renamed |= {key.replace(".qkv.", f".{part}."): torch.Size((shape[0] // 3, *shape[1:])) for part in "qkv"}
    expected = {key: value.shape for key, value in model.state_dict().items()}
    assert {key: shape for key, shape in renamed.items() if key not in video} == expected
    assert model.embedding_shapes == ((256, 64, 64), (32, 256, 256), (64, 128, 128))
    found = {key: torch.empty(shape, device="meta") for key, shape in layout.items()}
    assert [known for known in SAM2_NAMES if looks_like(known, found)] == [name]


def test_the_hubs_video_model_has_the_same_tensors() -> None:
    tensors = hub_layout()
    renamed = {renaming(key, HUB): value.shape for key, value in tensors.items()}
    assert {key: shape for key, shape in renamed.items() if key.startswith("video.")} == video_layout()
    load(tensors)
    for twin in TWINS:
        load({key: value for key, value in tensors.items() if key != twin})


@pytest.mark.parametrize("multimask", [False, True])
def test_a_hub_file_answers_as_transformers_does(multimask: bool) -> None:
    tensors = hub_layout(image_only=True)
    generator = torch.Generator().manual_seed(1)
    for key, value in tensors.items():  # transformers starts biases and positions at zero
        if key not in TWINS:
            value.add_(torch.randn(value.shape, generator=generator) * 0.05)
    model = load(tensors)
    theirs = Sam2Model(image_config()).eval()
    theirs.load_state_dict(tensors)
    pixels = torch.randint(0, 256, (1, SMALL_INPUT, SMALL_INPUT, 3), dtype=torch.uint8, generator=generator)
    normal = ((pixels - model.encoder.mean) / model.encoder.std).permute(0, 3, 1, 2)
    coords, labels = (
        torch.tensor([[[30.0, 40.0], [200.0, 77.0]], [[60.0, 9.0], [250.0, 251.0]]]),
        torch.tensor([[1, 0], [2, 3]]),
    )
    with torch.no_grad():
        want = theirs(normal, input_points=coords[None], input_labels=labels[None], multimask_output=multimask)
    masks, scores = model.decoder(
        *model.encoder(pixels, torch.tensor([[SMALL_INPUT, SMALL_INPUT]])),
        coords,
        labels.float(),
        torch.zeros(2, 1, *model.mask_shape),
        torch.zeros(2),
    )
    chosen = list(model.multi_mask_indices) if multimask else [model.single_mask_index]
    torch.testing.assert_close(masks[:, chosen], want.pred_masks[0], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(scores[:, chosen], want.iou_scores[0], rtol=1e-4, atol=1e-4)


def test_files_of_both_kinds_load(tmp_path: Path) -> None:
    torch.save({"model": checkpoint()}, tmp_path / "sam2.1.pt")
    save_file(checkpoint(), tmp_path / "sam2.1.safetensors")
    for path in tmp_path.iterdir():
        loaded = load(read_tensors(path)).state_dict()
        for key, value in load(checkpoint()).state_dict().items():
            assert torch.equal(loaded[key], value), (path.name, key)


def test_a_file_without_the_part_for_video_loads() -> None:
    kept = {key: value for key, value in checkpoint().items() if not renaming(key, AUTHORS).startswith("video.")}
    load(kept)
    load({key: value for key, value in checkpoint().items() if key in kept or "pred_obj_score_head" in key})
    load(hub_layout(image_only=True))


def without(key: str) -> Broken:
    tensors = checkpoint()
    del tensors[key]
    return tensors


def with_tensor(key: str, value: Tensor) -> Broken:
    return checkpoint() | {key: value}


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        (without("sam_mask_decoder.iou_token.weight"), "1 of .* are missing .*mask_decoder.iou_token.weight"),
        (without("sam_prompt_encoder.point_embeddings.2.weight"), "point_embed"),
        (without("maskmem_tpos_enc"), "of the tensors for video, 1 of .* missing .*maskmem_tpos_enc"),
        (with_tensor("sam_mask_decoder.hf_token.weight", torch.zeros(1, 256)), "do not belong to it .*hf_token"),
        (with_tensor("memory_bank", torch.zeros(3)), "of the tensors for video, 1 do not belong to it .*memory_bank"),
        (with_tensor("no_mem_embed", torch.zeros(1, 1, 128)), r"embedding has shape \[1, 1, 128\], not \[1, 1, 256\]"),
        (with_tensor("no_obj_ptr", torch.zeros(1, 128)), "of the tensors for video, .*no_obj_ptr has shape"),
        (with_tensor("no_mem_embed", torch.full((1, 1, 256), torch.nan)), "damaged: encoder.no_memory_embedding"),
        (with_tensor("no_obj_ptr", torch.full((1, 256), torch.inf)), "damaged: video.no_obj_ptr"),
        ({"image_encoder.pos_embed": torch.zeros(1, 64, 64, 768)}, "missing"),
        ({"weight": torch.zeros(3)}, "do not belong to it .*weight"),
    ],
)  # fmt: skip
def test_what_differs_is_named(tensors: Broken, words: str) -> None:
    with pytest.raises(CheckpointError, match=words):
        load(tensors)


def test_two_positional_matrices_must_be_the_same() -> None:
    tensors = hub_layout()
    with pytest.raises(CheckpointError, match=r"1 do not belong to it .*positional_embedding"):
        load(tensors | {TWINS[1]: tensors[TWINS[1]] + 1})


def test_another_size_is_recognised() -> None:
    tensors = {key: torch.zeros(shape) for key, shape in authors_layout(SAM2_SIZES["sam2.1-hiera-small"]).items()}
    with pytest.raises(
        CheckpointError, match=r"not a checkpoint of sam2.1-hiera-tiny.*looks like one of sam2.1-hiera-small\."
    ):
        load_tensors("sam2.1-hiera-tiny", tensors)


def test_sam_2_0_is_recognised() -> None:
    """Its image network has the same tensors, but was trained to other weights; it lacks two of the video's."""
    missing = ("no_obj_embed_spatial", "obj_ptr_tpos_proj")
    tensors = {key: value for key, value in checkpoint().items() if not key.startswith(missing)}
    with pytest.raises(CheckpointError, match=r"no_obj_embed_spatial.*It looks like one of SAM 2\.0"):
        load(tensors)
