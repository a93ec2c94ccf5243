from __future__ import annotations

import torch
from torch import Tensor, nn

from model_export.models.click_guidance import Look, similarity_to_clicks, similarity_to_mask
from model_export.models.lite import SegserveLite
from model_export.models.lite_decoder import Attention, ImageToToken, LiteDecoder, TokenToImage
from model_export.train.half_decoder import HalfDecoder


def randomised(module: nn.Module) -> None:
    """Biases and the layers that start at zero as well."""
    with torch.no_grad():
        for value in module.parameters():
            if value.ndim == 1 or not value.any():
                value.normal_(std=0.1)


def prompts(count: int, points: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    labels = torch.tensor([1.0, 0.0, 2.0, 3.0, -1.0])[torch.arange(count * points) % 5].view(count, points)
    coords, masks = torch.rand(count, points, 2) * 64, torch.randn(count, 1, 16, 16)
    return coords, labels, masks, (torch.arange(count) % 2).float()


def features() -> list[Tensor]:
    return [torch.randn(1, 128, 4, 4), torch.randn(1, 32, 8, 8), torch.randn(1, 16, 16, 16)]


def test_absorbed_projections_are_plain_attention() -> None:
    torch.manual_seed(0)
    tokens, image, positions = torch.randn(2, 5, 32), torch.randn(2, 12, 32), torch.randn(12, 32)
    bias = torch.tensor([0.0, 0, 0, 0, -1e4]).view(1, 1, 1, -1)
    for kind in (TokenToImage, ImageToToken):
        absorbed = kind(32, 16, 4)
        randomised(absorbed)
        plain = Attention(32, 16, 4)
        plain.load_state_dict({"k.bias": torch.randn(16)} | absorbed.state_dict())
        if isinstance(absorbed, TokenToImage):
            got, expected = absorbed.attend(tokens, image, positions), plain(tokens, image + positions, image)
        else:
            got = absorbed.attend(image, positions, tokens + 1, tokens, bias)
            expected = plain(image + positions, tokens + 1, tokens, bias)
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


def test_padding_points_change_nothing() -> None:
    torch.manual_seed(0)
    decoder = LiteDecoder().eval()
    randomised(decoder)
    coords, labels, masks, has_mask = prompts(3, 3)
    longer = torch.cat([coords, torch.rand(3, 2, 2) * 64], 1), torch.cat([labels, torch.full((3, 2), -1.0)], 1)
    image = features()
    with torch.no_grad():
        short, long = decoder(*image, coords, labels, masks, has_mask), decoder(*image, *longer, masks, has_mask)
    for got, expected in zip(long, short, strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)


def test_a_prompt_is_answered_alike_alone_and_in_a_batch() -> None:
    torch.manual_seed(0)
    decoder = LiteDecoder().eval()
    randomised(decoder)
    image, together = features(), prompts(4, 3)
    with torch.no_grad():
        batch = decoder(*image, *together)
        alone = decoder(*image, *(value[2:3] for value in together))
    for got, expected in zip(alone, batch, strict=True):
        torch.testing.assert_close(got, expected[2:3], rtol=1e-4, atol=1e-4)


def test_the_score_learns_to_judge_the_mask_and_not_to_change_it() -> None:
    torch.manual_seed(0)
    decoder = LiteDecoder()
    randomised(decoder)
    _, scores = decoder(*features(), *prompts(2, 3))
    scores.sum().backward()
    assert decoder.score.out.weight.grad is not None
    for layer in (decoder.mix4, decoder.local4.project, decoder.up4, decoder.hints4):
        assert layer.weight.grad is None


def test_similarity_is_high_where_the_picture_looks_like_the_click() -> None:
    picture = torch.zeros(1, 8, 8, 4)
    picture[:, :, :4, 0] = 3.0  # left half
    picture[:, :, 4:, 1] = 3.0
    look = Look(4)
    with torch.no_grad():
        look.project.weight.copy_(torch.eye(4))
        look.project.bias.zero_()
        seen = look(picture.flatten(1, 2).transpose(1, 2))
        maps = similarity_to_clicks(seen, 8, 8, 8, torch.tensor([[[20.0, 20.0]]]), torch.tensor([[1.0]]))
        share = picture[..., 0].flatten(1) / 3
        inside = similarity_to_mask(seen, 8, 8, share)
    assert maps[0, :, 0, 0].min() > 0.95  # beside the border the click's own surroundings are mixed
    assert maps[0, :, 7, 0].max() < 0.4
    assert maps[..., 1].max() == -1  # no background click
    assert inside[0, :, :4, 0].min() > 0.95
    assert inside[0, :, :4, 1].max() < 0.4


def test_the_half_decoder_is_the_decoder_and_learns() -> None:
    torch.manual_seed(0)
    model = SegserveLite()
    randomised(model.decoder)
    pictures = [torch.cat([value, value.flip(-1)]).requires_grad_() for value in features()]
    together = prompts(4, 3)
    masks, scores = HalfDecoder(model.decoder, pictures, 2)(*together)
    with torch.no_grad():
        expected = model.decoder(*(value.repeat_interleave(2, 0) for value in pictures), *together)
    spread = float(expected[0].std())
    assert float((masks.detach() - expected[0]).abs().mean()) < 0.05 * spread
    assert float((scores.detach() - expected[1]).abs().max()) < 0.05
    (masks.mean() + scores.mean()).backward()
    assert all(value.grad is not None and value.grad.any() for value in pictures)
    assert all(value.grad is not None for value in model.decoder.parameters())
