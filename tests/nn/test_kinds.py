"""Layers of kinds that condlab does not know."""

import warnings

import numpy as np
import pytest
import torch
from torch import nn

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
