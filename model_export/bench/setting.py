"""What every benchmark is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from server.domain.ports import LoadedBundle

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Setting:
    """`quick`: run everything, but only just; for trying whether it works. `cache`: a directory for what takes long to
    make and never changes, such as the yardstick's graph."""

    bundle: LoadedBundle
    cache: Path
    quick: bool = False

    def pick(self, full: T, quick: T) -> T:
        return quick if self.quick else full
