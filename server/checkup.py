"""`segserve check`: what has to hold before the server can serve, one clear line each."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from server.app import STATIC, open_registry, open_settings_store
from server.domain.bundle import BundleManifest
from server.domain.ports import StoreHealth
from server.errors import SegserveError
from server.runtime.registry import BundleRegistry
from server.services.click_golden import check_click_golden
from server.services.golden import GoldenReport, check_golden
from server.settings import Settings, unknown_variables

_PROBE_KEY = "segserve:v1:probe:check"


@dataclass(frozen=True, slots=True)
class Finding:
    outcome: Literal["ok", "note", "FAIL"]
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.outcome:4}  {self.subject:28} {self.text}"

    @property
    def failed(self) -> bool:
        return self.outcome == "FAIL"


def run_checks(settings: Settings, environ: dict[str, str]) -> Iterator[Finding]:
    for name in unknown_variables(environ):
        yield Finding("note", "settings", f"{name} is not a setting; docs/configuration.md lists them")
    yield from _bundles(settings)
    yield asyncio.run(_store(settings))
    yield _page(settings)
    yield _port(settings)


def _bundles(settings: Settings) -> Iterator[Finding]:
    try:
        registry = open_registry(settings)
    except SegserveError as error:
        yield Finding("FAIL", "bundles", f"{error.message} [{error.code}]")
        return
    yield Finding("ok", "back end", registry.backend.name)
    if settings.bundle_dir is not None and not settings.bundle_dir.is_dir():
        yield Finding("FAIL", "bundles", f"SEGSERVE_BUNDLE_DIR names {settings.bundle_dir}, which is no directory")
    for place, problem in registry.problems.items():
        yield Finding("FAIL", "bundle", f"{place}: {problem.message} [{problem.code}]")
    for manifest in registry.list():
        subject = f"model {manifest.id}" + (" (default)" if manifest.id == registry.default_id else "")
        try:
            finding = Finding("ok", subject, _verify(registry, manifest))
        except SegserveError as error:
            finding = Finding("FAIL", subject, f"{error.message} [{error.code}]")
        finally:
            registry.release(manifest.id)  # or all models would be in memory together at the end
        yield finding


def _verify(registry: BundleRegistry, manifest: BundleManifest) -> str:
    registry.verify(manifest.id)
    check, what = _golden_check(registry, manifest)
    name = manifest.file_for("golden")
    if name is None:
        return f"revision {manifest.revision}, {len(manifest.files)} files verified, no golden vectors"
    data = registry.file(manifest.id, manifest.revision, name).path.read_bytes()
    began = time.perf_counter()
    report = check(data)
    return (
        f"revision {manifest.revision}, {len(manifest.files)} files verified, {report.cases} golden cases "
        f"({what} off by {report.largest_error:.4f}, mask IoU {report.mask_iou:.4f}) "
        f"in {time.perf_counter() - began:.2f} s"
    )


def _golden_check(registry: BundleRegistry, manifest: BundleManifest) -> tuple[Callable[[bytes], GoldenReport], str]:
    """For the graphs, which are loaded now, by kind; and what the vectors hold beside masks."""
    if manifest.kind == "interactive":
        stages = registry.stages(manifest.id)
        return lambda data: check_click_golden(data, manifest, stages), "logits"
    encoder, decoder = registry.encoder(manifest.id), registry.decoder(manifest.id)
    return lambda data: check_golden(data, manifest, encoder, decoder), "embedding"


async def _store(settings: Settings) -> Finding:
    try:
        store = open_settings_store(settings)
    except ValueError as error:
        return Finding("FAIL", "store", str(error))
    try:
        await store.set(_PROBE_KEY, b"probe", 5)
        found = await store.get(_PROBE_KEY)
        await store.delete(_PROBE_KEY)
        health: StoreHealth = await store.health()
    finally:
        await store.close()
    if found != b"probe" or health.degraded:
        return Finding("FAIL", "store", f"{health.backend}: {health.detail}")
    return Finding("ok", "store", f"{health.backend}: {health.detail}")


def _page(settings: Settings) -> Finding:
    directory = settings.static_dir or STATIC
    if (directory / "index.html").is_file():
        return Finding("ok", "page", str(directory))
    return Finding("note", "page", f"not built in {directory}; the API works without it, `make page` builds it")


def _port(settings: Settings) -> Finding:
    place = f"{settings.host}:{settings.port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return Finding("FAIL", "port", f"cannot listen on {place}: {error.strerror or error}")
    return Finding("ok", "port", f"{place} is free")
