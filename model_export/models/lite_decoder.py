"""Prompt encoder and mask decoder of segserve-lite, after Segment Anything (Kirillov et al. 2023, sections A.1 to A.3).

Differences from the paper, each for a small model: width 128; points are also drawn as Gaussian maps beside the mask
prompt (the guidance of click models); skips of stride 8 and 4 enter the upscaling (as in SAM 2); padding points are
masked out of the attention, so they change nothing; transposed convolutions are matrix products, channels last;
similarity to the clicked places and local blocks sharpen the mask at strides 8 and 4 (`click_guidance`); the IoU head
sees the masks it judges. Computes in the dtype of the embedding; places are always float32.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model_export.models.click_guidance import (
    Look,
    ScoreHead,
    gaussian_factors,
    similarity_to_clicks,
    similarity_to_mask,
)
from model_export.models.local_block import LocalBlock, Rows

NUM_MASKS = 4  # output 0 answers one mask, 1 to 3 answer an ambiguous prompt
MASK_STRIDE = 4
GUIDANCE_SIGMA = 4.0  # ModelPx
WIDE_SIGMA = 24.0
LOGIT_SCALE = 0.1
LOGIT_CLAMP = 20.0
MASKED = -1e4  # additive attention bias of a padding token


class Attention(nn.Module):
    """Multi-head attention with an inner width of its own; `bias` [B, 1, 1, keys] is added to the scores."""

    def __init__(self, dim: int, inner: int, heads: int) -> None:
        super().__init__()
        self.heads, self.inner = heads, inner
        self.q, self.k, self.v = nn.Linear(dim, inner), nn.Linear(dim, inner), nn.Linear(dim, inner)
        self.out = nn.Linear(inner, dim)

    def split(self, x: Tensor) -> Tensor:
        return x.view(x.shape[0], x.shape[1], self.heads, self.inner // self.heads).transpose(1, 2)

    def forward(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
        qh, kh, vh = self.split(self.q(q)), self.split(self.k(k)), self.split(self.v(v))
        scores = (qh @ kh.transpose(-1, -2)) * (self.inner // self.heads) ** -0.5
        if bias is not None:
            scores = scores + bias
        a = scores.softmax(-1) @ vh
        result: Tensor = self.out(a.transpose(1, 2).reshape(q.shape[0], q.shape[1], self.inner))
        return result


class TokenToImage(Attention):
    """Cross-attention from tokens [B, T, D] to an image [B, P, D] with positions [P, D]. Keys and values of the image
    are never made: their projections are absorbed into the token side (q . Wk x = (Wk^T q) . x), exactly. A bias of
    the keys would shift all scores of a token alike, so there is none."""

    def __init__(self, dim: int, inner: int, heads: int) -> None:
        super().__init__(dim, inner, heads)
        self.k = nn.Linear(dim, inner, bias=False)

    def attend(self, tokens: Tensor, image: Tensor, positions: Tensor) -> Tensor:
        b, t, d = tokens.shape
        q = self.split(self.q(tokens)) * (self.inner // self.heads) ** -0.5
        absorbed = (q @ self.k.weight.view(self.heads, -1, d)).reshape(b, self.heads * t, d)
        scores = absorbed @ image.transpose(1, 2) + absorbed @ positions.T
        mean = (scores.softmax(-1) @ image).view(b, self.heads, t, d)
        values = mean @ self.v.weight.view(self.heads, -1, d).transpose(1, 2)
        result: Tensor = self.out(values.transpose(1, 2).reshape(b, t, self.inner) + self.v.bias)
        return result


class ImageToToken(Attention):
    """Cross-attention from an image to tokens, with the image-side projections absorbed as in `TokenToImage`."""

    def attend(self, image: Tensor, positions: Tensor, keys: Tensor, tokens: Tensor, bias: Tensor) -> Tensor:
        b, t, d = tokens.shape
        k = self.split(self.k(keys)) * (self.inner // self.heads) ** -0.5
        absorbed = (k @ self.q.weight.view(self.heads, -1, d)).reshape(b, self.heads * t, d)
        constant = (k * self.q.bias.view(self.heads, 1, -1)).sum(-1, keepdim=True) + bias.transpose(-1, -2)
        scores = absorbed @ image.transpose(1, 2) + absorbed @ positions.T
        shares = (scores.view(b, self.heads, t, -1) + constant).softmax(2).flatten(1, 2)
        values = self.split(self.v(tokens)) @ self.out.weight.view(d, self.heads, -1).permute(1, 2, 0)
        result: Tensor = shares.transpose(1, 2) @ values.flatten(1, 2) + self.out.bias
        return result


class TwoWayBlock(nn.Module):
    """Self-attention of the tokens, tokens to image, MLP, image to tokens."""

    def __init__(self, dim: int, heads: int, mlp: int) -> None:
        super().__init__()
        self.self_attn = Attention(dim, dim, heads)
        self.token_to_image = TokenToImage(dim, dim // 2, heads)
        self.image_to_token = ImageToToken(dim, dim // 2, heads)
        self.mlp = nn.Sequential(nn.Linear(dim, mlp), nn.ReLU(), nn.Linear(mlp, dim))
        self.norm1, self.norm2, self.norm3, self.norm4 = (nn.LayerNorm(dim) for _ in range(4))

    def forward(
        self, tokens: Tensor, token_pe: Tensor, image: Tensor, image_pe: Tensor, bias: Tensor
    ) -> tuple[Tensor, Tensor]:
        q = tokens + token_pe
        tokens = self.norm1(tokens + self.self_attn(q, q, tokens, bias))
        tokens = self.norm2(tokens + self.token_to_image.attend(tokens + token_pe, image, image_pe))
        tokens = self.norm3(tokens + self.mlp(tokens))
        image = self.norm4(image + self.image_to_token.attend(image, image_pe, tokens + token_pe, tokens, bias))
        return tokens, image


def mlp3(dim: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, outputs))


def double(x: Tensor) -> Tensor:
    """[B, h, w, 4 C] -> [B, 2 h, 2 w, C]: the scatter of a transposed convolution of kernel 2 and stride 2."""
    b, h, w, c = x.shape
    return x.view(b, h, w, 2, 2, c // 4).permute(0, 1, 3, 2, 4, 5).reshape(b, 2 * h, 2 * w, c // 4)


def halve(x: Tensor) -> Tensor:
    """[B, 2 h, 2 w, C] -> [B, h, w, 4 C]: the gather of a convolution of kernel 2 and stride 2."""
    b, h, w, c = x.shape
    return x.view(b, h // 2, 2, w // 2, 2, c).permute(0, 1, 3, 2, 4, 5).reshape(b, h // 2, w // 2, 4 * c)


class LiteDecoder(nn.Module):
    """The decoder graph of docs/bundle-format.md: [B] prompts for one picture (in training one each)."""

    def __init__(self, dim: int = 128, heads: int = 4, depth: int = 2, mlp: int = 512) -> None:
        super().__init__()
        self.dim = dim
        self.frequencies: Tensor
        self.register_buffer("frequencies", torch.randn(2, dim // 2))
        self.label_embed = nn.Parameter(torch.randn(4, dim) * 0.5)  # background, foreground, two box corners
        self.output_tokens = nn.Parameter(torch.randn(1 + NUM_MASKS, dim) * 0.5)
        self.no_mask = nn.Parameter(torch.zeros(dim))
        self.guide8 = Rows(16, 32)
        self.guide16 = nn.Sequential(nn.LayerNorm(128), nn.ReLU(), Rows(128, dim))
        self.guide8_norm = nn.LayerNorm(32)
        self.blocks = nn.ModuleList(TwoWayBlock(dim, heads, mlp) for _ in range(depth))
        self.final_attn = TokenToImage(dim, dim // 2, heads)
        self.final_norm = nn.LayerNorm(dim)
        self.up8 = Rows(dim, 4 * 32)
        self.norm8 = nn.LayerNorm(32)
        self.up4 = nn.Linear(32, 4 * 16)
        self.guide4 = nn.Linear(4, 16)
        self.mix4 = nn.Linear(16, 16)
        self.hyper = nn.ModuleList(mlp3(dim, 16) for _ in range(NUM_MASKS))
        self.iou = mlp3(dim, NUM_MASKS)
        self.look8 = Look(32)
        self.look4 = Look(16)
        self.hints8 = Rows(6, 32)
        self.hints4 = nn.Linear(2, 16)
        self.local8 = nn.Sequential(LocalBlock(32, 5), LocalBlock(32, 5))
        self.local4 = LocalBlock(16, 5)
        self.score = ScoreHead(16, dim)
        for layer in (self.hints8, self.hints4):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def positional(self, coords: Tensor) -> Tensor:
        """coords [..., 2] in 0..1, x before y -> [..., dim] (random Fourier features, Tancik et al. 2020)."""
        angles = (2 * math.pi) * ((2 * coords - 1) @ self.frequencies)
        return torch.cat([angles.sin(), angles.cos()], -1)

    def guidance(self, coords: Tensor, labels: Tensor, mask_input: Tensor, has_mask: Tensor) -> Tensor:
        """-> [B, h, w, 4]: previous logits (scaled), Gaussians at foreground and background clicks, box."""
        h, w = mask_input.shape[-2:]
        xs = (torch.arange(w, device=coords.device, dtype=torch.float32) + 0.5) * MASK_STRIDE
        ys = (torch.arange(h, device=coords.device, dtype=torch.float32) + 0.5) * MASK_STRIDE
        gy, gx = gaussian_factors(coords, h, w, MASK_STRIDE, GUIDANCE_SIGMA)
        positive, negative = (labels == 1).float(), (labels == 0).float()
        fg = (gy * positive.unsqueeze(-1)).transpose(1, 2) @ gx  # sum over points: [B, h, w]
        bg = (gy * negative.unsqueeze(-1)).transpose(1, 2) @ gx
        first, second = (labels == 2).float().unsqueeze(-1), (labels == 3).float().unsqueeze(-1)
        px, py = coords[..., :1], coords[..., 1:]
        right_of, below = first * torch.sigmoid((xs - px) / 2), first * torch.sigmoid((ys - py) / 2)
        left_of, above = second * torch.sigmoid((px - xs) / 2), second * torch.sigmoid((py - ys) / 2)
        box = (below.sum(1) * above.sum(1)).unsqueeze(2) * (right_of.sum(1) * left_of.sum(1)).unsqueeze(1)
        previous = mask_input[:, 0].clamp(-LOGIT_CLAMP, LOGIT_CLAMP) * LOGIT_SCALE * has_mask.view(-1, 1, 1)
        return torch.stack([previous, fg.clamp(max=1.0), bg.clamp(max=1.0), box], -1)

    def hints(self, x: Tensor, coords: Tensor, labels: Tensor, previous: Tensor, has_mask: Tensor) -> Tensor:
        """x [B, h, w, 32] at stride 8, previous [B, 2 h, 2 w] scaled logits -> [B, h, w, 6]: similarity to foreground
        and background clicks, to the inside and outside of the previous mask, and wide Gaussians at the clicks."""
        b, h, w, _ = x.shape
        look = self.look8(x.flatten(1, 2).transpose(1, 2))
        clicks = similarity_to_clicks(look, h, w, 8, coords, labels)
        share = torch.sigmoid(previous.view(b, h, 2, w, 2).mean((2, 4)) / LOGIT_SCALE).to(x.dtype)
        mask = similarity_to_mask(look, h, w, share.view(b, h * w)) * has_mask.view(b, 1, 1, 1).to(x.dtype)
        gy, gx = gaussian_factors(coords, h, w, 8, WIDE_SIGMA)
        near = [((gy * (labels == k).float().unsqueeze(-1)).transpose(1, 2) @ gx).clamp(max=1.0) for k in (1, 0)]
        return torch.cat([clicks, mask, torch.stack(near, -1).to(x.dtype)], -1)

    def mixed_mean(self, mean: Tensor, share: Tensor) -> Tensor:
        """What x + mix4(x) sums to over a soft choice of places, divided by the number of all places, from the same of
        x, `mean` [B, M, 16]; `share` [B, M, 1]: the chosen share of all places.
        No gradient reaches mix4: the score learns to judge the mask, not to change it."""
        result: Tensor = mean + mean @ self.mix4.weight.detach().T + share * self.mix4.bias.detach()
        return result

    def forward(
        self,
        image_embeddings: Tensor,
        high_res_8: Tensor,
        high_res_4: Tensor,
        point_coords: Tensor,
        point_labels: Tensor,
        mask_input: Tensor,
        has_mask_input: Tensor,
        look4: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Shapes as in `server.domain.ports`: -> low_res_masks [B, 4, h, w] logits, iou_predictions [B, 4] in 0..1.

        `look4` [1 or B, 16, 16 h w] is `self.look4` of `high_res_4`, where that was computed before (once a picture,
        for several prompts).
        """
        b = point_coords.shape[0]
        h, w = image_embeddings.shape[-2:]
        dtype = image_embeddings.dtype
        size = torch.tensor([w * 16.0, h * 16.0], device=point_coords.device)

        chosen = torch.stack([(point_labels == k).to(dtype) for k in range(4)], -1)  # [B, N, 4], padding is all zero
        points = (
            self.positional(point_coords / size).to(dtype) * chosen.sum(-1, keepdim=True) + chosen @ self.label_embed
        )
        outputs = self.output_tokens.unsqueeze(0).expand(b, -1, -1)
        tokens = torch.cat([outputs, points], 1)
        padding = torch.cat([torch.zeros_like(outputs[..., 0]), (point_labels < 0).to(dtype)], 1)
        bias = (padding * MASKED).view(b, 1, 1, -1)

        guide = self.guidance(point_coords, point_labels, mask_input, has_mask_input)
        previous, guide = guide[..., 0], guide.to(dtype)
        guide8 = self.guide8(halve(guide))  # [B, 2h, 2w, 32]
        dense = self.guide16(halve(F.relu(self.guide8_norm(guide8)))).reshape(b, h * w, self.dim)
        dense = dense + (1 - has_mask_input).view(-1, 1, 1).to(dtype) * self.no_mask
        image = image_embeddings.flatten(2).transpose(1, 2) + dense

        ys = (torch.arange(h, device=image.device, dtype=torch.float32) + 0.5) / h
        xs = (torch.arange(w, device=image.device, dtype=torch.float32) + 0.5) / w
        grid = torch.stack([xs.view(1, w).expand(h, w), ys.view(h, 1).expand(h, w)], -1).reshape(h * w, 2)
        image_pe = self.positional(grid).to(dtype)
        token_pe = tokens
        for block in self.blocks:
            tokens, image = block(tokens, token_pe, image, image_pe, bias)
        tokens = self.final_norm(tokens + self.final_attn.attend(tokens + token_pe, image, image_pe))

        x = double(self.up8(image.view(b, h, w, self.dim))) + high_res_8.permute(0, 2, 3, 1) + guide8
        x = F.relu(self.norm8(x))
        x = x + self.hints8(self.hints(x, point_coords, point_labels, previous, has_mask_input))
        x = self.local8(x)
        high4 = high_res_4.permute(0, 2, 3, 1)
        look4 = self.look4(high_res_4.flatten(2)) if look4 is None else look4
        similar = similarity_to_clicks(look4, 4 * h, 4 * w, 4, point_coords, point_labels)
        said = torch.cat([guide, similar], -1) @ torch.cat([self.guide4.weight, self.hints4.weight], 1).T
        bias4 = self.up4.bias + (self.guide4.bias + self.hints4.bias).repeat(4)
        up4 = F.linear(x.flatten(0, 2), self.up4.weight, bias4).view(b, 2 * h, 2 * w, -1)
        x = F.relu(double(up4) + high4 + said)
        x = self.local4(x).flatten(1, 2)
        chosen_tokens = tokens[:, 1 : 1 + NUM_MASKS]
        weights = torch.stack([hyper(chosen_tokens[:, k]) for k, hyper in enumerate(self.hyper)], -1)  # [B, 16, 4]
        mixed = weights + self.mix4.weight.T @ weights  # x + mix4(x), absorbed like the projections above
        masks = mixed.transpose(1, 2) @ x.transpose(1, 2) + (self.mix4.bias @ weights).unsqueeze(2)  # [B, 4, 16 h w]
        scores = torch.sigmoid(
            self.iou(tokens[:, 0]) + self.score(masks.detach(), x.detach(), chosen_tokens, self.mixed_mean)
        )
        return masks.reshape(b, NUM_MASKS, 4 * h, 4 * w), scores
