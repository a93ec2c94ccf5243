"""The published networks of the Segment Anything family: how each is made, loaded and called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor

from model_export.models import edge_sam, sam, sam2, sam2_layout, sam_hq
from model_export.models.checkpoint import CheckpointError, fit, read_tensors
from model_export.models.network import Network
from model_export.models.sam_layout import network_tensors

SAM_PAPER = "Kirillov et al., Segment Anything, 2023; https://github.com/facebookresearch/segment-anything"
SAM2_PAPER = "Ravi et al., SAM 2: Segment Anything in Images and Videos, 2024; https://github.com/facebookresearch/sam2"
HQ_PAPER = "Ke et al., Segment Anything in High Quality, 2023; https://github.com/SysCV/sam-hq"
EDGE_PAPER = "Zhou et al., EdgeSAM, 2023; https://github.com/chongzhou96/EdgeSAM"
MOBILE_PAPER = "Zhang et al., Faster Segment Anything, 2023; https://github.com/ChaoningZhang/MobileSAM"


Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class Published:
    """`make` gives the network with random weights, `rename` a checkpoint's tensors under the names of its state dict
    (unknown ones stay as they are), `looks_like` whether a checkpoint is probably of this network."""

    title: str
    description: str
    license: str
    source: str
    make: Callable[[], Network]
    rename: Callable[[Tensors], Tensors]
    looks_like: Callable[[Tensors], bool]


def _sam(name: str, title: str, description: str, source: str) -> Published:
    return Published(
        title, description, "Apache-2.0", source, partial(sam.sam, name), network_tensors, partial(sam.looks_like, name)
    )


def _sam2(name: str, title: str, description: str) -> Published:
    return Published(
        title, description, "Apache-2.0", SAM2_PAPER, partial(sam2.sam2, name),
        partial(sam2_layout.network_tensors, what=name), partial(sam2.looks_like, name),
    )  # fmt: skip


def _sam_hq(name: str, title: str, description: str) -> Published:
    return Published(
        title, description, "Apache-2.0", HQ_PAPER, partial(sam_hq.sam_hq, name), sam_hq.hq_tensors,
        partial(sam_hq.looks_like, name),
    )  # fmt: skip


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
    edge_sam.EDGE_SAM: Published(
        "EdgeSAM",
        "SAM's decoder behind a small convolutional encoder. Not for commercial use.",
        "S-Lab License 1.0",
        EDGE_PAPER,
        edge_sam.edge_sam,
        edge_sam.edge_tensors,
        edge_sam.looks_like,
    ),
}


def load_published(name: str, checkpoint: Path) -> Network:
    """The network `name` with a published checkpoint's weights, in eval mode. Raises CheckpointError."""
    return load_tensors(name, read_tensors(checkpoint)).eval().requires_grad_(False)


def load_tensors(name: str, tensors: Tensors) -> Network:
    """The network `name` with the weights of a published checkpoint, in the authors' layout or the Hub's. Strict.
    Raises CheckpointError that says what differs, and which other of the family the file looks like."""
    known = PUBLISHED[name]
    model = known.make()
    try:
        fit(model, known.rename(tensors), name)
    except CheckpointError as error:
        # The last one: a network that adds to another has all of that one's tensors, and stands after it.
        others = [other for other, entry in PUBLISHED.items() if other != name and entry.looks_like(tensors)]
        raise CheckpointError(f"{error}. It looks like one of {others[-1]}." if others else str(error)) from error
    return model
