"""SAM-HQ against plain arithmetic on the authors' tensors, its encoder against `transformers`; a small ViT for speed.

The decoder of `transformers` 5.24 is no reference: what its transformer makes of the image is thrown away, and the
masks are drawn on the embedding that went in, rows and columns exchanged.
"""

from __future__ import annotations

import copy
from functools import cache

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.models.sam_hq.modeling_sam_hq import SamHQModel

from model_export.export.graphs import PROMPT_INPUTS, decoder_onnx, encoder_onnx, serialised
from model_export.models.checkpoint import CheckpointError, fit
from model_export.models.published import load_tensors
from model_export.models.sam import VitSize, sam_config
from model_export.models.sam_hq import (
    SAM_HQ_NAMES,
    SAM_HQ_SIZES,
    HqVitEncoder,
    SamHq,
    hq_config,
    hq_tensors,
    looks_like,
    sam_hq,
)
from tests.unit.model_export.random_checkpoints import WIDTH, Layout, Tensors, mlp, mobile_sam, sam_vit
from tests.unit.model_export.sam2_reference import channel_norm, conv, fourier, two_way
from tests.unit.model_export.sam2_reference import mlp as plain_mlp

SIZE = VitSize(hidden_size=64, layers=3, heads=2, global_layers=(1,))
SIDE = 320  # a grid of 20: windows of 14 are padded
GRID = SIDE // 16
EARLY = {"sam-hq-vit-b": 768, "sam-hq-vit-l": 1024, "sam-hq-vit-h": 1280, "sam-hq-light": 160}
CASES: dict[str, list[tuple[float, float, int]]] = {
    "click": [(30, 50, 1)],
    "clicks": [(30, 50, 1), (200.5, 11, 0), (3, 300, 1)],
    "box": [(20, 30, 2), (150, 200, 3)],
    "box and click": [(100, 100, 0), (20, 30, 2), (150, 200, 3)],
    "nothing": [],
}


def additions(early_width: int, seed: int = 2) -> Tensors:
    """What the authors of SAM-HQ add to SAM's `mask_decoder`."""
    layout, base = Layout(seed), "mask_decoder"
    layout.normal(f"{base}.hf_token.weight", 1, WIDTH, std=1.0)
    mlp(layout, f"{base}.hf_mlp", WIDTH // 8)
    layout.transposed(f"{base}.compress_vit_feat.0", early_width, WIDTH)
    layout.norm(f"{base}.compress_vit_feat.1", WIDTH)
    layout.transposed(f"{base}.compress_vit_feat.3", WIDTH, WIDTH // 8)
    layout.transposed(f"{base}.embedding_encoder.0", WIDTH, WIDTH // 4)
    layout.norm(f"{base}.embedding_encoder.1", WIDTH // 4)
    layout.transposed(f"{base}.embedding_encoder.3", WIDTH // 4, WIDTH // 8)
    layout.conv(f"{base}.embedding_maskfeature.0", WIDTH // 8, WIDTH // 4, 3)
    layout.norm(f"{base}.embedding_maskfeature.1", WIDTH // 4)
    layout.conv(f"{base}.embedding_maskfeature.3", WIDTH // 4, WIDTH // 8, 3)
    return layout.tensors


@cache
def checkpoint() -> Tensors:
    return sam_vit(SIZE.hidden_size, SIZE.layers, SIZE.heads, SIZE.global_layers, grid=GRID, seed=4) | additions(64)


@cache
def network() -> SamHq:
    config = hq_config(sam_config(SIZE, SIDE).vision_config.to_dict(), SIDE)
    model = SamHq(config, HqVitEncoder(config)).eval().requires_grad_(False)
    fit(model, hq_tensors(checkpoint()), "a small SAM-HQ")
    return model


@cache
def theirs() -> SamHQModel:
    """`transformers`' network with the weights of `network` and the authors' epsilon."""
    config = hq_config(sam_config(SIZE, SIDE).vision_config.to_dict(), SIDE)
    model = SamHQModel._from_config(config, attn_implementation="eager").eval().requires_grad_(False)
    renamed = {}
    for name, value in network().state_dict().items():
        name = name.replace("encoder.vision.", "vision_encoder.", 1).replace("encoder.fine.", "mask_decoder.", 1)
        renamed[name.removeprefix("decoder.")] = value
    matrix = renamed["prompt_encoder.shared_embedding.positional_embedding"]
    model.load_state_dict(renamed | {"shared_image_embedding.positional_embedding": matrix})
    for block in model.mask_decoder.transformer.layers:
        for norm in (block.layer_norm1, block.layer_norm2, block.layer_norm3, block.layer_norm4):
            norm.eps = nn.LayerNorm(1).eps
    return model


@cache
def picture() -> Tensor:
    """[1, S, S, 3] of coloured squares."""
    colours = torch.randint(0, 256, (1, 3, 10, 10), generator=torch.Generator().manual_seed(3)).float()
    return F.interpolate(colours, (SIDE, SIDE)).permute(0, 2, 3, 1).to(torch.uint8)


@cache
def maps() -> tuple[Tensor, Tensor]:
    embedding, features = network().encoder(picture(), torch.tensor([[SIDE, 200]]))
    return embedding, features


def prompts(cases: list[list[tuple[float, float, int]]], width: int) -> tuple[Tensor, Tensor]:
    coords, labels = torch.zeros(len(cases), width, 2), torch.full((len(cases), width), -1.0)
    for row, points in enumerate(cases):
        for column, (x, y, label) in enumerate(points):
            coords[row, column], labels[row, column] = torch.tensor([x, y]), float(label)
    return coords, labels


def drawn_masks(count: int) -> Tensor:
    return 4 * torch.randn(count, 1, 4 * GRID, 4 * GRID, generator=torch.Generator().manual_seed(5))


def plain(points: list[tuple[float, float, int]], mask: Tensor | None, early: Tensor) -> tuple[Tensor, Tensor]:
    """SAM-HQ's decoder spelt out in float64 on the authors' tensors, one prompt. early [1, C, h, w]. The network's grid
    of positions is float32, so the two agree to six digits."""
    t, head, prompt = {}, "sam_mask_decoder", "sam_prompt_encoder"
    for name, value in checkpoint().items():
        name = name.replace("mlp.lin1.", "mlp.layers.0.").replace("mlp.lin2.", "mlp.layers.1.")
        t[name if name.startswith("image") else f"sam_{name}"] = value.double()
    image, early = maps()[0].double(), early.double()
    rows = [t[f"{head}.iou_token.weight"], t[f"{head}.mask_tokens.weight"], t[f"{head}.hf_token.weight"]]
    for x, y, label in points:
        place = fourier(t, torch.tensor([[(x + 0.5) / SIDE, (y + 0.5) / SIDE]]).double())
        rows.append(place + t[f"{prompt}.point_embeddings.{label}.weight"])
    if points and all(label < 2 for *_, label in points):
        rows.append(t[f"{prompt}.not_a_point_embed.weight"])
    dense = t[f"{prompt}.no_mask_embed.weight"].view(1, -1, 1, 1)
    if mask is not None:
        layers = f"{prompt}.mask_downscaling"
        dense = F.gelu(channel_norm(t, f"{layers}.1", conv(t, f"{layers}.0", mask.double(), stride=2)))
        dense = F.gelu(channel_norm(t, f"{layers}.4", conv(t, f"{layers}.3", dense, stride=2)))
        dense = conv(t, f"{layers}.6", dense)
    steps = (torch.arange(GRID).double() + 0.5) / GRID
    positions = fourier(t, torch.stack(torch.meshgrid(steps, steps, indexing="xy"), -1).view(-1, 2))
    tokens, flat = two_way(t, f"{head}.transformer", torch.cat(rows), (image + dense)[0].flatten(1).T, positions)

    def raised(name: str, x: Tensor, *, last: bool = False) -> Tensor:
        x = F.conv_transpose2d(x, t[f"{head}.{name}.0.weight"], t[f"{head}.{name}.0.bias"], stride=2)
        x = F.gelu(channel_norm(t, f"{head}.{name}.1", x))
        x = F.conv_transpose2d(x, t[f"{head}.{name}.3.weight"], t[f"{head}.{name}.3.bias"], stride=2)
        return F.gelu(x) if last else x

    coarse = raised("output_upscaling", flat.T.reshape(1, -1, GRID, GRID), last=True)
    fine = conv(t, f"{head}.embedding_maskfeature.0", coarse, padding=1)
    fine = F.gelu(channel_norm(t, f"{head}.embedding_maskfeature.1", fine))
    fine = conv(t, f"{head}.embedding_maskfeature.3", fine, padding=1)
    fine = fine + raised("embedding_encoder", image) + raised("compress_vit_feat", early)
    weights = torch.stack([plain_mlp(t, f"{head}.output_hypernetworks_mlps.{k}", tokens[1 + k]) for k in range(4)])
    masks = torch.einsum("kc,chw->khw", weights, coarse[0])
    finest = torch.einsum("c,chw->hw", plain_mlp(t, f"{head}.hf_mlp", tokens[5]), fine[0])
    return masks + finest, plain_mlp(t, f"{head}.iou_prediction_head", tokens[0])


@cache
def early_layer() -> Tensor:
    """[1, C, h, w]: the output of the first layer that attends to the whole picture, as `transformers` gives it."""
    normal = (picture().float() - torch.tensor(network().pixel_mean)) / torch.tensor(network().pixel_std)
    normal[:, :, 200:] = 0
    answer = theirs().vision_encoder(normal.permute(0, 3, 1, 2))
    torch.testing.assert_close(maps()[0], answer[0], rtol=1e-4, atol=1e-4)
    early: Tensor = answer[1][0].permute(0, 3, 1, 2)
    return early


@pytest.mark.parametrize("with_mask", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_decoder_is_the_authors_arithmetic(case: str, with_mask: bool) -> None:
    points, mask = CASES[case], drawn_masks(1)
    coords, labels = prompts([points], len(points) + 1)
    features = exact_features()
    inputs = (coords.double(), labels.double(), mask.double(), torch.tensor([float(with_mask)]).double())
    masks, scores = copy.deepcopy(network().decoder).double()(maps()[0].double(), features, *inputs)
    want_masks, want_scores = plain(points, mask if with_mask else None, early_layer())
    torch.testing.assert_close(masks[0], want_masks, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(scores[0], want_scores, rtol=1e-5, atol=1e-5)


@cache
def exact_features() -> Tensor:
    features: Tensor = copy.deepcopy(network().encoder.fine).double()(
        maps()[0].double(), early_layer().permute(0, 2, 3, 1).double()
    )
    torch.testing.assert_close(maps()[1], features.float(), rtol=1e-4, atol=1e-4)
    return features


def test_many_prompts_answer_as_each_alone() -> None:
    coords, labels = prompts(list(CASES.values()), 6)
    masks, has_mask = drawn_masks(len(CASES)), (torch.arange(len(CASES)) % 2).float()
    together = network().decoder(*maps(), coords, labels, masks, has_mask)
    for k in range(len(CASES)):
        row = slice(k, k + 1)
        alone = network().decoder(*maps(), coords[row], labels[row], masks[row], has_mask[row])
        torch.testing.assert_close(together[0][row], alone[0], rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(together[1][row], alone[1], rtol=1e-4, atol=1e-4)


def test_graphs_answer_as_torch() -> None:
    model = network()
    pixels, sizes = torch.cat([picture(), picture().flip(1), picture().flip(2)]), torch.tensor([[SIDE, 200]] * 3)
    got = run(serialised(encoder_onnx(model)), {"pixels": pixels, "valid_size": sizes})
    for ours, torchs in zip(got, model.encoder(pixels, sizes), strict=True):
        torch.testing.assert_close(torch.from_numpy(ours), torchs, rtol=0, atol=1e-5 * float(torchs.abs().max()))
    inputs = (*maps(), *prompts(list(CASES.values()), 4), drawn_masks(len(CASES)), torch.ones(len(CASES)))
    names = (*model.encoder.output_names, *PROMPT_INPUTS)
    got = run(serialised(decoder_onnx(model)), dict(zip(names, inputs, strict=True)))
    for ours, torchs in zip(got, model.decoder(*inputs), strict=True):
        torch.testing.assert_close(torch.from_numpy(ours), torchs, rtol=0, atol=1e-4 * float(torchs.abs().max()))


def run(graph: bytes, feeds: dict[str, Tensor]) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return list(session.run(None, {name: value.numpy() for name, value in feeds.items()}))


@pytest.mark.parametrize("name", SAM_HQ_NAMES)
def test_the_published_layouts_fit(name: str) -> None:
    with torch.device("meta"):
        model = sam_hq(name)
    size = SAM_HQ_SIZES.get(name)
    base = sam_vit(32, size.layers, 2, size.global_layers) if size else mobile_sam()
    added = additions(EARLY[name])
    state = model.state_dict()
    found = hq_tensors(base | added)
    assert found.keys() == state.keys()
    new = hq_tensors(added)
    assert len(new) == len(added)
    assert {key: value.shape for key, value in new.items()} == {key: state[key].shape for key in new}
    assert [known for known in SAM_HQ_NAMES if looks_like(known, added)] == [name]
    assert model.embedding_shapes == ((256, 64, 64), (32, 256, 256))


def test_the_hubs_layout_gives_the_same_network() -> None:
    hub = hq_tensors(theirs().state_dict())
    assert hub.keys() == network().state_dict().keys()
    assert all(torch.equal(hub[name], value) for name, value in network().state_dict().items())


def test_the_light_one_is_mobile_sams_encoder_and_its_second_stage() -> None:
    tensors = mobile_sam() | additions(160)
    model = load_tensors("sam-hq-light", tensors).eval().requires_grad_(False)
    seen: list[Tensor] = []
    model.encoder.layers[1].register_forward_hook(lambda module, inputs, output: seen.append(output))
    pixels = torch.randint(0, 256, (1, 1024, 1024, 3), dtype=torch.uint8)
    embedding, features = model.encoder(pixels, torch.tensor([[1024, 1024]]))
    assert seen[0].shape == (1, 160, 64, 64)
    want = 0
    for name, x in (("embedding_encoder", embedding), ("compress_vit_feat", seen[0])):
        layer = f"mask_decoder.{name}"
        x = F.conv_transpose2d(x, tensors[f"{layer}.0.weight"], tensors[f"{layer}.0.bias"], stride=2)
        x = F.gelu(channel_norm(tensors, f"{layer}.1", x))
        want = want + F.conv_transpose2d(x, tensors[f"{layer}.3.weight"], tensors[f"{layer}.3.bias"], stride=2)
    torch.testing.assert_close(features, want, rtol=1e-3, atol=1e-4)


def test_another_size_and_plain_sam_are_told_apart() -> None:
    with pytest.raises(CheckpointError, match=r"not a checkpoint of sam-hq-light.*looks like one of sam-hq-vit-l\."):
        load_tensors("sam-hq-light", sam_vit(32, 2, 2, (1,)) | additions(1024))
    with pytest.raises(CheckpointError, match=r"of sam-hq-light: 25 of .*missing.*looks like one of mobile-sam\."):
        load_tensors("sam-hq-light", mobile_sam())
