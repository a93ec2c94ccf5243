"""What the commands share: defaults of paths and names."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeAlias

DATA = Path("../shared/data")
BUNDLE = Path(__file__).parents[1] / "server" / "bundles" / "segserve-lite"
MODEL_NAMES = ("segserve-lite",)  # those that `train` knows
PUBLISHED_NAMES = ("sam-vit-b", "sam-vit-l", "sam-vit-h", "mobile-sam")
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
