"""A model in memory, by its kind, and what it takes there."""

from __future__ import annotations

from dataclasses import dataclass

from server.domain.bundle import BundleManifest
from server.domain.ports import ClickStages, Decoder
from server.errors import RequestError
from server.runtime.batcher import MicroBatcher


@dataclass(frozen=True, slots=True)
class Promptable:
    """What a promptable model runs."""

    queue: MicroBatcher
    decoder: Decoder


@dataclass(frozen=True, slots=True)
class ServedModel:
    """`parts`: by the manifest's kind. Asking for those of another kind raises RequestError `model_kind_mismatch`."""

    manifest: BundleManifest
    parts: Promptable | ClickStages

    @property
    def is_promptable(self) -> bool:
        return isinstance(self.parts, Promptable)

    @property
    def idle(self) -> bool:
        """No picture waits for its encoder or is in it."""
        return not isinstance(self.parts, Promptable) or self.parts.queue.idle

    @property
    def queue(self) -> MicroBatcher:
        return self.promptable.queue

    @property
    def decoder(self) -> Decoder:
        return self.promptable.decoder

    @property
    def promptable(self) -> Promptable:
        if isinstance(self.parts, Promptable):
            return self.parts
        raise no_embeddings(self.manifest)

    @property
    def stages(self) -> ClickStages:
        if not isinstance(self.parts, Promptable):
            return self.parts
        message = f"{self.manifest.id} is a promptable model, not an interactive one. GET /v1/models lists them."
        raise RequestError(message, code="model_kind_mismatch", model=self.manifest.id, kind=self.manifest.kind)

    async def close(self) -> None:
        if isinstance(self.parts, Promptable):
            await self.parts.queue.close()


def no_embeddings(manifest: BundleManifest) -> RequestError:
    message = f"{manifest.id} is an interactive model: it has no embeddings and answers clicks alone."
    return RequestError(message, code="model_kind_mismatch", model=manifest.id, kind=manifest.kind)


def memory_of(manifest: BundleManifest) -> int:
    """Bytes that a loaded model takes while it encodes a picture: an estimate, rather from above.

    Twice the graphs and the weights that they refer to (the runtime packs matrices anew), and 1 KiB for each input
    pixel of activations: SAM ViT-B, 375 MB of weights at 1024 px, was seen to peak at 1.2 GiB, the estimate is 1.8.
    """
    roles = ("encoder", "decoder", "coarse", "refine", "weights")
    files = sum(entry.bytes for entry in manifest.files.values() if entry.role in roles)
    return 2 * files + manifest.preprocessing.size**2 * 1024
