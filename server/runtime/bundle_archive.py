"""A bundle as one file, to be carried to another machine: a zip without compression, checked when it is read."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from pathlib import Path

from server.domain.bundle import MANIFEST_NAME, BundleManifest
from server.domain.ports import LoadedBundle
from server.errors import BundleError, InstallError
from server.runtime.bundle_files import read_manifest

SUFFIX = ".segserve"
MOST_MANIFEST_BYTES = 4 << 20
CHUNK = 1 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # another tool may have packed it anew
_DAMAGE = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError)


def write_archive(bundle: LoadedBundle, out: Path) -> None:
    """The manifest first, then every file that it names. `out` appears when it is complete."""
    part = out.with_name(out.name + ".part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED, allowZip64=True, strict_timestamps=False) as archive:
            for name in (MANIFEST_NAME, *sorted(bundle.manifest.files)):
                archive.write(Path(bundle.directory) / name, name)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def unpack_archive(path: Path, directory: Path) -> BundleManifest:
    """Fill the empty `directory` with the bundle. Only names that the manifest has are written, no more bytes than it
    says, and each file's hash is checked as it is written.

    Raises InstallError archive_invalid, BundleError bundle_too_new, bundle_invalid or bundle_hash_mismatch.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if any(entry.compress_type not in _METHODS for entry in archive.infolist()):
                raise zipfile.BadZipFile("it is packed by a method that no bundle file is")
            manifest = _manifest(archive, directory)
            names = archive.namelist()
            expected = {MANIFEST_NAME, *manifest.files}
            if len(names) != len(set(names)) or set(names) != expected:
                odd = sorted(set(names) ^ expected) or sorted({name for name in names if names.count(name) > 1})
                listed = ", ".join(repr(name[:80]) for name in odd[:5])
                raise InstallError(f"{path.name} does not hold the files of its manifest: {listed}.", "archive_invalid")
            for name, entry in manifest.files.items():
                _extract(archive, name, directory / name, entry.bytes, entry.sha256)
    except _DAMAGE as error:
        message = f"{path.name} is not a bundle file, or is damaged: {error}."
        raise InstallError(message, "archive_invalid") from error
    return manifest


def _manifest(archive: zipfile.ZipFile, directory: Path) -> BundleManifest:
    if MANIFEST_NAME not in archive.namelist():
        raise InstallError(f"The file has no {MANIFEST_NAME}, so it is not a bundle file.", "archive_invalid")
    with archive.open(MANIFEST_NAME) as file:
        text = file.read(MOST_MANIFEST_BYTES + 1)
    if len(text) > MOST_MANIFEST_BYTES:
        raise InstallError(f"Its {MANIFEST_NAME} is larger than any manifest.", "archive_invalid")
    (directory / MANIFEST_NAME).write_bytes(text)
    return read_manifest(directory / MANIFEST_NAME)


def _extract(archive: zipfile.ZipFile, name: str, target: Path, length: int, sha256: str) -> None:
    told, written = hashlib.sha256(), 0
    with archive.open(name) as source, target.open("wb") as out:
        while chunk := source.read(CHUNK):
            written += len(chunk)
            if written > length:
                break
            told.update(chunk)
            out.write(chunk)
    if written != length or told.hexdigest() != sha256:
        message = f"{name} is not the file that the manifest describes: the bundle file was changed or damaged."
        raise BundleError(message, code="bundle_hash_mismatch", file=name)
