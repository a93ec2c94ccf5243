from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from model_export.train.config import TrainConfig
from model_export.train.muon import Muon, is_matrix, orthogonalised, parameter_groups


@pytest.mark.parametrize("shape", [(32, 48), (48, 32), (16, 16)])
def test_orthogonalised_keeps_directions_and_levels_their_strength(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    matrix = torch.randn(shape) @ torch.diag(torch.logspace(0, -1, shape[1]))
    values = torch.linalg.svdvals(orthogonalised(matrix))
    assert values.min() > 0.5
    assert values.max() < 1.3
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    assert torch.nn.functional.cosine_similarity(orthogonalised(matrix).flatten(), (u @ v).flatten(), 0) > 0.97


def test_matrices_are_dense_layers_and_convolutions() -> None:
    assert is_matrix(nn.Linear(32, 16).weight)
    assert is_matrix(nn.Conv2d(24, 32, 3).weight)
    assert not is_matrix(nn.Conv2d(32, 32, 3, groups=32).weight)
    assert not is_matrix(nn.Conv2d(32, 32, 5, groups=32).weight)
    assert not is_matrix(nn.Linear(32, 4).weight)
    assert not is_matrix(nn.Linear(32, 16).bias)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(20, 32), nn.GELU(), nn.Linear(32, 16))


def descend(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> float:
    torch.manual_seed(1)
    x, target = torch.randn(64, 20), torch.randn(64, 16)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (model(x) - target).square().mean()
        loss.backward()
        optimizer.step()
    return float(loss.detach())


def test_with_adamw_chosen_it_is_adamw() -> None:
    ours, theirs = network(), network()
    config = TrainConfig(optimizer="adamw")
    descend(ours, Muon(parameter_groups(list(ours.parameters()), config), 1e-2), 5)
    groups = [
        {"params": [p for p in theirs.parameters() if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in theirs.parameters() if p.ndim < 2], "weight_decay": 0.0},
    ]
    descend(theirs, torch.optim.AdamW(groups, 1e-2, fused=True), 5)
    for got, expected in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(got, expected)


def test_it_descends_and_goes_on_from_its_state() -> None:
    model = network()
    optimizer = Muon(parameter_groups(list(model.parameters()), TrainConfig()), 1e-2)
    assert len(optimizer.param_groups[0]["params"]) == 2
    first = descend(model, optimizer, 1)
    assert descend(model, optimizer, 100) < 0.6 * first
    other = copy.deepcopy(model)
    resumed = Muon(parameter_groups(list(other.parameters()), TrainConfig()), 1e-2)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    descend(model, optimizer, 3)
    descend(other, resumed, 3)
    for got, expected in zip(other.parameters(), model.parameters(), strict=True):
        assert torch.equal(got, expected)
