"""The ports: what the services need from the outside, as Protocols. Every back end depends on this file and it on none.

Arrays are numpy, C-contiguous. Frames: `ImagePx` = pixels of the upright original, `ModelPx` = pixels of the S x S
encoder input; x before y, a pixel's centre at +0.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from server.domain.bundle import BundleManifest

Float32 = NDArray[np.float32]
UInt8 = NDArray[np.uint8]
Tensors = Mapping[str, NDArray[Any]]
Features = Mapping[str, Float32]


@dataclass(frozen=True, slots=True)
class DecoderInputs:
    """A batch of B prompts of N points for one picture (all float32).

    point_coords [B, N, 2] ModelPx, x before y; point_labels [B, N] (1, 0, 2 and 3 box corners, -1 padding);
    mask_input [B, 1, h, w] logits; has_mask_input [B] (0 or 1).
    """

    point_coords: Float32
    point_labels: Float32
    mask_input: Float32
    has_mask_input: Float32


@dataclass(frozen=True, slots=True)
class DecoderOutputs:
    """low_res_masks [B, M, h, w] float32 logits; iou_predictions [B, M] float32."""

    low_res_masks: Float32
    iou_predictions: Float32


class Encoder(Protocol):
    """Blocking; called from one worker thread at a time."""

    def encode(self, pixels: UInt8, valid_size: NDArray[np.int64]) -> list[dict[str, Float32]]:
        """pixels uint8 [B, S, S, 3] RGB padded bottom right, valid_size int64 [B, 2] (height, width)
        -> for each of the B pictures its embedding tensors, float32 [1, C, H, W] by name."""
        ...

    def interrupt(self) -> None:
        """From another thread: end the running `encode` soon, with any exception. Nothing where none runs or where a
        run is too short to be worth it."""
        ...


class Decoder(Protocol):
    """Blocking, safe to call from several threads."""

    def decode(self, embedding: Tensors, inputs: DecoderInputs) -> DecoderOutputs:
        """embedding: float32 [1, C, H, W] by name (dequantised)."""
        ...


class ClickStages(Protocol):
    """The graphs of an interactive bundle; shapes in docs/bundle-format.md. Blocking, safe to call from several
    threads."""

    @property
    def refines(self) -> bool:
        """Whether there is a second stage."""
        ...

    def coarse(self, pixels: UInt8, clicks: Float32, previous_mask: Float32) -> tuple[Float32, Features]:
        """-> logits float32 [B, 1, h, w] over the crop, and the features."""
        ...

    def refine(
        self, pixels: UInt8, clicks: Float32, coarse_logits: Float32, features: Features, focus_box: Float32
    ) -> Float32:
        """-> logits float32 [B, 1, h', w'] over the focus crop."""
        ...


class Backend(Protocol):
    """Makes encoders and decoders from a verified promptable bundle, stages from an interactive one."""

    name: str

    def load_encoder(self, bundle: LoadedBundle) -> Encoder: ...

    def load_decoder(self, bundle: LoadedBundle) -> Decoder: ...

    def load_stages(self, bundle: LoadedBundle) -> ClickStages: ...


@dataclass(frozen=True, slots=True)
class LoadedBundle:
    """A verified bundle on disk: hashes were checked. `directory` is an absolute path as a string."""

    manifest: BundleManifest
    directory: str


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """`backend`: which one serves, "memory" or "redis". `degraded`: Redis is configured but fails, and memory serves in
    its place."""

    backend: str
    degraded: bool
    detail: str
    bytes_used: int
    entries: int


class BlobStore(Protocol):
    """Bounded key-value store of bytes; those that change do so by `swap`. Never raises for an outage: a lost entry
    reads as None. Empty values are not stored. A value over the bound is refused quietly (the observer hears of it)."""

    async def get(self, key: str) -> bytes | None: ...

    async def contains(self, key: str) -> bool:
        """Whether `get` would find it, without moving the bytes."""
        ...

    async def set(self, key: str, value: bytes, ttl_seconds: float) -> None: ...

    async def set_many(self, values: Mapping[str, bytes], ttl_seconds: float) -> None:
        """As `set` for each, in as few round trips as the store allows."""
        ...

    async def swap(self, key: str, head: bytes, value: bytes, ttl_seconds: float) -> bool:
        """Write `value` only where what lies there begins with `head`; whether it was written. Of two callers who saw
        the same value one succeeds, on whatever replica they are."""
        ...

    async def delete(self, *keys: str) -> int:
        """How many of the keys existed."""
        ...

    async def health(self) -> StoreHealth: ...

    async def close(self) -> None: ...


class StoreObserver(Protocol):
    """Hears what a store does, for metrics. Called on the event loop; must be quick and not raise.
    `backend` is "memory" or "redis"."""

    def store_read(self, backend: str, hit: bool) -> None: ...

    def store_written(self, backend: str, size: int) -> None: ...

    def store_refused(self, backend: str, size: int) -> None:
        """A value over the size bound was not stored."""
        ...

    def store_evicted(self, count: int) -> None:
        """Entries that memory dropped to stay inside its bound."""
        ...

    def store_failed(self, reason: str) -> None:
        """A Redis command failed: "down", "slow", "full" or "refused"."""
        ...

    def store_degraded(self, degraded: bool) -> None:
        """Called at each change."""
        ...
