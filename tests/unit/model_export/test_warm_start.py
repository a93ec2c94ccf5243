from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from model_export.export.weights import dump_weights, fold_batch_norm, load_bundle_weights
from model_export.models.depthwise import DepthwiseConv2d
from model_export.models.lite import SegserveLite
from model_export.train.losses import dice_loss, focal_loss, mask_iou
from model_export.train.warm_start import model_from_bundle


@pytest.fixture
def batches() -> list[tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(3)
    pixels = torch.randint(0, 256, (4, 64, 64, 3), dtype=torch.uint8, generator=generator)
    return [(pixels, torch.tensor([[64, 64]] * 4)), (pixels.flip(0), torch.tensor([[64, 48]] * 4))]


def test_a_network_from_a_bundle_computes_the_same_and_can_train(
    tmp_path: Path, batches: list[tuple[torch.Tensor, torch.Tensor]]
) -> None:
    torch.manual_seed(0)
    trained = SegserveLite()
    with torch.no_grad():  # statistics as after training, not those of the start
        for pixels, valid in batches:
            trained.train().encoder(pixels, valid)
    fold_batch_norm(trained.eval())
    path = tmp_path / "weights.safetensors"
    path.write_bytes(dump_weights(trained, "segserve-lite"))

    model = model_from_bundle("segserve-lite", path, batches)
    reference = load_bundle_weights("segserve-lite", path)
    for got, expected in zip(model.eval().encoder(*batches[0]), reference.encoder(*batches[0]), strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-3)
    folded = model_from_bundle("segserve-lite", path, batches).eval()
    fold_batch_norm(folded)
    for name, value in folded.state_dict().items():
        torch.testing.assert_close(value, reference.state_dict()[name], rtol=1e-3, atol=1e-3)
    # batch statistics are near the running ones, so the first training steps do not start from a changed function
    with torch.no_grad():
        trained_mode = model.train().encoder(torch.cat([p for p, _ in batches]), torch.cat([v for _, v in batches]))[0]
        settled = model.eval().encoder(torch.cat([p for p, _ in batches]), torch.cat([v for _, v in batches]))[0]
    assert float((trained_mode - settled).abs().mean()) < 0.1 * float(settled.abs().mean())


def test_a_bundle_from_before_the_context_blocks_begins_without_their_effect(
    tmp_path: Path, batches: list[tuple[torch.Tensor, torch.Tensor]]
) -> None:
    torch.manual_seed(0)
    trained = SegserveLite().eval()
    fold_batch_norm(trained)
    weights = {name: value.half() for name, value in trained.state_dict().items() if ".context" not in name}
    save_file(weights, tmp_path / "weights.safetensors", {"network": "segserve-lite"})
    model = model_from_bundle("segserve-lite", tmp_path / "weights.safetensors", batches).eval()
    trained.encoder.context16, trained.encoder.context8 = torch.nn.Sequential(), torch.nn.Sequential()
    trained.load_state_dict({name: value.float() for name, value in weights.items()})
    for got, expected in zip(model.encoder(*batches[0]), trained.encoder(*batches[0]), strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-3)

    half_of_a_part = weights | {"encoder.context8.0.norm.weight": torch.ones(32)}
    save_file(half_of_a_part, tmp_path / "weights.safetensors", {"network": "segserve-lite"})
    with pytest.raises(ValueError, match=r"context8\.0\.norm\.bias"):
        model_from_bundle("segserve-lite", tmp_path / "weights.safetensors", batches)


def test_a_bundle_of_another_network_is_refused(
    tmp_path: Path, batches: list[tuple[torch.Tensor, torch.Tensor]]
) -> None:
    save_file({"encoder.other": torch.zeros(3)}, tmp_path / "weights.safetensors")
    with pytest.raises(ValueError, match="not those of segserve-lite"):
        model_from_bundle("segserve-lite", tmp_path / "weights.safetensors", batches)


def test_depthwise_convolution_has_the_gradient_of_the_plain_one() -> None:
    torch.manual_seed(0)
    ours = DepthwiseConv2d(6, 6, 5, 2, 2, groups=6)
    plain = torch.nn.Conv2d(6, 6, 5, 2, 2, groups=6)
    plain.load_state_dict(ours.state_dict())
    x = torch.randn(2, 6, 11, 9).bfloat16().float()
    mine, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        got = ours(mine)
    expected = plain(theirs)
    torch.testing.assert_close(got.float(), expected, rtol=0.02, atol=0.02)
    weights = torch.randn_like(expected).bfloat16().float()
    (got.float() * weights).sum().backward()
    (expected * weights).sum().backward()
    for a, b in ((mine.grad, theirs.grad), (ours.weight.grad, plain.weight.grad), (ours.bias.grad, plain.bias.grad)):
        torch.testing.assert_close(a, b, rtol=0.02, atol=0.05)


def test_ignored_pixels_count_for_nothing() -> None:
    torch.manual_seed(0)
    logits, target = torch.randn(1, 2, 6, 6), (torch.rand(1, 6, 6) > 0.5).float()
    counts = torch.ones(1, 6, 6)
    assert torch.allclose(focal_loss(logits, target, counts), focal_loss(logits, target))
    assert torch.allclose(dice_loss(logits, target, counts), dice_loss(logits, target))
    counts[:, :2] = 0
    changed, wrong = logits.clone(), target.clone()
    changed[..., :2, :] += 7
    wrong[:, :2] = 1 - wrong[:, :2]
    for measure in (focal_loss, dice_loss, mask_iou):
        assert torch.equal(measure(changed, wrong, counts), measure(logits, target, counts))
        assert not torch.equal(measure(changed, wrong), measure(logits, target))
