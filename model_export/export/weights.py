"""Weights on their way into a bundle: batch norm folded away, and those of our own networks rounded to float16 once and
for all. Every graph of the bundle is made after that, so torch and ONNX Runtime compute with the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from model_export.models import MODELS, make_network
from model_export.models.checkpoint import CheckpointError, fit, read_tensors
from model_export.models.lite import SegserveLite
from model_export.models.network import Network

Model = TypeVar("Model", bound=nn.Module)

HALF_FROM = 512  # a tensor with fewer values stays float32: it costs nothing


def fold_batch_norm(model: nn.Module) -> None:
    """Replace each (conv, batch norm) pair of a Sequential by one conv, in place; the model must be in eval mode."""
    for module in model.modules():
        if isinstance(module, nn.Sequential) and len(module) > 1 and isinstance(module[1], nn.BatchNorm2d):
            convolution = module[0]
            assert isinstance(convolution, nn.Conv2d)
            module[0] = fuse_conv_bn_eval(convolution, module[1])
            module[1] = nn.Identity()


def round_to_half(model: nn.Module) -> None:
    with torch.no_grad():
        for value in model.state_dict().values():
            if value.numel() >= HALF_FROM:
                value.copy_(value.half().float())


def open_checkpoint(name: str, checkpoint: Path) -> Network:
    """The network `name` as its graphs are made of it: of a training run, or a published one. In eval mode.

    Raises ValueError when the checkpoint is of another model or its tensors do not fit.
    """
    if name in MODELS:
        return load_checkpoint(name, checkpoint)
    from model_export.models.published import load_published

    model = load_published(name, checkpoint)
    fold_batch_norm(model)
    return model


def load_checkpoint(name: str, checkpoint: Path) -> SegserveLite:
    """As `averaged`."""
    return averaged(name, checkpoint, MODELS[name])


def averaged(name: str, checkpoint: Path, make: Callable[[], Model]) -> Model:
    """The averaged weights of a training run's checkpoint, folded and rounded, in eval mode. `make` gives the network.

    Raises ValueError when the checkpoint is of another model or its tensors do not fit.
    """
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    if state.get("model_name") != name:
        raise ValueError(f"{checkpoint} is a checkpoint of {state.get('model_name')!r}, not of {name!r}")
    model = make()
    model.load_state_dict(state["ema"])
    model.eval().requires_grad_(False)
    fold_batch_norm(model)
    round_to_half(model)
    return model


def dump_weights(model: nn.Module, network: str) -> bytes:
    """safetensors: float16 where that loses nothing, else float32; the metadata say of which network they are."""
    tensors: dict[str, Tensor] = {}
    for name, value in model.state_dict().items():
        half = value.half()
        tensors[name] = half if value.numel() >= HALF_FROM and torch.equal(half.float(), value) else value.contiguous()
    return save(tensors, {"network": network})


def network_of(path: Path, default: str) -> str:
    """The network's name in a file of weights; `default` where it says none, as those of the first bundles."""
    with safe_open(path, "pt") as file:
        return str((file.metadata() or {}).get("network", default))


def load_bundle_weights(name: str, path: Path) -> Network:
    """As `kept`."""
    return kept(name, path, make_network)


def kept(name: str, path: Path, make: Callable[[str], Model]) -> Model:
    """The float32 torch network of a bundle's `weights.safetensors`, strict. `name`: the network's, where the file does
    not say it; `make` gives a network by name. Raises ValueError when the file is of another network."""
    network = network_of(path, name)
    try:
        model = make(network).eval().requires_grad_(False)
    except ValueError as error:
        raise ValueError(f"{path.name} is of another network: {error}") from error
    fold_batch_norm(model)
    try:
        fit(model, read_tensors(path), f"the network {network!r}")
    except CheckpointError as error:
        raise ValueError(f"{path.name} does not fit the network {network!r}: {error}") from error
    return model
