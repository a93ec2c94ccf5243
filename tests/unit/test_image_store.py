"""Records, sources, embeddings and logits on a store: lives, ownership, and healing of damaged entries."""

from __future__ import annotations

import numpy as np
import pytest

from server.errors import RequestError
from server.storage import keys
from server.storage.images import ImageRecord, ImageStore
from server.storage.memory import MemoryStore
from tests.fakes import fake_manifest
from tests.stores import IMAGE_ID, OTHER_ID, HandClock, container_of

MANIFEST = fake_manifest()
NEWER = fake_manifest(revision="f" * 16)
HOUR = 3600.0


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def store(clock: HandClock) -> MemoryStore:
    return MemoryStore(1 << 24, clock=clock)


@pytest.fixture
def images(store: MemoryStore, clock: HandClock) -> ImageStore:
    return ImageStore(store, record_ttl_seconds=10 * HOUR, data_ttl_seconds=HOUR, logits_ttl_seconds=60.0, clock=clock)


async def put(images: ImageStore) -> ImageRecord:
    record = await images.put_image(image_id=IMAGE_ID, width=640, height=427, file_format="jpeg", source=b"the file")
    await images.put_embedding(IMAGE_ID, MANIFEST, container_of(MANIFEST))
    return record


async def test_an_image_as_it_was_put(images: ImageStore, clock: HandClock) -> None:
    record = await put(images)
    assert record == ImageRecord(IMAGE_ID, 640, 427, "jpeg", 8, clock.now, clock.now + HOUR)
    assert await images.get_record(IMAGE_ID) == record
    assert not images.is_past(record)
    assert await images.get_source(IMAGE_ID) == b"the file"
    assert await images.get_embedding(IMAGE_ID, MANIFEST) == container_of(MANIFEST)
    assert await images.has_embedding(IMAGE_ID, MANIFEST)


async def test_what_was_never_put(images: ImageStore) -> None:
    assert await images.get_record(OTHER_ID) is None
    assert await images.get_source(OTHER_ID) is None
    assert await images.get_embedding(OTHER_ID, MANIFEST) is None
    assert not await images.has_embedding(OTHER_ID, MANIFEST)


async def test_the_record_outlives_the_data(images: ImageStore, clock: HandClock) -> None:
    await put(images)
    clock.now += HOUR
    assert await images.get_record(IMAGE_ID) is not None
    assert await images.get_source(IMAGE_ID) is None
    assert await images.get_embedding(IMAGE_ID, MANIFEST) is None
    clock.now += 9 * HOUR
    assert await images.get_record(IMAGE_ID) is None


async def test_a_known_picture_keeps_its_birthday_and_lives_anew(images: ImageStore, clock: HandClock) -> None:
    born = (await put(images)).created_at
    clock.now += HOUR / 2
    again = await put(images)
    assert again.created_at == born
    assert again.expires_at == clock.now + HOUR
    clock.now += HOUR * 0.9
    assert await images.get_source(IMAGE_ID) is not None


async def test_embeddings_of_revisions_lie_apart(images: ImageStore) -> None:
    await put(images)
    assert not await images.has_embedding(IMAGE_ID, NEWER)
    await images.put_embedding(IMAGE_ID, NEWER, container_of(NEWER, seed=1))
    assert await images.get_embedding(IMAGE_ID, MANIFEST) == container_of(MANIFEST)
    assert await images.get_embedding(IMAGE_ID, NEWER) == container_of(NEWER, seed=1)


async def test_deleting_takes_everything(images: ImageStore) -> None:
    await put(images)
    await images.put_embedding(IMAGE_ID, NEWER, container_of(NEWER))
    assert await images.delete_image(IMAGE_ID, [MANIFEST, NEWER])
    assert await images.get_record(IMAGE_ID) is None
    assert await images.get_source(IMAGE_ID) is None
    assert not await images.has_embedding(IMAGE_ID, MANIFEST)
    assert not await images.has_embedding(IMAGE_ID, NEWER)
    assert not await images.delete_image(IMAGE_ID, [MANIFEST, NEWER])


@pytest.mark.parametrize(
    "damaged",
    [b"garbage", container_of(MANIFEST)[:-1], container_of(MANIFEST, image_id=OTHER_ID), container_of(NEWER)],
    ids=["garbage", "truncated", "of another image", "of another revision"],
)
async def test_a_damaged_embedding_reads_as_none_and_goes(
    images: ImageStore, store: MemoryStore, damaged: bytes
) -> None:
    await images.put_embedding(IMAGE_ID, MANIFEST, damaged)
    assert await images.get_embedding(IMAGE_ID, MANIFEST) is None
    assert (await store.health()).entries == 0


@pytest.mark.parametrize("damaged", [b"{", b"[]", b"null", b'{"id":"x"}', b'{"width":1e999}', b"\xff"])
async def test_a_damaged_record_reads_as_none_and_goes(images: ImageStore, store: MemoryStore, damaged: bytes) -> None:
    await store.set(keys.image_key(IMAGE_ID), damaged, 60)
    assert await images.get_record(IMAGE_ID) is None
    assert (await store.health()).entries == 0


async def test_a_record_under_another_id_is_not_believed(images: ImageStore, store: MemoryStore) -> None:
    await put(images)
    stored = await store.get(keys.image_key(IMAGE_ID))
    assert stored is not None
    await store.set(keys.image_key(OTHER_ID), stored, 60)
    assert await images.get_record(OTHER_ID) is None


async def test_a_malformed_id_is_the_callers_mistake(images: ImageStore) -> None:
    with pytest.raises(RequestError) as caught:
        await images.get_record("../etc/passwd")
    assert caught.value.code == "image_id_invalid"


@pytest.mark.parametrize("count", [3, 100])
async def test_logits_by_reference_in_order(images: ImageStore, count: int) -> None:
    logits = [np.full((4, 6), value, np.float32) for value in range(count)]
    refs = await images.put_logits(logits, image_id=IMAGE_ID, revision=MANIFEST.revision)
    assert len(set(refs)) == count
    for ref, expected in zip(refs, logits, strict=True):
        restored = await images.get_logits(ref, image_id=IMAGE_ID, revision=MANIFEST.revision)
        assert restored is not None
        np.testing.assert_array_equal(restored, expected)


async def test_logits_that_would_push_each_other_out_are_not_kept(clock: HandClock) -> None:
    logits = [np.full((16, 16), value, np.float32) for value in range(40)]
    room = 20_000
    store = MemoryStore(1 << 20, quotas={keys.LOGITS_PREFIX: room}, clock=clock)
    images = ImageStore(
        store, record_ttl_seconds=7200, data_ttl_seconds=3600, logits_ttl_seconds=60, logits_room=room, clock=clock
    )
    refs = await images.put_logits(logits, image_id=IMAGE_ID, revision=MANIFEST.revision)
    kept = [ref for ref in refs if ref is not None]
    assert refs == [*kept, *[None] * (40 - len(kept))]
    assert 10 < len(kept) < 20
    for ref, expected in zip(kept, logits, strict=False):
        restored = await images.get_logits(ref, image_id=IMAGE_ID, revision=MANIFEST.revision)
        assert restored is not None
        np.testing.assert_array_equal(restored, expected)
    again = await images.put_logits(logits, image_id=IMAGE_ID, revision=MANIFEST.revision)
    assert [ref is not None for ref in again] == [ref is not None for ref in refs]


async def test_logits_are_not_for_others_and_not_for_ever(images: ImageStore, clock: HandClock) -> None:
    (ref,) = await images.put_logits([np.zeros((4, 4), np.float32)], image_id=IMAGE_ID, revision=MANIFEST.revision)
    assert await images.get_logits(ref, image_id=OTHER_ID, revision=MANIFEST.revision) is None
    assert await images.get_logits(ref, image_id=IMAGE_ID, revision=NEWER.revision) is None
    assert await images.get_logits(ref, image_id=IMAGE_ID, revision=MANIFEST.revision) is not None
    clock.now += 60
    assert await images.get_logits(ref, image_id=IMAGE_ID, revision=MANIFEST.revision) is None


@pytest.mark.parametrize("ref", ["", "zz", "A" * 32, "0" * 33, "0" * 32])
async def test_references_that_lead_nowhere(images: ImageStore, ref: str) -> None:
    assert await images.get_logits(ref, image_id=IMAGE_ID, revision=MANIFEST.revision) is None


async def test_damaged_logits_read_as_none_and_go(images: ImageStore, store: MemoryStore) -> None:
    await store.set(keys.logits_key("0" * 32), b"garbage", 60)
    assert await images.get_logits("0" * 32, image_id=IMAGE_ID, revision=MANIFEST.revision) is None
    assert (await store.health()).entries == 0


@pytest.mark.parametrize(("record", "data", "logits"), [(1, 1, 1), (1, 2, 1), (2, 0, 1), (2, 1, 0)])
def test_lives_must_make_sense(record: int, data: int, logits: int) -> None:
    with pytest.raises(ValueError, match="times to live"):
        ImageStore(MemoryStore(1 << 20), record_ttl_seconds=record, data_ttl_seconds=data, logits_ttl_seconds=logits)


async def test_health_and_closing_are_the_stores(images: ImageStore, store: MemoryStore) -> None:
    await put(images)
    assert (await images.health()).entries == 3
    await images.close()
    assert (await store.health()).entries == 0
