"""The published networks of the Segment Anything family: how each is made, loaded and called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor

from model_export.models.checkpoint import read_tensors
from model_export.models.edge_sam import EDGE_SAM, edge_sam, load_edge_sam
from model_export.models.network import Network
from model_export.models.sam import SAM_NAMES, load_sam, sam
from model_export.models.sam2 import SAM2_NAMES, load_sam2, sam2
from model_export.models.sam_hq import SAM_HQ_NAMES, load_sam_hq, sam_hq

SAM_PAPER = "Kirillov et al., Segment Anything, 2023; https://github.com/facebookresearch/segment-anything"
SAM2_PAPER = "Ravi et al., SAM 2: Segment Anything in Images and Videos, 2024; https://github.com/facebookresearch/sam2"
HQ_PAPER = "Ke et al., Segment Anything in High Quality, 2023; https://github.com/SysCV/sam-hq"
EDGE_PAPER = "Zhou et al., EdgeSAM, 2023; https://github.com/chongzhou96/EdgeSAM"
MOBILE_PAPER = "Zhang et al., Faster Segment Anything, 2023; https://github.com/ChaoningZhang/MobileSAM"


@dataclass(frozen=True)
class Published:
    """`make` gives the network with random weights, `load` with those of a checkpoint's tensors, strict."""

    title: str
    description: str
    license: str
    source: str
    make: Callable[[], Network]
    load: Callable[[Mapping[str, Tensor]], Network]


def _sam(name: str, title: str, description: str, source: str) -> Published:
    return Published(title, description, "Apache-2.0", source, partial(sam, name), partial(load_sam, name))


def _sam2(name: str, title: str, description: str) -> Published:
    return Published(title, description, "Apache-2.0", SAM2_PAPER, partial(sam2, name), partial(load_sam2, name))


def _sam_hq(name: str, title: str, description: str) -> Published:
    return Published(title, description, "Apache-2.0", HQ_PAPER, partial(sam_hq, name), partial(load_sam_hq, name))


PUBLISHED: dict[str, Published] = {
    "sam-vit-b": _sam("sam-vit-b", "SAM ViT-B", "The smallest of Meta's Segment Anything models.", SAM_PAPER),
    "sam-vit-l": _sam("sam-vit-l", "SAM ViT-L", "Meta's Segment Anything, the middle size.", SAM_PAPER),
    "sam-vit-h": _sam("sam-vit-h", "SAM ViT-H", "Meta's Segment Anything, the largest and slowest.", SAM_PAPER),
    "mobile-sam": _sam(
        "mobile-sam", "MobileSAM", "SAM's decoder behind a small encoder, distilled from SAM ViT-H's.", MOBILE_PAPER
    ),
    "sam2.1-hiera-tiny": _sam2("sam2.1-hiera-tiny", "SAM 2.1 tiny", "The smallest of Meta's SAM 2.1, for pictures."),
    "sam2.1-hiera-small": _sam2("sam2.1-hiera-small", "SAM 2.1 small", "Meta's SAM 2.1, a little deeper than tiny."),
    "sam2.1-hiera-base-plus": _sam2("sam2.1-hiera-base-plus", "SAM 2.1 base+", "Meta's SAM 2.1, the middle size."),
    "sam2.1-hiera-large": _sam2("sam2.1-hiera-large", "SAM 2.1 large", "Meta's SAM 2.1, the largest and slowest."),
    "sam-hq-vit-b": _sam_hq("sam-hq-vit-b", "SAM-HQ ViT-B", "SAM ViT-B with finer masks."),
    "sam-hq-vit-l": _sam_hq("sam-hq-vit-l", "SAM-HQ ViT-L", "SAM ViT-L with finer masks."),
    "sam-hq-vit-h": _sam_hq("sam-hq-vit-h", "SAM-HQ ViT-H", "SAM ViT-H with finer masks."),
    "sam-hq-light": _sam_hq("sam-hq-light", "SAM-HQ light", "MobileSAM's encoder with finer masks."),
    EDGE_SAM: Published(
        "EdgeSAM",
        "SAM's decoder behind a small convolutional encoder. Not for commercial use.",
        "S-Lab License 1.0",
        EDGE_PAPER,
        edge_sam,
        load_edge_sam,
    ),
}
assert {*SAM_NAMES, *SAM2_NAMES, *SAM_HQ_NAMES} <= set(PUBLISHED)


def load_published(name: str, checkpoint: Path) -> Network:
    """The network `name` with a published checkpoint's weights, in eval mode. Raises CheckpointError."""
    return PUBLISHED[name].load(read_tensors(checkpoint)).eval().requires_grad_(False)
