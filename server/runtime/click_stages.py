"""The graphs of an interactive bundle in ONNX Runtime."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from server.domain.bundle import BundleManifest, FileRole, TensorSpec
from server.domain.ports import Features, Float32, LoadedBundle, UInt8
from server.runtime.graph_check import check_graph

Specs = tuple[list[TensorSpec], list[TensorSpec]]


def stage_specs(manifest: BundleManifest, role: FileRole) -> Specs:
    """Inputs and outputs of the graph with the role `coarse` or `refine`; they follow from the manifest."""
    size, rules = manifest.preprocessing.size, manifest.interactive
    features = [TensorSpec(name=each.name, shape=("B", *each.shape), dtype="float32") for each in rules.features]
    inputs = [
        TensorSpec(name="pixels", shape=("B", size, size, 3), dtype="uint8"),
        TensorSpec(name="clicks", shape=("B", 2, size, size), dtype="float32"),
    ]
    coarse = ("B", 1, rules.coarse_height, rules.coarse_width)
    if role == "coarse":
        inputs.append(TensorSpec(name="previous_mask", shape=("B", 1, size, size), dtype="float32"))
        return inputs, [TensorSpec(name="logits", shape=coarse, dtype="float32"), *features]
    inputs += [TensorSpec(name="coarse_logits", shape=coarse, dtype="float32"), *features]
    inputs.append(TensorSpec(name="focus_box", shape=("B", 4), dtype="float32"))
    refined = ("B", 1, rules.refine_height, rules.refine_width)
    return inputs, [TensorSpec(name="logits", shape=refined, dtype="float32")]


class GraphOpener(Protocol):
    """server.runtime.onnx.OnnxBackend."""

    def open(self, bundle: LoadedBundle, role: FileRole) -> tuple[str, Any]: ...


class OnnxStages:
    """The port `ClickStages`; sessions may run from several threads at once."""

    def __init__(self, bundle: LoadedBundle, opener: GraphOpener) -> None:
        """Raises BundleError: `bundle_kind_mismatch`, or as for other graphs."""
        manifest = bundle.manifest
        self._features = [each.name for each in manifest.interactive.features]
        self._coarse = self._open(bundle, opener, "coarse")
        self._refine = self._open(bundle, opener, "refine") if manifest.file_for("refine") else None

    @staticmethod
    def _open(bundle: LoadedBundle, opener: GraphOpener, role: FileRole) -> Any:
        file, session = opener.open(bundle, role)
        check_graph(file, stage_specs(bundle.manifest, role), (session.get_inputs(), session.get_outputs()))
        return session

    @property
    def refines(self) -> bool:
        return self._refine is not None

    def coarse(self, pixels: UInt8, clicks: Float32, previous_mask: Float32) -> tuple[Float32, Features]:
        feeds = {"pixels": pixels, "clicks": clicks, "previous_mask": previous_mask}
        logits, *features = self._coarse.run(["logits", *self._features], feeds)
        return logits, dict(zip(self._features, features, strict=True))

    def refine(
        self, pixels: UInt8, clicks: Float32, coarse_logits: Float32, features: Features, focus_box: Float32
    ) -> Float32:
        if self._refine is None:
            raise RuntimeError("this bundle has one stage")
        feeds = {"pixels": pixels, "clicks": clicks, "coarse_logits": coarse_logits, "focus_box": focus_box}
        found: Float32 = self._refine.run(["logits"], feeds | dict(features))[0]
        return np.asarray(found, np.float32)
