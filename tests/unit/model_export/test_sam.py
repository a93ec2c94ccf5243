"""SAM's networks against `transformers`' own, on random weights in the authors' layout; a small ViT for speed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from transformers import SamModel

from model_export.models.checkpoint import CheckpointError, fit, read_tensors
from model_export.models.published import load_tensors
from model_export.models.sam import SAM_NAMES, VIT_SIZES, Sam, VitSize, sam, sam_config
from model_export.models.sam_layout import network_tensors
from model_export.models.vit_encoder import VitEncoder
from tests.unit.model_export.plain_tiny_vit import PlainTinyVit
from tests.unit.model_export.random_checkpoints import Tensors, mobile_sam, sam_vit

SIZE = VitSize(hidden_size=64, layers=3, heads=2, global_layers=(1,))
SIDE = 320  # a grid of 20: windows of 14 are padded
GRID = SIDE // 16
SEED = 4  # one whose four masks of the test below cover between 2 and 98 % each


@pytest.fixture(scope="module")
def checkpoint() -> Tensors:
    return sam_vit(SIZE.hidden_size, SIZE.layers, SIZE.heads, SIZE.global_layers, grid=GRID, seed=SEED)


@pytest.fixture(scope="module")
def model(checkpoint: Tensors) -> Sam:
    config = sam_config(SIZE, SIDE)
    network = Sam(config, VitEncoder(config.vision_config)).eval().requires_grad_(False)
    fit(network, network_tensors(checkpoint), "a small SAM")
    return network


@pytest.fixture(scope="module")
def reference(model: Sam) -> SamModel:
    """`transformers`' network with the weights of `model` and the authors' epsilon."""
    network = SamModel._from_config(sam_config(SIZE, SIDE), attn_implementation="eager").eval().requires_grad_(False)
    state = model.state_dict()
    renamed = {name.replace("encoder.vision.", "vision_encoder.", 1): value for name, value in state.items()}
    renamed = {name.removeprefix("decoder."): value for name, value in renamed.items()}
    matrix = renamed["prompt_encoder.shared_embedding.positional_embedding"]
    network.load_state_dict(renamed | {"shared_image_embedding.positional_embedding": matrix})
    for block in network.mask_decoder.transformer.layers:
        for norm in (block.layer_norm1, block.layer_norm2, block.layer_norm3, block.layer_norm4):
            norm.eps = nn.LayerNorm(1).eps
    return network


@pytest.fixture(scope="module")
def embedding(model: Sam) -> Tensor:
    """Of a picture of coloured squares."""
    colours = torch.randint(0, 256, (1, 3, 10, 10), generator=torch.Generator().manual_seed(3)).float()
    pixels = nn.functional.interpolate(colours, (SIDE, SIDE)).permute(0, 2, 3, 1).to(torch.uint8)
    result: Tensor = model.encoder(pixels, torch.tensor([[SIDE, 200]]))[0]
    return result


def relative(found: Tensor, wanted: Tensor) -> float:
    return float((found - wanted).abs().max() / wanted.abs().max())


def test_the_encoder_is_the_authors_network(model: Sam, reference: SamModel) -> None:
    pixels = torch.randint(0, 256, (2, SIDE, SIDE, 3), dtype=torch.uint8)
    sizes = torch.tensor([[SIDE, 200], [150, SIDE]])
    normal = (pixels.float() - torch.tensor(model.pixel_mean)) / torch.tensor(model.pixel_std)
    normal[0, :, 200:] = 0
    normal[1, 150:] = 0
    wanted = reference.vision_encoder(normal.permute(0, 3, 1, 2))[0]
    assert relative(model.encoder(pixels, sizes)[0], wanted) < 1e-5


def test_what_lies_outside_the_picture_does_not_matter(model: Sam) -> None:
    pixels = torch.randint(0, 256, (1, SIDE, SIDE, 3), dtype=torch.uint8)
    other = pixels.clone()
    other[:, 100:] = 255
    other[:, :, 90:] = 7
    size = torch.tensor([[100, 90]])
    assert torch.equal(model.encoder(pixels, size)[0], model.encoder(other, size)[0])


CASES = {
    "click": ([[30.0, 50.0]], [1], None),
    "clicks": ([[30.0, 50.0], [200.5, 11.0], [3.0, 300.0]], [1, 0, 1], None),
    "box": (None, None, [20.0, 30.0, 150.0, 200.0]),
    "box and clicks": ([[30.0, 50.0], [100.0, 100.0]], [0, 1], [20.0, 30.0, 150.0, 200.0]),
    "outside of the picture": ([[-5.0, 400.0]], [1], None),
}


@pytest.mark.parametrize("padding", [0, 1, 3])
@pytest.mark.parametrize("with_mask", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_the_decoder_answers_as_the_authors_predictor(
    model: Sam, reference: SamModel, embedding: Tensor, case: str, with_mask: bool, padding: int
) -> None:
    points, labels, box = CASES[case]
    mask = 4 * torch.randn(1, 1, 4 * GRID, 4 * GRID, generator=torch.Generator().manual_seed(5))
    prompts = {
        "input_points": torch.tensor([[points]]) if points else None,
        "input_labels": torch.tensor([[labels]]) if labels else None,
        "input_boxes": torch.tensor([[box]]) if box else None,
        "input_masks": mask if with_mask else None,
    }
    answers = [reference(image_embeddings=embedding, multimask_output=many, **prompts) for many in (False, True)]
    wanted = torch.cat([answer.pred_masks[:, 0] for answer in answers], 1)
    scores = torch.cat([answer.iou_scores[:, 0] for answer in answers], 1)

    coords = [*(points or []), *([box[:2], box[2:]] if box else []), *([[0.0, 0.0]] * padding)]
    kinds = [*(labels or []), *([2, 3] if box else []), *([-1] * padding)]
    found, found_scores = model.decoder(
        embedding, torch.tensor([coords]), torch.tensor([kinds], dtype=torch.float32),
        mask if with_mask else torch.zeros_like(mask), torch.tensor([float(with_mask)]),
    )  # fmt: skip
    assert float((found - wanted).abs().max() / (wanted.max() - wanted.min())) < 1e-5
    assert relative(found_scores, scores) < 1e-5


def test_a_mask_alone_has_no_tokens_of_points(model: Sam, reference: SamModel, embedding: Tensor) -> None:
    mask = 4 * torch.randn(1, 1, 4 * GRID, 4 * GRID)
    dense = reference.prompt_encoder(None, None, None, mask)[1]
    positions = reference.get_image_wide_positional_embeddings()
    wanted, scores = reference.mask_decoder(embedding, positions, None, dense, multimask_output=True)
    found, found_scores = model.decoder(
        embedding, torch.zeros(1, 1, 2), torch.full((1, 1), -1.0), mask, torch.ones(1)
    )  # fmt: skip
    assert relative(found[:, 1:], wanted[:, 0]) < 1e-5
    assert relative(found_scores[:, 1:], scores[:, 0]) < 1e-5


def test_many_prompts_answer_as_each_alone(model: Sam, embedding: Tensor) -> None:
    coords = torch.tensor([[[9.0, 9.0], [0, 0]], [[20, 30], [150, 200]], [[40, 60], [80, 10]], [[0, 0], [0, 0]]])
    labels = torch.tensor([[1.0, -1], [2, 3], [1, 0], [-1, -1]])
    masks, has_mask = torch.randn(4, 1, 4 * GRID, 4 * GRID), torch.tensor([0.0, 1, 0, 1])
    together = model.decoder(embedding, coords, labels, masks, has_mask)
    for k in range(4):
        alone = model.decoder(
            embedding, coords[k : k + 1], labels[k : k + 1], masks[k : k + 1], has_mask[k : k + 1]
        )  # fmt: skip
        assert relative(together[0][k], alone[0][0]) < 1e-5
        assert relative(together[1][k], alone[1][0]) < 1e-5


def test_masks_of_random_weights_are_not_noise(model: Sam, embedding: Tensor) -> None:
    """Neither empty nor full, and neighbours agree: a comparison of masks says something."""
    click, none = torch.tensor([[[60.0, 80.0]]]), torch.zeros(1, 1, 4 * GRID, 4 * GRID)
    masks, _ = model.decoder(embedding, click, torch.ones(1, 1), none, torch.zeros(1))
    inside = masks[0] > 0
    assert all(0.02 < float(share) < 0.98 for share in inside.float().mean((1, 2)))
    agree = (inside[:, 1:] == inside[:, :-1]).float().mean()
    assert float(agree) > 0.75


def test_the_hub_s_layout_gives_the_same_network(model: Sam, reference: SamModel) -> None:
    hub = network_tensors(reference.state_dict())
    assert hub.keys() == model.state_dict().keys()
    assert all(torch.equal(hub[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize("name", VIT_SIZES)
def test_the_published_layouts_fit(name: str) -> None:
    """Names and shapes of the three sizes, without their gigabytes."""
    size = VIT_SIZES[name]
    with torch.device("meta"):
        network = sam(name)
    small = sam_vit(32, size.layers, 2, size.global_layers)
    found = network_tensors(small)
    assert found.keys() == network.state_dict().keys()


def test_mobile_sam_is_its_authors_network() -> None:
    tensors = mobile_sam()
    network = load_tensors("mobile-sam", tensors).eval().requires_grad_(False)
    pixels = torch.randint(0, 256, (1, 1024, 1024, 3), dtype=torch.uint8)
    found = network.encoder(pixels, torch.tensor([[1024, 700]]))[0]
    normal = (pixels.float() - torch.tensor(network.pixel_mean)) / torch.tensor(network.pixel_std)
    normal[:, :, 700:] = 0
    assert relative(found, PlainTinyVit(tensors)(normal.permute(0, 3, 1, 2))) < 1e-4


def save(tensors: Tensors, path: Path) -> Path:
    torch.save(tensors, path)
    return path


def test_a_wrong_file_is_named(tmp_path: Path, checkpoint: Tensors) -> None:
    whole = save(checkpoint, tmp_path / "sam.pth")
    assert read_tensors(whole).keys() == checkpoint.keys()
    (tmp_path / "cut.pth").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    (tmp_path / "page.pth").write_bytes(b"<!DOCTYPE html><title>Not found</title>")
    (tmp_path / "empty.pth").write_bytes(b"")
    (tmp_path / "odd.safetensors").write_bytes(b"neither long nor true")
    torch.save({"a": torch.ones(1), "made by": tmp_path}, tmp_path / "objects.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    torch.save({"epoch": 3}, tmp_path / "numbers.pth")
    for name, words in {
        "cut.pth": "cut short", "page.pth": "not a file that torch.save wrote", "empty.pth": "is empty",
        "odd.safetensors": "not a whole safetensors file", "objects.pth": "not opened for safety",
        "list.pth": "holds a list", "numbers.pth": "no tensors", "none.pth": "not a file",
    }.items():  # fmt: skip
        with pytest.raises(CheckpointError, match=words):
            read_tensors(tmp_path / name)


def test_differences_are_named(checkpoint: Tensors, model: Sam) -> None:
    lacking = dict(checkpoint)
    del lacking["mask_decoder.iou_token.weight"]
    with pytest.raises(CheckpointError, match=r"1 of \d+ tensors are missing \(decoder.mask_decoder.iou"):
        fit(model, network_tensors(lacking), "sam")
    with pytest.raises(CheckpointError, match=r"do not belong to it \(stray\)"):
        fit(model, network_tensors({**checkpoint, "stray": torch.ones(1)}), "sam")
    with pytest.raises(CheckpointError, match=r"pos_embed has shape \[1, 20, 20, 63\], not \[1, 20, 20, 64\]"):
        fit(model, network_tensors({**checkpoint, "image_encoder.pos_embed": torch.ones(1, 20, 20, 63)}), "sam")
    with pytest.raises(CheckpointError, match="not finite"):
        fit(
            model,
            network_tensors({**checkpoint, "image_encoder.pos_embed": torch.full((1, 20, 20, 64), torch.nan)}),
            "sam",
        )


def test_a_file_of_another_member_is_recognised() -> None:
    with pytest.raises(CheckpointError, match="It looks like one of mobile-sam"):
        load_tensors("sam-vit-b", mobile_sam())


def test_every_name_makes_a_network_with_its_graphs_shapes() -> None:
    for name in SAM_NAMES:
        with torch.device("meta"):
            network = sam(name)
        assert network.embedding_shapes == ((256, 64, 64),)
        assert network.mask_shape == (256, 256)
