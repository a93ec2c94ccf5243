"""A published checkpoint of interactive segmentation as a bundle of kind `interactive`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from model_export.export.identity import converted_identity
from model_export.export.interactive import write_interactive
from model_export.export.weights import fold_batch_norm
from model_export.models.click_published import CLICK_PUBLISHED, load_click_published
from server.domain.ports import LoadedBundle


def export_click_published(
    name: str,
    checkpoint: Path,
    out: Path,
    data: Path | None = None,
    *,
    bundle_id: str | None = None,
    title: str | None = None,
    license_text: str | None = None,
    say: Callable[[str], None] = lambda step: None,
) -> LoadedBundle:
    """The bundle of `checkpoint`, a file of the published network `name` in its authors' layout.

    `data`: annotated pictures to judge parity on, else the page's samples. Raises CheckpointError (a ValueError) when
    the file does not fit, ValueError when the graphs do not agree with torch; nothing is left at `out` then.
    """
    say("reading and checking the weights")
    model = load_click_published(name, checkpoint)
    fold_batch_norm(model)
    identity = converted_identity(name, CLICK_PUBLISHED[name], checkpoint, bundle_id, title, license_text)
    identity = replace(identity, training=f"The weights of {checkpoint.name}, converted without loss")
    say("exporting the graphs and comparing them with torch, click by click")
    return write_interactive(name, model, identity, out, data)
