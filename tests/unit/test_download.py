"""Downloads from a server that stalls, truncates, redirects and lies."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.errors import InstallError
from server.runtime.download import Limits, fetch
from tests.http_server import Behaviour, serving

CONTENT = bytes(range(256)) * 4096  # 1 MiB
SUM = hashlib.sha256(CONTENT).hexdigest()
QUICK = Limits(connect=2, stall=0.3, attempts=3, backoff=0.01, redirects=3, most_bytes=8 << 20)


@pytest.fixture
def server() -> Iterator[tuple[str, Behaviour]]:
    behaviour = Behaviour(CONTENT)
    with serving(behaviour) as address:
        yield f"{address}/file.bin", behaviour


def test_a_file_arrives_and_progress_is_told(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    fetch(server[0], tmp_path / "f", SUM, progress=lambda there, total: told.append((there, total)), limits=QUICK)
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_dropped_connection_goes_on_where_it_was(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    behaviour.drop_after = [300_000, 200_000]
    fetch(url, tmp_path / "f", SUM, limits=QUICK)
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert [asked.get("Range") for asked in behaviour.asked] == [None, "bytes=300000-", "bytes=500000-"]
    assert behaviour.asked[1]["If-Range"] == '"one"'


def test_what_arrived_is_kept_for_the_next_call(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    behaviour.drop_after = [400_000, 0, 0, 0]
    with pytest.raises(InstallError, match="400,000 bytes are kept") as caught:
        fetch(url, tmp_path / "f", SUM, limits=QUICK)
    assert caught.value.code == "download_interrupted"
    assert not (tmp_path / "f").exists()
    behaviour.drop_after = []
    fetch(url, tmp_path / "f", SUM, limits=QUICK)
    assert behaviour.asked[-1]["Range"] == "bytes=400000-"
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_stalled_server_is_given_up_in_time(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    behaviour.stall = True
    began = time.monotonic()
    with pytest.raises(InstallError) as caught:
        fetch(url, tmp_path / "f", SUM, limits=QUICK)
    assert caught.value.code == "download_interrupted"
    assert time.monotonic() - began < 60
    assert len(behaviour.asked) >= QUICK.attempts


def test_a_server_without_ranges_begins_anew(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    behaviour.ranges, behaviour.drop_after = False, [300_000]
    fetch(url, tmp_path / "f", SUM, limits=QUICK)
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_file_that_changed_meanwhile_begins_anew(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(b"of another file" * 1000)
    (tmp_path / "f.part.etag").write_text('"older"')
    fetch(server[0], tmp_path / "f", SUM, limits=QUICK)
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_part_that_is_whole_or_too_long(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    for part in (CONTENT, CONTENT + b"more"):
        (tmp_path / "f.part").write_bytes(part)
        fetch(server[0], tmp_path / "f", SUM, limits=QUICK)
        assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_server_that_goes_on_elsewhere_is_not_believed(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    behaviour.lie_about_range, behaviour.drop_after = True, [300_000]
    fetch(url, tmp_path / "f", SUM, limits=QUICK)
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_file_of_another_sum_is_kept_aside(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    with pytest.raises(InstallError, match=f"{SUM}, it should be {'0' * 64}") as caught:
        fetch(server[0], tmp_path / "f", "0" * 64, limits=QUICK)
    assert caught.value.code == "checksum_mismatch"
    assert [path.name for path in tmp_path.iterdir()] == ["f.rejected"]


def test_a_length_that_is_not_true(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    """Longer than the file: the rest is asked for, is not there, and the sum says that the file is whole. Longer than
    any file: refused before a byte is taken."""
    url, behaviour = server
    behaviour.claim = 2 * len(CONTENT)
    fetch(url, tmp_path / "f", SUM, limits=QUICK)
    assert (tmp_path / "f").read_bytes() == CONTENT
    behaviour.claim = 9 << 20
    with pytest.raises(InstallError, match="is the most") as caught:
        fetch(url, tmp_path / "f", SUM, limits=QUICK)
    assert caught.value.code == "download_too_large"


@pytest.mark.parametrize(
    ("status", "code", "requests"), [(404, "download_refused", 1), (503, "download_unreachable", 3)]
)
def test_refusals(server: tuple[str, Behaviour], tmp_path: Path, status: int, code: str, requests: int) -> None:
    url, behaviour = server
    behaviour.status = status
    with pytest.raises(InstallError, match=str(status)) as caught:
        fetch(url, tmp_path / "f", SUM, limits=QUICK)
    assert caught.value.code == code
    assert len(behaviour.asked) == requests
    assert list(tmp_path.iterdir()) == []


def test_a_web_page_is_no_checkpoint(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    behaviour.content_type = "text/html; charset=utf-8"
    with pytest.raises(InstallError, match="web page"):
        fetch(url, tmp_path / "f", SUM, limits=QUICK)


def test_redirects_are_followed_but_not_for_ever(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    behaviour.redirect = "/end"
    fetch(url, tmp_path / "f", SUM, limits=QUICK)
    behaviour.redirect = "/again"
    with pytest.raises(InstallError, match="without end"):
        fetch(url, tmp_path / "g", SUM, limits=QUICK)


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(InstallError) as caught:
        fetch("http://127.0.0.1:9/file", tmp_path / "f", SUM, limits=QUICK)
    assert caught.value.code == "download_unreachable"
