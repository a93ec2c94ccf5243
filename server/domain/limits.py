"""Bounds that hold whatever the settings say; the settings stay below them. And the machine's own: its cores."""

from __future__ import annotations

import os
from typing import Final

HARD_MAX_PROMPTS: Final = 4096
HARD_MAX_POINTS: Final = 1024


def available_cores() -> int:
    """Cores that this process may run on; `taskset` and cpusets often leave fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
