"""The OpenAPI snapshot: `python -m tests.contract.openapi` writes it anew after a wanted change of the API."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from server.app import create_app
from server.settings import Settings
from tests.fakes import FakeBackend, write_bundle

SNAPSHOT = Path(__file__).parent / "openapi.json"


def app_for_schema(root: Path) -> FastAPI:
    manifest = write_bundle(root)
    chosen: dict[str, Any] = {"bundle_dir": root, "model": manifest.id, "static_dir": root / "none"}
    return create_app(Settings(**chosen), backend=FakeBackend())


def current(root: Path) -> str:
    schema = app_for_schema(root).openapi()
    schema["info"]["version"] = "0"
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        SNAPSHOT.write_text(current(Path(directory)), encoding="utf-8")
    print(f"wrote {SNAPSHOT}")
