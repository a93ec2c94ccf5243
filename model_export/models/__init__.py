"""Torch networks that become bundles; `MODELS` is the one registry."""

from __future__ import annotations

from collections.abc import Callable

from model_export.models.lite import SegserveLite

MODELS: dict[str, Callable[[], SegserveLite]] = {"segserve-lite": SegserveLite}
