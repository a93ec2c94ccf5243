"""The observer that hears nothing, for stores that nobody watches."""

from __future__ import annotations


class SilentObserver:
    def store_read(self, backend: str, hit: bool) -> None:
        pass

    def store_written(self, backend: str, size: int) -> None:
        pass

    def store_refused(self, backend: str, size: int) -> None:
        pass

    def store_evicted(self, count: int) -> None:
        pass

    def store_failed(self, reason: str) -> None:
        pass

    def store_degraded(self, degraded: bool) -> None:
        pass
