"""The published networks of the Segment Anything family: how each is made, loaded and called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor

from model_export.models.checkpoint import read_tensors
from model_export.models.network import Network
from model_export.models.sam import SAM_NAMES, load_sam, sam

SAM_PAPER = "Kirillov et al., Segment Anything, 2023; https://github.com/facebookresearch/segment-anything"
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


PUBLISHED: dict[str, Published] = {
    "sam-vit-b": _sam("sam-vit-b", "SAM ViT-B", "The smallest of Meta's Segment Anything models.", SAM_PAPER),
    "sam-vit-l": _sam("sam-vit-l", "SAM ViT-L", "Meta's Segment Anything, the middle size.", SAM_PAPER),
    "sam-vit-h": _sam("sam-vit-h", "SAM ViT-H", "Meta's Segment Anything, the largest and slowest.", SAM_PAPER),
    "mobile-sam": _sam(
        "mobile-sam", "MobileSAM", "SAM's decoder behind a small encoder, distilled from SAM ViT-H's.", MOBILE_PAPER
    ),
}
assert set(SAM_NAMES) <= set(PUBLISHED)


def load_published(name: str, checkpoint: Path) -> Network:
    """The network `name` with a published checkpoint's weights, in eval mode. Raises CheckpointError."""
    return PUBLISHED[name].load(read_tensors(checkpoint)).eval().requires_grad_(False)
