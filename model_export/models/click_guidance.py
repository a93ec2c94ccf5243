"""What clicks say at high resolution: where they are, and which places look like the clicked ones.

The similarity maps carry the idea of click models' colour likelihood (e.g. GrabCut's colour models, Rother et al. 2004)
into learned features.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPSILON = 1e-4


def gaussian_factors(coords: Tensor, h: int, w: int, stride: int, sigma: float) -> tuple[Tensor, Tensor]:
    """A Gaussian around each point (coords [B, N, 2], sigma: ModelPx) on an h x w grid of `stride`, as its vertical
    [B, N, h] and horizontal [B, N, w] factor, float32."""
    xs = (torch.arange(w, device=coords.device, dtype=torch.float32) + 0.5) * stride
    ys = (torch.arange(h, device=coords.device, dtype=torch.float32) + 0.5) * stride
    gx = (-((xs - coords[..., :1]) ** 2) / (2 * sigma**2)).exp()
    gy = (-((ys - coords[..., 1:]) ** 2) / (2 * sigma**2)).exp()
    return gy, gx


def unit(x: Tensor, axis: int) -> Tensor:
    """Unit length over `axis`."""
    return x * torch.rsqrt((x * x).sum(axis) + EPSILON).unsqueeze(axis)


class Look(nn.Module):
    """Learned features x [B, C, P] of P places -> the same shape, unit vectors over C that are alike where the picture
    looks alike. Places last: rows of C values are too short to work on."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.project = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return unit(self.project.weight @ x + self.project.bias.unsqueeze(1), 1)


def similarity_to_clicks(look: Tensor, h: int, w: int, stride: int, coords: Tensor, labels: Tensor) -> Tensor:
    """Cosine similarity [B, h, w, 2] to the most similar foreground click and the most similar background click; -1
    where there is no such click. look [B or 1, C, h w]; coords [B, N, 2] ModelPx, labels [B, N]."""
    b, n = labels.shape
    gy, gx = gaussian_factors(coords, h, w, stride, 0.75 * stride)
    weights = (gy.unsqueeze(-1) * gx.unsqueeze(-2)).reshape(b, n, h * w)
    weights = (weights / (weights.sum(-1, keepdim=True) + EPSILON)).to(look.dtype)
    cosine = unit(weights @ look.transpose(1, 2), 2) @ look  # [B, N, h w]
    maps = [(cosine - 2 * (labels != k).to(cosine.dtype).unsqueeze(-1)).amax(1).clamp(min=-1.0) for k in (1, 0)]
    return torch.stack(maps, -1).view(b, h, w, 2)


def similarity_to_mask(look: Tensor, h: int, w: int, share: Tensor) -> Tensor:
    """Cosine similarity [B, h, w, 2] to the mean look [B or 1, C, h w] inside and outside a mask; share [B, h w] in
    0..1."""
    weights = torch.stack([share, 1 - share], 1)  # [B, 2, h w]
    weights = weights / (weights.sum(-1, keepdim=True) + 1.0)
    cosine = unit(weights @ look.transpose(1, 2), 2) @ look
    return cosine.transpose(1, 2).reshape(-1, h, w, 2)


class ScoreHead(nn.Module):
    """Corrects the predicted IoU of each mask by what the mask looks like: its area, how sure it is, and the mean
    features inside and outside. masks [B, M, P] logits, x [B, P, C], tokens [B, M, D] -> [B, M]; starts at 0.
    `mixed_mean` as `LiteDecoder.mixed_mean`."""

    def __init__(self, channels: int, dim: int) -> None:
        super().__init__()
        self.token = nn.Linear(dim, 32)
        self.look = nn.Linear(2 * channels + 3, 32)
        self.out = nn.Linear(32, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(
        self, masks: Tensor, x: Tensor, tokens: Tensor, mixed_mean: Callable[[Tensor, Tensor], Tensor]
    ) -> Tensor:
        share = torch.sigmoid(masks)
        area = share.mean(-1, keepdim=True)
        unsure = (share * (1 - share)).mean(-1, keepdim=True)
        inside = mixed_mean((share @ x) / x.shape[1], area) / (area + EPSILON)
        outside = mixed_mean(((1 - share) @ x) / x.shape[1], 1 - area) / (1 - area + EPSILON)
        look = torch.cat([inside, outside, area, area.sqrt(), unsure / (area + 0.01)], -1)
        result: Tensor = self.out(F.relu(self.token(tokens) + self.look(look))).squeeze(-1)
        return result
