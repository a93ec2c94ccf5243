"""The image store: records, sources, embeddings and logits of pictures, by content id, on any BlobStore.

Nothing here raises for a lost or damaged entry: it reads as None, and a damaged one is removed so that it is made anew.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

from server.domain.bundle import BundleManifest
from server.domain.ports import BlobStore, Float32, StoreHealth
from server.errors import NotFoundError, RequestError
from server.storage import keys
from server.storage.codec import decode_logits, encode_logits, read_embedding_info
from server.storage.memory import entry_cost

_PACK_AT_ONCE = 12
"""Logits of a few masks are packed in well under a millisecond; hundreds would hold up the event loop."""


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """What is known of an uploaded picture. `width`, `height`: upright original, in pixels. `format`: of the uploaded
    file ("jpeg"). `bytes`: its length. Times are Unix seconds; `expires_at`: when the source goes at the latest."""

    id: str
    width: int
    height: int
    format: str
    bytes: int
    created_at: float
    expires_at: float


class ImageStore:
    """Records outlive the data (`record_ttl_seconds` > `data_ttl_seconds`), so that an image that was here can be told
    from one that never was. A logits reference belongs to one image and revision. `logits_room`: bytes that the store
    has for logits, where it is known. `clock` is Unix seconds."""

    def __init__(
        self,
        store: BlobStore,
        *,
        record_ttl_seconds: float,
        data_ttl_seconds: float,
        logits_ttl_seconds: float,
        logits_room: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not 0 < data_ttl_seconds < record_ttl_seconds or logits_ttl_seconds <= 0:
            raise ValueError("times to live must be positive, and the record's longer than the data's")
        self._store = store
        self._record_ttl = record_ttl_seconds
        self._data_ttl = data_ttl_seconds
        self._logits_ttl = logits_ttl_seconds
        self._logits_room = logits_room
        self._clock = clock

    async def put_image(
        self, *, image_id: str, width: int, height: int, file_format: str, source: bytes
    ) -> ImageRecord:
        """Keep an uploaded file and its record. A picture that is known keeps its `created_at` and lives anew."""
        now = self._clock()
        known = await self.get_record(image_id)
        record = ImageRecord(
            id=image_id,
            width=width,
            height=height,
            format=file_format,
            bytes=len(source),
            created_at=known.created_at if known else now,
            expires_at=now + self._data_ttl,
        )
        await self.put_source(image_id, source)
        await self.put_record(record)
        return record

    async def put_record(self, record: ImageRecord) -> None:
        text = json.dumps(asdict(record), sort_keys=True, separators=(",", ":"))
        await self._store.set(keys.image_key(record.id), text.encode(), self._record_ttl)

    async def get_record(self, image_id: str) -> ImageRecord | None:
        key = keys.image_key(image_id)
        data = await self._store.get(key)
        if data is None:
            return None
        record = _read_record(data)
        if record is None or record.id != image_id:
            await self._store.delete(key)
            return None
        return record

    def is_past(self, record: ImageRecord) -> bool:
        """Whether the record's data have reached the end of their time."""
        return record.expires_at <= self._clock()

    async def put_source(self, image_id: str, source: bytes) -> None:
        await self._store.set(keys.source_key(image_id), source, self._data_ttl)

    async def get_source(self, image_id: str) -> bytes | None:
        """The uploaded file as it came."""
        return await self._store.get(keys.source_key(image_id))

    async def put_embedding(self, image_id: str, manifest: BundleManifest, container: bytes) -> None:
        """`container` as `encode_embedding` makes it."""
        await self._store.set(_embedding_key(image_id, manifest), container, self._data_ttl)

    async def get_embedding(self, image_id: str, manifest: BundleManifest) -> bytes | None:
        """The container as it was stored, checked to be whole and of this image and revision."""
        key = _embedding_key(image_id, manifest)
        container = await self._store.get(key)
        if container is None:
            return None
        try:
            info = read_embedding_info(container)
        except RequestError:
            info = None
        if info is None or (info.image_id, info.revision) != (image_id, manifest.revision):
            await self._store.delete(key)
            return None
        return container

    async def has_embedding(self, image_id: str, manifest: BundleManifest) -> bool:
        return await self._store.contains(_embedding_key(image_id, manifest))

    async def delete_image(self, image_id: str, manifests: Iterable[BundleManifest]) -> bool:
        """Remove the record, the source and these models' embeddings; logits run out by themselves. False when
        nothing of it was here."""
        embeddings = [_embedding_key(image_id, manifest) for manifest in manifests]
        return await self._store.delete(keys.image_key(image_id), keys.source_key(image_id), *embeddings) > 0

    async def put_logits(self, logits: Sequence[Float32], *, image_id: str, revision: str) -> list[str | None]:
        """Keep masks' logits, each float32 [h, w], for a while; their references in the same order. None for the last
        of more than there is room for: they would push out the first."""
        keys.check_image_id(image_id)
        refs = [keys.new_logits_ref() for _ in logits]
        if len(logits) <= _PACK_AT_ONCE:
            packed = _pack(logits, image_id, revision)
        else:
            packed = await asyncio.to_thread(_pack, logits, image_id, revision)
        entries = list(zip(map(keys.logits_key, refs), packed, strict=True))
        kept = self._fitting(entries)
        await self._store.set_many(dict(entries[:kept]), self._logits_ttl)
        return [*refs[:kept], *[None] * (len(refs) - kept)]

    def _fitting(self, entries: Sequence[tuple[str, bytes]]) -> int:
        """How many of the first lie in the store together."""
        if self._logits_room is None:
            return len(entries)
        costs = itertools.accumulate(itertools.starmap(entry_cost, entries))
        return sum(cost <= self._logits_room for cost in costs)

    async def get_logits(self, ref: str, *, image_id: str, revision: str) -> Float32 | None:
        """float32 [h, w], or None when the reference is malformed, unknown, expired or of another image or revision."""
        if not keys.is_logits_ref(ref):
            return None
        data = await self._store.get(keys.logits_key(ref))
        if data is None:
            return None
        try:
            return decode_logits(data, image_id=image_id, revision=revision)
        except NotFoundError:
            return None
        except RequestError:
            await self._store.delete(keys.logits_key(ref))
            return None

    async def health(self) -> StoreHealth:
        return await self._store.health()

    async def close(self) -> None:
        await self._store.close()


def _pack(logits: Sequence[Float32], image_id: str, revision: str) -> list[bytes]:
    return [encode_logits(item, image_id=image_id, revision=revision) for item in logits]


def _embedding_key(image_id: str, manifest: BundleManifest) -> str:
    return keys.embedding_key(manifest.preprocessing.version, manifest.revision, image_id)


def _read_record(data: bytes) -> ImageRecord | None:
    try:
        fields = json.loads(data)
        return ImageRecord(
            id=str(fields["id"]),
            width=int(fields["width"]),
            height=int(fields["height"]),
            format=str(fields["format"]),
            bytes=int(fields["bytes"]),
            created_at=float(fields["created_at"]),
            expires_at=float(fields["expires_at"]),
        )
    except (ValueError, TypeError, KeyError, OverflowError):
        return None
