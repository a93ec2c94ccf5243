"""EdgeSAM's encoder against plain arithmetic on the authors' tensors. Its decoder is SAM's, and tested there."""

from __future__ import annotations

import copy
from functools import cache

import onnxruntime
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from model_export.export.graphs import encoder_onnx, serialised
from model_export.export.weights import fold_batch_norm
from model_export.models.checkpoint import CheckpointError, fit
from model_export.models.edge_sam import RepVitEncoder, edge_sam, edge_tensors, looks_like
from model_export.models.published import load_tensors
from model_export.models.sam import VIT_SIZES, Sam, sam_config
from tests.unit.model_export.random_checkpoints import Layout, Tensors, mobile_sam, neck, sam_decoder

SIDE = 128
SQUEEZED = {48: 16, 96: 24, 192: 48, 384: 96}  # timm's rounding of a quarter to a multiple of 8
# The authors' table for RepViT-M1: width, whether channels are weighed, stride.
BLOCKS = (
    *((48, 1, 1), (48, 0, 1), (48, 0, 1)),
    *((96, 0, 2), (96, 1, 1), (96, 0, 1), (96, 0, 1)),
    *((192, 0, 2), *((192, 1, 1), (192, 0, 1)) * 7, (192, 0, 1)),
    *((384, 0, 2), (384, 1, 1), (384, 0, 1)),
)


@cache
def checkpoint() -> Tensors:
    layout, encoder = Layout(seed=3), "image_encoder"
    layout.conv_norm(f"{encoder}.features.0.0", 3, 24, 3)
    layout.conv_norm(f"{encoder}.features.0.2", 24, 48, 3)
    inputs = 48
    for k, (width, weighs, stride) in enumerate(BLOCKS):
        mixer = f"{encoder}.features.{k + 1}.token_mixer"
        if stride == 2:
            layout.conv_norm(f"{mixer}.0", inputs, inputs, 3, groups=inputs)
            layout.conv_norm(f"{mixer}.2", inputs, width, 1)
        else:
            layout.conv_norm(f"{mixer}.0.conv", width, width, 3, groups=width)
            layout.conv_norm(f"{mixer}.0.conv1", width, width, 1, groups=width)
        if weighs:
            layout.conv(f"{mixer}.1.fc1", inputs, SQUEEZED[inputs], 1)
            layout.conv(f"{mixer}.1.fc2", SQUEEZED[inputs], inputs, 1)
        layout.conv_norm(f"{encoder}.features.{k + 1}.channel_mixer.m.0", width, 2 * width, 1)
        layout.conv_norm(f"{encoder}.features.{k + 1}.channel_mixer.m.2", 2 * width, width, 1)
        inputs = width
    layout.conv(f"{encoder}.fuse_stage2", 192, 256, 1, bias=False)
    layout.conv(f"{encoder}.fuse_stage3.op_list.0", 384, 256, 1, bias=False)
    neck(layout, 256)
    sam_decoder(layout)
    return layout.tensors


@cache
def network() -> Sam:
    model = edge_sam(SIDE).eval().requires_grad_(False)
    fit(model, edge_tensors(checkpoint()), "EdgeSAM")
    return model


def pixels(batch: int) -> tuple[Tensor, Tensor]:
    drawn = torch.randint(0, 256, (batch, SIDE, SIDE, 3), generator=torch.Generator().manual_seed(1))
    return drawn.to(torch.uint8), torch.tensor([[SIDE, 90]] * batch)


def plain(x: Tensor) -> Tensor:
    """x [1, 3, S, S], normalised -> [1, 256, S/16, S/16]."""
    t = {name.removeprefix("image_encoder."): value.double() for name, value in checkpoint().items()}

    def conv_norm(name: str, x: Tensor, stride: int = 1, groups: int = 1) -> Tensor:
        weight = t[f"{name}.c.weight"]
        x = F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2, groups=groups)
        mean, variance = t[f"{name}.bn.running_mean"], t[f"{name}.bn.running_var"]
        return F.batch_norm(x, mean, variance, t[f"{name}.bn.weight"], t[f"{name}.bn.bias"])

    def norm(name: str, x: Tensor) -> Tensor:
        x = F.layer_norm(x.permute(0, 2, 3, 1), (256,), t[f"{name}.weight"], t[f"{name}.bias"], 1e-6)
        return x.permute(0, 3, 1, 2)

    x = conv_norm("features.0.2", F.gelu(conv_norm("features.0.0", x, 2)), 2)
    ends = {}
    for k, (width, weighs, stride) in enumerate(BLOCKS):
        name, groups = f"features.{k + 1}.token_mixer", x.shape[1]
        if stride == 2:
            x = conv_norm(f"{name}.0", x, 2, groups)
        else:
            x = conv_norm(f"{name}.0.conv", x, 1, groups) + conv_norm(f"{name}.0.conv1", x, 1, groups) + x
        if weighs:
            mean = x.mean((2, 3), keepdim=True)
            mean = F.relu(F.conv2d(mean, t[f"{name}.1.fc1.weight"], t[f"{name}.1.fc1.bias"]))
            x = x * torch.sigmoid(F.conv2d(mean, t[f"{name}.1.fc2.weight"], t[f"{name}.1.fc2.bias"]))
        x = conv_norm(f"{name}.2", x) if stride == 2 else x
        name = f"features.{k + 1}.channel_mixer.m"
        x = x + conv_norm(f"{name}.2", F.gelu(conv_norm(f"{name}.0", x)))
        ends[width] = x
    coarse = F.conv2d(ends[384], t["fuse_stage3.op_list.0.weight"])
    x = F.conv2d(ends[192], t["fuse_stage2.weight"]) + F.interpolate(coarse, scale_factor=2, mode="bicubic")
    x = norm("neck.1", F.conv2d(x, t["neck.0.weight"]))
    return norm("neck.3", F.conv2d(x, t["neck.2.weight"], padding=1))


def test_encoder_is_the_authors_arithmetic() -> None:
    images, sizes = pixels(1)
    mean, std = (torch.tensor(values).double() for values in (network().pixel_mean, network().pixel_std))
    normal = (images.double() - mean) / std
    normal[:, :, 90:] = 0
    (got,) = copy.deepcopy(network()).double().encoder(images, sizes)
    assert got.shape[1:] == network().embedding_shapes[0]
    torch.testing.assert_close(got, plain(normal.permute(0, 3, 1, 2)), rtol=1e-5, atol=1e-5)


def test_the_graph_answers_as_torch_for_any_batch() -> None:
    """One of each kind of block, batch norm folded as for a bundle."""
    torch.manual_seed(0)
    short = ((48, (True, False)), (96, (False,)), (192, (False,)), (384, (False,)))
    model = Sam(sam_config(VIT_SIZES["sam-vit-b"], SIDE), RepVitEncoder(short)).eval().requires_grad_(False)
    images, sizes = pixels(3)
    (want,) = model.encoder(images, sizes)
    fold_batch_norm(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    graph = serialised(encoder_onnx(model))
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    (got,) = session.run(None, {"pixels": images.numpy(), "valid_size": sizes.numpy()})
    torch.testing.assert_close(torch.from_numpy(got), want, rtol=1e-3, atol=1e-3)


def test_the_published_layout_fits() -> None:
    state, found = load_tensors("edge-sam", checkpoint()).state_dict(), edge_tensors(checkpoint())
    assert found.keys() == state.keys()
    count = sum(value.numel() for name, value in found.items() if not name.endswith("num_batches_tracked"))
    assert count == pytest.approx(9.6e6, rel=0.02)  # the authors' table


def test_it_is_recognised_among_others() -> None:
    assert looks_like(checkpoint())
    with pytest.raises(CheckpointError, match=r"of sam2.1-hiera-tiny.*It looks like one of edge-sam\."):
        load_tensors("sam2.1-hiera-tiny", checkpoint())


def test_another_checkpoint_is_refused() -> None:
    with pytest.raises(CheckpointError, match=r"of edge-sam: .* missing \(encoder\.features\.0.* one of mobile-sam\."):
        load_tensors("edge-sam", mobile_sam())
