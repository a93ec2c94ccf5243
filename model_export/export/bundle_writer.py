"""Writes a bundle directory at once or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from server.domain.bundle import MANIFEST_NAME, BundleFile, BundleManifest, FileRole, revision_of
from server.domain.ports import LoadedBundle
from server.runtime.install import take_place

# By file name: its role, and its bytes or a file that holds them.
Contents = dict[str, tuple[FileRole, bytes | Path]]


def describe(contents: Contents) -> dict[str, BundleFile]:
    return {name: describe_file(role, data) for name, (role, data) in contents.items()}


def describe_file(role: FileRole, data: bytes | Path) -> BundleFile:
    if isinstance(data, bytes):
        return BundleFile(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), role=role)
    with data.open("rb") as file:
        return BundleFile(sha256=hashlib.file_digest(file, "sha256").hexdigest(), bytes=data.stat().st_size, role=role)


def lay_out(directory: Path, contents: Contents, manifest: BundleManifest) -> LoadedBundle:
    """Files and manifest into an existing directory; the manifest's `files` and `revision` come from the contents."""
    files = describe(contents)
    manifest = manifest.model_copy(update={"files": files, "revision": revision_of(files)})
    for name, (_, data) in contents.items():
        if isinstance(data, bytes):
            (directory / name).write_bytes(data)
        else:
            link_or_copy(data, directory / name)
    text = json.dumps(manifest.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
    (directory / MANIFEST_NAME).write_text(text, encoding="utf-8")
    return LoadedBundle(manifest, str(directory.resolve()))


def link_or_copy(source: Path, target: Path) -> None:
    """Weights of gigabytes are not copied where the file system can give a file two names."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)


def write_bundle(out: Path, build: Callable[[Path], LoadedBundle]) -> LoadedBundle:
    """`build` fills a temporary directory beside `out`, which then takes its place."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as temporary:
        work = Path(temporary) / "bundle"
        work.mkdir()
        bundle = build(work)
        take_place(work, out, Path(temporary) / "old")
    return LoadedBundle(bundle.manifest, str(out.resolve()))
