"""A network to train on from, out of a bundle's `weights.safetensors`, where batch norm is folded into convolutions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from model_export.models import MODELS
from model_export.models.lite import SegserveLite


def normalised_pairs(model: nn.Module) -> Iterator[tuple[str, nn.BatchNorm2d]]:
    """(name of the Sequential, its batch norm) for each (conv, batch norm) pair that `fold_batch_norm` would fold."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Sequential) and len(module) > 1 and isinstance(module[1], nn.BatchNorm2d):
            yield name, module[1]


def unfold_batch_norm(model: nn.Module, folded: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a folded network in the names of the unfolded one; each batch norm is the identity plus the bias."""
    weights = dict(folded)
    for name, norm in normalised_pairs(model):
        bias = weights.pop(f"{name}.0.bias", None)
        if bias is None:
            continue
        weights[f"{name}.1.bias"] = bias
        weights[f"{name}.1.weight"] = torch.ones_like(bias)
        weights[f"{name}.1.running_mean"] = torch.zeros_like(bias)
        weights[f"{name}.1.running_var"] = torch.full_like(bias, 1 - norm.eps)
        weights[f"{name}.1.num_batches_tracked"] = torch.tensor(0)
    return weights


@torch.no_grad()
def measure_statistics(model: nn.Module, forwards: Iterable[Callable[[], object]]) -> None:
    """Give each batch norm that `forwards` run through the mean and variance that it sees there and scale and shift so
    that the network's function in eval mode stays what it was: in train mode it then starts close to it too."""
    sums: dict[nn.BatchNorm2d, list[Tensor]] = {norm: [] for _, norm in normalised_pairs(model)}

    def watch(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        x = inputs[0].float()
        sums[norm].append(torch.stack([x.mean((0, 2, 3)), (x * x).mean((0, 2, 3))]))

    hooks = [norm.register_forward_pre_hook(watch) for norm in sums]
    model.eval()
    for forward in forwards:
        forward()
    for hook in hooks:
        hook.remove()
    for norm, seen in sums.items():
        if not seen:
            continue
        mean, square = torch.stack(seen).mean(0)
        variance = (square - mean**2).clamp(min=1e-4)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.add_(mean)


def completed(weights: dict[str, Tensor], model: SegserveLite) -> dict[str, Tensor]:
    """`weights` of an earlier bundle, and the parts that it lacks as `model` has them: they change nothing at first."""
    result = dict(weights)
    for part in model.identity_at_first:
        if not any(name.startswith(part) for name in weights):
            result |= {name: value for name, value in model.state_dict().items() if name.startswith(part)}
    return result


def model_from_bundle(name: str, path: Path, batches: Sequence[tuple[Tensor, Tensor]]) -> SegserveLite:
    """The trainable float32 network with the weights of the safetensors file `path`.

    `batches`: a few (pixels uint8 [B, S, S, 3], valid_size int64 [B, 2]) of the pictures to train on. Without any,
    batch norm is the identity plus the bias, which only an encoder that stays in eval mode can use.
    An earlier bundle may lack parts that are the identity at first.
    Raises ValueError when the file is of another network.
    """
    model = MODELS[name]()
    folded = {key: value.float() for key, value in load_file(path).items()}
    try:
        model.load_state_dict(unfold_batch_norm(model, completed(folded, model)))
    except RuntimeError as error:
        raise ValueError(f"the weights in {path} are not those of {name}: {error}") from error
    if batches:
        measure_statistics(model, [partial(model.encoder, *batch) for batch in batches])
    return model
