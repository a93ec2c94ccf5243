"""HRNet (Sun et al. 2019) as RITM and FocalClick use it: branches of stride 4 to 32 that keep exchanging features; what
the clicks say joins the picture behind the first convolution. Resampling aligns corners, as the authors trained it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from torch import Tensor, cat, nn
from torch.nn import functional as F

STEM = 64
BRANCHES = 4


def paired(inputs: int, outputs: int, kernel: int, stride: int = 1, *, relu: bool = True) -> nn.Sequential:
    """Convolution without bias, batch norm and, unless told otherwise, ReLU."""
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, nn.ReLU()) if relu else nn.Sequential(*layers)


def spread(x: Tensor, size: Sequence[int]) -> Tensor:
    """Bilinear, the corners' centres on the corners' centres."""
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=True)


class Residual(nn.Module):
    """Two 3x3 convolutions, or with `narrow` 1x1, 3x3 and 1x1 of which the last has four times as many outputs."""

    def __init__(self, inputs: int, width: int, *, narrow: bool = False) -> None:
        super().__init__()
        outputs = 4 * width if narrow else width
        self.conv1 = paired(inputs, width, 1 if narrow else 3)
        self.conv2 = paired(width, width, 3, relu=narrow)
        if narrow:
            self.conv3 = paired(width, outputs, 1, relu=False)
        self.downsample = paired(inputs, outputs, 1, relu=False) if inputs != outputs else nn.Identity()
        self.narrow = narrow

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(self.conv1(x))
        if self.narrow:
            y = self.conv3(y)
        return F.relu(y + self.downsample(x))


class Exchange(nn.Module):
    """Each branch by itself, then every branch the sum of all: finer ones strided down, coarser ones spread."""

    def __init__(self, widths: Sequence[int], blocks: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*(Residual(width, width) for _ in range(blocks))) for width in widths
        )
        self.fuse_layers = nn.ModuleList(
            nn.ModuleList(self.path(widths, source, target) for source in range(len(widths)))
            for target in range(len(widths))
        )

    @staticmethod
    def path(widths: Sequence[int], source: int, target: int) -> nn.Module:
        if source == target:
            return nn.Identity()
        if source > target:
            return paired(widths[source], widths[target], 1, relu=False)
        steps = range(source + 1, target + 1)
        return nn.Sequential(
            *(paired(widths[source], widths[target if k == target else source], 3, 2, relu=k != target) for k in steps)
        )

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        maps = [branch(x) for branch, x in zip(self.branches, maps, strict=True)]
        fused = []
        for target, paths in enumerate(self.fuse_layers):
            assert isinstance(paths, nn.ModuleList)
            size = maps[target].shape[-2:]
            parts = [path(x) for path, x in zip(paths, maps, strict=True)]
            parts = [spread(part, size) if source > target else part for source, part in enumerate(parts)]
            fused.append(F.relu(sum(parts[1:], start=parts[0])))
        return fused


class HRNet(nn.Module):
    """`width` of the finest branch, the others double; `small`: HRNet-W18-C-Small-v2's depths."""

    def __init__(self, width: int, *, small: bool) -> None:
        super().__init__()
        blocks = 2 if small else 4
        modules = (1, 3, 2) if small else (1, 4, 3)
        widths = [width * 2**k for k in range(BRANCHES)]
        self.channels = sum(widths)
        self.conv1 = paired(3, STEM, 3, 2)
        self.conv2 = paired(STEM, STEM, 3, 2)
        self.layer1 = nn.Sequential(*(Residual(STEM if k == 0 else 4 * STEM, STEM, narrow=True) for k in range(blocks)))
        before = [4 * STEM]
        for stage, count in enumerate(modules):
            after = widths[: stage + 2]
            setattr(self, f"transition{stage + 1}", self.transition(before, after))
            setattr(self, f"stage{stage + 2}", nn.ModuleList(Exchange(after, blocks) for _ in range(count)))
            before = after

    @staticmethod
    def transition(before: Sequence[int], after: Sequence[int]) -> nn.ModuleList:
        """Kept branches as they are, or at their new width; the new one strided from the coarsest."""
        kept = [nn.Identity() if old == new else paired(old, new, 3) for old, new in zip(before, after, strict=False)]
        return nn.ModuleList([*kept, nn.Sequential(paired(before[-1], after[-1], 3, 2))])

    def forward(self, x: Tensor, clicks: Tensor) -> Tensor:
        """x [B, 3, S, S], clicks [B, 64, S/2, S/2] -> [B, 15 width, S/4, S/4]."""
        maps = [self.layer1(self.conv2(self.conv1(x) + clicks))]
        for stage in range(BRANCHES - 1):
            transition = self.get_submodule(f"transition{stage + 1}")
            assert isinstance(transition, nn.ModuleList)
            maps = [layer(maps[min(k, len(maps) - 1)]) for k, layer in enumerate(transition)]
            exchanges = self.get_submodule(f"stage{stage + 2}")
            assert isinstance(exchanges, nn.ModuleList)
            for exchange in exchanges:
                maps = exchange(maps)
        return cat([maps[0], *(spread(x, maps[0].shape[-2:]) for x in maps[1:])], 1)


def hrnet_name(name: str) -> str:
    """The authors' name of one of its tensors -> ours: norms stand behind their convolution."""
    name = re.sub(r"(^|\.)conv(\d)\.", r"\1conv\2.0.", name)
    return re.sub(r"(^|\.)bn(\d)\.", r"\1conv\2.1.", name)
