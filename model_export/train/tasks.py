"""What a network is trained to do: where its batches come from, what a step is, how it begins with a bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model_export.data.picture import Picture
from model_export.models import CLICK_MODELS, MODELS
from model_export.models.lite import SegserveLite
from model_export.train.click_loop import Drafts
from model_export.train.click_previews import click_sheet
from model_export.train.click_source import ClickSource
from model_export.train.click_start import click_model_from_bundle
from model_export.train.click_step import click_step
from model_export.train.config import TrainConfig
from model_export.train.device_source import DeviceSource
from model_export.train.device_store import load_store
from model_export.train.distributed import World
from model_export.train.previews import Preview, contact_sheet
from model_export.train.sampler import Mixing, PictureSampler
from model_export.train.source import PictureSource, Source
from model_export.train.step import train_step
from model_export.train.warm_start import model_from_bundle
from server.domain.geometry import ResizeRule
from server.domain.ports import LoadedBundle

MEASURED = 32  # pictures on which batch norm's statistics are measured, at least


class Draws(Protocol):
    """The part of a source that a checkpoint holds: everything random in a step."""

    def state(self) -> dict[str, Any]: ...

    def load_state(self, state: dict[str, Any]) -> None: ...

    def reseed(self, seed: Sequence[int]) -> None: ...


def no_guidance(model: nn.Module) -> None:
    """Raises ValueError: there is nothing to cut."""
    raise ValueError(f"guidance is 'none', but {type(model).__name__} has none to cut: leave it out")


@dataclass(frozen=True)
class Task:
    """`step`: (network, source, config, input size, rounds) -> loss with gradient, figures for the log. `encoder`: the
    part that `freeze` means. `shown`: label of a figure in the printed line -> its name in the log. `sheet`: a contact
    sheet of predictions. `start`: the network of a bundle and what the model card is to say of it. `least_rounds`: of a
    step. `cut_guidance`: see `guidance` of the configuration. `resize`: how whole pictures are laid into the input;
    click models cut crops out of them."""

    make: Callable[[], nn.Module]
    source: Callable[[TrainConfig, World, Sequence[Picture]], Any]
    start: Callable[[TrainConfig, Any, World], tuple[nn.Module, dict[str, Any]]]
    step: Callable[[Any, Any, TrainConfig, int, int], tuple[Tensor, dict[str, Tensor]]]
    encoder: Callable[[Any], nn.Module]
    sheet: Callable[[Any, Sequence[Preview], torch.device], NDArray[np.uint8]]
    shown: Mapping[str, str]
    least_rounds: int = 2
    cut_guidance: Callable[[Any], None] = no_guidance
    resize: ResizeRule = "longest_side"


def task_of(config: TrainConfig) -> Task:
    """Raises ValueError when no network is called so."""
    known = sorted([*MODELS, *CLICK_MODELS])
    if config.model not in known:
        raise ValueError(f"no network is called {config.model!r}; known: {', '.join(known)}")
    if config.model in CLICK_MODELS:
        return Task(
            CLICK_MODELS[config.model], click_source, start_clicks, click_step, lambda model: model.coarse, click_sheet,
            {"coarse": "coarse_iou", "focus before": "focus_coarse_iou", "focus": "focus_iou"},
            least_rounds=1,  # only the last has a gradient, and first clicks are to be learnt too
            cut_guidance=lambda model: model.coarse.cut_guidance(),
        )  # fmt: skip
    return Task(
        MODELS[config.model], start_source, start_model, train_step, lambda model: model.encoder, contact_sheet,
        {
            "first best of 3": "first_best3", "by score": "first_by_score", "single": "first_single",
            "last": "last_single", "score error": "first_score_error",
        },
        resize=SegserveLite.resize,
    )  # fmt: skip


def picture_sampler(config: TrainConfig, pictures: Sequence[Picture]) -> PictureSampler:
    return PictureSampler(pictures, config.weights, config.seed, mixing_of(config, pictures), task_of(config).resize)


def mixing_of(config: TrainConfig, pictures: Sequence[Picture]) -> Mixing:
    """Where none of the sets `donors` is among the pictures, all give objects for pasting."""
    names = {picture.source for picture in pictures}
    donors = tuple(sorted(names & set(config.donors) or names))
    return Mixing(config.paste, donors, config.occlude, config.regions)


def share_of(config: TrainConfig, world: World) -> int:
    """Pictures of a step for each process. Raises ValueError when they cannot be split."""
    if config.pictures % world.size:
        raise ValueError(f"{config.pictures} pictures a step cannot be split over {world.size} processes")
    return config.pictures // world.size


def start_source(config: TrainConfig, world: World, pictures: Sequence[Picture]) -> Source:
    """Pictures of a step are split over the processes."""
    device, share = world.device(config.device), share_of(config, world)
    source: Source
    if (config.source or {"cuda": "device"}.get(config.device)) == "device":
        mixing = mixing_of(config, pictures)
        store = load_store(pictures, config.weights, mixing, device)
        source = DeviceSource(store, mixing, share, config.masks, task_of(config).resize)
    else:
        source = PictureSource(picture_sampler(config, pictures), share, config.masks, device)
    source.reseed((config.seed, world.rank))
    return source


def click_source(config: TrainConfig, world: World, pictures: Sequence[Picture]) -> ClickSource:
    """Raises ValueError for `source = "device"`: clicks are simulated on the CPU."""
    if config.source == "device":
        raise ValueError(f"source is 'device'; {config.model} draws its samples on the CPU: leave it out")
    share = share_of(config, world)
    drafts = Drafts(promptable(config.drafts)) if config.drafts else None
    source = ClickSource(picture_sampler(config, pictures), share, world.device(config.device), drafts)
    source.reseed((config.seed, world.rank))
    return source


def promptable(folder: str) -> LoadedBundle:
    """Raises BundleError or ValueError when the folder is no promptable bundle."""
    from model_export.export.build import open_bundle

    bundle = open_bundle(Path(folder))
    if bundle.manifest.kind != "promptable":
        raise ValueError(f"drafts is {folder!r}, of kind {bundle.manifest.kind}; it must be a promptable bundle")
    return bundle


def opened(config: TrainConfig) -> tuple[LoadedBundle, Path, dict[str, Any]]:
    """The bundle `config.start_from`, its file of weights, and what a model card says of it. Raises BundleError or
    ValueError when the folder is no bundle or has no torch weights."""
    from model_export.export.build import open_bundle  # ONNX and all, for this alone

    bundle = open_bundle(Path(config.start_from))
    weights = bundle.manifest.file_for("weights")
    if weights is None:
        raise ValueError(f"{config.start_from} does not keep its torch weights, so nothing can train on from it")
    origin = {"id": bundle.manifest.id, "revision": bundle.manifest.revision}
    return bundle, Path(bundle.directory) / weights, origin


def batches_to_measure(config: TrainConfig, world: World) -> int:
    return -(-MEASURED // max(1, config.pictures // world.size))


def start_model(config: TrainConfig, source: Source, world: World) -> tuple[nn.Module, dict[str, Any]]:
    """Batch norm's statistics are measured on the first process's pictures; a frozen encoder needs none and stays as it
    is to the bit."""
    _, weights, origin = opened(config)
    batches = []
    if not config.freeze:
        size = MODELS[config.model]().input_size
        batches = [source.batch(size) for _ in range(batches_to_measure(config, world))]
    pairs = [(batch.pixels.cpu(), batch.valid.cpu()) for batch in batches]
    return model_from_bundle(config.model, weights, pairs), origin


def start_clicks(config: TrainConfig, source: ClickSource, world: World) -> tuple[nn.Module, dict[str, Any]]:
    """From a bundle of the same network, or with the encoder of a promptable one. Raises ValueError when what is frozen
    would not be all there."""
    bundle, weights, origin = opened(config)
    if bundle.manifest.kind == "promptable":
        if config.freeze:
            raise ValueError(
                f"freeze is {config.freeze!r} but {config.start_from} is of kind promptable and has no coarse stage: "
                "start from an interactive bundle, or leave freeze out"
            )
        origin["part"] = "encoder"
    samples = [s for _ in range(batches_to_measure(config, world)) for s in source.samples(256)]
    model = click_model_from_bundle(
        config.model, bundle.manifest.kind, weights, samples, source.sampler.rng, frozen=bool(config.freeze)
    )
    return model, origin
