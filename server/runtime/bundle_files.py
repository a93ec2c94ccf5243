"""Reading bundles from a directory, and holding their files against their manifests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import ValidationError

from server.domain.bundle import FORMAT_VERSION, MANIFEST_NAME, BundleManifest, revision_of
from server.domain.ports import LoadedBundle
from server.errors import BundleError


def find_bundles(directory: Path) -> tuple[list[LoadedBundle], dict[str, BundleError]]:
    """Bundles at `<id>/` and `<id>/<revision>/`, oldest manifest first, and what is wrong with those left out, by
    path. Names that begin with a dot are unfinished work of a writer and are passed over. A directory that does not
    exist holds none."""
    manifests = [*directory.glob(f"[!.]*/{MANIFEST_NAME}"), *directory.glob(f"[!.]*/[!.]*/{MANIFEST_NAME}")]
    manifests.sort(key=lambda path: (path.stat().st_mtime_ns, str(path)))
    found: list[LoadedBundle] = []
    problems: dict[str, BundleError] = {}
    for path in manifests:
        try:
            manifest = read_manifest(path)
            if path.relative_to(directory).parts[0] != manifest.id:
                message = f"{path} is the manifest of {manifest.id}, which belongs in a directory of that name."
                raise BundleError(message, code="bundle_invalid")
        except BundleError as problem:
            problems[str(path.parent)] = problem
        else:
            found.append(LoadedBundle(manifest, str(path.parent.resolve())))
    return found, problems


def lies_as(place: str, model_id: str, holders: Iterable[Path]) -> bool:
    """Whether a bundle at `place`, readable or not, is `<model_id>/` or `<model_id>/<revision>/` below a holder."""
    path = Path(place)
    return any(path.relative_to(holder).parts[0] == model_id for holder in holders if path.is_relative_to(holder))


def current_of(found: Iterable[Sequence[LoadedBundle]]) -> dict[str, LoadedBundle]:
    """By id the bundle that is served, of what `find_bundles` found in one directory after the other: in the first that
    has the id the one whose manifest was written last."""
    current: dict[str, LoadedBundle] = {}
    for bundles in found:
        for model_id, bundle in {bundle.manifest.id: bundle for bundle in bundles}.items():
            current.setdefault(model_id, bundle)
    return current


def read_manifest(path: Path) -> BundleManifest:
    """Raises BundleError: bundle_invalid, bundle_too_new, or bundle_hash_mismatch when the revision is not the one
    that the files' hashes give."""
    try:
        manifest = BundleManifest.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        version = _format_version(path)
        if version is not None and version > FORMAT_VERSION:
            raise _too_new(path, version) from error
        raise BundleError(f"{path} is not a readable manifest: {error}", code="bundle_invalid") from error
    if manifest.format_version > FORMAT_VERSION:
        raise _too_new(path, manifest.format_version)
    expected = revision_of(manifest.files)
    if manifest.revision != expected:
        message = f"{path} says revision {manifest.revision}, its files' hashes give {expected}."
        raise BundleError(message, code="bundle_hash_mismatch")
    return manifest


def verify_bundle(bundle: LoadedBundle) -> None:
    """Length and SHA-256 of every file that the manifest names. Raises BundleError: bundle_file_missing or
    bundle_hash_mismatch."""
    for name, entry in bundle.manifest.files.items():
        path = Path(bundle.directory) / name
        if not path.is_file():
            message = f"The bundle {bundle.manifest.id} lacks its file {name}. Fetch the bundle again."
            raise BundleError(message, code="bundle_file_missing", file=name)
        if path.stat().st_size != entry.bytes or _sha256(path) != entry.sha256:
            message = f"{name} of the bundle {bundle.manifest.id} is not the file that the manifest describes. "
            raise BundleError(message + "Fetch the bundle again.", code="bundle_hash_mismatch", file=name)


def file_stamps(bundle: LoadedBundle) -> tuple[tuple[int, ...] | None, ...]:
    """Of every file that the manifest names what a change of it changes: inode, length, and the times of
    the last write and of the last change (a restored file may keep the others); None of one that is not there."""
    return tuple(_stamp(Path(bundle.directory) / name) for name in bundle.manifest.files)


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _format_version(path: Path) -> int | None:
    """The format version alone, of a manifest that may have fields nobody knows yet."""
    try:
        version = json.loads(path.read_bytes()).get("format_version")
    except (OSError, ValueError, AttributeError):
        return None
    return version if isinstance(version, int) else None


def _too_new(path: Path, version: int) -> BundleError:
    message = f"{path} has format version {version}, this Segserve reads up to {FORMAT_VERSION}: update Segserve."
    return BundleError(message, code="bundle_too_new")
