"""`segserve models`: what is installed comes whole or not at all, and goes when it is told to."""

from __future__ import annotations

import argparse
import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

import server.models_cli as commands
from server.cli import FAILED, OK, main
from server.domain.bundle import MANIFEST_NAME
from server.domain.catalogue import CATALOGUE, KnownModel
from server.errors import BundleError, InstallError
from server.runtime.bundle_archive import unpack_archive
from server.runtime.download import Limits
from server.runtime.install import InstallPlace, take_place
from server.runtime.registry import BundleRegistry
from server.settings import Settings
from tests.api.installing import CHECKPOINT, MODEL, converted, pull
from tests.fakes import DUMMY_FILES, FakeBackend, write_bundle
from tests.http_server import Behaviour, serving


def test_the_catalogue_is_well_formed() -> None:
    assert len({model.id for model in CATALOGUE}) == len(CATALOGUE) >= 8
    for model in CATALOGUE:
        assert len(model.sha256) == 64
        assert int(model.sha256, 16)
        assert model.url.startswith("https://")


def test_a_file_becomes_a_model_that_the_server_finds(
    place: InstallPlace, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pull(checkpoint) == OK
    assert "is installed in" in capsys.readouterr().out
    assert checkpoint.exists()
    assert main(["models", "list", "--json"]) == OK
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows[MODEL.id]["revision"] is not None
    assert main(["models", "verify", MODEL.id]) == OK
    assert [path.name for path in place.directory.iterdir() if not path.name.startswith(".")] == [MODEL.id]


def test_what_is_installed_is_not_made_again(
    place: InstallPlace, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pull(checkpoint)

    def never(*_: object) -> None:
        raise AssertionError("made again")

    assert pull(checkpoint, never) == OK
    assert "installed already" in capsys.readouterr().out
    assert pull(checkpoint, force=True) == OK


def test_a_list_names_what_can_be_pulled(place: InstallPlace, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list"]) == OK
    out = capsys.readouterr().out
    assert "tiny-sam" in out
    assert "not installed" in out
    assert "models pull NAME" in out


def test_a_default_that_is_not_installed_yet_is_marked_by_its_name(
    place: InstallPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    os.environ["SEGSERVE_MODEL"] = MODEL.id
    assert main(["models", "list"]) == OK
    assert f"* {MODEL.id} " in capsys.readouterr().out
    assert main(["models", "list", "--json"]) == OK
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    assert {name for name, row in rows.items() if row["default"]} == {MODEL.id}
    assert rows[MODEL.id]["revision"] is None
    assert rows["segserve-lite"]["revision"] is not None


@pytest.mark.parametrize("newest", [0, 1])
def test_of_several_revisions_the_one_that_is_served_is_listed_and_bundled(
    place: InstallPlace, tmp_path: Path, capsys: pytest.CaptureFixture[str], newest: int
) -> None:
    other = DUMMY_FILES | {"MODEL_CARD.md": ("card", b"# Another revision\n")}
    manifests = [write_bundle(place.directory, model_id=MODEL.id, files=files) for files in (DUMMY_FILES, other)]
    for age, manifest in enumerate(manifests):
        moment = 2_000_000_000 if age == newest else 1_000_000_000
        os.utime(place.directory / MODEL.id / manifest.revision / MANIFEST_NAME, (moment, moment))
    served = BundleRegistry([place.directory], FakeBackend()).manifest(MODEL.id)
    assert served == manifests[newest]
    assert main(["models", "list", "--json"]) == OK
    assert {row["id"]: row for row in json.loads(capsys.readouterr().out)}[MODEL.id]["revision"] == served.revision
    for file in (place.directory / MODEL.id / served.revision).iterdir():
        if file.name != MANIFEST_NAME:
            os.utime(file, (0, 0))  # some file systems and archives know no times: 1970, which is before a ZIP's first
    assert main(["models", "bundle", MODEL.id, "--out", str(tmp_path / "a.segserve")]) == OK
    (tmp_path / "draft").mkdir()
    assert unpack_archive(tmp_path / "a.segserve", tmp_path / "draft") == served


def test_unknown_names(place: InstallPlace, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (
        ["pull", "tiny-sma"],
        ["verify", "segserve-lit"],
        ["remove", "segserve-lit"],
        ["bundle", "segserve-lit"],
    ):
        assert main(["models", *command]) == FAILED
        assert "did you mean" in capsys.readouterr().err
    assert main(["models", "pull"]) == FAILED
    assert main(["models", "remove", "../bundles"]) == FAILED
    assert main(["models", "remove", "segserve-lite", "--yes"]) == FAILED
    assert "part of Segserve" in capsys.readouterr().err


def test_another_file_is_not_taken(place: InstallPlace, tmp_path: Path) -> None:
    other = tmp_path / "other.pth"
    other.write_bytes(b"something else")
    with pytest.raises(InstallError, match="it should be") as caught:
        pull(other)
    assert caught.value.code == "checksum_mismatch"
    assert other.exists()
    with pytest.raises(InstallError) as caught:
        pull(tmp_path / "nowhere.pth")
    assert caught.value.code == "source_missing"


def test_a_conversion_that_fails_leaves_nothing(place: InstallPlace, checkpoint: Path) -> None:
    def half(model: KnownModel, source: Path, made: Path) -> None:
        made.mkdir()
        (made / "encoder.onnx").write_bytes(b"half")
        raise InstallError("out of memory", "conversion_failed")

    with pytest.raises(InstallError):
        pull(checkpoint, half)
    assert place.installed() == {}
    assert [path.name for path in place.directory.iterdir()] == [".downloads"]


def test_what_a_killed_pull_left_goes_with_the_next_one(place: InstallPlace, checkpoint: Path) -> None:
    others = [".tiny-sam-hq-abcdefgh", "tiny-sam-abcdefgh"]  # of another model; a model
    for name in (f".{MODEL.id}-ab12_xyz", *others):
        (place.directory / name / "made").mkdir(parents=True)
        (place.directory / name / "made" / "weights.safetensors").write_bytes(b"half")
    assert pull(checkpoint) == OK
    assert sorted(path.name for path in place.directory.iterdir()) == sorted([".downloads", MODEL.id, *others])


def test_the_old_model_comes_back_when_the_new_one_cannot_take_its_place(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old").touch()
    with pytest.raises(FileNotFoundError):
        take_place(tmp_path / "made", tmp_path / "model", tmp_path / "aside")
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["model", "model/old"]


def test_a_failed_renewal_keeps_the_old_model(place: InstallPlace, checkpoint: Path) -> None:
    pull(checkpoint)

    def damaged(model: KnownModel, source: Path, made: Path) -> None:
        write_bundle(made.parent, model_id=model.id, nested=False)
        (made / "decoder.onnx").write_bytes(b"not what the manifest says")

    with pytest.raises(BundleError) as caught:
        pull(checkpoint, damaged, force=True)
    assert caught.value.code == "bundle_hash_mismatch"
    assert main(["models", "verify"]) == OK


def test_two_pulls_at_once(place: InstallPlace, checkpoint: Path) -> None:
    place.downloads.mkdir(parents=True)
    with (
        FileLock(place.downloads / f"{MODEL.id}.lock"),
        pytest.raises(InstallError, match="Another segserve") as caught,
    ):
        pull(checkpoint)
    assert caught.value.code == "busy"
    assert pull(checkpoint) == OK


def test_the_lock_of_a_process_that_died_holds_nothing(place: InstallPlace, checkpoint: Path) -> None:
    place.downloads.mkdir(parents=True)
    code = (
        f"import os, filelock; filelock.FileLock({str(place.downloads / f'{MODEL.id}.lock')!r}).acquire(); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert pull(checkpoint) == OK


def test_what_the_file_system_refuses_is_no_traceback(
    place: InstallPlace, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    os.environ["SEGSERVE_BUNDLE_DIR"] = str(tmp_path / "file" / "bundles")
    assert main(["models", "pull", MODEL.id, "--from", str(checkpoint)]) == FAILED
    assert "place_unwritable" in capsys.readouterr().err
    os.environ["SEGSERVE_BUNDLE_DIR"] = str(place.directory)

    def full(model: KnownModel, source: Path, made: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def interrupted(model: KnownModel, source: Path, made: Path) -> None:
        raise KeyboardInterrupt

    for convert, code in ((full, "no_space"), (interrupted, "stopped")):
        with pytest.raises(InstallError) as caught:
            pull(checkpoint, convert)
        assert caught.value.code == code
        assert [path.name for path in place.directory.iterdir()] == [".downloads"]


def test_no_space(place: InstallPlace, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: argparse.Namespace(free=100))
    with pytest.raises(InstallError, match="GB free") as caught:
        pull(checkpoint)
    assert caught.value.code == "no_space"
    assert place.installed() == {}


def test_the_workshop_is_asked_for_before_anything_is_fetched(
    place: InstallPlace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "NEEDED", ("torch_that_nobody_has",))
    assert main(["models", "pull", MODEL.id]) == FAILED
    err = capsys.readouterr().err
    assert "pip install -c constraints.txt -e '.[export]'" in err
    assert "workshop_missing" in err


def test_no_network(place: InstallPlace) -> None:
    asked = argparse.Namespace(name=MODEL.id, source=None, force=False, keep=False)
    with pytest.raises(InstallError) as caught:
        commands.pull_model(Settings(), asked, converted, Limits(connect=1, stall=1, attempts=2, backoff=0.01))
    assert caught.value.code == "download_unreachable"
    assert place.installed() == {}


def test_a_mirror_is_fetched_from_and_the_download_is_cleared_away(
    place: InstallPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    behaviour = Behaviour(CHECKPOINT, drop_after=[700])
    with serving(behaviour) as address:
        os.environ["SEGSERVE_MODEL_MIRROR"] = f"{address}/models/"
        asked = argparse.Namespace(name=MODEL.id, source=None, force=False, keep=False)
        assert commands.pull_model(Settings(), asked, converted, Limits(backoff=0.01)) == OK
    assert [request.get("Range") for request in behaviour.asked] == [None, "bytes=700-"]
    captured = capsys.readouterr()
    assert f"{address}/models/{MODEL.file}" in captured.out
    assert "100 % of 0 MB" in captured.err
    assert [path.name for path in place.downloads.iterdir()] == [f"{MODEL.id}.lock"]
    assert main(["models", "verify", MODEL.id]) == OK


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_drawn_over_on_a_terminal_and_told_in_tenths_elsewhere() -> None:
    for out in (Terminal(), io.StringIO()):
        show = commands.progress_bar(out)
        for there in range(101):
            show(there * 10**6, 100 * 10**6)
        if out.isatty():
            assert out.getvalue().count("\n") == 1
            assert out.getvalue().rstrip().split("\r")[-1].startswith("100 % of 100 MB")
        else:
            assert len(out.getvalue().splitlines()) == 11
            assert "50 % of 100 MB" in out.getvalue()
    unknown = io.StringIO()
    commands.progress_bar(unknown)(3 * 10**6, None)
    assert "3 MB" in unknown.getvalue()


def test_an_earlier_download_is_used(place: InstallPlace) -> None:
    place.downloads.mkdir(parents=True)
    (place.downloads / MODEL.file).write_bytes(CHECKPOINT)
    assert pull(None, keep=True) == OK
    assert (place.downloads / MODEL.file).exists()
    assert pull(None, force=True) == OK
    assert not (place.downloads / MODEL.file).exists()


def test_the_workshop_s_last_word_is_the_error(
    place: InstallPlace, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The real converter, in its own process, given a file that hashes right and is no checkpoint."""
    known = MODEL.__class__("mobile-sam", *[getattr(MODEL, name) for name in MODEL.__slots__[1:]])
    monkeypatch.setattr(commands, "known_model", lambda name: known)
    assert main(["models", "pull", "mobile-sam", "--from", str(checkpoint)]) == FAILED
    err = capsys.readouterr().err
    assert "could not be converted: not exported: carried.pth is not a file that torch.save wrote" in err
    assert [path.name for path in place.directory.iterdir()] == [".downloads"]


def test_remove(place: InstallPlace, checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pull(checkpoint)
    assert main(["models", "remove", MODEL.id]) == FAILED  # nobody there to ask
    assert "kept" in capsys.readouterr().out
    assert main(["models", "remove", MODEL.id, "--yes"]) == OK
    assert place.installed() == {}
    assert main(["models", "remove", MODEL.id, "--yes"]) == FAILED


def test_damage_is_named(place: InstallPlace, checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pull(checkpoint)
    (place.directory / MODEL.id / "decoder.onnx").write_bytes(b"tampered")
    assert main(["models", "verify"]) == FAILED
    out = capsys.readouterr().out
    assert "DAMAGED  tiny-sam" in out
    assert "decoder.onnx" in out
    assert "ok       segserve-lite" in out


def test_verifying_one_looks_at_that_one(
    place: InstallPlace, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pull(checkpoint)
    (place.directory / "broken").mkdir()
    (place.directory / "broken" / "bundle.json").write_text("{}")
    nested = place.directory / "worse" / "0123456789abcdef"
    nested.mkdir(parents=True)
    (nested / "bundle.json").write_text("{")
    assert main(["models", "verify", MODEL.id]) == OK
    assert "DAMAGED" not in capsys.readouterr().out
    for name in ("broken", "worse"):
        assert main(["models", "verify", name]) == FAILED
        captured = capsys.readouterr()
        assert captured.out.count("DAMAGED") == 1
        assert f"/{name}" in captured.out
        assert "[bundle_invalid]" in captured.out
    assert main(["models", "verify", "nobody"]) == FAILED
    assert "[not_installed]" in capsys.readouterr().err
    assert main(["models", "verify"]) == FAILED
    assert capsys.readouterr().out.count("DAMAGED") == 2
