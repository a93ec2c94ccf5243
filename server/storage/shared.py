"""The port of a store that replicas share, and the ways in which it fails. `redis.py` implements it and `resilient.py`
uses it. `SharedStoreError` never leaves this package: a lost store costs speed, not requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from server.domain.ports import StoreHealth


class Outage(StrEnum):
    DOWN = "down"
    """Nobody answers, or it is loading its data."""
    SLOW = "slow"
    """No answer within the timeout."""
    FULL = "full"
    """Out of memory: it refuses writes, and still reads and deletes."""
    REFUSED = "refused"
    """It answers with an error: credentials, permissions, a read-only replica, a failed disk."""


class SharedStoreError(Exception):
    """`reason`: what the client said, for the log."""

    def __init__(self, outage: Outage, reason: str = "") -> None:
        super().__init__(outage.value)
        self.outage = outage
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Found:
    value: bytes
    ttl_seconds: float


@dataclass(frozen=True, slots=True)
class Deleted:
    """Somebody deleted the key `age_seconds` ago; copies that are older must go too."""

    age_seconds: float


class SharedStore(Protocol):
    """Every method may raise SharedStoreError."""

    async def fetch(self, key: str) -> Found | Deleted | None: ...

    async def contains(self, key: str) -> bool: ...

    async def set_many(self, values: Mapping[str, bytes], ttl_seconds: float) -> None:
        """Values over the size bound are refused quietly."""
        ...

    async def add(self, key: str, value: bytes, ttl_seconds: float) -> None:
        """Store it unless the key is there, be it as deleted."""
        ...

    async def swap(self, key: str, head: bytes, value: bytes, ttl_seconds: float) -> bool:
        """Write `value` if what lies there begins with `head`, at once for all replicas; whether it was written."""
        ...

    async def delete(self, *keys: str) -> int:
        """Remove them; how many held a value. Works when the store is full."""
        ...

    async def mark_deleted(self, *keys: str) -> None:
        """Leave a mark, so that other replicas drop their copies."""
        ...

    async def probe(self) -> None:
        """Write and read back a few bytes."""
        ...

    async def health(self) -> StoreHealth: ...

    async def close(self) -> None: ...
