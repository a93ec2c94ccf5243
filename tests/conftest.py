"""Hygiene for every test: no ambient settings, and in CI no test that is skipped because something is absent."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

PREFIX = "SEGSERVE_"
IN_CI = os.environ.get("CI") == "true"


def _settings_in_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.upper().startswith(PREFIX)}


def pytest_configure(config: pytest.Config) -> None:
    """Forgets the developer's own settings before any fixture, module or started server can see them."""
    for name in _settings_in_environment():
        del os.environ[name]
    os.environ["XDG_DATA_HOME"] = str(Path(tempfile.gettempdir()) / "segserve-tests-install-nothing")


@pytest.fixture(autouse=True)
def clean_environment() -> Iterator[None]:
    """What a test sets of SEGSERVE_* is gone after it."""
    before = _settings_in_environment()
    yield
    for name in _settings_in_environment():
        del os.environ[name]
    os.environ.update(before)


def _forbid_skip(report: Any, allowed: bool) -> None:
    if IN_CI and report.skipped and not allowed:
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where everything must be present: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _forbid_skip(report, allowed=hasattr(report, "wasxfail") or item.get_closest_marker("gpu") is not None)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _forbid_skip(report, allowed=False)
    return report
