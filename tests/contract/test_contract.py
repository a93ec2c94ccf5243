"""What others may rely on: one error shape, one schema, documents that cannot lie, rules of import."""

from __future__ import annotations

import argparse
import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Scope

from server.api.errors import problem_response, response_for
from server.api.problems import PROBLEMS
from server.cli import parser
from server.errors import RequestError, SegserveError, UnavailableError
from server.settings import Settings, unknown_variables
from tests.contract.openapi import SNAPSHOT, current

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SCOPE: Scope = {"type": "http", "path": "/v1/predict", "root_path": "", "segserve.request_id": "abc"}
_HEADING = re.compile(r"^#{2,4} `([^`]+)`", re.MULTILINE)


def headings(document: str) -> list[str]:
    return _HEADING.findall((DOCS / document).read_text(encoding="utf-8"))


@pytest.mark.parametrize("code", PROBLEMS)
def test_every_code_has_the_one_shape(code: str) -> None:
    error: SegserveError = RequestError("Do this instead.", code=code, limit=3, title="not this one")
    if PROBLEMS[code].status == 503:
        error = UnavailableError("Later.", code=code, retry_after=2.4, limit=3)
    response = response_for(dict(SCOPE), error)
    body: dict[str, Any] = json.loads(bytes(response.body))
    assert response.headers["content-type"] == "application/problem+json"
    assert list(body)[:7] == ["type", "title", "status", "detail", "code", "instance", "request_id"]
    assert body["type"] == f"/docs/errors#{code}"
    assert (body["status"], body["title"]) == (response.status_code, PROBLEMS[code].title)
    assert (body["instance"], body["request_id"], body["limit"]) == ("/v1/predict", "abc", 3)
    assert (response.status_code == 503) == ("retry-after" in response.headers)


def test_a_code_that_is_not_in_the_table_is_a_plain_500() -> None:
    response = response_for(dict(SCOPE), SegserveError("internal matters", code="never_heard_of"))
    assert response.status_code == 500
    assert b"internal matters" not in response.body
    assert problem_response(SCOPE, "internal_error", "x").status_code == 500


def codes_raised() -> set[str]:
    """Every literal `code="…"` and `default_code = "…"` in the server's source."""
    found: set[str] = set()
    for path in (ROOT / "server").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant):
                found.add(str(node.value.value))
    return found


def test_every_code_that_is_raised_is_in_the_table() -> None:
    assert codes_raised() <= set(PROBLEMS)
    assert {error.default_code for error in _family(SegserveError)} <= set(PROBLEMS)


def _family(root: type[SegserveError]) -> list[type[SegserveError]]:
    return [root, *(member for child in root.__subclasses__() for member in _family(child))]


def test_the_openapi_schema_is_the_snapshot(tmp_path: Path) -> None:
    assert current(tmp_path) == SNAPSHOT.read_text(encoding="utf-8"), (
        "The API changed. If that is wanted, run `python -m tests.contract.openapi` and commit the file."
    )


def test_docs_describe_every_error_code_and_no_other() -> None:
    assert sorted(headings("errors.md")) == sorted(PROBLEMS)


def test_docs_state_the_status_of_every_code() -> None:
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    for code, problem in PROBLEMS.items():
        section = text.split(f"### `{code}`", 1)[1].split("\n#", 1)[0]
        assert str(problem.status) in section, code


def test_docs_describe_every_setting_and_no_other() -> None:
    variables = [f"SEGSERVE_{name.upper()}" for name in Settings.model_fields]
    assert sorted(name for name in headings("configuration.md") if name.startswith("SEGSERVE_")) == sorted(variables)


def test_docs_state_the_default_of_every_setting() -> None:
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    for name, field in Settings.model_fields.items():
        section = text.split(f"### `SEGSERVE_{name.upper()}`", 1)[1].split("\n#", 1)[0]
        section = " ".join(section.split())
        default = "unset" if field.default is None else f"{field.default}"
        assert f"Default: {default}" in section, name
        assert field.description


def test_docs_describe_every_command_and_flag() -> None:
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    for command, options in _commands(parser(), "segserve"):
        assert f"`{command}`" in text, command
        for option in options:
            assert f"`{option}`" in text, option


def _commands(root: Any, name: str) -> list[tuple[str, list[str]]]:
    flags = [option for action in root._actions for option in action.option_strings if option.startswith("--")]
    found = [(name, [flag for flag in flags if flag != "--help"])]
    for action in root._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child, sub in action.choices.items():
                found += _commands(sub, f"{name} {child}")
    return found


def test_docs_describe_every_route() -> None:
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    for path, operations in json.loads(SNAPSHOT.read_text(encoding="utf-8"))["paths"].items():
        for method in operations:
            assert f"`{method.upper()} {path}`" in text, f"{method.upper()} {path}"


def test_misspelt_settings_are_noticed() -> None:
    environ = {"SEGSERVE_REDIS": "x", "SEGSERVE_PORT": "1", "segserve_max_pixel": "2", "HOME": "/"}
    assert unknown_variables(environ) == ["SEGSERVE_REDIS", "segserve_max_pixel"]


def test_settings_are_frozen_and_bounded() -> None:
    settings = Settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1
    for wrong in ({"port": 70_000}, {"image_ttl": 10.0, "record_ttl": 5.0}, {"redis_url": "http://x"}, {"unknown": 1}):
        with pytest.raises(ValueError, match=r".+"):
            Settings(**wrong)  # type: ignore[arg-type]
    assert "secret" not in repr(Settings(redis_url="redis://:secret@host"))  # type: ignore[arg-type]


def test_import_rules() -> None:
    """Who may know whom, as docs/architecture.md and pyproject.toml say."""
    lint = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_modules_and_routes_stay_small() -> None:
    for path in (ROOT / "server").rglob("*.py"):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines < (120 if path.parent.name == "routes" else 300), path
