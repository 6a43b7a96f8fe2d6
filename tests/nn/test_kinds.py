"""Layers of kinds that condlab does not know, and subclasses that change a weight."""

import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from condlab.nn import (
    Layout,
    condition,
    describe,
    effective_weights,
    fold,
    normalise_weights,
    uncondition,
)
from tests.nn.formulas import FORMULAS

EPS64 = torch.finfo(torch.float64).eps


class Dense(nn.Module):
    """A linear layer of somebody else's, weight (outputs, inputs)."""

    def __init__(self, outputs: int, inputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs).double())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight.T


class Experts(nn.Module):
    """As transformers' mixtures keep them: (experts, outputs, inputs)."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Parameter(torch.randn(3, 8, 4).double())
        self.down = nn.Parameter(torch.randn(3, 8, 4).double())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = torch.einsum("eoi,...i->...eo", self.up, x)
        return torch.einsum("ehd,...eh->...d", self.down, hidden.tanh())


class Mixture(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.experts = nn.Linear(4, 4).double(), Experts()
        self.last = Dense(2, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.experts(self.first(x)))


KINDS = {
    Dense: Layout(),
    Experts: {"up": Layout(stacked=True), "down": Layout(output_axis=1, stacked=True)},
}


def mixture() -> Mixture:
    torch.manual_seed(0)
    return Mixture()


@pytest.mark.parametrize("method", ["row", "column", "row_column", "ruiz"])
def test_every_matrix_of_a_stack_follows_the_formula(method):
    net = mixture()
    stored = {n: p.detach().numpy().copy() for n, p in net.named_parameters()}
    condition(net, method, kinds=KINDS)
    found = effective_weights(net)  # known by now, without being told again
    assert len(found) == 1 + 3 + 3 + 1
    for i in range(3):
        for name, W in (("up", stored["experts.up"][i]), ("down", None)):
            W = stored["experts.down"][i].T if W is None else W
            expected = FORMULAS[method](W.copy())
            np.testing.assert_allclose(
                found[f"experts.{name}.{i}"], expected, rtol=1e-12, atol=1e-14
            )
    expected = FORMULAS[method](stored["last.weight"].copy())
    np.testing.assert_allclose(found["last"], expected, rtol=1e-12, atol=1e-14)


def test_gates_within_a_stack_are_matrices_of_their_own():
    W = torch.randn(3, 8, 4).double()
    layout = Layout(groups=2, stacked=True)
    assert torch.equal(layout.matrices(W), W.reshape(6, 4, 4))
    assert torch.equal(layout.merge(layout.split(W)), W)
    assert torch.equal(layout.unmatrix(layout.matrices(W), W.shape), W)
    turned = Layout(output_axis=1, stacked=True)
    assert torch.equal(turned.matrices(W), W.mT)
    assert torch.equal(turned.unmatrix(turned.matrices(W), W.shape), W)


@pytest.mark.parametrize(
    "method", ["jacobi", "standardize", "weight_norm", "orthogonal_weight_norm"]
)
def test_other_methods_take_stacks_matrix_by_matrix(method):
    class Square(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(3, 4, 4).double())

    torch.manual_seed(0)
    stack = Square()
    singles = [nn.Linear(4, 4, bias=False).double() for _ in range(3)]
    with torch.no_grad():
        for single, W in zip(singles, stack.weight, strict=True):
            single.weight.copy_(W)
    normalise_weights(stack, method, kinds={Square: Layout(stacked=True)})
    for i, single in enumerate(singles):
        normalise_weights(single, method)
        torch.testing.assert_close(stack.weight[i], single.weight)
    with pytest.raises(ValueError, match="one matrix"):
        normalise_weights(Square(), "spectral", kinds={Square: Layout(stacked=True)})


def test_stated_kinds_train_describe_fold_and_uncondition():
    net, x = mixture(), torch.randn(5, 4).double()
    before = dict(net.named_parameters())
    condition(net, kinds=KINDS)
    names = {w.name for w in describe(net).conditioned}
    assert names == {"first.weight", "experts.up", "experts.down", "last.weight"}
    net(x).square().sum().backward()
    expected = net(x)
    folded = fold(net)
    torch.testing.assert_close(folded(x), expected)
    assert set(dict(folded.named_parameters())) == set(before)
    again = mixture()
    kept = dict(again.named_parameters())
    uncondition(condition(again, kinds=KINDS))
    assert all(kept[n] is p for n, p in again.named_parameters())


def test_what_stays_plain_for_want_of_a_kind_is_said():
    with pytest.warns(UserWarning, match=r"experts\.\w+ \(3, 8, 4\) and 2 more, 91%"):
        condition(mixture())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        condition(mixture(), kinds=KINDS)
        condition(mixture(), layers="first")  # nobody asked for all


def test_tokens_and_tables_are_no_weights():
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.positions = nn.Parameter(torch.zeros(1, 7, 4))
            self.bias_table = nn.Parameter(torch.zeros(9, 2))
            self.plane = nn.Parameter(torch.zeros(1, 3, 5, 5))
            self.linear = nn.Linear(4, 4)

    condition(Net())


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ({Dense: "rows"}, "needs classes of modules and for each a Layout"),
        ({"Dense": Layout()}, "needs classes of modules"),
        ({Dense: {"kernel": Layout()}}, "has the parameters weight"),
        ({Dense: Layout(stacked=True)}, "cannot see as a stack of matrices"),
        ({Dense: Layout(groups=3)}, "of 3 groups"),
    ],
)
def test_kinds_that_do_not_fit_are_refused_in_one_sentence(kinds, message):
    with pytest.raises(ValueError, match=message):
        condition(Dense(2, 4), kinds=kinds)


# ------------------------------------------- subclasses with a forward of their own


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
