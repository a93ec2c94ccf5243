"""Embed: picture → content id → known embedding, or one shared run of the encoder → container → store. For interactive
models the picture alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

from server.domain.bundle import BundleManifest, Preprocessing
from server.domain.crops import Pyramid
from server.domain.ports import Float32, UInt8
from server.errors import ImageError, NotFoundError
from server.runtime.images import DecodedImage, decode_image, prepare_pixels
from server.services.decoded import DecodedCache
from server.services.known_files import KnownFiles
from server.services.models import ModelPool
from server.services.pictures import PictureCache
from server.services.served import ServedModel, no_embeddings
from server.services.single_flight import SingleFlight
from server.services.timing import add_span, span
from server.services.workers import Workers
from server.storage.codec import decode_embedding, encode_embedding
from server.storage.images import ImageRecord, ImageStore


class EmbedObserver(Protocol):
    """Hears about embeddings, for metrics. Called on the event loop."""

    def embedding_looked_up(self, model: str, *, hit: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class EmbeddedImage:
    """A picture with its embedding, of which an interactive model has none. `cached`: nothing had to be encoded."""

    record: ImageRecord
    model: ServedModel
    container: bytes | None
    cached: bool


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A decoded picture, down to what the encoder takes: the full-size pixels are gone."""

    image_id: str
    width: int
    height: int
    file_format: str
    pixels: UInt8
    valid_size: tuple[int, int]


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _prepare(data: bytes, preprocessing: Preprocessing, max_pixels: int) -> _Prepared:
    image = decode_image(data, max_pixels=max_pixels)
    pixels, valid_size = prepare_pixels(image.rgb, preprocessing)
    return _Prepared(image.id, image.width, image.height, image.format, pixels, valid_size)


def _decode(data: bytes, max_pixels: int) -> tuple[DecodedImage, Pyramid]:
    image = decode_image(data, max_pixels=max_pixels)
    return image, Pyramid(image.rgb)


class EmbedService:
    def __init__(
        self,
        *,
        models: ModelPool,
        images: ImageStore,
        workers: Workers,
        decoded: DecodedCache,
        pictures: PictureCache,
        observer: EmbedObserver,
        max_pixels: int,
    ) -> None:
        self._models = models
        self._images = images
        self._workers = workers
        self._decoded = decoded
        self._pictures = pictures
        self._observer = observer
        self._max_pixels = max_pixels
        self._known_files = KnownFiles()
        self._uploads: SingleFlight[EmbeddedImage] = SingleFlight()
        self._embeddings: SingleFlight[tuple[bytes, bool]] = SingleFlight()
        self._opening: SingleFlight[Pyramid] = SingleFlight()

    async def upload(self, data: bytes, model_id: str | None) -> EmbeddedImage:
        """An image file -> its record and embedding, stored. The same file sent by many at once is decoded once."""
        async with self._models.use(model_id) as model:
            if not data:
                raise ImageError("The picture has no bytes. Send the image file as the body.", code="image_empty")
            digest = await self._workers.run(_digest, data)
            return await self._uploads.run((digest, model.manifest.revision), lambda: self._upload(data, digest, model))

    async def _upload(self, data: bytes, digest: bytes, model: ServedModel) -> EmbeddedImage:
        known = await self._known_upload(data, digest, model)
        if known is not None:
            return known
        return await (self._new_upload if model.is_promptable else self._plain_upload)(data, digest, model)

    async def _known_upload(self, data: bytes, digest: bytes, model: ServedModel) -> EmbeddedImage | None:
        """The same file again, while its embedding is stored: no need to decode it."""
        image_id = self._known_files.get(digest)
        if image_id is None:
            return None
        with span("cache"):
            record = await self._images.get_record(image_id)
            container = await self._images.get_embedding(image_id, model.manifest) if model.is_promptable else None
            if record is None or (container is None and model.is_promptable):
                return None
            record = await self._keep(record.id, record.width, record.height, record.format, data)
            if container is not None:  # it lives as long as the file
                await self._images.put_embedding(image_id, model.manifest, container)
        if model.is_promptable:
            self._observer.embedding_looked_up(model.manifest.id, hit=True)
        return EmbeddedImage(record, model, container, cached=True)

    async def _new_upload(self, data: bytes, digest: bytes, model: ServedModel) -> EmbeddedImage:
        with span("decode"):
            prepared = await self._workers.run(_prepare, data, model.manifest.preprocessing, self._max_pixels)
        container, cached = await self._embedding_of(prepared, model)
        with span("cache"):
            record = await self._keep(prepared.image_id, prepared.width, prepared.height, prepared.file_format, data)
            if cached:
                await self._images.put_embedding(record.id, model.manifest, container)
        self._known_files.put(digest, record.id)
        return EmbeddedImage(record, model, container, cached)

    async def _plain_upload(self, data: bytes, digest: bytes, model: ServedModel) -> EmbeddedImage:
        with span("decode"):
            image, picture = await self._workers.run(_decode, data, self._max_pixels)
        with span("cache"):
            known = await self._images.get_record(image.id) is not None
            record = await self._keep(image.id, image.width, image.height, image.format, data)
        self._known_files.put(digest, record.id)
        self._pictures.put(record.id, picture)
        return EmbeddedImage(record, model, None, cached=known)

    async def _keep(self, image_id: str, width: int, height: int, file_format: str, data: bytes) -> ImageRecord:
        return await self._images.put_image(
            image_id=image_id, width=width, height=height, file_format=file_format, source=data
        )

    async def record(self, image_id: str) -> ImageRecord:
        """Raises `image_id_invalid` or `image_not_found`."""
        with span("cache"):
            record = await self._images.get_record(image_id)
        if record is None:
            raise NotFoundError(
                "No picture with this id is known here. Upload it with POST /v1/images.", code="image_not_found"
            )
        return record

    async def stored(self, record: ImageRecord, manifest: BundleManifest) -> bytes | None:
        """The embedding where it is stored, for which the model need not be in memory. Raises `model_kind_mismatch`."""
        if manifest.kind == "interactive":
            raise no_embeddings(manifest)
        with span("cache"):
            container = await self._images.get_embedding(record.id, manifest)
        if container is not None:
            self._observer.embedding_looked_up(manifest.id, hit=True)
        return container

    async def container(self, record: ImageRecord, model: ServedModel) -> bytes:
        """The embedding as stored; encoded again from the kept file when it was evicted or for another model. Raises
        `image_expired` when the file is gone too, `model_kind_mismatch` where the model has no embeddings."""
        stored = await self.stored(record, model.manifest)
        if stored is not None:
            return stored
        container, _ = await self._embeddings.run(
            (record.id, model.manifest.revision), lambda: self._encode_again(record.id, model)
        )
        return container

    async def tensors(
        self, record: ImageRecord, model: ServedModel, container: bytes | None = None
    ) -> dict[str, Float32]:
        """Dequantised embedding, float32 [1, C, H, W] by name. `container`: where the caller has it at hand."""
        revision = model.manifest.revision
        if self._images.is_past(record):  # what may still be kept is the store's to say
            self._decoded.forget(record.id)
        tensors = self._decoded.get(record.id, revision)
        if tensors is None:
            container = container or await self.container(record, model)
            with span("dequantise"):
                tensors = (await self._workers.run(decode_embedding, container, model.manifest)).tensors
            self._decoded.put(record.id, revision, tensors)
        return tensors

    async def picture(self, record: ImageRecord) -> Pyramid:
        """The pixels, decoded from the kept file where they are not at hand. Raises `image_expired`."""
        if self._images.is_past(record):
            self._pictures.forget(record.id)
        found = self._pictures.get(record.id)
        return found or await self._opening.run(record.id, lambda: self._open(record.id))

    async def _open(self, image_id: str) -> Pyramid:
        with span("cache"):
            source = await self._source(image_id)
        with span("decode"):
            image, picture = await self._workers.run(_decode, source, self._max_pixels)
        if image.id != image_id:
            raise _damaged()
        self._pictures.put(image_id, picture)
        return picture

    async def _source(self, image_id: str) -> bytes:
        source = await self._images.get_source(image_id)
        if source is None:
            raise NotFoundError(
                "This picture was here and is no longer kept. Upload it again with POST /v1/images.",
                code="image_expired",
            )
        return source

    async def stored_models(self, record: ImageRecord) -> list[tuple[str, str]]:
        """(id, revision) of the models whose embedding of this picture is stored now."""
        manifests = self._models.manifests()
        return [
            (manifest.id, manifest.revision)
            for manifest in manifests
            if await self._images.has_embedding(record.id, manifest)
        ]

    async def delete(self, image_id: str) -> None:
        """Forget a picture and its embeddings, those of older revisions too. Raises `image_not_found`."""
        self._decoded.forget(image_id)
        self._pictures.forget(image_id)
        if not await self._images.delete_image(image_id, self._models.registry.revisions()):
            raise NotFoundError("No picture with this id is known here; nothing was deleted.", code="image_not_found")

    async def _embedding_of(self, prepared: _Prepared, model: ServedModel) -> tuple[bytes, bool]:
        """(container, whether it was stored already) of a picture at hand. The look-up is part of the flight: a caller
        who comes just after another's encode finds its result."""

        async def look_up_or_encode() -> tuple[bytes, bool]:
            with span("cache"):
                container = await self._images.get_embedding(prepared.image_id, model.manifest)
            self._observer.embedding_looked_up(model.manifest.id, hit=container is not None)
            return (container, True) if container is not None else await self._encode(prepared, model)

        return await self._embeddings.run((prepared.image_id, model.manifest.revision), look_up_or_encode)

    async def _encode_again(self, image_id: str, model: ServedModel) -> tuple[bytes, bool]:
        self._observer.embedding_looked_up(model.manifest.id, hit=False)
        source = await self._source(image_id)
        with span("decode"):
            prepared = await self._workers.run(_prepare, source, model.manifest.preprocessing, self._max_pixels)
        if prepared.image_id != image_id:
            raise _damaged()
        return await self._encode(prepared, model)

    async def _encode(self, prepared: _Prepared, model: ServedModel) -> tuple[bytes, bool]:
        encoding = await model.queue.submit(prepared.pixels, prepared.valid_size)
        add_span("queue", encoding.queue_seconds)
        add_span("encode", encoding.encode_seconds)
        height, width = prepared.valid_size
        with span("pack"):
            container = await self._workers.run(
                encode_embedding,
                encoding.tensors,
                model.manifest,
                image_id=prepared.image_id,
                original_width=prepared.width,
                original_height=prepared.height,
                input_width=width,
                input_height=height,
            )
        with span("cache"):
            await self._images.put_embedding(prepared.image_id, model.manifest, container)
        return container, False


def _damaged() -> NotFoundError:
    return NotFoundError("The kept file is damaged. Upload it again with POST /v1/images.", code="image_expired")
