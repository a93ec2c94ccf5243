"""A mask decoder of Segment Anything's published shape, with random weights: the yardstick for ours.

Width 256, 64 x 64 image tokens, two-way transformer of depth 2 with 8 heads and an MLP of 2048, transposed convolutions
to 256 x 256, one hypernetwork per mask, IoU head; on request masks resized to the original size inside the graph, as
Segment Anything's own ONNX export does it. Written from the paper (Kirillov et al. 2023, sections A.1 to A.3) and laid
out operation by operation as in the published model, because its time is what counts here.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTH = 256
GRID = 64
INPUT_SIZE = 1024
MASKS = 4
HEADS = 8
DEPTH = 2
MLP_WIDTH = 2048


class ChannelNorm(nn.Module):
    """Layer norm over the channels of [B, C, H, W]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(1, keepdim=True)
        variance = (x - mean).pow(2).mean(1, keepdim=True)
        scaled = (x - mean) / torch.sqrt(variance + 1e-6)
        return self.weight[:, None, None] * scaled + self.bias[:, None, None]


class Attention(nn.Module):
    def __init__(self, inner: int) -> None:
        super().__init__()
        self.inner = inner
        self.q, self.k, self.v = (nn.Linear(WIDTH, inner) for _ in range(3))
        self.out = nn.Linear(inner, WIDTH)

    def heads(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], x.shape[1], HEADS, self.inner // HEADS).transpose(1, 2)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        qh, kh, vh = self.heads(self.q(q)), self.heads(self.k(k)), self.heads(self.v(v))
        scores = qh @ kh.permute(0, 1, 3, 2) / math.sqrt(self.inner // HEADS)
        mixed = torch.softmax(scores, dim=-1) @ vh
        result: Tensor = self.out(mixed.transpose(1, 2).reshape(q.shape[0], q.shape[1], self.inner))
        return result


class TwoWayBlock(nn.Module):
    def __init__(self, first: bool) -> None:
        super().__init__()
        self.first = first
        self.self_attn = Attention(WIDTH)
        self.token_to_image = Attention(WIDTH // 2)
        self.image_to_token = Attention(WIDTH // 2)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, MLP_WIDTH), nn.ReLU(), nn.Linear(MLP_WIDTH, WIDTH))
        self.norm1, self.norm2, self.norm3, self.norm4 = (nn.LayerNorm(WIDTH) for _ in range(4))

    def forward(self, tokens: Tensor, token_pe: Tensor, image: Tensor, image_pe: Tensor) -> tuple[Tensor, Tensor]:
        if self.first:
            tokens = self.self_attn(tokens, tokens, tokens)
        else:
            q = tokens + token_pe
            tokens = tokens + self.self_attn(q, q, tokens)
        tokens = self.norm1(tokens)
        tokens = self.norm2(tokens + self.token_to_image(tokens + token_pe, image + image_pe, image))
        tokens = self.norm3(tokens + self.mlp(tokens))
        image = self.norm4(image + self.image_to_token(image + image_pe, tokens + token_pe, tokens))
        return tokens, image


def mlp3(outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, outputs)
    )


class YardstickDecoder(nn.Module):
    """Prompt encoder and mask decoder. `original` (height, width): masks leave at that size; None: 256 x 256 logits."""

    def __init__(self, original: tuple[int, int] | None = None) -> None:
        super().__init__()
        self.original = original
        self.frequencies: Tensor
        self.register_buffer("frequencies", torch.randn(2, WIDTH // 2))
        self.point_embed = nn.Parameter(torch.randn(4, WIDTH))
        self.not_a_point = nn.Parameter(torch.randn(WIDTH))
        self.no_mask = nn.Parameter(torch.randn(WIDTH))
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, 4, 2, 2), ChannelNorm(4), nn.GELU(), nn.Conv2d(4, 16, 2, 2), ChannelNorm(16), nn.GELU(),
            nn.Conv2d(16, WIDTH, 1),
        )  # fmt: skip
        self.output_tokens = nn.Parameter(torch.randn(1 + MASKS, WIDTH))
        self.blocks = nn.ModuleList(TwoWayBlock(first=layer == 0) for layer in range(DEPTH))
        self.final_attn = Attention(WIDTH // 2)
        self.final_norm = nn.LayerNorm(WIDTH)
        self.upscaling = nn.Sequential(
            nn.ConvTranspose2d(WIDTH, 64, 2, 2), ChannelNorm(64), nn.GELU(), nn.ConvTranspose2d(64, 32, 2, 2), nn.GELU()
        )
        self.hyper = nn.ModuleList(mlp3(32) for _ in range(MASKS))
        self.iou = mlp3(MASKS)
        steps = (torch.arange(GRID) + 0.5) / GRID
        grid = torch.stack([steps.expand(GRID, GRID), steps[:, None].expand(GRID, GRID)], -1)
        self.image_pe: Tensor
        self.register_buffer("image_pe", self.positional(grid).permute(2, 0, 1).unsqueeze(0))

    def positional(self, coords: Tensor) -> Tensor:
        """coords [..., 2] in 0..1 -> [..., 256]"""
        angles = 2 * math.pi * ((2 * coords - 1) @ self.frequencies)
        return torch.cat([torch.sin(angles), torch.cos(angles)], -1)

    def embed_points(self, coords: Tensor, labels: Tensor) -> Tensor:
        embedded = self.positional((coords + 0.5) / INPUT_SIZE)
        labels = labels.unsqueeze(-1)
        embedded = embedded * (labels != -1).float() + self.not_a_point * (labels == -1).float()
        for kind in range(4):
            embedded = embedded + self.point_embed[kind] * (labels == kind).float()
        return embedded

    def forward(
        self,
        image_embeddings: Tensor,
        point_coords: Tensor,
        point_labels: Tensor,
        mask_input: Tensor,
        has_mask_input: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """[1, 256, 64, 64], [B, N, 2] in pixels of 1024 x 1024, [B, N], [B, 1, 256, 256], [B]
        -> masks [B, 4, h, w] logits, iou_predictions [B, 4]."""
        b = point_coords.shape[0]
        sparse = self.embed_points(point_coords, point_labels)
        has_mask = has_mask_input.view(-1, 1, 1, 1)
        dense = has_mask * self.mask_downscaling(mask_input) + (1 - has_mask) * self.no_mask.view(1, -1, 1, 1)
        tokens = torch.cat([self.output_tokens.unsqueeze(0).expand(b, -1, -1), sparse], 1)
        token_pe = tokens
        image = (image_embeddings + dense).flatten(2).permute(0, 2, 1)
        image_pe = self.image_pe.flatten(2).permute(0, 2, 1)
        for block in self.blocks:
            tokens, image = block(tokens, token_pe, image, image_pe)
        tokens = self.final_norm(tokens + self.final_attn(tokens + token_pe, image + image_pe, image))
        upscaled = self.upscaling(image.transpose(1, 2).reshape(b, WIDTH, GRID, GRID))
        weights = torch.stack([hyper(tokens[:, 1 + k]) for k, hyper in enumerate(self.hyper)], 1)
        masks = (weights @ upscaled.flatten(2)).reshape(b, MASKS, 4 * GRID, 4 * GRID)
        return self.resized(masks), self.iou(tokens[:, 0])

    def resized(self, masks: Tensor) -> Tensor:
        if self.original is None:
            return masks
        height, width = self.original
        scale = INPUT_SIZE / max(height, width)
        valid_height, valid_width = int(height * scale + 0.5), int(width * scale + 0.5)
        square = F.interpolate(masks, (INPUT_SIZE, INPUT_SIZE), mode="bilinear", align_corners=False)
        valid = square[..., :valid_height, :valid_width]
        return F.interpolate(valid, (height, width), mode="bilinear", align_corners=False)
