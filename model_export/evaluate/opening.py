"""A predictor for a bundle: by its kind, with flip averaging and zoom-in where they are asked for."""

from __future__ import annotations

from collections.abc import Callable

from model_export.evaluate.flip import Flipped
from model_export.evaluate.predictor import Predictor
from model_export.evaluate.promptable import PromptablePredictor
from model_export.evaluate.zoom import Zoomed
from server.domain.ports import LoadedBundle

# What runs a bundle, by its manifest's `kind`.
KINDS: dict[str, Callable[[LoadedBundle, int], Predictor]] = {"promptable": PromptablePredictor}


def open_predictor(bundle: LoadedBundle, *, threads: int = 1, flip: bool = False, zoom: bool = False) -> Predictor:
    """`threads`: those of one run in ONNX Runtime. Raises ValueError for a kind of bundle that takes no clicks."""
    kind = bundle.manifest.kind
    if kind not in KINDS:
        raise ValueError(f"{bundle.manifest.id} is of kind {kind}; the evaluation runs {', '.join(sorted(KINDS))}")
    predictor = KINDS[kind](bundle, threads)
    if flip:
        predictor = Flipped(predictor)
    return Zoomed(predictor) if zoom else predictor
