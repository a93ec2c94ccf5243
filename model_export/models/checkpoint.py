"""Published checkpoints: opened without unpickling objects, and loaded strictly with words that name what differs."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

WRAPPERS = ("model", "state_dict")  # keys under which a training script may have put the weights
NAMED = 4  # names in a message, of each kind


class CheckpointError(ValueError):
    """A file that is not the checkpoint which is asked for; the message says what differs."""


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors by name of a `.safetensors` file or of one that `torch.save` wrote. Raises CheckpointError, as
    `read_content`, and for a file without tensors."""
    return tensors_in(read_content(path), path.name)


def read_content(path: Path) -> object:
    """What a `.safetensors` file or one that `torch.save` wrote holds, there weights-only: a pickle that holds anything
    but tensors, numbers, strings and containers is refused, unopened.

    Raises CheckpointError for a file that is missing, empty, cut short or of another kind.
    """
    if not path.is_file():
        raise CheckpointError(f"{path} is not a file")
    if path.stat().st_size == 0:
        raise CheckpointError(f"{path.name} is empty")
    return _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)


def tensors_in(content: object, name: str) -> dict[str, Tensor]:
    """The tensors in the content of the file `name`, bare or wrapped. Raises CheckpointError where there are none, or
    more than tensors."""
    for key in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
            break
    if not isinstance(content, Mapping):
        raise CheckpointError(f"{name} holds a {type(content).__name__}, not tensors by name")
    tensors = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    if not tensors:
        raise CheckpointError(f"{name} holds no tensors")
    if len(tensors) != len(content):
        other = [str(key) for key, value in content.items() if not isinstance(value, Tensor)]
        raise CheckpointError(f"{name} holds more than tensors: {listed(other)}")
    return tensors


def fit(module: nn.Module, tensors: Mapping[str, Tensor], what: str) -> None:
    """Load `tensors` into `module` as float32: every one used, none missing, shapes equal, values finite. `what` names
    the checkpoint in the message. Raises CheckpointError."""
    expected = module.state_dict()
    complaints = differences({name: value.shape for name, value in expected.items()}, tensors)
    if complaints:
        raise CheckpointError(f"this is not a checkpoint of {what}: {'; '.join(complaints)}")
    refuse_nonfinite(tensors, what)
    module.load_state_dict({name: value.to(expected[name].dtype) for name, value in tensors.items()})


def differences(expected: Mapping[str, torch.Size], tensors: Mapping[str, Tensor]) -> list[str]:
    """What differs between a layout and the tensors found, in words; empty where nothing does."""
    complaints = []
    if missing := [name for name in expected if name not in tensors]:
        complaints.append(f"{len(missing)} of {len(expected)} tensors are missing ({listed(missing)})")
    if surplus := [name for name in tensors if name not in expected]:
        complaints.append(f"{len(surplus)} do not belong to it ({listed(surplus)})")
    shapes = [
        f"{name} has shape {list(tensors[name].shape)}, not {list(shape)}"
        for name, shape in expected.items()
        if name in tensors and tensors[name].shape != shape
    ]
    if shapes:
        complaints.append(f"{len(shapes)} have another shape ({listed(shapes)})")
    return complaints


def refuse_nonfinite(tensors: Mapping[str, Tensor], what: str) -> None:
    """Raises CheckpointError when a value is NaN or infinite."""
    broken = [name for name, value in tensors.items() if value.is_floating_point() and not value.isfinite().all()]
    if broken:
        raise CheckpointError(f"the weights of {what} are damaged: {listed(broken)} hold values that are not finite")


def listed(names: Iterable[str]) -> str:
    """The first few names, and how many more there are."""
    every = list(names)
    rest = len(every) - NAMED
    return ", ".join(every[:NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _read_safetensors(path: Path) -> object:
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path.name} is not a whole safetensors file: {error}") from error


def _read_torch(path: Path) -> object:
    with path.open("rb") as file:
        head = file.read(4)
    if head[:2] not in (b"PK", b"\x80\x02"):  # an archive, or the pickle of torch before 1.6
        raise CheckpointError(f"{path.name} is not a file that torch.save wrote; it begins with {head!r}")
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path.name} holds Python objects beside its tensors, or is damaged, and is not opened for safety; save "
            "its state dict alone, or use its safetensors file"
        ) from error
    except Exception as error:  # torch raises many kinds for a damaged file
        raise CheckpointError(
            f"{path.name} cannot be read; it may be cut short or not a checkpoint at all: {_first_line(error)}"
        ) from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
