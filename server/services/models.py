"""The models that are in memory: each loaded once, off the event loop, with its own queue before the encoder."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from server.domain.bundle import BundleManifest
from server.domain.geometry import InputFrame
from server.domain.ports import Decoder, DecoderInputs, Encoder
from server.domain.prompts import assemble, parse_prompt
from server.errors import UnavailableError
from server.runtime.batcher import MicroBatcher
from server.runtime.registry import BundleRegistry
from server.services.single_flight import SingleFlight

log = logging.getLogger("segserve.models")


@dataclass(frozen=True, slots=True)
class ServedModel:
    manifest: BundleManifest
    queue: MicroBatcher
    decoder: Decoder


class ModelPool:
    def __init__(self, registry: BundleRegistry, make_queue: Callable[[str, Encoder], MicroBatcher]) -> None:
        self._registry = registry
        self._make_queue = make_queue
        self._loaded: dict[str, ServedModel] = {}
        self._loading: SingleFlight[ServedModel] = SingleFlight()
        self._closed = False

    @property
    def default_id(self) -> str:
        return self._registry.default_id

    @property
    def registry(self) -> BundleRegistry:
        return self._registry

    def manifests(self) -> list[BundleManifest]:
        return self._registry.list()

    def queue_depths(self) -> dict[str, int]:
        return {model_id: model.queue.queue_depth for model_id, model in self._loaded.items()}

    async def healthy(self, model_id: str) -> bool:
        """Cheap after a success; after a failed run a real one on a blank picture decides."""
        model = self._loaded.get(model_id)
        return model is not None and await model.queue.check(model.manifest.preprocessing.size)

    async def get(self, model_id: str | None) -> ServedModel:
        """The model, loaded and warm. Raises `model_not_found`, `bundle_…`, `backend_unavailable`."""
        manifest = self._registry.manifest(model_id)
        model = self._loaded.get(manifest.id)
        return model if model is not None else await self._loading.run(manifest.id, lambda: self._load(manifest))

    async def close(self) -> None:
        self._closed = True
        for model in self._loaded.values():
            await model.queue.close()

    async def _load(self, manifest: BundleManifest) -> ServedModel:
        if self._closed:
            raise UnavailableError("The server is shutting down.", code="shutting_down")
        began = time.perf_counter()
        encoder, decoder = await asyncio.to_thread(self._open, manifest)
        model = ServedModel(manifest, self._make_queue(manifest.id, encoder), decoder)
        self._loaded[manifest.id] = model
        log.info("model %s %s ready in %.2f s", manifest.id, manifest.revision, time.perf_counter() - began)
        return model

    def _open(self, manifest: BundleManifest) -> tuple[Encoder, Decoder]:
        """Load both graphs and run each once, so that the first caller does not pay for it."""
        encoder, decoder = self._registry.encoder(manifest.id), self._registry.decoder(manifest.id)
        size = manifest.preprocessing.size
        tensors = encoder.encode(np.zeros((1, size, size, 3), np.uint8), np.array([[size, size]], np.int64))[0]
        decoder.decode(tensors, _one_click(manifest, InputFrame.longest_side(size, size, size)))
        return encoder, decoder


def _one_click(manifest: BundleManifest, frame: InputFrame) -> DecoderInputs:
    height, width = manifest.decoder.mask_height, manifest.decoder.mask_width
    prompt = parse_prompt(frame, (height, width), point_coords=[[frame.width / 2, frame.height / 2]], point_labels=[1])
    return assemble([prompt], frame, (height, width))
