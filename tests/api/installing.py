"""A small model in the catalogue and a converter that takes no time, for the tests of `segserve models`."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable
from pathlib import Path

import server.models_cli as commands
from server.domain.catalogue import KnownModel
from server.settings import Settings
from tests.fakes import write_bundle

CHECKPOINT = b"weights of a model " * 100
MODEL = KnownModel(
    "tiny-sam", "Tiny SAM", "tiny.pth", "http://127.0.0.1:9/", hashlib.sha256(CHECKPOINT).hexdigest(), 2000, 1.0, "fast"
)


def converted(model: KnownModel, checkpoint: Path, made: Path) -> None:
    """What the workshop does, in small."""
    assert hashlib.sha256(checkpoint.read_bytes()).hexdigest() == model.sha256
    write_bundle(made.parent, model_id=model.id, nested=False)


def pull(source: Path | None, convert: Callable[[KnownModel, Path, Path], None] = converted, **options: bool) -> int:
    asked = argparse.Namespace(name=MODEL.id, source=source, force=False, keep=False)
    return commands.pull_model(Settings(), argparse.Namespace(**(vars(asked) | options)), convert)
