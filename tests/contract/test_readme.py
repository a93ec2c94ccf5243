"""The README's examples run as printed, against a real server; every link in the documents leads somewhere."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import ROOT, serve

PRINTED_ADDRESS = "http://127.0.0.1:8000"
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve() as client:
        yield str(client.base_url).rstrip("/")


def example(language: str, address: str) -> str:
    """The README's one example in a language; only the address differs from what is printed."""
    (code,) = re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)
    assert PRINTED_ADDRESS in code
    return str(code).replace(PRINTED_ADDRESS, address)


def test_the_curl_example_runs(address: str) -> None:
    done = subprocess.run(["bash", "-c", example("sh", address)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert len(result["masks"]) == 3
    assert result["masks"][0]["area"] > 0


def test_the_python_example_runs(address: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", example("python", address)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.match(r"\(\d+, \d+\) \d+ \[", done.stdout)


def anchor(heading: str) -> str:
    """The anchor that a heading gets on the usual hosts."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, fragment = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            broken.append(target)
        elif fragment:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
            if fragment not in {anchor(heading) for heading in headings}:
                broken.append(target)
    assert not broken


def test_the_settings_table_states_the_real_defaults() -> None:
    from server.settings import Settings

    rows = re.findall(r"^\| (`SEGSERVE_.*?) \| (.*?) \|", README, flags=re.MULTILINE)
    named = [name for row, _ in rows for name in re.findall(r"`SEGSERVE_(\w+)`", row)]
    assert named
    assert {name.lower() for name in named} <= set(Settings.model_fields)
    defaults = {name: text for row, text in rows for name in re.findall(r"`SEGSERVE_(\w+)`", row)}
    assert str(Settings.model_fields["host"].default) in defaults["HOST"]
    assert str(Settings.model_fields["port"].default) in defaults["PORT"]
    assert f"{Settings.model_fields['cache_bytes'].default // 2**20} MiB" == defaults["CACHE_BYTES"]
