"""Interactive models in the pool: loaded and run once, evicted like others, without an encoder's queue."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.domain.ports import Encoder
from server.errors import RequestError
from server.runtime.batcher import MicroBatcher
from server.runtime.registry import BundleRegistry
from server.services.models import ModelPool
from server.services.served import memory_of
from tests.click_bundle import write_click_bundle
from tests.fakes import FakeBackend, write_bundle


def pool_of(root: Path, *, memory: int, default: str = "prompts") -> tuple[ModelPool, FakeBackend]:
    backend = FakeBackend()
    registry = BundleRegistry([root], backend, default_id=default)

    def queue(_: str, encoder: Encoder) -> MicroBatcher:
        return MicroBatcher(encoder)

    return ModelPool(registry, queue, memory=memory), backend


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_bundle(tmp_path, model_id="prompts")
    write_click_bundle(tmp_path)
    return tmp_path


async def test_it_is_loaded_once_and_knows_its_kind(root: Path) -> None:
    pool, backend = pool_of(root, memory=1 << 40)
    model = await pool.get("tiny-clicks")
    assert await pool.get("tiny-clicks") is model
    assert backend.loaded == ["stages tiny-clicks"]
    assert not model.is_promptable
    assert model.stages.refines
    with pytest.raises(RequestError) as caught:
        _ = model.queue
    assert caught.value.code == "model_kind_mismatch"
    with pytest.raises(RequestError) as caught:
        _ = (await pool.get(None)).stages
    assert caught.value.code == "model_kind_mismatch"
    await pool.close()


async def test_the_pool_s_figures_leave_it_out(root: Path) -> None:
    pool, _ = pool_of(root, memory=1 << 40)
    await pool.warm(["tiny-clicks", "prompts"])
    assert pool.queue_depths() == {"prompts": 0}
    assert set(pool.loaded_bytes()) == {"prompts", "tiny-clicks"}
    assert (pool.state("tiny-clicks"), pool.encode_seconds("tiny-clicks")) == ("ready", None)
    assert await pool.healthy("tiny-clicks")
    await pool.close()


async def test_it_leaves_memory_for_another_unless_it_is_used(root: Path) -> None:
    registry = BundleRegistry([root], FakeBackend(), default_id="prompts")
    room = max(memory_of(registry.manifest(name)) for name in ("prompts", "tiny-clicks"))
    pool, _ = pool_of(root, memory=room)
    first = await pool.get("tiny-clicks")
    await pool.get("prompts")
    assert pool.state("tiny-clicks") == "idle"
    again = await pool.get("tiny-clicks")
    assert again.stages is not first.stages
    await pool.close()


async def test_it_may_be_the_default(root: Path) -> None:
    pool, _ = pool_of(root, memory=1 << 40, default="tiny-clicks")
    assert (await pool.get(None)).manifest.id == "tiny-clicks"
    await pool.close()
