"""Bundles come into the directory of installed ones, and go: each at once or not at all, one at a time."""

from __future__ import annotations

import errno
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from server.domain.bundle import MANIFEST_NAME, BundleManifest
from server.domain.ports import LoadedBundle
from server.errors import InstallError
from server.runtime.bundle_archive import unpack_archive
from server.runtime.bundle_files import current_of, find_bundles, read_manifest, verify_bundle

DOWNLOADS = ".downloads"  # begins with a dot: the registry passes it over
# A bundle beside its checkpoint: its weights once more, int8 graphs and drafts while it is made.
ROOM_FOR_BUNDLE = 2.5
_UNPACKING = "unpacking-"
Build = Callable[[Path], None]


class InstallPlace:
    """The directory that pulled bundles lie in, as `<id>/`. `free_bytes`: of its file system, to be replaced in
    tests."""

    def __init__(self, directory: Path, free_bytes: Callable[[Path], int] | None = None) -> None:
        self.directory = directory
        self._free_bytes = free_bytes or (lambda path: shutil.disk_usage(path).free)

    @property
    def downloads(self) -> Path:
        return self.directory / DOWNLOADS

    def installed(self) -> dict[str, LoadedBundle]:
        """By id. Damaged ones are left out; the registry tells of them."""
        return current_of([find_bundles(self.directory)[0]])

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Around everything that changes the directory. Raises InstallError no_space or place_unwritable for what the
        file system refuses, and stopped when a person interrupts; nothing is half-installed then."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            yield
        except OSError as error:
            code = "no_space" if error.errno == errno.ENOSPC else "place_unwritable"
            raise InstallError(f"{self.directory} cannot be written to: {error}.", code) from error
        except KeyboardInterrupt as error:
            message = "Stopped. What was downloaded is kept; the same command goes on from there."
            raise InstallError(message, "stopped") from error

    @contextmanager
    def lock(self, model_id: str) -> Iterator[None]:
        """Held while a model is fetched, installed or removed, by one process of this machine. A process that died
        holds nothing; what it left half-made is deleted. Raises InstallError busy."""
        with self._held(f"{model_id}.lock", model_id):
            _clear(self.directory, f".{model_id}-")
            yield

    @contextmanager
    def _held(self, name: str, what: str) -> Iterator[None]:
        self.downloads.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.downloads / name)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            message = f"Another segserve is at work on {what}. Let it finish, or stop it, and try again."
            raise InstallError(message, "busy") from error
        try:
            yield
        finally:
            lock.release()

    def need_room(self, download: int, weights: int) -> None:
        """Before `download` bytes are fetched and weights of `weights` bytes converted. Raises InstallError
        no_space."""
        needed = download + int(ROOM_FOR_BUNDLE * weights)
        free = self._free_bytes(self.directory)
        if free < needed:
            message = (
                f"{self.directory} has {free / 1e9:.1f} GB free; fetching and converting takes about "
                f"{needed / 1e9:.1f} GB. Make room, or set SEGSERVE_BUNDLE_DIR to a larger disk."
            )
            raise InstallError(message, "no_space")

    def install(self, model_id: str, build: Build) -> BundleManifest:
        """`build` fills a directory that does not exist yet; when its manifest and every hash are right it takes the
        place of `<id>/`. Raises what `build` raises, BundleError `bundle_*`, InstallError other_bundle."""
        with tempfile.TemporaryDirectory(dir=self.directory, prefix=f".{model_id}-") as work:
            made = Path(work) / "made" / model_id
            made.parent.mkdir()
            build(made)
            manifest = read_manifest(made / MANIFEST_NAME)
            verify_bundle(LoadedBundle(manifest, str(made)))
            if manifest.id != model_id:
                raise InstallError(f"A bundle of {manifest.id} came where {model_id} was asked for.", "other_bundle")
            take_place(made, self.directory / model_id, Path(work) / "old")
        return manifest

    def unpack(self, path: Path, wanted: str | None = None) -> BundleManifest:
        """Install the bundle file at `path`, of the model `wanted` where one is. Raises as `unpack_archive` and
        `install`."""
        with self._unpacking() as work:
            draft = work / "draft"
            draft.mkdir()
            self.need_room(path.stat().st_size, 0)
            manifest = unpack_archive(path, draft)
            if wanted not in (None, manifest.id):
                message = (
                    f"{path.name} holds {manifest.id}, and {wanted} was asked for. Without a name it is installed."
                )
                raise InstallError(message, "other_bundle")

            def take(made: Path) -> None:
                draft.rename(made)

            with self.lock(manifest.id):
                return self.install(manifest.id, take)

    @contextmanager
    def _unpacking(self) -> Iterator[Path]:
        """A directory that goes afterwards, or, where the process was killed, when the next file is unpacked."""
        with self._held(".unpacking.lock", "a bundle file"):
            _clear(self.downloads, _UNPACKING)
            with tempfile.TemporaryDirectory(dir=self.downloads, prefix=_UNPACKING) as work:
                yield Path(work)

    def remove(self, model_id: str) -> None:
        """Every revision of an installed model. It is out of the registry's sight at once. Raises InstallError
        not_installed."""
        place = self.directory / model_id
        if not place.is_dir():
            raise InstallError(f"{model_id} is not installed in {self.directory}.", "not_installed")
        with self.lock(model_id), tempfile.TemporaryDirectory(dir=self.directory, prefix=f".{model_id}-") as work:
            place.rename(Path(work) / "removed")


def _clear(directory: Path, prefix: str) -> None:
    drafts = re.compile(re.escape(prefix) + "[a-z0-9_]{8}")  # as tempfile names them
    for left in directory.iterdir():
        if drafts.fullmatch(left.name):
            shutil.rmtree(left)


def take_place(made: Path, place: Path, aside: Path) -> None:
    """The directory `made` becomes `place`; what was there goes `aside`, and comes back when that fails."""
    if place.exists():
        place.rename(aside)
    try:
        made.rename(place)
    except BaseException:
        if aside.exists():
            aside.rename(place)
        raise
