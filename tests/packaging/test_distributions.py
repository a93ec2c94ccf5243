"""What `pip install` gets: the wheel has the page and the default model inside, and serves without Node.js."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from tests.serving import serve

ROOT = Path(__file__).parents[2]


def build(target: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (archive,) = folder.iterdir()
    return archive


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def metadata(wheel: Path, names: list[str]) -> Message:
    (name,) = (name for name in names if name.endswith(".dist-info/METADATA"))
    with zipfile.ZipFile(wheel) as archive:
        return message_from_bytes(archive.read(name))


def test_the_page_is_inside(names: list[str]) -> None:
    assert "server/static/index.html" in names
    assets = [name for name in names if name.startswith("server/static/assets/")]
    assert any(name.endswith(".js") for name in assets)
    assert any(name.endswith(".wasm") for name in assets)


def test_the_default_model_is_inside_and_whole(wheel: Path, names: list[str]) -> None:
    manifests = [name for name in names if name.startswith("server/bundles/") and name.endswith("/bundle.json")]
    assert any("/segserve-lite/" in name for name in manifests)
    with zipfile.ZipFile(wheel) as archive:
        for name in manifests:
            for file, entry in json.loads(archive.read(name))["files"].items():
                data = archive.read(name.replace("bundle.json", file))
                assert len(data) == entry["bytes"]
                assert hashlib.sha256(data).hexdigest() == entry["sha256"]


def test_nothing_else_is_inside(names: list[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    assert "server" in tops
    assert {top for top in tops if not top.endswith(".dist-info")} == {"model_export", "server"}
    assert not [name for name in names if "__pycache__" in name or name.endswith((".ts", ".tsx", ".map"))]


def test_the_base_install_has_no_torch(metadata: Message) -> None:
    required = metadata.get_all("Requires-Dist", [])
    base = [line for line in required if "extra ==" not in line]
    assert any(line.startswith("onnxruntime") for line in base)
    assert not [line for line in base if line.startswith(("torch", "onnx>", "safetensors"))]
    assert any(line.startswith("torch") and "gpu" in line for line in required)


def test_licence_and_command(metadata: Message, wheel: Path, names: list[str]) -> None:
    assert metadata["License-Expression"] == "Apache-2.0"
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    (entry_points,) = (name for name in names if name.endswith("entry_points.txt"))
    with zipfile.ZipFile(wheel) as archive:
        assert b"segserve = server.cli:main" in archive.read(entry_points)


def test_it_serves_page_and_model_without_node(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    environment = {"PATH": os.defpath, "PYTHONPATH": str(tmp_path / "site")}
    where = subprocess.run(
        [sys.executable, "-c", "import server; print(server.__file__)"],
        cwd=tmp_path, env=environment, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert where.startswith(str(tmp_path))
    with serve(directory=tmp_path, environment=environment) as client:
        assert client.get("/healthz").status_code == 200
        page = client.get("/")
        assert page.status_code == 200
        assert "<!doctype html>" in page.text.lower()
        assert client.get("/v1/models").json()["default"] == "segserve-lite"


def test_the_source_distribution_can_build_the_wheel_and_carries_no_builds(tmp_path: Path) -> None:
    with tarfile.open(build("sdist", tmp_path)) as archive:
        files = {name.partition("/")[2] for name in archive.getnames()}
    assert {"hatch_build.py", "scripts/build_page.py", "web/package-lock.json", "constraints.txt", "LICENSE"} <= files
    assert "server/domain/bundle.py" in files
    assert not [name for name in files if "node_modules" in name or name.startswith(("server/static", ".venv"))]
