from __future__ import annotations

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from server.domain.bundle import MANIFEST_NAME, BundleManifest, revision_of
from server.domain.ports import LoadedBundle
from server.errors import BundleError, NotFoundError
from server.runtime import bundle_files
from server.runtime.download import sha256_of
from server.runtime.registry import BundleRegistry
from tests.fakes import DUMMY_FILES, FakeBackend, FakeEncoder, write_bundle

OTHER_FILES = DUMMY_FILES | {"MODEL_CARD.md": ("card", b"# Another revision\n")}


def registry(*directories: Path, default_id: str | None = None) -> BundleRegistry:
    return BundleRegistry(directories, FakeBackend(), default_id=default_id)


def place(root: Path, manifest: BundleManifest) -> Path:
    return root / manifest.id / manifest.revision


def edit_manifest(path: Path, **changes: Any) -> None:
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("nested", [True, False])
def test_bundles_are_found_in_both_layouts(tmp_path: Path, nested: bool) -> None:
    manifest = write_bundle(tmp_path, nested=nested)
    bundles = registry(tmp_path)
    assert bundles.default_id == manifest.id
    assert bundles.manifest() == bundles.manifest(manifest.id) == manifest
    assert bundles.list() == [manifest]
    assert bundles.problems == {}


def test_the_default_comes_first_and_the_others_by_name(tmp_path: Path) -> None:
    for model_id in ("bee", "ant", "cow"):
        write_bundle(tmp_path, model_id=model_id)
    bundles = registry(tmp_path, default_id="cow")
    assert [manifest.id for manifest in bundles.list()] == ["cow", "ant", "bee"]


def test_encoders_and_decoders_are_loaded_once_and_lazily(tmp_path: Path) -> None:
    write_bundle(tmp_path)
    backend = FakeBackend()
    bundles = BundleRegistry([tmp_path], backend)
    assert backend.loaded == []
    with ThreadPoolExecutor(8) as pool:
        encoders = list(pool.map(lambda _: bundles.encoder(), range(16)))
        decoders = list(pool.map(lambda _: bundles.decoder("fake-model"), range(16)))
    assert sorted(backend.loaded) == ["decoder fake-model", "encoder fake-model"]
    assert len(set(map(id, encoders))) == len(set(map(id, decoders))) == 1


class LoadsForEver(FakeBackend):
    def __init__(self) -> None:
        super().__init__()
        self.loading, self.go_on = threading.Event(), threading.Event()

    def load_encoder(self, bundle: LoadedBundle) -> FakeEncoder:
        self.loading.set()
        assert self.go_on.wait(10)
        return super().load_encoder(bundle)


def test_files_are_served_while_a_graph_loads(tmp_path: Path) -> None:
    manifests = [write_bundle(tmp_path, model_id=name) for name in ("large", "small")]
    backend = LoadsForEver()
    bundles = BundleRegistry([tmp_path], backend, default_id="small")
    with ThreadPoolExecutor(3) as pool:
        loading = pool.submit(bundles.encoder, "large")
        try:
            assert backend.loading.wait(10)
            for manifest in manifests:
                pool.submit(bundles.file, manifest.id, manifest.revision, "decoder.onnx").result(5)
        finally:
            backend.go_on.set()
        assert loading.result(10) is backend.encoder


def test_an_earlier_directory_wins(tmp_path: Path) -> None:
    own = write_bundle(tmp_path / "own", files=OTHER_FILES)
    embedded = write_bundle(tmp_path / "embedded")
    bundles = registry(tmp_path / "own", tmp_path / "embedded")
    assert bundles.manifest().revision == own.revision
    assert bundles.file("fake-model", embedded.revision, "MODEL_CARD.md").path.read_bytes() == b"# Fake model\n"


@pytest.mark.parametrize("newest", [0, 1])
def test_within_a_directory_the_newest_manifest_is_current(tmp_path: Path, newest: int) -> None:
    manifests = [write_bundle(tmp_path), write_bundle(tmp_path, files=OTHER_FILES)]
    for age, manifest in enumerate(manifests):
        moment = 2_000 if age == newest else 1_000
        os.utime(place(tmp_path, manifest) / MANIFEST_NAME, (moment, moment))
    assert registry(tmp_path).manifest() == manifests[newest]


def test_files_are_served_by_exact_name_only(tmp_path: Path) -> None:
    manifest = write_bundle(tmp_path)
    bundles = registry(tmp_path)
    served = bundles.file(manifest.id, manifest.revision, "decoder.onnx")
    assert served.path.read_bytes() == DUMMY_FILES["decoder.onnx"][1]
    assert (served.bytes, served.sha256) == (served.path.stat().st_size, manifest.files["decoder.onnx"].sha256)
    for name in ("bundle.json", "../bundle.json", "decoder.onnx/", "", "/etc/passwd"):
        with pytest.raises(NotFoundError) as caught:
            bundles.file(manifest.id, manifest.revision, name)
        assert caught.value.code == "file_not_found"


def test_an_unknown_revision_names_the_current_one(tmp_path: Path) -> None:
    manifest = write_bundle(tmp_path)
    with pytest.raises(NotFoundError) as caught:
        registry(tmp_path).file(manifest.id, "0" * 16, "decoder.onnx")
    assert caught.value.code == "file_not_found"
    assert manifest.revision in caught.value.message


@pytest.mark.parametrize(
    ("asked", "hint"), [("fake-modle", "did you mean 'fake-model'"), ("zzz", "there is fake-model")]
)
def test_an_unknown_model_gets_a_hint(tmp_path: Path, asked: str, hint: str) -> None:
    write_bundle(tmp_path)
    bundles = registry(tmp_path)
    for ask in (bundles.manifest, bundles.encoder, bundles.decoder, lambda name: bundles.file(name, "0", "x")):
        with pytest.raises(NotFoundError) as caught:
            ask(asked)
        assert caught.value.code == "model_not_found"
        assert hint in caught.value.message


def test_a_default_that_is_not_there_is_said_at_the_start(tmp_path: Path) -> None:
    write_bundle(tmp_path)
    with pytest.raises(NotFoundError, match="did you mean"):
        registry(tmp_path, default_id="fake-modal")


def test_no_bundle_at_all(tmp_path: Path) -> None:
    for directories in ([], [tmp_path], [tmp_path / "missing"]):
        with pytest.raises(BundleError) as caught:
            registry(*directories)
        assert caught.value.code == "bundle_missing"


@pytest.mark.parametrize("damage", ["flip", "shorten", "remove"])
@pytest.mark.parametrize("name", sorted(DUMMY_FILES))
def test_a_damaged_file_is_never_loaded_nor_served(tmp_path: Path, name: str, damage: str) -> None:
    manifest = write_bundle(tmp_path)
    path = place(tmp_path, manifest) / name
    data = path.read_bytes()
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes(data[:-1] if damage == "shorten" else bytes([data[0] ^ 1]) + data[1:])
    bundles = registry(tmp_path)
    for use in (bundles.encoder, bundles.decoder, bundles.verify):
        with pytest.raises(BundleError) as caught:
            use()
        assert caught.value.code == ("bundle_file_missing" if damage == "remove" else "bundle_hash_mismatch")
        assert caught.value.details["file"] == name
    with pytest.raises(BundleError):
        bundles.file(manifest.id, manifest.revision, "decoder.onnx")
    assert isinstance(bundles.backend, FakeBackend)
    assert bundles.backend.loaded == []


def test_verify_looks_again(tmp_path: Path) -> None:
    manifest = write_bundle(tmp_path)
    bundles = registry(tmp_path)
    assert bundles.verify() == manifest
    (place(tmp_path, manifest) / "encoder.onnx").write_bytes(b"other")
    with pytest.raises(BundleError):
        bundles.verify()


@pytest.mark.parametrize("name", ["encoder.onnx", "decoder.onnx"])
def test_a_bundle_that_was_replaced_is_not_served_as_the_old_revision(tmp_path: Path, name: str) -> None:
    """As `segserve models pull --force` replaces it: a file of the same length, renamed into the old one's place."""
    manifest = write_bundle(tmp_path)
    bundles = registry(tmp_path)
    bundles.encoder()
    bundles.file(manifest.id, manifest.revision, "decoder.onnx")
    path = place(tmp_path, manifest) / name
    (tmp_path / "new").write_bytes(b"x" * path.stat().st_size)
    (tmp_path / "new").rename(path)
    bundles.encoder()  # in memory, of the old one
    bundles.release(manifest.id)
    for use in (bundles.encoder, lambda: bundles.file(manifest.id, manifest.revision, "decoder.onnx")):
        with pytest.raises(BundleError) as caught:
            use()
        assert caught.value.code == "bundle_hash_mismatch"


def test_a_damaged_bundle_is_hashed_once_and_again_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = write_bundle(tmp_path)
    bundles = registry(tmp_path)
    path = place(tmp_path, manifest) / "encoder.onnx"
    right = path.read_bytes()
    path.write_bytes(bytes(len(right)))
    hashed: list[Path] = []

    def hash_of(path: Path) -> str:
        hashed.append(path)
        return sha256_of(path)

    monkeypatch.setattr(bundle_files, "_sha256", hash_of)
    for _ in range(3):
        with pytest.raises(BundleError, match=r"encoder\.onnx") as caught:
            bundles.file(manifest.id, manifest.revision, "decoder.onnx")
        assert (caught.value.code, caught.value.details) == ("bundle_hash_mismatch", {"file": "encoder.onnx"})
    assert hashed.count(path) == 1
    written = path.stat().st_mtime_ns
    path.write_bytes(right)
    os.utime(path, ns=(written, written))  # as a backup that keeps times restores it
    assert bundles.file(manifest.id, manifest.revision, "decoder.onnx").bytes == 650
    assert hashed.count(path) == 2


def test_every_revision_is_known(tmp_path: Path) -> None:
    manifests = [write_bundle(tmp_path), write_bundle(tmp_path, files=OTHER_FILES)]
    bundles = registry(tmp_path)
    assert len(bundles.list()) == 1
    assert {manifest.revision for manifest in bundles.revisions()} == {manifest.revision for manifest in manifests}


def test_a_bundle_that_was_only_touched_is_verified_again_and_served(tmp_path: Path) -> None:
    manifest = write_bundle(tmp_path)
    bundles = registry(tmp_path)
    for moment in (1_000, 2_000):
        os.utime(place(tmp_path, manifest) / "decoder.onnx", (moment, moment))
        assert bundles.file(manifest.id, manifest.revision, "decoder.onnx").bytes == 650


def test_a_damaged_bundle_does_not_stop_the_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    good = write_bundle(tmp_path, model_id="good")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / MANIFEST_NAME).write_text("{")
    bundles = registry(tmp_path)
    assert bundles.list() == [good]
    assert [problem.code for problem in bundles.problems.values()] == ["bundle_invalid"]
    assert "broken" in caplog.text


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"revision": "0" * 16}, "bundle_hash_mismatch"),
        ({"format_version": 99}, "bundle_too_new"),
        ({"format_version": 99, "novelty": True, "kind": "telepathic"}, "bundle_too_new"),
        ({"kind": "telepathic"}, "bundle_invalid"),
        ({"novelty": True}, "bundle_invalid"),
        ({"id": "somebody-else"}, "bundle_invalid"),
        ({"files": {"../escape": {"sha256": "0" * 64, "bytes": 1, "role": "other"}}}, "bundle_invalid"),
    ],
)
def test_a_manifest_that_does_not_hold_together(tmp_path: Path, changes: dict[str, Any], code: str) -> None:
    manifest = write_bundle(tmp_path)
    edit_manifest(place(tmp_path, manifest) / MANIFEST_NAME, **changes)
    write_bundle(tmp_path, model_id="good")
    bundles = registry(tmp_path)
    assert [problem.code for problem in bundles.problems.values()] == [code]
    assert [entry.id for entry in bundles.list()] == ["good"]


def test_changing_a_files_hash_in_the_manifest_changes_the_revision(tmp_path: Path) -> None:
    manifest = write_bundle(tmp_path)
    path = place(tmp_path, manifest) / MANIFEST_NAME
    content = json.loads(path.read_text())
    content["files"]["encoder.onnx"]["sha256"] = "0" * 64
    path.write_text(json.dumps(content))
    with pytest.raises(BundleError) as caught:
        registry(tmp_path)
    assert "hashes give" in caught.value.message
    assert revision_of(manifest.files) == manifest.revision


def test_a_writers_unfinished_directory_is_passed_over(tmp_path: Path) -> None:
    manifest = write_bundle(tmp_path)
    (tmp_path / "fake-model" / ".partial").mkdir()
    (tmp_path / "fake-model" / ".partial" / MANIFEST_NAME).write_text("{")
    bundles = registry(tmp_path)
    assert bundles.list() == [manifest]
    assert bundles.problems == {}
