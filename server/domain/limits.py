"""Bounds that hold whatever the settings say; the settings stay below them. And the machine's own: its cores."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

HARD_MAX_PROMPTS: Final = 4096
HARD_MAX_POINTS: Final = 1024


def available_cores() -> int:
    """Cores that this process may run on; `taskset` and cpusets often leave fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available_memory() -> int:
    """Bytes of memory that this process may count on: the machine's, or less where a container says so."""
    try:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        machine = 8 << 30
    limits = [machine]
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(path).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdigit():
            limits.append(int(text))
    return min(limits)
