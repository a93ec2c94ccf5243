"""SAM 2.1 against plain arithmetic on the authors' tensors, and as graphs. Small: 256 pixels, 8 blocks of 16 channels.

Arithmetic is compared in float64, where two ways to compute the same agree to nine digits and a difference in what is
computed cannot hide behind rounding; the graphs in float32.
"""

from __future__ import annotations

import copy
import io
from functools import cache

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor

from model_export.export.graphs import PROMPT_INPUTS, decoder_onnx, encoder_onnx, encoder_program, serialised
from model_export.models.checkpoint import fit
from model_export.models.sam2 import HieraSize, Sam2
from model_export.models.sam2_decoder import single_mask
from model_export.models.sam2_layout import network_tensors
from tests.unit.model_export import sam2_reference as reference
from tests.unit.model_export.sam2_checkpoint import SMALL, SMALL_INPUT, random_checkpoint

Prompt = tuple[list[tuple[float, float, int]], Tensor | None]
MASK = SMALL_INPUT // 4
OTHER = HieraSize(8, 2, (2, 1, 3, 1), (3, 4), positions=14, windows=(8, 4, 16, 8))


@cache
def checkpoint() -> dict[str, Tensor]:
    return random_checkpoint(SMALL)


@cache
def network() -> Sam2:
    model = Sam2(SMALL, SMALL_INPUT).eval().requires_grad_(False)
    fit(model, network_tensors(checkpoint(), "a small SAM 2.1"), "a small SAM 2.1")
    return model


@cache
def exact_network() -> Sam2:
    """The same in float64."""
    return copy.deepcopy(network()).double()


def picture() -> Tensor:
    """uint8 [S, S, 3]: a slope with two things on it."""
    pixels = torch.arange(SMALL_INPUT).div(4).view(-1, 1, 1).repeat(1, SMALL_INPUT, 3)
    pixels[60:150, 80:200] += torch.tensor([190, 80, 30])
    pixels[180:230, 20:90] += torch.tensor([20, 150, 180])
    return pixels.to(torch.uint8)


@cache
def maps() -> tuple[Tensor, ...]:
    embedding: tuple[Tensor, ...] = network().encoder(picture()[None], torch.tensor([[SMALL_INPUT, SMALL_INPUT]]))
    return embedding


def exact_maps() -> tuple[Tensor, ...]:
    return tuple(part.double() for part in maps())


def exact_answer(prompts: list[Prompt], width: int) -> tuple[Tensor, Tensor]:
    inputs = [part.double() for part in decoder_inputs(prompts, width)]
    masks, scores = exact_network().decoder(*exact_maps(), *inputs)
    return masks, scores


def drawn_mask() -> Tensor:
    mask = torch.full((1, 1, MASK, MASK), -8.0)
    mask[..., 15:37, 20:50] = 8.0
    return mask


PROMPTS: dict[str, Prompt] = {
    "click": ([(100, 100, 1)], None),
    "clicks": ([(50, 200.25, 1), (30, 30, 0), (255, 0, 1)], None),
    "box": ([(60, 60, 2), (200, 150, 3)], None),
    "box and clicks": ([(40, 190, 1), (150, 90, 0), (10, 170, 2), (95, 240, 3)], None),
    "mask and click": ([(120, 80, 1)], drawn_mask()),
    "mask and box": ([(60, 60, 2), (200, 150, 3)], drawn_mask()),
    "mask alone": ([], drawn_mask()),
    "nothing": ([], None),
}


def decoder_inputs(prompts: list[Prompt], width: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Padded to `width` points as the server does: (0, 0) with label -1."""
    coords, labels = torch.zeros(len(prompts), width, 2), torch.full((len(prompts), width), -1.0)
    masks = torch.zeros(len(prompts), 1, MASK, MASK)
    for row, (points, mask) in enumerate(prompts):
        for column, (x, y, label) in enumerate(points):
            coords[row, column], labels[row, column] = torch.tensor([x, y]), float(label)
        if mask is not None:
            masks[row] = mask[0]
    return coords, labels, masks, torch.tensor([float(mask is not None) for _, mask in prompts])


def plain_answer(prompt: Prompt) -> tuple[Tensor, Tensor]:
    points, mask = prompt
    tensors = {name: value.double() for name, value in checkpoint().items()}
    return reference.decode(tensors, exact_maps(), SMALL_INPUT, points, None if mask is None else mask.double())


def expected(prompt: Prompt) -> tuple[Tensor, Tensor]:
    masks, scores = plain_answer(prompt)
    single, score = reference.single_mask(masks, scores)
    return torch.cat([single[None], masks[1:]]), torch.cat([score[None], scores[1:]])


@pytest.mark.parametrize("size", [SMALL, OTHER])
def test_encoder_is_the_authors_arithmetic(size: HieraSize) -> None:
    drawn = random_checkpoint(size)
    model = Sam2(size, SMALL_INPUT).eval().requires_grad_(False)
    fit(model, network_tensors(drawn, "a small SAM 2.1"), "a small SAM 2.1")
    got = model.double().encoder(picture()[None], torch.tensor([[SMALL_INPUT, SMALL_INPUT]]))
    tensors = {name: value.double() for name, value in drawn.items()}
    want = reference.encode(tensors, picture(), size.heads, size.blocks, size.global_blocks, size.windows)
    assert tuple(tuple(part.shape[1:]) for part in got) == model.embedding_shapes
    for ours, plain in zip(got, want, strict=True):  # the mean of the pixels is a float32
        torch.testing.assert_close(ours, plain, rtol=1e-6, atol=1e-6)


def test_pictures_of_a_batch_do_not_mix_and_valid_size_says_nothing() -> None:
    pixels = torch.stack([picture().flip(0), picture()])
    both = network().encoder(pixels, torch.tensor([[1, 1], [17, SMALL_INPUT]]))
    for got, alone in zip(both, maps(), strict=True):
        torch.testing.assert_close(got[1:], alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", PROMPTS)
def test_decoder_is_the_authors_arithmetic(name: str) -> None:
    points, mask = PROMPTS[name]
    masks, scores = exact_answer([(points, mask)], max(1, len(points)))
    want_masks, want_scores = expected((points, mask))
    torch.testing.assert_close(masks[0], want_masks, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(scores[0], want_scores, rtol=1e-9, atol=1e-9)


def test_prompts_of_a_batch_do_not_mix_and_padding_is_neutral() -> None:
    masks, scores = exact_answer(list(PROMPTS.values()), 7)
    for row, prompt in enumerate(PROMPTS.values()):
        want_masks, want_scores = expected(prompt)
        torch.testing.assert_close(masks[row], want_masks, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(scores[row], want_scores, rtol=1e-9, atol=1e-9)


def test_random_weights_give_masks_and_scores_that_differ() -> None:
    """Else agreement would mean little: masks of one point each, far apart, and scores of the candidates."""
    clicks: list[Prompt] = [([(100, 100, 1)], None), ([(50, 200, 1)], None), ([(230, 30, 1)], None)]
    masks, scores = network().decoder(*maps(), *decoder_inputs(clicks, 1))
    inside = masks > 0
    area = inside.float().mean((2, 3))
    assert ((area > 0.01) & (area < 0.99)).all()
    alike = (inside[..., 1:] == inside[..., :-1]).float().mean()
    assert alike > 0.9, "neighbouring pixels disagree: noise"
    for a, b in ((0, 1), (0, 2), (1, 2)):
        both, either = (inside[a] & inside[b]).sum(), (inside[a] | inside[b]).sum()
        assert both / either < 0.95, "the masks do not depend on the click"
    spread = scores[:, 1:].amax(1) - scores[:, 1:].amin(1)
    assert (spread > 0.05).all()


def test_among_the_prompts_the_single_mask_is_stable_for_some_and_not_for_others() -> None:
    kept = []
    for prompt in PROMPTS.values():
        masks, scores = plain_answer(prompt)
        kept.append(torch.equal(reference.single_mask(masks, scores)[0], masks[0]))
    assert True in kept
    assert False in kept


@pytest.mark.parametrize(
    ("inside", "between", "stable"),
    [(98, 2, True), (97, 3, False), (49, 1, True), (48, 1, False), (0, 0, True), (0, 1, False), (60000, 1200, True)],
)
def test_rule_for_a_single_mask(inside: int, between: int, stable: bool) -> None:
    """`inside` pixels above +0.05, `between` at 0.0, the rest far below; candidate 2 is thought best."""
    masks = torch.full((2, 4, 256, 256), -5.0)
    masks[:, 0].flatten(1)[:, :inside] = 0.06
    masks[:, 0].flatten(1)[:, inside : inside + between] = 0.0
    masks[1, 0] = 7.0  # a prompt beside it, stable whatever the first is
    masks[:, 1:] += torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1)
    scores = torch.tensor([[0.9, 0.2, 0.5, 0.4], [0.1, 0.8, 0.7, 0.6]])
    got_masks, got_scores = single_mask(masks, scores)
    source = 0 if stable else 2
    torch.testing.assert_close(got_masks[0, 0], masks[0, source], rtol=0, atol=0)
    assert got_scores[0, 0] == scores[0, source]
    torch.testing.assert_close(got_masks[1], masks[1], rtol=0, atol=0)
    torch.testing.assert_close(got_masks[0, 1:], masks[0, 1:], rtol=0, atol=0)
    torch.testing.assert_close(got_scores[:, 1:], scores[:, 1:], rtol=0, atol=0)


def run(graph: bytes, feeds: dict[str, Tensor]) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return list(session.run(None, {name: value.numpy() for name, value in feeds.items()}))


def test_encoder_graph_answers_as_torch_for_any_batch() -> None:
    graph = serialised(encoder_onnx(network()))
    for batch in (1, 3):
        pixels = torch.stack([picture().roll(17 * k, 0) for k in range(batch)])
        sizes = torch.tensor([[SMALL_INPUT, SMALL_INPUT]] * batch)
        got = run(graph, {"pixels": pixels, "valid_size": sizes})
        for ours, plain in zip(got, network().encoder(pixels, sizes), strict=True):
            torch.testing.assert_close(torch.from_numpy(ours), plain, rtol=1e-4, atol=1e-4)


def test_decoder_graph_answers_as_torch_for_any_number_of_prompts_and_points() -> None:
    names = (*network().encoder.output_names, *PROMPT_INPUTS)
    graph = serialised(decoder_onnx(network()))
    assert len(graph) < 4.2 * sum(value.numel() for value in network().decoder.state_dict().values()), (
        "a grid is stored"
    )
    for prompts, width in ((list(PROMPTS.values()), 4), ([PROMPTS["click"]], 1)):
        inputs = (*maps(), *decoder_inputs(prompts, width))
        got = run(graph, dict(zip(names, inputs, strict=True)))
        for ours, plain in zip(got, network().decoder(*inputs), strict=True):
            reach = float(plain.amax() - plain.amin())
            torch.testing.assert_close(torch.from_numpy(ours), plain, rtol=0, atol=1e-4 * reach)


def test_encoder_program_takes_its_weights_as_an_argument_and_any_batch() -> None:
    program = torch.export.load(io.BytesIO(encoder_program(network()))).module()
    got = program(dict(network().encoder.state_dict()), picture()[None], torch.tensor([[SMALL_INPUT, SMALL_INPUT]]))
    for ours, plain in zip(got, maps(), strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-4)
