"""SimpleClick (Liu et al. 2023): a plain ViT that sees windows and, now and then, the whole crop; clicks and mask are
embedded like the picture and added to it. One stage."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.models.vit.configuration_vit import ViTConfig
from transformers.models.vit.modeling_vit import ViTLayer

from model_export.models.click_network import ClickNetwork
from model_export.models.click_stem import MAPS
from model_export.models.ocr import SPARE
from model_export.models.ritm import RitmCoarse
from model_export.models.vit_encoder import PIXEL_MEAN, PIXEL_STD

SIZE, PATCH, WINDOW = 448, 16, 14
GRID = SIZE // PATCH
LEVELS = (128, 256, 512, 1024)  # widths of the pyramid, finest first
HEAD = 256
CLASSES = 1000  # of the pre-training, whose classifier the checkpoints still hold
NORM_EPS = 1e-6


@dataclass(frozen=True)
class ViTSize:
    """`whole`: each so-manieth layer attends to the whole crop."""

    width: int = 768
    depth: int = 12
    heads: int = 12
    whole: int = 6


def normed(*layers: nn.Module) -> list[nn.Module]:
    """Each layer followed by a norm over its whole output."""
    found: list[nn.Module] = []
    for layer in layers:
        assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
        found += [layer, nn.GroupNorm(1, layer.out_channels)]
    return found


class Pyramid(nn.Module):
    """[B, C, h, w] at stride 16 -> strides 4, 8, 16 and 32."""

    def __init__(self, width: int) -> None:
        super().__init__()
        w4, w8, w32 = max(2 * LEVELS[0], width // 2), max(LEVELS[1], width // 2), max(LEVELS[3], 2 * width)
        self.down_4 = nn.Sequential(
            *normed(nn.ConvTranspose2d(width, w4, 2, 2)), nn.GELU(),
            *normed(nn.ConvTranspose2d(w4, w4 // 2, 2, 2), nn.Conv2d(w4 // 2, LEVELS[0], 1)), nn.GELU(),
        )  # fmt: skip
        self.down_8 = nn.Sequential(
            *normed(nn.ConvTranspose2d(width, w8, 2, 2), nn.Conv2d(w8, LEVELS[1], 1)), nn.GELU()
        )
        self.down_16 = nn.Sequential(*normed(nn.Conv2d(width, LEVELS[2], 1)), nn.GELU())
        self.down_32 = nn.Sequential(*normed(nn.Conv2d(width, w32, 2, 2), nn.Conv2d(w32, LEVELS[3], 1)), nn.GELU())

    def forward(self, x: Tensor) -> list[Tensor]:
        return [self.down_4(x), self.down_8(x), self.down_16(x), self.down_32(x)]


class Head(nn.Module):
    """Logits at stride 4. The authors spread every level, join and mix them; mixed before they are spread, as here,
    they are the same for a fraction of the products."""

    def __init__(self) -> None:
        super().__init__()
        self.levels = nn.ModuleList(nn.Conv2d(width, HEAD, 1) for width in LEVELS)
        self.fuse = nn.Conv2d(len(LEVELS) * HEAD, HEAD, 1)
        self.out = nn.Conv2d(HEAD, 1, 1)

    def forward(self, maps: list[Tensor]) -> Tensor:
        assert self.fuse.bias is not None
        total = self.fuse.bias[:, None, None]
        for level, x, share in zip(self.levels, maps, self.fuse.weight.chunk(len(LEVELS), 1), strict=True):
            mixed = F.conv2d(F.relu(level(x)), share)
            total = total + F.interpolate(mixed, size=maps[0].shape[-2:], mode="bilinear", align_corners=False)
        logits: Tensor = self.out(F.relu(total))
        return logits


class PlainViT(nn.Module):
    """As `HRNetClicks`, without features: x and maps [B, 3, 448, 448] -> logits [B, 1, 112, 112], None."""

    def __init__(self, size: ViTSize) -> None:
        super().__init__()
        config = ViTConfig(
            hidden_size=size.width, num_attention_heads=size.heads, intermediate_size=4 * size.width,
            layer_norm_eps=NORM_EPS,
        )  # fmt: skip
        config._attn_implementation = "eager"
        self.picture = nn.Conv2d(3, size.width, PATCH, PATCH)
        self.clicks = nn.Conv2d(MAPS, size.width, PATCH, PATCH)
        self.positions = nn.Parameter(torch.zeros(1, GRID * GRID, size.width))
        self.layers = nn.ModuleList(ViTLayer(config) for _ in range(size.depth))
        self.neck = Pyramid(size.width)
        self.head = Head()
        self.whole = size.whole

    def forward(self, x: Tensor, maps: Tensor) -> tuple[Tensor, None]:
        tokens = (self.picture(x) + self.clicks(maps)).flatten(2).transpose(1, 2) + self.positions
        for number, layer in enumerate(self.layers, 1):
            tokens = layer(tokens) if number % self.whole == 0 else joined(layer(windows(tokens)))
        return self.head(self.neck(tokens.transpose(1, 2).unflatten(2, (GRID, GRID)))), None


def windows(tokens: Tensor) -> Tensor:
    """[B, 28 * 28, C] -> [4 B, 14 * 14, C]."""
    count, width = GRID // WINDOW, tokens.shape[2]
    x = tokens.reshape(-1, count, WINDOW, count, WINDOW, width).transpose(2, 3)
    return x.reshape(-1, WINDOW * WINDOW, width)


def joined(tokens: Tensor) -> Tensor:
    """The reverse of `windows`."""
    count, width = GRID // WINDOW, tokens.shape[2]
    x = tokens.reshape(-1, count, count, WINDOW, WINDOW, width).transpose(2, 3)
    return x.reshape(-1, GRID * GRID, width)


class SimpleClick(ClickNetwork):
    pixel_mean, pixel_std = PIXEL_MEAN, PIXEL_STD
    input_size = SIZE
    coarse_shape = (SIZE, SIZE)
    refine_shape = None
    feature_shapes: ClassVar[Mapping[str, tuple[int, int, int]]] = {}

    def __init__(self, size: ViTSize | None = None) -> None:
        super().__init__()
        self.coarse = RitmCoarse(PlainViT(size or ViTSize()))
        self.refine = None


# The authors' name -> ours behind `coarse.network.`, the first that fits.
RULES = (
    (r"patch_embed_coords\.proj\.", "clicks."),
    (r"backbone\.patch_embed\.proj\.", "picture."),
    (r"backbone\.blocks\.(\d+)\.norm1\.", r"layers.\1.layernorm_before."),
    (r"backbone\.blocks\.(\d+)\.norm2\.", r"layers.\1.layernorm_after."),
    (r"backbone\.blocks\.(\d+)\.attn\.qkv\.", r"layers.\1.attention.qkv_proj."),
    (r"backbone\.blocks\.(\d+)\.attn\.proj\.", r"layers.\1.attention.o_proj."),
    (r"backbone\.blocks\.(\d+)\.mlp\.", r"layers.\1.mlp."),
    (r"neck\.", "neck."),
    (r"head\.convs\.(\d)\.conv\.", r"head.levels.\1."),
    (r"head\.fusion_conv\.conv\.", "head.fuse."),
    (r"head\.conv_seg\.", "head.out."),
)
UNUSED = ("backbone.cls_token", "backbone.fc_norm.", "backbone.head.", "head.up_conv1.", "head.up_conv2.")


def simple_click_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Queries, keys and values, one layer of the authors', are split; the class token's position is left out."""
    renamed: dict[str, Tensor] = {}
    for name, value in tensors.items():
        ours = SPARE + name if name.startswith(UNUSED) else name
        for pattern, target in RULES:
            if match := re.match(pattern, name):
                ours = "coarse.network." + match.expand(target) + name[match.end() :]
                break
        if name == "backbone.pos_embed" and value.ndim == 3:
            renamed["coarse.network.positions"] = value[:, 1:]
        elif ".qkv_proj." in ours and value.shape[0] % 3 == 0:
            for part, third in zip(("q_proj", "k_proj", "v_proj"), value.chunk(3), strict=True):
                renamed[ours.replace("qkv_proj", part)] = third
        else:
            renamed[ours] = value
    return renamed


def simple_click_spare(width: int) -> dict[str, torch.Size]:
    """What the pre-training and the unused, finer output leave in a checkpoint."""
    shapes: dict[str, tuple[int, ...]] = {"backbone.cls_token": (1, 1, width)}
    layers: dict[str, tuple[int, ...]] = {"backbone.fc_norm": (width,), "backbone.head": (CLASSES, width)}
    for number, inputs in ((1, HEAD), (2, HEAD // 2)):
        half, up = inputs // 2, f"head.up_conv{number}"
        shapes |= {f"{up}.0.weight": (inputs, half, 2, 2), f"{up}.0.bias": (half,)}
        layers |= {f"{up}.1": (half,), f"{up}.2": (half, half, 1, 1), f"{up}.3": (half,)}
    for name, shape in layers.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    return {SPARE + name: torch.Size(shape) for name, shape in shapes.items()}
