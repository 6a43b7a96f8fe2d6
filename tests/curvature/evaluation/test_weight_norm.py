"""Weight-normalised layers and padding rows are right to differences."""

import warnings

import pytest
import torch
from torch import nn
from torch.func import functional_call

from condlab.nn import condition
from condlab.spectra import spectrum
from tests.curvature.evaluation.checked import (
    assert_right_to_differences,
    data,
    operator,
)


def weight_normed(kind, dim):
    torch.manual_seed(0)
    layers = {
        "linear": lambda: nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)),
        "conv": lambda: nn.Sequential(
            nn.Conv1d(1, 3, 2), nn.Tanh(), nn.Flatten(), nn.Linear(6, 2)
        ),
    }
    net = layers[kind]().double()
    for layer in (net[0], net[-1]):
        if dim == "legacy":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                nn.utils.weight_norm(layer)
        else:
            nn.utils.parametrizations.weight_norm(layer, dim=dim)
    return net


@pytest.mark.parametrize("dim", [0, 1, None, "legacy"])
@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_weight_norm_is_differentiated_twice_by_its_formula(kind, dim):
    """torch 2.13 takes |v| for a constant in the fused kernel's second derivative."""
    net = weight_normed(kind, dim)
    x, y = data(6, 3)
    x = x[:, None] if kind == "conv" else x
    H = operator(net, nn.MSELoss(), x, y)
    assert_right_to_differences(H, H.point.loss, (x, y))
    A = H.dense()
    torch.testing.assert_close(A, A.T, rtol=1e-12, atol=1e-12)


def test_weight_norm_of_a_recurrent_layer_is_right_to_differences():
    torch.manual_seed(0)
    rnn = nn.GRU(2, 3, batch_first=True).double()
    nn.utils.parametrizations.weight_norm(rnn, "weight_hh_l0")

    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = rnn

        def forward(self, x):
            return self.rnn(x)[0][:, -1]

    x, y = data(4, 5, 2, out=3)
    H = operator(Last(), nn.MSELoss(), x, y)
    assert_right_to_differences(H, H.point.loss, (x, y))


def test_weight_norm_near_a_minimum_in_float32_has_a_bracket_that_holds():
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.utils.parametrizations.weight_norm(nn.Linear(3, 4)),
        nn.Tanh(),
        nn.utils.parametrizations.weight_norm(nn.Linear(4, 1)),
    )
    x, y = (part.float() for part in data(32, 3, out=1))
    adam = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(600):
        adam.zero_grad()
        nn.functional.mse_loss(net(x), y).backward()
        adam.step()
    found = spectrum(operator(net, nn.MSELoss(), x, y))
    exact = spectrum(operator(net.double(), nn.MSELoss(), x.double(), y.double()))
    assert (found.lower <= exact.values).all()
    assert (exact.values <= found.upper).all()


class Padded(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(6, 3, padding_idx=-5)
        self.head = nn.Linear(3, 2)

    def forward(self, ids):
        return self.head(torch.tanh(self.words(ids)).mean(dim=1))


@pytest.mark.parametrize("method", [None, "row", "column", "row_column"])
def test_padding_row_of_an_embedding_is_a_constant(method):
    torch.manual_seed(0)
    net = Padded().double()
    with torch.no_grad():
        net.words.weight.normal_()
    if method:
        condition(net, method)
    ids = torch.tensor([[2, 3, 1], [4, 1, 1], [5, 0, 1]])
    y = data(3, 1)[1]
    H = operator(net, nn.MSELoss(), ids, y)

    def pinned(params, batch):
        row = net.words.weight[1].detach()

        class Held(nn.Module):
            def forward(self, table, ids):
                return torch.where((ids == 1)[..., None], row, table[ids])

        names = [n for n in params if n.startswith("words")]
        table = functional_call(
            net.words,
            {n.removeprefix("words."): params[n] for n in names},
            (torch.arange(6),),
        )
        hidden = torch.tanh(Held()(table, batch[0])).mean(dim=1)
        weights = {n: p for n, p in params.items() if n.startswith("head")}
        head = {n.removeprefix("head."): p for n, p in weights.items()}
        return nn.functional.mse_loss(functional_call(net.head, head, hidden), batch[1])

    assert_right_to_differences(H, pinned, (ids, y))
