"""Frozen scalings, gains, and weights that are kept in eval mode and never stale."""

import copy
import gc

import pytest
import torch
from torch import nn
from torch.func import functional_call, vmap

from condlab.nn import condition, effective_weights
from tests.nn.conditioning.layers import EPS32, LAYERS, made, raw


def test_frozen_gradient_takes_the_scaling_for_a_constant():
    layer, _ = made("wide linear")
    condition(layer, frozen=True)
    x = torch.randn(6, 7).double()
    layer(x).pow(2).sum().backward()
    W = raw(layer).detach().requires_grad_()
    norms = W.detach().norm(dim=1, keepdim=True)
    nn.functional.linear(x, W / norms, layer.bias).pow(2).sum().backward()
    torch.testing.assert_close(raw(layer).grad, W.grad)


def steps(layer: nn.Module, count: int) -> list[torch.Tensor]:
    """Return the effective row norms before each of some optimiser steps."""
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.3)
    norms = []
    for _ in range(count):
        norms.append(layer.weight.detach().norm(dim=1))
        optimiser.zero_grad()
        layer(torch.ones(2, 3)).square().sum().backward()
        optimiser.step()
    return norms


@pytest.mark.parametrize("every", [1, 3, None])
def test_frozen_scaling_is_refreshed_every_so_many_steps(every):
    torch.manual_seed(0)
    layer = condition(nn.Linear(3, 2), frozen=True, every=every)
    unit = [bool(((n - 1).abs() <= 4 * EPS32).all()) for n in steps(layer, 7)]
    expected = {
        1: [True] * 7,
        3: [True, False, False, True, False, False, True],
        None: [True] + [False] * 6,
    }
    assert unit == expected[every]


def test_reading_a_frozen_weight_often_counts_as_one_step():
    layer = condition(nn.Linear(3, 2), frozen=True, every=2)
    with torch.no_grad():
        _ = layer.weight
        raw(layer).mul_(2)
        norms = [layer.weight.norm(dim=1) for _ in range(4)]
    assert all(torch.allclose(n, torch.tensor(2.0)) for n in norms)


def test_frozen_scaling_survives_saving_and_eval():
    torch.manual_seed(0)
    layer = condition(nn.Linear(3, 2), "row_column", frozen=True, every=None)
    steps(layer, 3)
    other = condition(nn.Linear(3, 2), "row_column", frozen=True, every=None)
    other.load_state_dict(layer.state_dict())
    x = torch.randn(4, 3)
    assert torch.equal(layer.eval()(x), other.eval()(x))


@pytest.mark.parametrize("name", LAYERS)
def test_gain_starts_at_one_and_scales_each_output(name):
    layer, tensor = made(name)
    plain = condition(copy.deepcopy(layer))
    condition(layer, gain=True)
    assert torch.equal(getattr(layer, tensor), getattr(plain, tensor))
    gain = layer.parametrizations[tensor][0].gain
    assert gain.numel() == layer.bias.numel()
    values = torch.arange(1.0, gain.numel() + 1).double()
    with torch.no_grad():
        gain.copy_(values.reshape(gain.shape))
    torch.testing.assert_close(
        effective_weights(layer)["weight"],
        values[:, None] * effective_weights(plain)["weight"],
    )


def test_scalar_gain_is_one_number_that_trains():
    layer = condition(nn.Linear(3, 2), gain="scalar")
    gain = layer.parametrizations.weight[0].gain
    layer(torch.ones(1, 3)).sum().backward()
    assert gain.shape == ()
    assert gain.grad is not None


def evaluated(layer: nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return layer.weight


def test_eval_computes_the_weight_once():
    layer = condition(nn.Linear(3, 2)).eval()
    assert evaluated(layer) is evaluated(layer)
    with torch.inference_mode():
        assert layer.weight is evaluated(layer)


CHANGES = {
    "optimiser": lambda layer, new: torch.optim.SGD([raw(layer)], lr=1.0).step(),
    "foreach": lambda layer, new: torch.optim.SGD(
        [raw(layer)], lr=1.0, foreach=True
    ).step(),
    "fused adam": lambda layer, new: torch.optim.Adam(
        [raw(layer)], lr=1.0, fused=True
    ).step(),
    "load_state_dict": lambda layer, new: layer.load_state_dict(
        {**layer.state_dict(), "parametrizations.weight.original": new}
    ),
    "assign": lambda layer, new: layer.load_state_dict(
        {**layer.state_dict(), "parametrizations.weight.original": new}, assign=True
    ),
    "in place": lambda layer, new: raw(layer).detach().copy_(new),
    "one entry": lambda layer, new: raw(layer).detach()[0].fill_(9),
    "new data": lambda layer, new: setattr(raw(layer), "data", new),
    "weight set": lambda layer, new: setattr(layer, "weight", new),
    "to double": lambda layer, new: layer.double(),
    "writes to .data, then eval": lambda layer, new: (
        raw(layer).data.copy_(new),
        layer.eval(),
    ),
    "the kept weight itself": lambda layer, new: evaluated(layer).mul_(5),
}


@pytest.mark.parametrize("change", CHANGES)
def test_kept_weight_follows_every_change(change):
    torch.manual_seed(0)
    layer = condition(nn.Linear(3, 2)).eval()
    evaluated(layer)
    raw(layer).grad = torch.ones(2, 3)
    with torch.no_grad():
        CHANGES[change](layer, torch.randn(2, 3))
    W = raw(layer).detach()
    assert evaluated(layer).dtype == W.dtype
    torch.testing.assert_close(evaluated(layer), W / W.norm(dim=1, keepdim=True))


def test_kept_weight_follows_the_gain_and_the_frozen_scaling():
    layer = condition(nn.Linear(3, 2), gain=True, frozen=True, every=None).eval()
    before = evaluated(layer)
    with torch.no_grad():
        layer.parametrizations.weight[0].gain.mul_(2)
    torch.testing.assert_close(evaluated(layer), 2 * before)
    layer.parametrizations.weight[0].left.mul_(4)
    torch.testing.assert_close(evaluated(layer), before / 2)


def test_kept_weight_is_not_used_where_a_gradient_is_wanted():
    layer = condition(nn.Linear(3, 2)).eval()
    evaluated(layer)
    layer(torch.ones(1, 3)).sum().backward()
    assert raw(layer).grad is not None


def test_kept_weight_is_not_used_for_other_parameters():
    layer = condition(nn.Linear(3, 2)).eval()
    evaluated(layer)
    other = {"parametrizations.weight.original": torch.randn(2, 3)}
    x = torch.eye(3)
    with torch.no_grad():
        found = functional_call(layer, other, x)
        W = other["parametrizations.weight.original"]
        expected = nn.functional.linear(x, W / W.norm(dim=1, keepdim=True), layer.bias)
        torch.testing.assert_close(found, expected)
        both = vmap(lambda w: functional_call(layer, {next(iter(other)): w}, x))(
            torch.stack([W, raw(layer)])
        )
        torch.testing.assert_close(both, torch.stack([expected, layer(x)]))


def test_a_copy_keeps_nothing_of_the_original():
    layer = condition(nn.Linear(3, 2)).eval()
    evaluated(layer)
    twin = copy.deepcopy(layer)
    with torch.no_grad():
        raw(twin).copy_(torch.randn(2, 3))
        del layer
        gc.collect()
        W = raw(twin)
        torch.testing.assert_close(twin.weight, W / W.norm(dim=1, keepdim=True))
