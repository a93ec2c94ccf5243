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
        self.downloads.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.downloads / f"{model_id}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            message = f"Another segserve is at work on {model_id}. Let it finish, or stop it, and try again."
            raise InstallError(message, "busy") from error
        try:
            self._clear(model_id)
            yield
        finally:
            lock.release()

    def _clear(self, model_id: str) -> None:
        drafts = re.compile(re.escape(f".{model_id}-") + "[a-z0-9_]{8}")  # as tempfile names them
        for left in self.directory.iterdir():
            if drafts.fullmatch(left.name):
                shutil.rmtree(left)

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

    def unpack(self, path: Path) -> BundleManifest:
        """Install the bundle file at `path`. Raises as `unpack_archive` and `install`."""
        self.downloads.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.downloads, prefix="unpacking-") as work:
            draft = Path(work) / "draft"
            draft.mkdir()
            self.need_room(path.stat().st_size, 0)
            manifest = unpack_archive(path, draft)

            def take(made: Path) -> None:
                draft.rename(made)

            with self.lock(manifest.id):
                return self.install(manifest.id, take)

    def remove(self, model_id: str) -> None:
        """Every revision of an installed model. It is out of the registry's sight at once. Raises InstallError
        not_installed."""
        place = self.directory / model_id
        if not place.is_dir():
            raise InstallError(f"{model_id} is not installed in {self.directory}.", "not_installed")
        with self.lock(model_id), tempfile.TemporaryDirectory(dir=self.directory, prefix=f".{model_id}-") as work:
            place.rename(Path(work) / "removed")


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
