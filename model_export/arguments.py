"""What the commands share: defaults of paths and names."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeAlias

DATA = Path("../shared/data")
BUNDLE = Path(__file__).parents[1] / "server" / "bundles" / "segserve-lite"
MODEL_NAMES = ("segserve-lite", "segserve-clicks")  # those that `train` knows
PUBLISHED_NAMES = (
    "sam-vit-b", "sam-vit-l", "sam-vit-h", "mobile-sam", "sam2.1-hiera-tiny", "sam2.1-hiera-small",
    "sam2.1-hiera-base-plus", "sam2.1-hiera-large", "sam-hq-vit-b", "sam-hq-vit-l", "sam-hq-vit-h", "sam-hq-light",
    "edge-sam",
)  # fmt: skip
CLICK_PUBLISHED_NAMES = (
    "ritm-hrnet18s-itm", "ritm-hrnet18-itm", "ritm-hrnet32-itm", "focalclick-segformer-b0-s1",
    "focalclick-segformer-b0-s2", "focalclick-segformer-b3-s2", "focalclick-hrnet18s-s1", "focalclick-hrnet18s-s2",
    "simpleclick-vit-b",
)  # fmt: skip
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
