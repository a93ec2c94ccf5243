"""Bounds that hold whatever the settings say; the settings stay below them."""

from __future__ import annotations

from typing import Final

HARD_MAX_PROMPTS: Final = 4096
HARD_MAX_POINTS: Final = 1024
