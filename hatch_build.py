"""Build hook: puts the built page into the wheel, so that `pip install segserve` needs no Node.js where it runs.

A page that is up to date is not built again; an editable install takes the page from the checkout (`make page`).
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def _load_build_page(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("segserve_build_page", root / "scripts" / "build_page.py")
    if spec is None or spec.loader is None:
        raise RuntimeError("scripts/build_page.py is missing from the source tree")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class PageBuildHook(BuildHookInterface[Any]):
    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Asks the build front end for PyPI's Node.js where the page must be built and the system has none."""
        root = Path(self.root)
        page = _load_build_page(root)
        if self.target_name != "wheel" or page.page_is_current(root) or page.find_node():
            return []
        return [str(page.NODE_PACKAGE)]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name == "wheel" and version != "editable":
            _load_build_page(Path(self.root)).build_page(Path(self.root))
