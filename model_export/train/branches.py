"""Runs that go apart from one checkpoint, and their mean (model soups, Wortsman et al. 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from model_export.train.run import most_of_each


def fork_checkpoint(path: Path, seed: int, out: Path) -> Path:
    """A copy of a run's checkpoint at `out` that goes on with other random draws. `out` must not exist."""
    if out.exists():
        raise ValueError(f"{out} exists already")
    state = torch.load(path, map_location="cpu", weights_only=True)
    state["random"], state["seed"] = [], seed
    out.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, out)
    return out


def average_checkpoints(paths: Sequence[Path], out: Path) -> Path:
    """Mean of the checkpoints' averaged weights, as a checkpoint that `export` takes; training cannot go on from it.

    The runs must share a start: weights trained apart from the beginning have no useful mean. Every set that any of
    them was trained on is kept for the model card. Raises ValueError when the checkpoints are of different models or
    shapes, or began with different bundles.
    """
    states: list[dict[str, Any]] = [torch.load(path, map_location="cpu", weights_only=True) for path in paths]
    first = states[0]
    shapes = {name: value.shape for name, value in first["ema"].items()}
    for path, state in zip(paths, states, strict=True):
        same = {name: value.shape for name, value in state["ema"].items()} == shapes
        if state["model_name"] != first["model_name"] or not same:
            raise ValueError(f"{path} is of another network than {paths[0]}")
        if state.get("origin", {}) != first.get("origin", {}):
            raise ValueError(f"{path} did not begin with the same bundle as {paths[0]}")
    mean = {}
    for name, value in first["ema"].items():
        stacked = torch.stack([state["ema"][name] for state in states])
        mean[name] = stacked.mean(0) if value.dtype.is_floating_point else value
    told = [state.get("training", {}) for state in states]
    averaged = {
        "model_name": first["model_name"],
        "ema": mean,
        "step": max(state["step"] for state in states),
        "seconds": max(state["seconds"] for state in states),
        "origin": first.get("origin", {}),
        "training": told[0] | {"pictures": most_of_each([each.get("pictures", {}) for each in told])},
        "runs": len(states),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    torch.save(averaged, out)
    return out
