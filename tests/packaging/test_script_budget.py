"""What a browser loads of our own: at most 120 KiB of JavaScript, compressed; libraries lie apart."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "server" / "static"
BUDGET = 120 * 1024
# The last two are ONNX Runtime; `library-` are those that only a worker loads.
LIBRARIES = ("libraries-", "rolldown-runtime-", "library-", "runtime-wasm-", "runtime-webgpu-")


def test_our_own_scripts_stay_within_their_budget() -> None:
    scripts = sorted(PAGE.rglob("*.js"))
    if not scripts:
        pytest.skip("the page is not built (make page)")
    found = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in scripts}
    own = {name: size for name, size in found.items() if not name.startswith(LIBRARIES)}
    kinds = {name.split("-")[0].removesuffix(".js") for name in own}
    assert {"index", "worker", "sw"} <= kinds
    assert all(
        any(name.startswith(prefix) for name in found) for prefix in LIBRARIES if prefix != "rolldown-runtime-"
    ), sorted(found)
    assert sum(own.values()) <= BUDGET, own
