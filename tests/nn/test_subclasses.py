"""Subclasses that change how a layer applies its weight."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from condlab.nn import (
    Layout,
    condition,
    describe,
    effective_weights,
)


class Masked(nn.Linear):
    """Of masked autoregressive networks."""

    def forward(self, x):
        return F.linear(x, self.weight.tril(), self.bias)


class MaskedByHand(nn.Linear):
    def forward(self, x):
        return x @ (self.weight * self.weight.new_ones(self.weight.shape).tril()).T + 1


class Equalised(nn.Linear):
    """Of equalised learning rates."""

    def forward(self, x):
        return F.linear(x, self.weight * 0.25, self.bias)


class Activated(nn.Linear):
    def forward(self, x):
        return F.gelu(super().forward(x))


class Standardized(nn.Conv2d):
    """StdConv2d of Big Transfer."""

    def forward(self, x):
        w = self.weight
        var, mean = torch.var_mean(w, dim=(1, 2, 3), keepdim=True, correction=0)
        w = (w - mean) / torch.sqrt(var + 1e-10)
        return F.conv2d(x, w, self.bias, self.stride, self.padding)


class SamePadded(nn.Conv2d):
    def forward(self, x):
        return super().forward(F.pad(x, (1, 1, 1, 1)))


class MaskedKernel(nn.Conv1d):
    """Of PixelCNN; it overrides what nn.Conv1d.forward calls."""

    def _conv_forward(self, x, weight, bias):
        mask = torch.ones_like(weight)
        mask[..., -1] = 0
        return super()._conv_forward(x, weight * mask, bias)


class Scaled(nn.Embedding):
    def forward(self, tokens):
        return super().forward(tokens) * 3.0


class Positions(nn.Embedding):
    def forward(self, shape, past):
        return super().forward(torch.arange(past, past + shape[1]))


class Wants(nn.Linear):
    def forward(self, x, adapter):
        return F.linear(x, self.weight + adapter)


def standardized(W):
    var, mean = torch.var_mean(W, dim=(1, 2, 3), keepdim=True, correction=0)
    return (W - mean) / torch.sqrt(var + 1e-10)


# the layer, what it multiplies with, and whether its weight is applied as it is stored
SUBCLASSES = {
    "masked": (lambda: Masked(4, 4), lambda W: W.tril(), False),
    "by hand": (lambda: MaskedByHand(5, 3), lambda W: W.tril(), False),
    "equalised": (lambda: Equalised(4, 3), lambda W: W * 0.25, True),
    "activated": (lambda: Activated(4, 3), lambda W: W, True),
    "standardized": (lambda: Standardized(2, 4, 3, padding=1), standardized, False),
    "same padded": (
        lambda: SamePadded(2, 4, 3, stride=2, bias=False),
        lambda W: W,
        True,
    ),
    "kernel": (
        lambda: MaskedKernel(2, 4, 3),
        lambda W: torch.cat([W[..., :-1], 0 * W[..., -1:]], -1),
        False,
    ),
    "scaled": (lambda: Scaled(7, 3), lambda W: 3 * W, True),
    "positions": (lambda: Positions(7, 3), lambda W: W, True),
}


@pytest.mark.parametrize("name", SUBCLASSES)
def test_effective_weight_of_a_subclass_is_what_it_multiplies_with(name):
    torch.manual_seed(0)
    make, applied, _ = SUBCLASSES[name]
    layer = make().double().requires_grad_()
    W = layer.weight.detach()
    found = effective_weights(nn.Sequential(layer))["0"]
    expected = applied(W).flatten(1)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    assert torch.equal(layer.weight, W)


@pytest.mark.parametrize("name", SUBCLASSES)
def test_only_weights_that_are_applied_as_stored_are_conditioned(name):
    torch.manual_seed(0)
    make, applied, as_stored = SUBCLASSES[name]
    net = nn.Sequential(make(), nn.Linear(4, 4))
    found = {w.name: w for w in describe(condition(net)).weights}["0.weight"]
    if as_stored:
        assert found.methods == ("row",)
        assert not found.altered_by
        V = effective_weights(net)["0"]
        norms = V.norm(dim=1)
        torch.testing.assert_close(norms, norms[:1].expand_as(norms))
        return
    kind = type(make()).__name__
    assert f"{kind}.forward does not apply it as it is stored" in found.reason
    with pytest.raises(ValueError, match=rf"kinds={{{kind}: Layout\(\)}}"):
        condition(make())
    condition(net, kinds={type(make()): Layout()}, layers="0")
    found = {w.name: w for w in describe(net).weights}["0.weight"]
    assert found.altered_by == kind
    assert f"row, changed again by {kind}" in str(describe(net))
    V = net[0].weight.detach()
    torch.testing.assert_close(V.flatten(1).norm(dim=1), torch.ones(len(V)))
    expected = applied(V.double()).float().flatten(1)
    torch.testing.assert_close(effective_weights(net)["0"], expected)


def test_layer_that_cannot_be_measured_has_no_effective_weight():
    net = nn.Sequential(nn.Linear(3, 3), Wants(3, 3))
    assert list(effective_weights(net)) == ["0"]
    reasons = {w.name: w.reason for w in describe(condition(net)).left_alone}
    assert "Wants.forward" in reasons["1.weight"]
    condition(net, layers="1", kinds={Wants: Layout()})
    assert list(effective_weights(net, kinds={Wants: Layout()})) == ["0", "1"]


def test_an_object_whose_own_forward_is_replaced_is_measured_too():
    layer = nn.Linear(3, 3)
    inner = layer.forward
    layer.forward = lambda x: inner(2 * x)
    found = effective_weights(nn.Sequential(layer))["0"]
    torch.testing.assert_close(found, 2 * layer.weight.detach())


def test_measuring_touches_neither_the_layer_nor_the_random_numbers():
    torch.manual_seed(0)
    layer = Standardized(2, 4, 3)
    state = torch.get_rng_state()
    before = {n: v.clone() for n, v in layer.state_dict().items()}
    effective_weights(nn.Sequential(layer))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(v, before[n]) for n, v in layer.state_dict().items())
    assert layer.training
