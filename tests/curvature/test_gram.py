"""The Gauss-Newton matrix's condition, from outputs rather than parameters."""

import math

import pytest
import torch

from condlab.curvature import (
    HessianOperator,
    ModelLoss,
    gauss_newton,
    gauss_newton_condition,
)
from tests.curvature.networks import NETWORKS, problem


@pytest.mark.parametrize("name", NETWORKS)
def test_brackets_hold_what_the_dense_matrix_has(name):
    G = gauss_newton(*problem(name))
    found = gauss_newton_condition(G)
    values = torch.linalg.eigvalsh(G.dense()).flip(0)
    rank = G.shape[0] - found.nullity
    assert 0 < rank < G.shape[0]  # the same rows of softmax outputs sum to zero
    floor = 100 * G.shape[0] * torch.finfo(G.dtype).eps * float(values[0])
    assert float(values[rank:].abs().max()) < floor
    kappa = float(values[0] / values[rank - 1])
    found_kappa = found.kappa_nonnull
    slack = kappa * floor / float(values[0])  # LAPACK's own error, relative
    assert found_kappa.lower * (1 - slack) <= kappa <= found_kappa.upper * (1 + slack)
    assert found.kappa.value == math.inf
    assert float(values[0]) == pytest.approx(found.lambda_max.upper, rel=1e-10)


def test_more_outputs_than_parameters_are_no_obstacle():
    torch.manual_seed(0)
    x = torch.randn(30, 2, dtype=torch.float64)
    loss = ModelLoss(lambda p, x: x @ p["w"], lambda z, x: z.square().mean())
    G = gauss_newton(loss, {"w": torch.ones(2, dtype=torch.float64)}, [x])
    values = torch.linalg.eigvalsh(2 * x.T @ x / 30)
    found = gauss_newton_condition(G)
    assert found.nullity == 0
    assert found.kappa.value == pytest.approx(float(values[1] / values[0]), rel=1e-10)


def test_what_is_no_gauss_newton_matrix_and_no_convex_criterion_are_refused():
    with pytest.raises(ValueError, match="make it with gauss_newton"):
        gauss_newton_condition(HessianOperator(*problem("mlp with mse")))
    loss = ModelLoss(lambda p, x: x @ p["w"], lambda z, x: -z.square().mean())
    batch = torch.eye(3, dtype=torch.float64)[:1]
    G = gauss_newton(loss, {"w": torch.ones(3, dtype=torch.float64)}, [batch])
    with pytest.raises(ValueError, match="must be convex"):
        gauss_newton_condition(G)
