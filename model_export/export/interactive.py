"""Checkpoint of a click model -> bundle of kind `interactive`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from model_export.evaluate.loop import Protocol, UnreadablePictureError
from model_export.evaluate.metrics import MAX_CLICKS
from model_export.evaluate.results import Evaluation, ObjectResult
from model_export.evaluate.run import Progress, refuse
from model_export.evaluate.score_scale import fit_scale, rescaled
from model_export.evaluate.summary import accuracy as accuracy_of
from model_export.export.bundle_writer import Contents, lay_out, write_bundle
from model_export.export.click_cases import Graph
from model_export.export.click_graphs import coarse_onnx, refine_onnx
from model_export.export.click_parity import click_golden, click_parity, onnx_graph
from model_export.export.graphs import serialised
from model_export.export.identity import Identity, identity_of
from model_export.export.parity import Report
from model_export.export.weights import averaged, dump_weights, kept
from model_export.models import CLICK_MODELS, make_click_network
from model_export.models.click_network import ClickNetwork
from server.domain.bundle import FORMAT_VERSION, BundleManifest, EmbeddingTensor, FileRole, Interactive, Preprocessing
from server.domain.ports import LoadedBundle

VALIDATION = "the validation pictures"


def results_of(file: Path, name: str) -> tuple[list[ObjectResult], str]:
    """What `evaluate --out` measured of the interactive bundle `name`, alone, without flip averaging, and the pictures
    in words. Raises ValueError when the file has no such model, when other things were asked than an export asks, and
    when the scores are already scaled, so that they would be scaled twice."""
    found = Evaluation.load(file)
    wanted = {"max_clicks": MAX_CLICKS, "objects": Protocol().objects, "ritm_clicks": False}
    asked = found.protocol
    differing = [f"{key} {asked.get(key)!r}, not {value!r}" for key, value in wanted.items() if asked.get(key) != value]
    if differing:
        raise ValueError(f"{file} was not measured as a model card states it ({'; '.join(differing)}): evaluate again")
    for model in found.models:
        if (
            model.about.get("id") == name
            and model.about.get("kind") == "interactive"
            and "flip averaging" not in model.about.get("options", ())
        ):
            refuse_scaled(file, name, model.about)
            most = f", at most {asked['limit']} of each set" if asked.get("limit") else ""
            return list(model.objects), f"{asked['pictures']} pictures of the split `{asked['split']}`{most},"
    raise ValueError(f"{file} holds no results of {name} alone")


def refuse_scaled(file: Path, name: str, about: Mapping[str, Any]) -> None:
    """Raises ValueError unless the bundle that was measured says its scores unscaled, as a draft does."""
    scale = about.get("score_slope"), about.get("score_offset")
    if None in scale:
        raise ValueError(f"{file} does not say whether the scores of {name} were scaled: evaluate its draft again")
    if scale != (1.0, 0.0):
        raise ValueError(
            f"{file} measured {name} with scores that are scaled already (slope {scale[0]:g}, offset {scale[1]:g}): "
            "evaluate a draft that `export --no-accuracy` made"
        )


def verify_interactive(bundle: LoadedBundle, data: Path | None) -> Report:
    """The parity report of a bundle's own files. Raises ValueError where it keeps no torch weights."""
    manifest, folder = bundle.manifest, Path(bundle.directory)
    weights = manifest.file_for("weights")
    if weights is None:
        raise ValueError("this bundle keeps no torch weights, so parity cannot be recomputed")
    model = kept(manifest.id, folder / weights, make_click_network)
    stages: tuple[FileRole, ...] = ("coarse", "refine")
    files = {stage: manifest.file_for(stage) for stage in stages}
    graphs: dict[str, Graph] = {stage: onnx_graph(str(folder / file)) for stage, file in files.items() if file}
    return click_parity(model, graphs, data, threshold=manifest.mask_threshold)


def stage_graphs(model: ClickNetwork) -> dict[FileRole, bytes]:
    """ONNX of each stage."""
    refine = refine_onnx(model)
    graphs: dict[FileRole, bytes] = {"coarse": serialised(coarse_onnx(model))}
    return graphs if refine is None else graphs | {"refine": serialised(refine)}


def click_manifest(
    identity: Identity, model: ClickNetwork, *, accuracy: dict[str, Any] | None = None,
    parity: dict[str, Any] | None = None, scale: tuple[float, float] = (1.0, 0.0),
) -> BundleManifest:  # fmt: skip
    """Its `files` are still empty and its revision zeros; the bundle writer fills both."""
    refine_height, refine_width = model.refine_shape or (0, 0)
    return BundleManifest(
        format_version=FORMAT_VERSION,
        id=identity.id,
        revision="0" * 16,
        kind="interactive",
        title=identity.title,
        description=identity.description,
        license=identity.license,
        source=identity.source,
        preprocessing=Preprocessing(resize="square", size=model.input_size, mean=model.pixel_mean, std=model.pixel_std),
        interactive=Interactive(
            disk_radius=model.disk_radius,
            look_twice=model.look_twice,
            score_slope=scale[0],
            score_offset=scale[1],
            coarse_height=model.coarse_shape[0],
            coarse_width=model.coarse_shape[1],
            refine_height=refine_height,
            refine_width=refine_width,
            features=tuple(EmbeddingTensor(name=name, shape=shape) for name, shape in model.feature_shapes.items()),
        ),
        files={},
        accuracy=accuracy or {},
        parity=parity or {},
    )


def export_interactive(
    name: str,
    checkpoint: Path,
    out: Path,
    data: Path | None,
    evaluate: bool = True,
    *,
    bundle_id: str | None = None,
    title: str | None = None,
    license_text: str | None = None,
    measured_in: Path | None = None,
    progress: Progress = lambda done, total, seconds_left: None,
    left_out: Callable[[UnreadablePictureError], None] = refuse,
) -> LoadedBundle:
    """As `build.export_bundle`, for a click model's run. `measured_in`: results of `evaluate --out` on its draft, in
    the place of an evaluation."""
    from model_export.export.build import measured

    model = averaged(name, checkpoint, CLICK_MODELS[name])
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    identity = identity_of(name, state, bundle_id, title, license_text)
    trained = f"By simulated clicking (`python -m model_export train`, docs/interactive.md), {identity.training}"
    identity = replace(identity, training=trained)
    if measured_in is not None:
        results, sample = results_of(measured_in, identity.id)
        return write_interactive(name, model, identity, out, data, lambda _: results, sample)
    measure = partial(measured, data=data, progress=progress, left_out=left_out) if evaluate and data else None
    return write_interactive(name, model, identity, out, data, measure)


def write_interactive(
    name: str, model: ClickNetwork, identity: Identity, out: Path, data: Path | None,
    measure: Callable[[LoadedBundle], Any] | None = None, sample: str = VALIDATION,
) -> LoadedBundle:  # fmt: skip
    """`model` in eval mode, batch norm folded. `measure`: the evaluation of a draft of the bundle, on
    `sample`. Raises ValueError
    when the graphs do not agree with torch."""
    from model_export.export.click_card import click_card

    graphs = stage_graphs(model)
    contents: Contents = {"weights.safetensors": ("weights", dump_weights(model, name))}
    for stage, graph in graphs.items():
        contents[f"{stage}.onnx"] = (stage, graph)
    runners: dict[str, Graph] = {stage: onnx_graph(graph) for stage, graph in graphs.items()}
    parity = click_parity(model, runners, data)
    if not parity["passed"]:
        raise ValueError(f"the exported graphs do not agree with torch: {json.dumps(parity['cases'])}")
    with tempfile.TemporaryDirectory() as work:
        draft = lay_out(Path(work), contents, click_manifest(identity, model))
        results = measure(draft) if measure else []
    scale = fit_scale(results)
    accuracy = accuracy_of(rescaled(results, scale))
    card = click_card(model, identity, parity, accuracy, sample)
    contents |= {
        "golden.safetensors": ("golden", click_golden(model, runners)),
        "parity.json": ("parity", (json.dumps(parity, indent=2) + "\n").encode()),
        "MODEL_CARD.md": ("card", card.encode()),
    }
    manifest = click_manifest(identity, model, accuracy=accuracy, parity=parity, scale=scale)
    return write_bundle(out, lambda directory: lay_out(directory, contents, manifest))
