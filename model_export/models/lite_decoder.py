"""Prompt encoder and mask decoder of segserve-lite, after Segment Anything (Kirillov et al. 2023, sections A.1 to A.3).

Differences from the paper, each for a small model: width 128; points are also drawn as Gaussian maps beside the mask
prompt (the guidance of click models); skips of stride 8 and 4 enter the upscaling (as in SAM 2); padding points are
masked out of the attention, so they change nothing; transposed convolutions are matrix products, channels last.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NUM_MASKS = 4  # output 0 answers one mask, 1 to 3 answer an ambiguous prompt
MASK_STRIDE = 4
GUIDANCE_SIGMA = 4.0  # ModelPx
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


class TwoWayBlock(nn.Module):
    """Self-attention of the tokens, tokens to image, MLP, image to tokens."""

    def __init__(self, dim: int, heads: int, mlp: int) -> None:
        super().__init__()
        self.self_attn = Attention(dim, dim, heads)
        self.token_to_image = Attention(dim, dim // 2, heads)
        self.image_to_token = Attention(dim, dim // 2, heads)
        self.mlp = nn.Sequential(nn.Linear(dim, mlp), nn.ReLU(), nn.Linear(mlp, dim))
        self.norm1, self.norm2, self.norm3, self.norm4 = (nn.LayerNorm(dim) for _ in range(4))

    def forward(
        self, tokens: Tensor, token_pe: Tensor, image: Tensor, image_pe: Tensor, bias: Tensor
    ) -> tuple[Tensor, Tensor]:
        q = tokens + token_pe
        tokens = self.norm1(tokens + self.self_attn(q, q, tokens, bias))
        tokens = self.norm2(tokens + self.token_to_image(tokens + token_pe, image + image_pe, image))
        tokens = self.norm3(tokens + self.mlp(tokens))
        image = self.norm4(image + self.image_to_token(image + image_pe, tokens + token_pe, tokens, bias))
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
        self.guide8 = nn.Linear(16, 32)
        self.guide16 = nn.Sequential(nn.LayerNorm(128), nn.GELU(), nn.Linear(128, dim))
        self.guide8_norm = nn.LayerNorm(32)
        self.blocks = nn.ModuleList(TwoWayBlock(dim, heads, mlp) for _ in range(depth))
        self.final_attn = Attention(dim, dim // 2, heads)
        self.final_norm = nn.LayerNorm(dim)
        self.up8 = nn.Linear(dim, 4 * 32)
        self.norm8 = nn.LayerNorm(32)
        self.up4 = nn.Linear(32, 4 * 16)
        self.guide4 = nn.Linear(4, 16)
        self.mix4 = nn.Linear(16, 16)
        self.hyper = nn.ModuleList(mlp3(dim, 16) for _ in range(NUM_MASKS))
        self.iou = mlp3(dim, NUM_MASKS)

    def positional(self, coords: Tensor) -> Tensor:
        """coords [..., 2] in 0..1, x before y -> [..., dim] (random Fourier features, Tancik et al. 2020)."""
        angles = (2 * math.pi) * ((2 * coords - 1) @ self.frequencies)
        return torch.cat([angles.sin(), angles.cos()], -1)

    def guidance(self, coords: Tensor, labels: Tensor, mask_input: Tensor, has_mask: Tensor) -> Tensor:
        """-> [B, h, w, 4]: previous logits (scaled), Gaussians at foreground and background clicks, box."""
        h, w = mask_input.shape[-2:]
        xs = (torch.arange(w, device=coords.device, dtype=torch.float32) + 0.5) * MASK_STRIDE
        ys = (torch.arange(h, device=coords.device, dtype=torch.float32) + 0.5) * MASK_STRIDE
        gx = (-((xs - coords[..., :1]) ** 2) / (2 * GUIDANCE_SIGMA**2)).exp()  # [B, N, w]
        gy = (-((ys - coords[..., 1:]) ** 2) / (2 * GUIDANCE_SIGMA**2)).exp()
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

    def forward(
        self,
        image_embeddings: Tensor,
        high_res_8: Tensor,
        high_res_4: Tensor,
        point_coords: Tensor,
        point_labels: Tensor,
        mask_input: Tensor,
        has_mask_input: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Shapes as in `server.domain.ports`: -> low_res_masks [B, 4, h, w] logits, iou_predictions [B, 4] in 0..1."""
        b = point_coords.shape[0]
        h, w = image_embeddings.shape[-2:]
        size = torch.tensor([w * 16.0, h * 16.0], device=point_coords.device)

        chosen = torch.stack([(point_labels == k).float() for k in range(4)], -1)  # [B, N, 4], padding is all zero
        points = self.positional(point_coords / size) * chosen.sum(-1, keepdim=True) + chosen @ self.label_embed
        outputs = self.output_tokens.unsqueeze(0).expand(b, -1, -1)
        tokens = torch.cat([outputs, points], 1)
        padding = torch.cat([torch.zeros_like(outputs[..., 0]), (point_labels < 0).float()], 1)
        bias = (padding * MASKED).view(b, 1, 1, -1)

        guide = self.guidance(point_coords, point_labels, mask_input, has_mask_input)
        guide8 = self.guide8(halve(guide))  # [B, 2h, 2w, 32]
        dense = self.guide16(halve(F.gelu(self.guide8_norm(guide8)))).reshape(b, h * w, self.dim)
        dense = dense + (1 - has_mask_input).view(-1, 1, 1) * self.no_mask
        image = image_embeddings.flatten(2).transpose(1, 2) + dense

        ys = (torch.arange(h, device=image.device, dtype=torch.float32) + 0.5) / h
        xs = (torch.arange(w, device=image.device, dtype=torch.float32) + 0.5) / w
        grid = torch.stack([xs.view(1, w).expand(h, w), ys.view(h, 1).expand(h, w)], -1).reshape(1, h * w, 2)
        image_pe = self.positional(grid)
        token_pe = tokens
        for block in self.blocks:
            tokens, image = block(tokens, token_pe, image, image_pe, bias)
        tokens = self.final_norm(tokens + self.final_attn(tokens + token_pe, image + image_pe, image))

        x = double(self.up8(image.view(b, h, w, self.dim))) + high_res_8.permute(0, 2, 3, 1) + guide8
        x = F.gelu(self.norm8(x))
        x = double(self.up4(x)) + high_res_4.permute(0, 2, 3, 1) + self.guide4(guide)
        x = F.gelu(x)
        x = x + self.mix4(x)
        weights = torch.stack([hyper(tokens[:, 1 + k]) for k, hyper in enumerate(self.hyper)], -1)  # [B, 16, 4]
        masks = x.reshape(b, 256 * h * w // 16, 16) @ weights
        masks = masks.transpose(1, 2).reshape(b, NUM_MASKS, 4 * h, 4 * w)
        return masks, torch.sigmoid(self.iou(tokens[:, 0]))
