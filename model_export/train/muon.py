"""Muon (Jordan et al. 2024) for matrices, AdamW for the rest, as one optimizer with one checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from model_export.train.config import TrainConfig

MOMENTUM = 0.95
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic Newton-Schulz step, from the authors
ITERATIONS = 5
ADAM_RMS = 0.2  # typical root mean square of AdamW's update, so that one learning rate serves both (Liu et al. 2025)
LEAST_SIDE = 16


def is_matrix(weight: Tensor) -> bool:
    """A dense layer or convolution as outputs x inputs with both sides large enough to have directions to balance; no
    depthwise convolution, whose filters have nothing to do with each other."""
    depthwise = weight.ndim == 4 and weight.shape[1] == 1
    return weight.ndim >= 2 and not depthwise and min(weight.shape[0], weight.numel() // weight.shape[0]) >= LEAST_SIDE


def parameter_groups(parameters: Sequence[nn.Parameter], config: TrainConfig) -> list[dict[str, Any]]:
    """For `Muon`: matrices, which it moves if `config.optimizer` says so; further weights that decay; the rest."""
    muon = config.optimizer == "muon"
    return [
        {
            "params": [p for p in parameters if muon and is_matrix(p)],
            "weight_decay": config.weight_decay,
            "matrix": True,
        },
        {
            "params": [p for p in parameters if p.ndim >= 2 and not (muon and is_matrix(p))],
            "weight_decay": config.weight_decay,
            "matrix": False,
        },
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0, "matrix": False},
    ]


def orthogonalised(matrix: Tensor) -> Tensor:
    """[m, n] -> nearly the closest matrix with all singular values 1, bfloat16 inside."""
    a, b, c = COEFFICIENTS
    x = matrix.bfloat16()
    wide = x if x.shape[0] <= x.shape[1] else x.T
    wide = wide / (wide.norm() + 1e-7)
    for _ in range(ITERATIONS):
        gram = wide @ wide.T
        wide = a * wide + (b * gram + c * gram @ gram) @ wide
    result: Tensor = wide if x.shape[0] <= x.shape[1] else wide.T
    return result.to(matrix.dtype)


class Muon(torch.optim.AdamW):
    """Parameters of groups with `matrix` true move along the orthogonalised momentum of their gradient."""

    def __init__(self, groups: list[dict[str, Any]], lr: float) -> None:
        super().__init__(groups, lr, fused=True)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        held: list[tuple[nn.Parameter, Tensor]] = []
        for group in self.param_groups:
            for weight in group["params"] if group["matrix"] else ():
                if weight.grad is not None:
                    self._move(weight, group["lr"], group["weight_decay"])
                    held.append((weight, weight.grad))
                    weight.grad = None
        super().step()
        for weight, gradient in held:
            weight.grad = gradient

    def _move(self, weight: nn.Parameter, rate: float, decay: float) -> None:
        gradient = weight.grad
        assert gradient is not None
        state = self.state[weight]
        momentum = state.setdefault("momentum", torch.zeros_like(weight))
        state.setdefault("step", torch.tensor(0.0))  # AdamW looks for it when it loads a state
        momentum.lerp_(gradient, 1 - MOMENTUM)
        ahead = gradient.lerp(momentum, MOMENTUM).reshape(weight.shape[0], -1)
        update = orthogonalised(ahead)
        weight.mul_(1 - rate * decay)
        weight.add_(update.reshape(weight.shape), alpha=-rate * ADAM_RMS * max(update.shape) ** 0.5)
