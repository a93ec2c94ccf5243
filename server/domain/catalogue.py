"""The published models that `segserve models pull` knows: where their checkpoints are and what they must hash to.

Each sum is pinned by several public projects; a model whose sum could not be confirmed twice is not here. Sizes are
rounded: they serve the estimate of disk space, for the download the server's own word counts.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

SpeedClass = Literal["fast", "medium", "slow", "very slow"]
META_SAM = "https://dl.fbaipublicfiles.com/segment_anything/"
META_SAM2 = "https://dl.fbaipublicfiles.com/segment_anything_2/092824/"
MOBILE = "https://github.com/ChaoningZhang/MobileSAM/raw/master/weights/"
RITM = "https://github.com/hkchengrex/Cutie/releases/download/v1.0/"  # which hosts the authors' file
MB = 1_000_000


@dataclass(frozen=True, slots=True)
class KnownModel:
    """`id` is also the name of the network to `model_export`. `bytes`: of the checkpoint, rounded. `parameters`: of
    encoder and decoder together, in millions. `speed`: of encoding on a CPU, relative to the others; of an interactive
    model, which encodes nothing, of a click."""

    id: str
    title: str
    file: str
    base_url: str
    sha256: str
    bytes: int
    parameters: float
    speed: SpeedClass
    license: str = "Apache-2.0"
    kind: Literal["promptable", "interactive"] = "promptable"

    @property
    def url(self) -> str:
        return self.base_url + self.file


CATALOGUE: tuple[KnownModel, ...] = (
    KnownModel(
        "mobile-sam", "MobileSAM", "mobile_sam.pt", MOBILE,
        "6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f", 41 * MB, 10.1, "fast",
    ),
    KnownModel(
        "sam2.1-hiera-tiny", "SAM 2.1 tiny", "sam2.1_hiera_tiny.pt", META_SAM2,
        "7402e0d864fa82708a20fbd15bc84245c2f26dff0eb43a4b5b93452deb34be69", 156 * MB, 38.9, "medium",
    ),
    KnownModel(
        "sam2.1-hiera-small", "SAM 2.1 small", "sam2.1_hiera_small.pt", META_SAM2,
        "6d1aa6f30de5c92224f8172114de081d104bbd23dd9dc5c58996f0cad5dc4d38", 184 * MB, 46.0, "medium",
    ),
    KnownModel(
        "sam2.1-hiera-base-plus", "SAM 2.1 base+", "sam2.1_hiera_base_plus.pt", META_SAM2,
        "a2345aede8715ab1d5d31b4a509fb160c5a4af1970f199d9054ccfb746c004c5", 324 * MB, 80.8, "slow",
    ),
    KnownModel(
        "sam2.1-hiera-large", "SAM 2.1 large", "sam2.1_hiera_large.pt", META_SAM2,
        "2647878d5dfa5098f2f8649825738a9345572bae2d4350a2468587ece47dd318", 898 * MB, 224.4, "very slow",
    ),
    KnownModel(
        "sam-vit-b", "SAM ViT-B", "sam_vit_b_01ec64.pth", META_SAM,
        "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912", 375 * MB, 93.7, "slow",
    ),
    KnownModel(
        "sam-vit-l", "SAM ViT-L", "sam_vit_l_0b3195.pth", META_SAM,
        "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622", 1250 * MB, 312.3, "very slow",
    ),
    KnownModel(
        "sam-vit-h", "SAM ViT-H", "sam_vit_h_4b8939.pth", META_SAM,
        "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e", 2565 * MB, 641.1, "very slow",
    ),
    KnownModel(
        "ritm-hrnet18-itm", "RITM HRNet18 IT-M", "coco_lvis_h18_itermask.pth", RITM,
        "5f69cfce354d1507e3850bfc39ee7057c8dd27b6a4910d1d2dc724916b9ee32b", 41 * MB, 10.0, "medium", "MIT",
        "interactive",
    ),
)  # fmt: skip


def known_model(name: str) -> KnownModel | None:
    """By id; None for a name that is not in the catalogue."""
    return next((model for model in CATALOGUE if model.id == name), None)


def closest(name: str, names: list[str]) -> str | None:
    """What a misspelt name may have meant."""
    found = difflib.get_close_matches(name, names, n=1)
    return found[0] if found else None
