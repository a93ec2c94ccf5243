"""segserve-clicks: the embedded interactive model. FocalClick's two stages on the encoder of segserve-lite.

Clicks and previous mask join the picture's features at stride 4 (RITM's maps, Sofiiuk et al. 2021); at stride 8 the
network sees how much each place looks like the clicked ones, RITM's and GrabCut's colour likelihood in learnt features.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model_export.models.click_network import CLICK_CHANNELS, ClickNetwork, CoarseStage, RefineStage
from model_export.models.lite_encoder import PIXEL_MEAN, PIXEL_STD, InvertedBottleneck, LiteEncoder, conv_bn

WIDTH4, WIDTH8, LOOK = 48, 64, 32
COARSE_STRIDE, REFINE_STRIDE = 4, 2
EPSILON = 1e-4
COVERED, CLICKED_CELLS = 0.25, 128  # share of a cell under disks that makes it a clicked one; a disk covers 1 to 4


def upsample(x: Tensor, factor: float) -> Tensor:
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


def resample(x: Tensor, box: Tensor, size: tuple[int, int], extent: int) -> Tensor:
    """The part `box` [B, 4] (x1 y1 x2 y2, of a square of side `extent` that x [B, C, h, w] covers) -> [B, C, *size]:
    bilinear at the centre of each cell, indices clamped. Two matrix products, which every runtime has."""

    def weights(low: Tensor, high: Tensor, cells: int, places: int) -> Tensor:
        steps = (torch.arange(cells, device=x.device, dtype=torch.float32) + 0.5) / cells
        at = (low[:, None] + (high - low)[:, None] * steps) * (places / extent) - 0.5
        grid = torch.arange(places, device=x.device, dtype=torch.float32)
        return (1 - (at.clamp(0, places - 1)[..., None] - grid).abs()).clamp(min=0)  # [B, cells, places]

    rows = weights(box[:, 1], box[:, 3], size[0], x.shape[2]).to(x.dtype)
    columns = weights(box[:, 0], box[:, 2], size[1], x.shape[3]).to(x.dtype)
    return rows.unsqueeze(1) @ x @ columns.transpose(1, 2).unsqueeze(1)


class Maps(nn.Module):
    """Click disks and a mask at full resolution -> what they add to features of stride 4; starts at 0."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(conv_bn(inputs, 16, 3, 2), conv_bn(16, 32, 3, 2))
        self.out = nn.Conv2d(32, outputs, 1)
        nn.init.zeros_(self.out.weight)
        if self.out.bias is not None:
            nn.init.zeros_(self.out.bias)

    def forward(self, maps: Tensor) -> Tensor:
        result: Tensor = self.out(self.body(maps))
        return result


class Likeness(nn.Module):
    """features [B, C, h, w] and clicks [B, 2, S, S] -> [B, 2, h, w]: cosine to the most similar cell under a foreground
    disk and under a background disk; -1 where there is no such click. Of more than CLICKED_CELLS cells under disks of
    one kind, those that the disks cover most."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels, LOOK, 1)

    def forward(self, features: Tensor, clicks: Tensor) -> Tensor:
        b, _, h, w = features.shape
        look = self.project(features).flatten(2)
        look = look * torch.rsqrt((look * look).sum(1, keepdim=True) + EPSILON)
        covered = F.avg_pool2d(clicks, clicks.shape[-1] // w).flatten(2)  # [B, 2, h w]
        cells = min(CLICKED_CELLS, h * w)
        if not torch.compiler.is_exporting():  # a graph's shapes know no number of clicked cells
            cells = min(cells, max(1, int((covered >= COVERED).sum(-1).max())))
        share, places = covered.topk(cells, dim=-1)  # [B, 2, cells]
        places = places.flatten(1).unsqueeze(1).expand(-1, look.shape[1], -1)
        cosine = look.gather(2, places).transpose(1, 2) @ look  # [B, 2 cells, h w]
        away = 2 * (share < COVERED).to(cosine.dtype).flatten(1).unsqueeze(2)
        result: Tensor = (cosine - away).view(b, CLICK_CHANNELS, cells, h, w).amax(2).clamp(min=-1.0)
        return result


class Coarse(CoarseStage):
    """Logits at stride 4 and `features` [B, 48, S/4, S/4]."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = LiteEncoder()
        for unused in ("context16", "context8", "lateral8", "from16", "smooth8", "high8", "lateral4", "from8", "high4"):
            delattr(self.backbone, unused)
        self.maps = Maps(CLICK_CHANNELS + 1, 32)
        self.likeness = Likeness(48)
        self.like8 = nn.Conv2d(CLICK_CHANNELS, 48, 1)
        self.lateral8 = nn.Conv2d(48, WIDTH8, 1)
        self.from16 = nn.Conv2d(128, WIDTH8, 1)
        self.smooth8 = nn.Sequential(conv_bn(WIDTH8, WIDTH8, 5, groups=WIDTH8), conv_bn(WIDTH8, WIDTH8, 1))
        self.again8 = InvertedBottleneck(WIDTH8, WIDTH8, 2, 5, 0)
        self.lateral4 = nn.Conv2d(32, WIDTH4, 1)
        self.from8 = nn.Conv2d(WIDTH8, WIDTH4, 1)
        self.maps4 = Maps(CLICK_CHANNELS + 1, WIDTH4)
        self.smooth4 = nn.Sequential(conv_bn(WIDTH4, WIDTH4, 5, groups=WIDTH4), conv_bn(WIDTH4, WIDTH4, 1))
        self.again4 = InvertedBottleneck(WIDTH4, WIDTH4, 2, 3, 0)
        self.out = nn.Conv2d(WIDTH4, 1, 1)

    def cut_guidance(self) -> None:
        """From here on the maps of likeness count for nothing, and do not learn."""
        nn.init.zeros_(self.like8.weight)
        self.like8.weight.requires_grad_(False)
        self.likeness.requires_grad_(False)

    def forward(self, pixels: Tensor, clicks: Tensor, previous_mask: Tensor) -> tuple[Tensor, Tensor]:
        body = self.backbone
        x = (pixels.permute(0, 3, 1, 2).float() - body.mean) / body.std
        maps = torch.cat([clicks, previous_mask], 1).contiguous(memory_format=torch.channels_last)
        c4 = body.stage4(x.contiguous(memory_format=torch.channels_last))
        c4 = c4 + self.maps(maps)
        c8 = body.stage8(c4)
        c8 = c8 + self.like8(self.likeness(c8, clicks))
        c16 = body.stage16(c8)
        c32 = body.stage32(c16)
        up = F.interpolate(body.lateral32(c32), scale_factor=2.0, mode="nearest")
        p16 = body.smooth16(F.relu(body.lateral16(c16) + up))
        p8 = self.again8(self.smooth8(F.relu(self.lateral8(c8) + upsample(self.from16(p16), 2.0))))
        p4 = F.relu(self.lateral4(c4) + upsample(self.from8(p8), 2.0) + self.maps4(maps))
        features = self.again4(self.smooth4(p4))
        return self.out(features), features


class Refine(RefineStage):
    """Logits at stride 2: sigma(b) detail + (1 - sigma(b)) coarse, both heads on features of the focus crop."""

    def __init__(self, extent: int) -> None:
        super().__init__()
        self.extent = extent  # side of the coarse input
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(PIXEL_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(PIXEL_STD).view(1, 3, 1, 1), persistent=False)
        self.stem2 = conv_bn(3 + CLICK_CHANNELS, 24, 3, 2)
        self.stem4 = conv_bn(24, WIDTH4, 3, 2)
        self.join = conv_bn(2 * WIDTH4 + 1, 64, 1)
        self.local4 = nn.Sequential(InvertedBottleneck(64, 64, 2, 5, 0), InvertedBottleneck(64, 64, 2, 5, 0))
        self.down8 = InvertedBottleneck(64, 96, 2, 0, 5, 2)
        self.local8 = nn.Sequential(InvertedBottleneck(96, 96, 2, 5, 0), InvertedBottleneck(96, 96, 2, 5, 0))
        self.up4 = nn.Conv2d(96, 64, 1)
        self.again4 = InvertedBottleneck(64, 64, 2, 5, 0)
        self.up2 = nn.Conv2d(64, 24, 1)
        self.local2 = nn.Sequential(conv_bn(24, 24, 3, groups=24), conv_bn(24, 24, 1))
        self.heads = nn.Conv2d(24, 2, 3, padding=1)

    def forward(self, pixels: Tensor, clicks: Tensor, coarse_logits: Tensor, *features_and_box: Tensor) -> Tensor:
        features, box = features_and_box
        side = pixels.shape[1]
        x = (pixels.permute(0, 3, 1, 2).float() - self.mean) / self.std
        s2 = self.stem2(torch.cat([x, clicks], 1).contiguous(memory_format=torch.channels_last))
        s4 = self.stem4(s2)
        seen = resample(features.float(), box, (side // 4, side // 4), self.extent)
        coarse = resample(coarse_logits.float(), box, (side // REFINE_STRIDE, side // REFINE_STRIDE), self.extent)
        share = torch.sigmoid(F.avg_pool2d(coarse, 2))
        y = torch.cat([s4, seen, share], 1).contiguous(memory_format=torch.channels_last)
        y = self.local4(self.join(y))
        y = self.again4(F.relu(y + upsample(self.up4(self.local8(self.down8(y))), 2.0)))
        y = self.local2(F.relu(s2 + upsample(self.up2(y), 2.0)))
        detail, boundary = self.heads(y).float().chunk(2, 1)
        gate = torch.sigmoid(boundary)
        result: Tensor = gate * detail + (1 - gate) * coarse
        return result


class SegserveClicks(ClickNetwork):
    """Both stages with one set of weights."""

    input_size = 256
    pixel_mean, pixel_std = PIXEL_MEAN, PIXEL_STD
    coarse_shape = (input_size // COARSE_STRIDE,) * 2
    refine_shape = (input_size // REFINE_STRIDE,) * 2
    look_twice = True  # NoC@85 6.5 -> 6.1 and 5.9 -> 5.5 on 48 validation objects, at two points of its training
    feature_shapes: ClassVar[Mapping[str, tuple[int, int, int]]] = {"features": (WIDTH4, *coarse_shape)}
    coarse: Coarse
    refine: Refine

    def __init__(self) -> None:
        super().__init__()
        self.coarse = Coarse()
        self.refine = Refine(self.input_size)
