"""Resident memory of the server over thousands of uploads of pictures that it never saw before."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import numpy as np

from model_export.bench.drawn import jpeg, photo_like
from model_export.bench.record import Figure, Findings, Target
from model_export.bench.server_speed import together
from model_export.bench.serving import Served, serve
from model_export.bench.setting import Setting
from server.domain.ports import UInt8

TITLE = "Memory"
MIB = 2**20
CACHE_BYTES = 32 * MIB
CLIENTS = 2
PIECES = 4
GROWTH = Target("<", 5)
SIZE = (320, 240)


def run(setting: Setting) -> Findings:
    """The store is full after about a hundred pictures; from the first quarter on nothing should grow."""
    total = setting.pick(2000, 16)
    resident: dict[int, int] = {}
    with serve(setting.bundle, {"cache_bytes": str(CACHE_BYTES)}) as served:
        resident[0] = served.resident_bytes()
        pictures = _Pictures(photo_like(*SIZE))
        for piece in range(1, PIECES + 1):
            _upload(served, pictures, total // PIECES)
            resident[piece * (total // PIECES)] = served.resident_bytes()
        with served.client() as client:
            stored, evicted = client.metric("segserve_store_bytes"), client.metric("segserve_store_evicted_total")
    counts = list(resident)
    figures = [
        Figure("At start" if count == 0 else f"After {count:,} uploads", "MiB", resident[count] / MIB)
        for count in counts
    ]
    grown = (resident[counts[-1]] / resident[counts[1]] - 1) * 100
    figures.append(Figure(f"Growth from upload {counts[1]:,} to upload {counts[-1]:,}", "%", grown, target=GROWTH))
    notes = [
        f"Resident memory of the server's process, SEGSERVE_CACHE_BYTES={CACHE_BYTES}, {CLIENTS} clients.",
        f"Pictures of {SIZE[0]} x {SIZE[1]}, all different.",
        f"At the end the store holds {stored / MIB:.1f} MiB and has dropped {evicted:,.0f} entries.",
        f"Flat is taken to mean a growth below {GROWTH.limit:g} % after the first quarter, when the store is full.",
    ]
    return Findings(figures, notes, {"resident_bytes": {str(count): size for count, size in resident.items()}})


class _Pictures:
    """Each differs from every other in a corner that spells its number. For several threads."""

    def __init__(self, base: UInt8) -> None:
        self._base = base
        self._numbers: Iterator[int] = itertools.count()
        self._lock = threading.Lock()

    def next(self) -> bytes:
        with self._lock:
            number = next(self._numbers)
        picture = self._base.copy()
        for bit in range(16):
            picture[:8, 8 * bit : 8 * bit + 8] = 255 if number >> bit & 1 else 0
        return jpeg(np.roll(picture, number % 64, axis=0))


def _upload(served: Served, pictures: _Pictures, count: int) -> None:
    def client_of(_: int, each: int) -> None:
        with served.client() as client:
            for _ in range(each):
                if client.upload(pictures.next()).json()["cached"]:
                    raise RuntimeError("a new picture was answered from the cache")

    together(client_of, CLIENTS, count // CLIENTS)
