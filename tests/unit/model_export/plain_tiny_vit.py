"""MobileSAM's TinyViT-5M at 1024 px spelt out from the paper and its layout, windows one by one, for tests."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.functional import gelu

from tests.unit.model_export.random_checkpoints import Tensors


@cache
def numbered_pairs(window: int) -> Tensor:
    """[N, N]: the number of each pair's bias, in the order in which new distances are met."""
    numbers: dict[tuple[int, int], int] = {}
    places = [(i, j) for i in range(window) for j in range(window)]
    pairs = [[numbers.setdefault((abs(a - c), abs(b - d)), len(numbers)) for c, d in places] for a, b in places]
    return torch.tensor(pairs)


class PlainTinyVit:
    """Called with the picture, normalised and padded."""

    def __init__(self, tensors: Tensors) -> None:
        self.t = {name.removeprefix("image_encoder."): value for name, value in tensors.items()}

    def __call__(self, x: Tensor) -> Tensor:
        """x [1, 3, 1024, 1024] -> [1, 256, 64, 64]."""
        x = self.conv_norm("patch_embed.seq.2", gelu(self.conv_norm("patch_embed.seq.0", x, 2)), 2)
        for stage, (depth, heads, window, stride) in enumerate(
            ((2, 2, 7, 2), (2, 4, 7, 2), (6, 5, 14, 1), (2, 10, 7, 0))
        ):
            for k in range(depth):
                name = f"layers.{stage}.blocks.{k}"
                x = self.block(name, x, heads, window) if stage else self.bottleneck(name, x)
            if stride:
                x = gelu(self.conv_norm(f"layers.{stage}.downsample.conv1", x))
                x = gelu(self.conv_norm(f"layers.{stage}.downsample.conv2", x, stride, x.shape[1]))
                x = self.conv_norm(f"layers.{stage}.downsample.conv3", x)
        x = functional.conv2d(x, self.t["neck.0.weight"]).permute(0, 2, 3, 1)
        x = self.norm("neck.1", x, 1e-6).permute(0, 3, 1, 2)
        x = functional.conv2d(x, self.t["neck.2.weight"], padding=1).permute(0, 2, 3, 1)
        return self.norm("neck.3", x, 1e-6).permute(0, 3, 1, 2)

    def conv_norm(self, name: str, x: Tensor, stride: int = 1, groups: int = 1) -> Tensor:
        weight = self.t[f"{name}.c.weight"]
        x = functional.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2, groups=groups)
        mean, variance = self.t[f"{name}.bn.running_mean"], self.t[f"{name}.bn.running_var"]
        return functional.batch_norm(x, mean, variance, self.t[f"{name}.bn.weight"], self.t[f"{name}.bn.bias"])

    def linear(self, name: str, x: Tensor) -> Tensor:
        return functional.linear(x, self.t[f"{name}.weight"], self.t[f"{name}.bias"])

    def norm(self, name: str, x: Tensor, eps: float = 1e-5) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], self.t[f"{name}.weight"], self.t[f"{name}.bias"], eps)

    def bottleneck(self, name: str, x: Tensor) -> Tensor:
        hidden = gelu(self.conv_norm(f"{name}.conv1", x))
        hidden = gelu(self.conv_norm(f"{name}.conv2", hidden, groups=hidden.shape[1]))
        return gelu(self.conv_norm(f"{name}.conv3", hidden) + x)

    def block(self, name: str, x: Tensor, heads: int, window: int) -> Tensor:
        _, c, h, w = x.shape
        padded = functional.pad(x, (0, -w % window, 0, -h % window))
        attended = torch.zeros_like(padded)
        for top in range(0, padded.shape[2], window):
            for left in range(0, padded.shape[3], window):
                place = (0, slice(None), slice(top, top + window), slice(left, left + window))
                part = self.attention(f"{name}.attn", padded[place].flatten(1).T, heads, window)
                attended[place] = part.T.view(c, window, window)
        x = x + attended[:, :, :h, :w]
        x = self.conv_norm(f"{name}.local_conv", x, groups=c)
        places = x.flatten(2).transpose(1, 2)
        hidden = gelu(self.linear(f"{name}.mlp.fc1", self.norm(f"{name}.mlp.norm", places)))
        return x + self.linear(f"{name}.mlp.fc2", hidden).transpose(1, 2).view(1, c, h, w)

    def attention(self, name: str, x: Tensor, heads: int, window: int) -> Tensor:
        """x [N, C], the places of one window."""
        n, c = x.shape
        mixed = self.linear(f"{name}.qkv", self.norm(f"{name}.norm", x)).view(n, heads, 3 * c // heads)
        outputs = []
        for head in range(heads):
            q, k, v = mixed[:, head].split(c // heads, 1)
            bias = self.t[f"{name}.attention_biases"][head][numbered_pairs(window)]
            outputs.append((q @ k.T / (c // heads) ** 0.5 + bias).softmax(1) @ v)
        return self.linear(f"{name}.proj", torch.cat(outputs, 1))
