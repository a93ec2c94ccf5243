"""The bundles on disk: found at start, verified before their first use and when their files changed, loaded lazily and
once."""

from __future__ import annotations

import difflib
import itertools
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from server.domain.bundle import BundleManifest
from server.domain.ports import Backend, ClickStages, Decoder, Encoder, LoadedBundle
from server.errors import BundleError, NotFoundError
from server.runtime.bundle_files import current_of, file_stamps, find_bundles, verify_bundle

logger = logging.getLogger(__name__)

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ServedFile:
    """A file of a verified bundle: absolute `path`, `bytes` long, `sha256` in hex."""

    path: Path
    bytes: int
    sha256: str


class BundleRegistry:
    """Every bundle under `directories`; of two with the same id the one in the earlier directory is current, within a
    directory the one whose manifest was written last. Older revisions stay reachable for their files.

    A damaged bundle does not stop the others: it is logged and listed in `problems`. `backend` loads
    their graphs. Every method blocks on the disk at most, `encoder`, `decoder` and `stages` on loading the first time;
    all are safe to call from several threads.
    """

    def __init__(self, directories: Sequence[Path], backend: Backend, *, default_id: str | None = None) -> None:
        self.backend = backend
        self.problems: dict[str, BundleError] = {}
        self._bundles: dict[Key, LoadedBundle] = {}
        # The stamps of its files when they were hashed, and what was wrong with them.
        self._verified: dict[Key, tuple[object, BundleError | None]] = {}
        self._encoders: dict[Key, Encoder] = {}
        self._decoders: dict[Key, Decoder] = {}
        self._stages: dict[Key, ClickStages] = {}
        found = [self._scan(directory) for directory in directories]
        for bundle in itertools.chain(*found):
            self._bundles.setdefault((bundle.manifest.id, bundle.manifest.revision), bundle)
        self._current = {model_id: bundle.manifest.revision for model_id, bundle in current_of(found).items()}
        if not self._bundles:
            places = ", ".join(str(directory) for directory in directories) or "no directory at all"
            hint = "".join(f" {problem.message}" for problem in self.problems.values())
            raise BundleError(f"No usable model bundle was found in {places}.{hint}", code="bundle_missing")
        # One each: a large model that loads for a minute must not hold up the files of another.
        self._locks = {key: threading.RLock() for key in self._bundles}
        self.default_id = self._known(default_id or self._first_promptable())

    def list(self) -> list[BundleManifest]:
        """The current manifest of each id, the default first, the others by name."""
        ids = sorted(self._current, key=lambda model_id: (model_id != self.default_id, model_id))
        return [self.manifest(model_id) for model_id in ids]

    def revisions(self) -> Sequence[BundleManifest]:
        """The manifests of every revision that is here, the current ones among them."""
        return [bundle.manifest for bundle in self._bundles.values()]

    def manifest(self, model_id: str | None = None) -> BundleManifest:
        """Of the default when `model_id` is None. Raises NotFoundError `model_not_found`."""
        return self._bundles[self._key(model_id)].manifest

    def encoder(self, model_id: str | None = None) -> Encoder:
        """Raises NotFoundError `model_not_found`, BundleError `bundle_*`."""
        key = self._key(model_id)
        with self._locks[key]:
            if key not in self._encoders:
                self._encoders[key] = self.backend.load_encoder(self._verify(key))
            return self._encoders[key]

    def decoder(self, model_id: str | None = None) -> Decoder:
        """As `encoder`."""
        key = self._key(model_id)
        with self._locks[key]:
            if key not in self._decoders:
                self._decoders[key] = self.backend.load_decoder(self._verify(key))
            return self._decoders[key]

    def stages(self, model_id: str | None = None) -> ClickStages:
        """As `encoder`, of an interactive model."""
        key = self._key(model_id)
        with self._locks[key]:
            if key not in self._stages:
                self._stages[key] = self.backend.load_stages(self._verify(key))
            return self._stages[key]

    def release(self, model_id: str) -> None:
        """Forget the model's graphs; whoever holds them keeps them alive, and the next call loads anew."""
        key = self._key(model_id)
        with self._locks[key]:
            self._encoders.pop(key, None)
            self._decoders.pop(key, None)
            self._stages.pop(key, None)

    def file(self, model_id: str, revision: str, name: str) -> ServedFile:
        """A file that the manifest names, of any revision here. Raises NotFoundError `model_not_found` or
        `file_not_found`, BundleError `bundle_*`."""
        self._known(model_id)
        bundle = self._bundles.get((model_id, revision))
        if bundle is None:
            current = self._current[model_id]
            message = f"Revision {revision!r} of {model_id} is not here; the current one is {current}."
            raise NotFoundError(message, code="file_not_found", model=model_id, revision=current)
        entry = bundle.manifest.files.get(name)
        if entry is None:
            known = sorted(bundle.manifest.files)
            message = f"{model_id} has no file {name!r}; it has {', '.join(known)}."
            raise NotFoundError(message, code="file_not_found", model=model_id, files=known)
        self._verify((model_id, revision))
        return ServedFile(Path(bundle.directory) / name, entry.bytes, entry.sha256)

    def verify(self, model_id: str | None = None) -> BundleManifest:
        """Recomputes the hashes now, even if they were right before. Raises BundleError `bundle_*`."""
        key = self._key(model_id)
        self._verified.pop(key, None)
        return self._verify(key).manifest

    def _scan(self, directory: Path) -> Sequence[LoadedBundle]:
        found, problems = find_bundles(directory)
        for place, problem in problems.items():
            logger.error("bundle %s is not served: %s", place, problem.message)
        self.problems.update(problems)
        return found

    def _key(self, model_id: str | None) -> Key:
        known = self.default_id if model_id is None else self._known(model_id)
        return known, self._current[known]

    def _first_promptable(self) -> str:
        kinds = {
            model_id: self._bundles[model_id, revision].manifest.kind for model_id, revision in self._current.items()
        }
        return next((model_id for model_id, kind in kinds.items() if kind == "promptable"), next(iter(kinds)))

    def _known(self, model_id: str) -> str:
        if model_id in self._current:
            return model_id
        known = sorted(self._current)
        close = difflib.get_close_matches(model_id, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there is {', '.join(known)}."
        raise NotFoundError(f"No model {model_id[:80]!r} is here: {hint}", code="model_not_found", models=known)

    def _verify(self, key: Key) -> LoadedBundle:
        bundle = self._bundles[key]
        stamps = file_stamps(bundle)
        known = self._verified.get(key)
        if known is None or known[0] != stamps:  # asked before the lock, which a loading graph may hold for long
            with self._locks[key]:
                known = self._verified.get(key)
                if known is None or known[0] != stamps:
                    known = self._verified[key] = stamps, _wrong_with(bundle)
        problem = known[1]
        if problem is not None:  # a new one: this one would collect the traceback of every request
            raise BundleError(problem.message, code=problem.code, **problem.details)
        return bundle


def _wrong_with(bundle: LoadedBundle) -> BundleError | None:
    try:
        verify_bundle(bundle)
    except BundleError as problem:
        return problem.with_traceback(None)
    return None
