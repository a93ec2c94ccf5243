"""EdgeSAM (Zhou et al. 2023): SAM's decoder behind RepViT-M1 (Wang et al. 2023), a network of convolutions alone.

Modules are named as in the authors' checkpoint. Two stages are joined before SAM's neck, at strides 16 and 32.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional as F
from transformers.models.sam.configuration_sam import SamVisionConfig
from transformers.models.sam.modeling_sam import SamVisionNeck

from model_export.models.network import Encoder
from model_export.models.sam import INPUT_SIZE, VIT_SIZES, Sam, sam_config
from model_export.models.sam_layout import network_tensors
from model_export.models.tiny_vit import ConvNorm
from model_export.models.vit_encoder import PaddedPixels

EDGE_SAM = "edge-sam"
WIDTH = 256
# Width of a stage, and for each of its blocks whether it weighs its channels.
Stages = tuple[tuple[int, tuple[bool, ...]], ...]
STAGES: Stages = (
    (48, (True, False, False)),
    (96, (False, True, False, False)),
    (192, (False, *(True, False) * 7, False)),
    (384, (False, True, False)),
)


class ChannelWeights(nn.Module):
    """Squeeze and excitation (Hu et al. 2018): [B, C, h, w] -> the same, each channel scaled by what its means say."""

    def __init__(self, width: int) -> None:
        super().__init__()
        squeezed = max(8, (width // 4 + 4) // 8 * 8)
        self.fc1 = nn.Conv2d(width, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        weights: Tensor = self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True))))
        return x * weights.sigmoid()


class ParallelDepthwise(nn.Module):
    """A depthwise convolution, a scale of each channel and the identity, added up."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = ConvNorm(width, width, 3, groups=width)
        self.conv1 = ConvNorm(width, width, 1, groups=width)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.conv(x) + self.conv1(x) + x
        return result


class ChannelMixer(nn.Module):
    """[B, C, h, w] -> the same, through twice as many channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.m = nn.Sequential(ConvNorm(width, 2 * width, 1), nn.GELU(), ConvNorm(2 * width, width, 1))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + self.m(x)
        return result


class RepVitBlock(nn.Module):
    """[B, C, h, w] -> the same, or where the width changes [B, D, h/2, w/2]."""

    def __init__(self, inputs: int, width: int, weighs: bool) -> None:
        super().__init__()
        weights = ChannelWeights(inputs) if weighs else nn.Identity()
        if inputs == width:
            self.token_mixer = nn.Sequential(ParallelDepthwise(width), weights)
        else:
            halving = ConvNorm(inputs, inputs, 3, 2, groups=inputs)
            self.token_mixer = nn.Sequential(halving, weights, ConvNorm(inputs, width, 1))
        self.channel_mixer = ChannelMixer(width)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.channel_mixer(self.token_mixer(x))
        return result


class RepVitEncoder(Encoder):
    """The encoder graph of docs/bundle-format.md for EdgeSAM."""

    output_names = ("image_embeddings",)

    def __init__(self, stages: Stages = STAGES) -> None:
        super().__init__()
        self.pixels = PaddedPixels()
        width = stages[0][0]
        stem = nn.Sequential(ConvNorm(3, width // 2, 3, 2), nn.GELU(), ConvNorm(width // 2, width, 3, 2))
        blocks: list[nn.Module] = []
        self.stage_ends: list[int] = []
        for stage_width, weighs in stages:
            for block_weighs in weighs:
                blocks.append(RepVitBlock(width, stage_width, block_weighs))
                width = stage_width
            self.stage_ends.append(len(blocks))
        self.features = nn.ModuleList([stem, *blocks])
        self.fuse_stage2 = nn.Conv2d(stages[2][0], WIDTH, 1, bias=False)
        self.fuse_stage3 = nn.Conv2d(stages[3][0], WIDTH, 1, bias=False)
        self.neck = SamVisionNeck(SamVisionConfig(hidden_size=WIDTH))

    def forward(self, pixels: Tensor, valid_size: Tensor) -> tuple[Tensor, ...]:
        """As `PaddedPixels` -> (image_embeddings [B, 256, S/16, S/16],)."""
        x = self.pixels(pixels, valid_size)
        ends = []
        for place, layer in enumerate(self.features):
            x = layer(x)
            if place in self.stage_ends:
                ends.append(x)
        coarse = F.interpolate(self.fuse_stage3(ends[3]), scale_factor=2.0, mode="bicubic", align_corners=False)
        return (self.neck((self.fuse_stage2(ends[2]) + coarse).permute(0, 2, 3, 1)),)


def edge_sam(input_size: int = INPUT_SIZE) -> Sam:
    """EdgeSAM with random weights."""
    return Sam(sam_config(VIT_SIZES["sam-vit-b"], input_size), RepVitEncoder())


def edge_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The checkpoint's tensors under the names of `edge_sam`'s state dict; unknown names stay as they are."""
    renamed = {}
    for name, value in network_tensors(tensors).items():
        ours = name.replace("encoder.vision.neck.", "encoder.neck.").replace("fuse_stage3.op_list.0.", "fuse_stage3.")
        renamed[ours] = value
    return renamed


def looks_like(tensors: Mapping[str, Tensor]) -> bool:
    """Judged by a tensor that only this network has."""
    return "encoder.fuse_stage2.weight" in edge_tensors(tensors)
