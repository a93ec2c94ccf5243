"""Models as one file: written, carried, checked, refused."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from server.cli import FAILED, OK, main
from server.domain.bundle import FORMAT_VERSION, MANIFEST_NAME
from server.errors import InstallError
from server.runtime.bundle_archive import unpack_archive
from server.runtime.install import InstallPlace
from tests.api.installing import MODEL, pull


@pytest.fixture
def carried(place: InstallPlace, checkpoint: Path, tmp_path: Path) -> Path:
    """A bundle file of the model, which is then no longer installed."""
    pull(checkpoint)
    out = tmp_path / "carried.segserve"
    assert main(["models", "bundle", MODEL.id, "--out", str(out)]) == OK
    assert main(["models", "remove", MODEL.id, "--yes"]) == OK
    return out


def test_a_model_travels_in_one_file(place: InstallPlace, carried: Path) -> None:
    assert main(["models", "pull", "--from", str(carried)]) == OK
    assert main(["models", "verify", MODEL.id]) == OK
    assert main(["models", "bundle", MODEL.id, "--out", str(carried.with_suffix(".zip"))]) == FAILED
    assert sorted(path.name for path in carried.parent.iterdir()) == ["bundles", "carried.pth", "carried.segserve"]


def rewritten(
    path: Path, change: Callable[[dict[str, bytes]], None], extra: tuple[tuple[str, bytes], ...] = ()
) -> Path:
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    change(contents)
    out = path.with_name("changed.segserve")
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in (*contents.items(), *extra):
            archive.writestr(name, data)
    return out


def tamper(contents: dict[str, bytes]) -> None:
    contents["decoder.onnx"] = b"x" * len(contents["decoder.onnx"])


def lengthen(contents: dict[str, bytes]) -> None:
    contents["decoder.onnx"] += b"more"


def escape(contents: dict[str, bytes]) -> None:
    contents["../../escaped"] = b"!"


def renew(contents: dict[str, bytes]) -> None:
    manifest = json.loads(contents[MANIFEST_NAME]) | {"format_version": FORMAT_VERSION + 1, "unheard": "of"}
    contents[MANIFEST_NAME] = json.dumps(manifest).encode()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (tamper, "bundle_hash_mismatch"),
        (lengthen, "bundle_hash_mismatch"),
        (escape, "archive_invalid"),
        (renew, "bundle_too_new"),
        (lambda contents: contents.pop("decoder.onnx"), "archive_invalid"),
        (lambda contents: contents.pop(MANIFEST_NAME), "archive_invalid"),
    ],
)
def test_a_bundle_file_that_was_changed(
    place: InstallPlace,
    carried: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[dict[str, bytes]], None],
    code: str,
) -> None:
    assert main(["models", "pull", "--from", str(rewritten(carried, change))]) == FAILED
    assert f"[{code}]" in capsys.readouterr().err
    assert place.installed() == {}
    assert not (carried.parent / "escaped").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice(carried: Path, tmp_path: Path) -> None:
    twice = rewritten(carried, lambda contents: None, (("decoder.onnx", b"another"),))
    (tmp_path / "draft").mkdir()
    with pytest.raises(InstallError) as caught:
        unpack_archive(twice, tmp_path / "draft")
    assert caught.value.code == "archive_invalid"


def test_another_model_s_bundle_file(place: InstallPlace, carried: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "pull", "sam-vit-b", "--from", str(carried)]) == FAILED
    err = capsys.readouterr().err
    assert "[other_bundle]" in err
    assert f"holds {MODEL.id}, and sam-vit-b was asked for" in err
    assert place.installed() == {}
    assert main(["models", "pull", MODEL.id, "--from", str(carried)]) == OK


def test_what_a_killed_unpacking_left_goes_with_the_next_one(place: InstallPlace, carried: Path) -> None:
    left = place.downloads / "unpacking-abcd1234" / "draft"
    left.mkdir(parents=True)
    (left / "encoder.onnx").write_bytes(b"half")
    other = place.downloads / "unpacking-of-mine"
    other.mkdir()
    assert main(["models", "pull", "--from", str(carried)]) == OK
    assert not left.parent.exists()
    assert other.exists()


def test_two_bundle_files_at_once(place: InstallPlace, carried: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with place._unpacking():
        assert main(["models", "pull", "--from", str(carried)]) == FAILED
    assert "[busy]" in capsys.readouterr().err


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bundle_file_that_was_packed_anew_and_damaged(
    place: InstallPlace, carried: Path, capsys: pytest.CaptureFixture[str], method: int
) -> None:
    packed = carried.with_name("packed.segserve")
    with zipfile.ZipFile(carried) as source, zipfile.ZipFile(packed, "w", method) as archive:
        for name in source.namelist():
            archive.writestr(name, source.read(name))
        places = {entry.filename: entry.header_offset for entry in archive.infolist()}
    data = bytearray(packed.read_bytes())
    start = places["decoder.onnx"] + 30 + len("decoder.onnx")
    data[start : start + 8] = b"\xff" * 8
    packed.write_bytes(data)
    assert main(["models", "pull", "--from", str(packed)]) == FAILED
    assert "[archive_invalid]" in capsys.readouterr().err
    assert place.installed() == {}


def test_half_a_bundle_file(place: InstallPlace, carried: Path, capsys: pytest.CaptureFixture[str]) -> None:
    half = carried.with_name("half.segserve")
    half.write_bytes(carried.read_bytes()[:-500])
    assert main(["models", "pull", "--from", str(half)]) == FAILED
    assert "archive_invalid" in capsys.readouterr().err
    assert place.installed() == {}
