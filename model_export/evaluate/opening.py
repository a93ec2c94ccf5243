"""A predictor for a bundle: by its kind, with flip averaging and zoom-in where they are asked for."""

from __future__ import annotations

from collections.abc import Callable

from model_export.evaluate.flip import Flipped
from model_export.evaluate.interactive import InteractivePredictor
from model_export.evaluate.predictor import Predictor
from model_export.evaluate.promptable import PromptablePredictor
from model_export.evaluate.refine import Refined
from model_export.evaluate.zoom import Zoomed
from server.domain.ports import LoadedBundle


def open_promptable(bundle: LoadedBundle, threads: int, flip: bool, zoom: bool) -> Predictor:
    predictor: Predictor = PromptablePredictor(bundle, threads)
    if flip:
        predictor = Flipped(predictor)
    return Zoomed(predictor) if zoom else predictor


def open_interactive(bundle: LoadedBundle, threads: int, flip: bool, zoom: bool) -> Predictor:
    """Zooms in by itself, whatever `zoom` says, and averages inside its loop."""
    return InteractivePredictor(bundle, threads, flip=flip)


# What runs a bundle, by its manifest's `kind`.
KINDS: dict[str, Callable[[LoadedBundle, int, bool, bool], Predictor]] = {
    "promptable": open_promptable,
    "interactive": open_interactive,
}


def open_predictor(bundle: LoadedBundle, *, threads: int = 1, flip: bool = False, zoom: bool = False) -> Predictor:
    """`threads`: those of one run in ONNX Runtime. Raises ValueError for a kind of bundle that takes no clicks."""
    kind = bundle.manifest.kind
    if kind not in KINDS:
        raise ValueError(f"{bundle.manifest.id} is of kind {kind}; the evaluation runs {', '.join(sorted(KINDS))}")
    return KINDS[kind](bundle, threads, flip, zoom)


def open_refined(
    first: LoadedBundle, then: LoadedBundle, after: int = 1, *, threads: int = 1, flip: bool = False, zoom: bool = False
) -> Predictor:
    """`zoom`: for the clicks of the first. Raises ValueError unless `then` is interactive."""
    if then.manifest.kind != "interactive":
        raise ValueError(f"{then.manifest.id} is of kind {then.manifest.kind}: only interactive bundles refine")
    return Refined(
        open_predictor(first, threads=threads, flip=flip, zoom=zoom),
        open_predictor(then, threads=threads, flip=flip, zoom=zoom),
        after,
    )
