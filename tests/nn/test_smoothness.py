"""Shares of the gradient that weight standardization removes."""

import pytest
import torch
from torch import nn

from condlab.nn import gradient_shares, normalise_weights


def problem(*layers, seed=0):
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Conv2d(3, 5, 3, bias=False), *layers, nn.Flatten()).double()
    x = torch.randn(7, 3, 6, 6, dtype=torch.float64)
    target = torch.randn_like(net(x))
    return net, lambda: (net(x) - target).square().mean()


def test_the_stored_gradient_has_what_neither_step_removes():
    """Equations 12, 15: sigma² |grad W|² = |grad Ŵ|² - <1, grad>²/I - <Ŵ, grad>²/I."""
    net, loss = problem(nn.Tanh())
    sigma = net[0].weight.detach().flatten(1).std(dim=1, correction=0)
    normalise_weights(net, "standardize", eps_place="none")
    (shares,) = gradient_shares(net, loss).values()
    stored = net[0].parametrizations.weight.original
    (slope,) = torch.autograd.grad(loss(), stored)
    kept = (sigma[:, None] * slope.flatten(1)).square().sum(dim=1)
    effective = effective_gradient(net, loss).flatten(1).square().sum(dim=1)
    assert (kept / effective).numpy() == pytest.approx(shares.kept.numpy(), rel=1e-9)


def effective_gradient(net, loss):
    """Return the gradient of the weight that is multiplied with, put in by hand."""
    W = net[0].weight.detach().requires_grad_()
    nn.utils.parametrize.remove_parametrizations(net[0], "weight")
    with torch.no_grad():
        net[0].weight.copy_(W)
    return torch.autograd.grad(loss(), net[0].weight)[0]


@pytest.mark.parametrize("method", [None, "standardize", "center", "weight_norm"])
def test_shares_sum_to_one(method):
    net, loss = problem(nn.Tanh())
    if method:
        normalise_weights(net, method)
    (shares,) = gradient_shares(net, loss).values()
    total = shares.centring + shares.dividing + shares.kept
    assert total.numpy() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("norm", [nn.BatchNorm2d, nn.InstanceNorm2d])
def test_a_norm_behind_leaves_dividing_nothing_to_remove(norm):
    """Its output ignores the rows' lengths, so the gradient is orthogonal to them."""
    net, loss = problem(norm(5, eps=1e-12), nn.Tanh())
    normalise_weights(net, "standardize")
    (shares,) = gradient_shares(net, loss).values()
    assert float(shares.dividing.max()) < 1e-18
    assert float(shares.centring.max()) > 1e-3


def test_every_group_and_unused_layer_is_told_apart():
    torch.manual_seed(0)
    net = nn.ModuleDict({"used": nn.Conv2d(4, 6, 3, groups=2), "not": nn.Linear(2, 2)})
    x = torch.randn(2, 4, 5, 5)
    shares = gradient_shares(net, lambda: net["used"](x).square().sum())
    assert list(shares) == ["used.weight"]
    assert shares["used.weight"].kept.shape == (6,)


def test_rows_without_a_gradient_or_a_direction():
    layer = nn.Linear(3, 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 1.0, 1.0], [1.0, 2.0, 4.0]]))
    shares = gradient_shares(layer, lambda: layer(torch.tensor([1.0, 0.0, 2.0]))[0])
    assert float(shares["weight"].dividing[0]) == 0.0
    assert bool(shares["weight"].kept[1].isnan())
