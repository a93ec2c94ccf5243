"""FocalClick (Chen et al. 2022): a coarse stage on the target crop, and a refinement of the focus crop from its pixels,
clicks and what the coarse stage saw there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model_export.models.click_network import CLICK_CHANNELS, ClickNetwork, CoarseStage, RefineStage
from model_export.models.click_stem import Normalised
from model_export.models.clicks import resample
from model_export.models.hrnet import spread
from model_export.models.ocr import SPARE
from model_export.models.vit_encoder import PIXEL_MEAN, PIXEL_STD

WIDTH = 32  # of the refinement
SIZE = 256
REFINE_RADIUS = 5


class FocalCoarse(CoarseStage):
    """`halved`: the network sees the crop at half the size (S1). Logits of the input's size, corners aligned.

    The refinement's first layer, a 1x1 convolution, runs here: cutting out and resampling commute with it, and the
    features that leave are an eighth or less of what they were. Its ReLU stays behind."""

    def __init__(self, network: nn.Module, channels: int, *, halved: bool) -> None:
        super().__init__()
        self.normalised = Normalised()
        self.network = network
        self.fusion = nn.Sequential(nn.Conv2d(channels, WIDTH, 1), nn.BatchNorm2d(WIDTH))
        self.halved = halved

    def forward(self, pixels: Tensor, clicks: Tensor, previous_mask: Tensor) -> tuple[Tensor, Tensor]:
        x, maps = self.normalised(pixels), torch.cat([previous_mask, clicks], 1)
        size = clicks.shape[-2:]
        if self.halved:
            x, maps = (spread(each, [side // 2 for side in size]) for each in (x, maps))
        logits, features = self.network(x, maps)
        return spread(logits, size), self.fusion(features)


class Separable(nn.Module):
    """3x3 convolution of each channel, 1x1 of all, batch norm, ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.each = nn.Conv2d(WIDTH, WIDTH, 3, padding=1, groups=WIDTH)
        self.all = nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 1), nn.BatchNorm2d(WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.all(self.each(x)))


class Grown(nn.Module):
    """Disks of the coarse stage's radius, each grown to the refinement's: what lies within `by` of a disk, a little
    more since its edge falls between pixels (mean IoU 0.95 with disks drawn at the larger radius)."""

    def __init__(self, by: int) -> None:
        super().__init__()
        self.by = by
        steps = torch.arange(-by, by + 1)
        inside = (steps[:, None] ** 2 + steps**2 <= by**2 + 1).float()
        self.kernel: Tensor
        self.register_buffer("kernel", inside.expand(CLICK_CHANNELS, 1, -1, -1).contiguous(), persistent=False)

    def forward(self, clicks: Tensor) -> Tensor:
        return F.conv2d(clicks, self.kernel, padding=self.by, groups=CLICK_CHANNELS).clamp(max=1.0)


class FocalRefine(RefineStage):
    """Logits of the focus crop's size. Its pixels go in as 0..1, not normalised, as the authors trained it. One sample
    in the middle of each cell: their RoI align, whose regions are never larger than its grid."""

    def __init__(self, extent: int, grow: int) -> None:
        super().__init__()
        self.extent = extent  # side of the coarse input
        self.grown = Grown(grow) if grow else nn.Identity()
        self.first = nn.Sequential(nn.Conv2d(3 + CLICK_CHANNELS + 1, WIDTH, 3, 2, 1), nn.BatchNorm2d(WIDTH))
        self.local = nn.Sequential(Separable(), Separable())
        self.joined = nn.Sequential(Separable(), Separable())
        self.detail = nn.Conv2d(WIDTH, 1, 3, padding=1)
        self.boundary = nn.Conv2d(WIDTH, 1, 3, padding=1)

    def forward(self, pixels: Tensor, clicks: Tensor, coarse_logits: Tensor, *features_and_box: Tensor) -> Tensor:
        features, box = features_and_box
        grid, size = (features.shape[2], features.shape[3]), (clicks.shape[2], clicks.shape[3])
        coarse = resample(coarse_logits, box, size, self.extent)
        seen = F.relu(resample(features, box, grid, self.extent))
        x = torch.cat([pixels.permute(0, 3, 1, 2).float() / 255, self.grown(clicks), torch.sigmoid(coarse)], 1)
        y = self.local(F.relu(self.first(x)))
        y = self.joined(y + spread(seen, y.shape[-2:]))
        detail, boundary = spread(torch.cat([self.detail(y), self.boundary(y)], 1), size).chunk(2, 1)
        gate = torch.sigmoid(boundary)
        merged: Tensor = gate * detail + (1 - gate) * coarse
        return merged


class FocalClick(ClickNetwork):
    """`disk_radius` is the coarse stage's."""

    pixel_mean, pixel_std = PIXEL_MEAN, PIXEL_STD
    input_size = SIZE
    coarse_shape = refine_shape = (SIZE, SIZE)
    halved: ClassVar[bool]

    def __init__(self, network: nn.Module, channels: int, disk_radius: int) -> None:
        super().__init__()
        self.disk_radius = float(disk_radius)
        self.coarse = FocalCoarse(network, channels, halved=self.halved)
        self.refine = FocalRefine(SIZE, REFINE_RADIUS - disk_radius)


class FocalClickS1(FocalClick):
    """The network sees the target crop at 128, the refinement the focus crop at 256."""

    halved = True
    feature_shapes: ClassVar[Mapping[str, tuple[int, int, int]]] = {"features": (WIDTH, SIZE // 8, SIZE // 8)}


class FocalClickS2(FocalClick):
    """Both at 256."""

    halved = False
    feature_shapes: ClassVar[Mapping[str, tuple[int, int, int]]] = {"features": (WIDTH, SIZE // 4, SIZE // 4)}


# The authors' name behind `refiner.` -> ours.
RULES = (
    (r"refine_fusion\.conv\.", "coarse.fusion.0."),
    (r"refine_fusion\.norm\.", "coarse.fusion.1."),
    (r"image_conv1\.conv\.", "refine.first.0."),
    (r"image_conv1\.norm\.", "refine.first.1."),
    (r"refine_pred\.", "refine.detail."),
    (r"refine_trimap\.", "refine.boundary."),
    *(
        (rf"{theirs}\.{part}\.", f"refine.{ours}.{inner}.")
        for theirs, ours in (
            ("image_conv2", "local.0"), ("image_conv3", "local.1"), ("refine_fusion2", "joined.0"),
            ("refine_fusion3", "joined.1"),
        )
        for part, inner in (("conv3x3", "each"), ("conv1x1", "all.0"), ("norm", "all.1"))
    ),
    (r"(?=feature_gate\.)", SPARE),
)  # fmt: skip


def refiner_name(name: str) -> str:
    """The authors' name of one of the refinement's tensors -> ours, or of a spare one; others stay."""
    rest = name.removeprefix("refiner.")
    for pattern, ours in RULES if rest != name else ():
        if match := re.match(pattern, rest):
            return ours + rest[match.end() :]
    return name


def gate_layout() -> dict[str, torch.Size]:
    """A gate that the SegFormer models hold and never use."""
    name = f"{SPARE}feature_gate.0"
    return {f"{name}.weight": torch.Size((1, WIDTH, 1, 1)), f"{name}.bias": torch.Size((1,))}
