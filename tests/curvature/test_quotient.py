"""Plain and conditioned networks are compared on the same space of directions."""

import copy
import math

import pytest
import torch
from torch import nn

from condlab.curvature import (
    HessianOperator,
    compare,
    hold_lengths,
    line_numbers,
    make_loss,
    normalised_lines,
    sphere,
)
from condlab.nn import condition

CRITERION = nn.MSELoss()


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()


def data(seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(20, 3, generator=generator, dtype=torch.float64)
    return [(x, torch.randn(20, 2, generator=generator, dtype=torch.float64))]


def of_rows(net):
    return {
        name: line_numbers(p) for name, p in net.named_parameters() if "weight" in name
    }


def test_lengths_one_are_equilibration():
    net, batches = network(), data()
    twin = condition(copy.deepcopy(net))
    params = dict(net.named_parameters())
    held = hold_lengths(make_loss(net, CRITERION), params, of_rows(net), length=1.0)
    value = CRITERION(twin(batches[0][0]), batches[0][1])
    torch.testing.assert_close(held(params, batches[0]), value)


def test_a_network_whose_rows_are_units_is_its_own_twin():
    net = network()
    with torch.no_grad():
        for layer in (net[0], net[2]):
            layer.weight /= layer.weight.norm(dim=1, keepdim=True)
    found = compare(net, CRITERION, data())
    kappa = found.plain.kappa_nonnull.value
    assert found.conditioned.kappa_nonnull.value == pytest.approx(kappa, rel=1e-9)
    assert found.ratio.lower <= 1 <= found.ratio.upper


def test_held_lengths_give_the_riemannian_hessian_of_the_plain_loss():
    net, batches = network(), data()
    params, loss = dict(net.named_parameters()), make_loss(net, CRITERION)
    K = sphere(
        HessianOperator(hold_lengths(loss, params, of_rows(net)), params, batches),
        of_rows(net),
    )
    H = HessianOperator(loss, params, batches)
    v = torch.randn(K.shape[0], generator=torch.Generator().manual_seed(1)).double()
    motion = H.unflatten(K.lift(v))  # along the spheres
    gradient = H.unflatten(H.gradient())
    straight = K.lift(v) @ (H @ K.lift(v))
    bent = sum(
        (
            (gradient[name] * params[name]).sum(dim=1)
            * (motion[name].square().sum(dim=1) / params[name].square().sum(dim=1))
        ).sum()
        for name in of_rows(net)
    )
    torch.testing.assert_close(v @ (K @ v), straight - bent.detach())


def test_the_comparison_ignores_the_lengths_of_rows_of_the_conditioned_network():
    net, batches = network(), data()
    found = compare(net, CRITERION, batches)
    bigger = copy.deepcopy(net)
    with torch.no_grad():
        bigger[0].weight *= 10
    other = compare(bigger, CRITERION, batches)
    kappa = found.conditioned.kappa_nonnull.value
    assert other.conditioned.kappa_nonnull.value == pytest.approx(kappa, rel=1e-8)
    assert other.plain.kappa_nonnull.value != pytest.approx(
        found.plain.kappa_nonnull.value, rel=0.1
    )


@pytest.mark.parametrize("method", ["row", "column", "row_column"])
def test_both_hessians_have_one_dimension_less_a_line(method):
    net = network()
    found = compare(net, CRITERION, data(), method=method)
    lines = normalised_lines(condition(copy.deepcopy(net), method))
    count = sum(int(numbers.max()) + 1 for numbers in lines.values())
    size = sum(p.numel() for p in net.parameters()) - count
    assert found.plain.size == found.conditioned.size == size
    ratio = found.conditioned.kappa_nonnull.value / found.plain.kappa_nonnull.value
    assert found.ratio.lower <= ratio <= found.ratio.upper
    assert math.isfinite(ratio)


def test_ruiz_has_no_quotient():
    with pytest.raises(ValueError, match="no line whose length is ignored"):
        compare(network(), CRITERION, data(), method="ruiz")
