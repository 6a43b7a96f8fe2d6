"""The Gauss-Newton and Fisher matrices are what their definitions say."""

import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from condlab.curvature import (
    HessianOperator,
    ModelLoss,
    empirical_fisher,
    gauss_newton,
    make_loss,
)
from tests.curvature.networks import NETWORKS, mlp, problem

AGREE = {"rtol": 1e-10, "atol": 1e-12}


def jacobian(loss, params, batch):
    """Return the Jacobian of the flattened outputs, one backward pass a row."""
    leaves = {n: p.detach().clone().requires_grad_() for n, p in params.items()}
    with sdpa_kernel(SDPBackend.MATH):
        outputs = loss.outputs(leaves, batch)
        rows = [
            torch.autograd.grad(z, list(leaves.values()), retain_graph=True)
            for z in outputs.reshape(-1)
        ]
    return outputs.detach(), torch.stack(
        [torch.cat([g.reshape(-1) for g in row]) for row in rows]
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_gauss_newton_is_the_criterion_seen_through_the_jacobian(name):
    loss, params, batches = problem(name)
    G = gauss_newton(loss, params, batches)
    whole = tuple(torch.cat(parts) for parts in zip(*batches, strict=True))
    outputs, J = jacobian(loss, params, whole)
    C = torch.autograd.functional.hessian(
        lambda z: loss.criterion(z.view_as(outputs), whole), outputs.reshape(-1)
    )
    torch.testing.assert_close(G.dense(), J.T @ C @ J, **AGREE)


def test_gauss_newton_of_a_linear_model_is_its_hessian():
    torch.manual_seed(0)
    net = nn.Linear(3, 2).double()
    loss, params = make_loss(net, nn.CrossEntropyLoss()), dict(net.named_parameters())
    batches = [(torch.randn(5, 3).double(), torch.tensor([0, 1, 1, 0, 1]))]
    G, H = (
        make(loss, params, batches).dense() for make in (gauss_newton, HessianOperator)
    )
    torch.testing.assert_close(G, H, **AGREE)


@pytest.mark.parametrize("name", ["mlp with cross-entropy", "group norm cnn", "lstm"])
def test_fisher_is_the_second_moment_of_the_gradients_of_samples(name):
    loss, params, batches = problem(name)
    F = empirical_fisher(loss, params, batches)
    expected = torch.zeros(F.shape, dtype=torch.float64)
    for x, y in batches:
        for i in range(len(x)):
            value = loss(params, (x[i : i + 1], y[i : i + 1]))
            g = F.flatten(
                dict(
                    zip(
                        params,
                        torch.autograd.grad(value, list(params.values())),
                        strict=True,
                    )
                )
            )
            expected += torch.outer(g, g) / 7
    torch.testing.assert_close(F.dense(), expected, **AGREE)


@pytest.mark.parametrize("make", [gauss_newton, empirical_fisher])
def test_block_is_the_submatrix(make):
    A = make(*problem("mlp with cross-entropy"))
    block = A.block(["0.weight", "2.bias"])
    n = A.shape[0]
    places = torch.cat([torch.arange(n)[A.layout.slices[k]] for k in block.params])
    torch.testing.assert_close(block.dense(), A.dense()[places][:, places], **AGREE)


def test_forgotten_graphs_give_the_same_numbers():
    for make in (gauss_newton, empirical_fisher):
        kept, forgotten = (
            make(*problem("mlp with mse"), memory=memory) for memory in (None, 0)
        )
        assert "rebuilt" in forgotten.backend
        v = torch.ones(kept.shape[0], dtype=torch.float64)
        torch.testing.assert_close(kept @ v, forgotten @ v, rtol=1e-14, atol=1e-16)


def test_gauss_newton_needs_outputs_and_fisher_needs_a_mean():
    _, params, batches = problem("mlp with mse")
    loss = make_loss(mlp().double(), nn.MSELoss())
    with pytest.raises(ValueError, match="outputs and a criterion apart"):
        gauss_newton(lambda p, b: loss(p, b), params, batches)
    summed = ModelLoss(loss.outputs, lambda z, b: (z - b[1]).square().sum())
    with pytest.raises(ValueError, match="mean over its samples"):
        empirical_fisher(summed, params, batches)


def test_model_that_ignores_its_parameters_has_zero_gauss_newton_matrix():
    loss = ModelLoss(lambda p, x: x, lambda z, x: z.square().mean())
    params = {"w": torch.ones(2, dtype=torch.float64)}
    G = gauss_newton(loss, params, [torch.ones(3, dtype=torch.float64)])
    assert torch.equal(G.dense(), torch.zeros(2, 2, dtype=torch.float64))
