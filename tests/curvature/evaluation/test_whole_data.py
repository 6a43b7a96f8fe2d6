"""However the data are cut into batches, the matrix is that of the loss of them all."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call
from torch.utils.data import DataLoader

from condlab.curvature import HessianOperator, gauss_newton, make_loss
from tests.curvature.cuts import (
    AGREE,
    CLASSES,
    CRITERIA,
    CUTS,
    REAL,
    TOKENS,
    WEIGHTS,
    WORDS,
    PerToken,
    X,
    masked,
    network,
    parts,
    problem,
    random,
    truth,
)

# torch's, of divergences per element and of truths that it computes slowly
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", CRITERIA)
def test_the_hessian_is_that_of_the_whole_data(name, cut):
    net, criterion, x, y = problem(name)
    params = dict(net.named_parameters())
    H = HessianOperator(
        make_loss(net, criterion),
        params,
        [(x[a:b], y[a:b]) for a, b in CUTS[cut]],
        backend="retained",
    )
    expected = truth(name)
    found = H @ torch.eye(len(expected), dtype=torch.float64)
    torch.testing.assert_close(found, expected, **AGREE)


ALIKE = ["class weights", "ignored", "cross-entropy, sum", "tokens by class", "masked"]


@pytest.mark.parametrize("cut", ["threes", "ragged", "singles"])
@pytest.mark.parametrize("name", ALIKE)
def test_gauss_newton_and_gradient_do_not_depend_on_the_cut(name, cut):
    G, whole = gauss_newton(*parts(name, cut)), gauss_newton(*parts(name, "whole"))
    torch.testing.assert_close(G.dense(), whole.dense(), **AGREE)
    torch.testing.assert_close(G.gradient(), whole.gradient(), **AGREE)


COUPLED = {  # what is neither a mean nor a sum over samples
    "contrastive": lambda z, y: F.cross_entropy(z @ y.T, torch.arange(len(z))),
    "outputs (B, 3) and targets (B,)": lambda z, y: F.mse_loss(z[:, :1], y[:, 0]),
    "root": lambda z, y: F.mse_loss(z, y).sqrt(),
    "largest": lambda z, y: (z - y).square().sum(dim=1).max(),
    "centred": lambda z, y: F.mse_loss(z - z.mean(0), y),
    "class weights of the batch": lambda z, y: F.cross_entropy(
        z,
        y.argmax(1),
        weight=1 / (1 + torch.bincount(y.argmax(1), minlength=3).double()),
    ),
    "two different means": lambda z, y: (
        F.mse_loss(z, y) + F.cross_entropy(z, y.argmax(1), weight=WEIGHTS)
    ),
}


@pytest.mark.parametrize("cut", ["threes", "ragged", "singles"])
@pytest.mark.parametrize("name", COUPLED)
def test_loss_that_batches_do_not_add_up_to_is_refused_in_one_sentence(name, cut):
    net = network()
    params, loss = dict(net.named_parameters()), make_loss(net, COUPLED[name])
    batches = [(X[a:b], REAL[a:b]) for a, b in CUTS[cut]]
    with pytest.raises(ValueError, match=r"mean or the sum over its samples.*weights="):
        HessianOperator(loss, params, batches)
    one = HessianOperator(loss, params, [(X, REAL)])  # the batch is the whole
    given = HessianOperator(loss, params, [(X, REAL), (X, REAL)], weights=[1, 3])
    torch.testing.assert_close(given.dense(), one.dense(), **AGREE)


def test_batch_statistics_are_refused_also_where_one_sample_has_none():
    norm = nn.BatchNorm1d(4, track_running_stats=False)
    net = nn.Sequential(norm, network()).double()
    params, loss = dict(net.named_parameters()), make_loss(net, nn.MSELoss())
    for cut in ("threes", "whole"):
        batches = [(X[a:b], REAL[a:b]) for a, b in CUTS[cut]] * 2
        with pytest.raises(ValueError, match="do samples see each other"):
            HessianOperator(loss, params, batches)


def test_sum_is_told_from_a_mean_where_all_gradients_vanish():
    W = random(3, 4)
    batches = [(X[a:b], X[a:b] @ W.T) for a, b in CUTS["ragged"]]
    for loss, factor in (
        (lambda p, b: (b[0] @ p["W"].T - b[1]).square().sum(), 1),
        (lambda p, b: (b[0] @ p["W"].T - b[1]).square().sum(1).mean(), 8),
    ):
        H = HessianOperator(loss, {"W": W}, batches)
        expected = torch.kron(torch.eye(3), 2 * X.T @ X / factor)
        torch.testing.assert_close(H.dense(), expected, **AGREE)


def test_mean_over_what_counts_is_not_taken_for_a_sum_where_one_part_counts_nothing():
    net = network()
    loss = make_loss(net, lambda z, y: masked(z, y) * (y >= 0).sum().clamp(1) ** -1.0)
    first, second = torch.tensor([-100, 1, -100]), torch.full((3,), -100)
    batches = [(X[:3], first), (X[3:6], second)]
    with pytest.raises(ValueError, match="sum or a mean over what counts cannot"):
        HessianOperator(loss, dict(net.named_parameters()), batches)


def test_batch_without_a_target_counts_nothing_wherever_it_comes():
    net = network()
    loss, params = make_loss(net, nn.CrossEntropyLoss()), dict(net.named_parameters())
    none = X[:3], torch.full((3,), -100)
    some = X[3:], CLASSES[3:]
    expected = HessianOperator(loss, params, [some]).dense()
    for batches in ([none, some], [some, none], [none, none, some]):
        for data in (batches, DataLoader(batches, batch_size=None)):
            H = HessianOperator(loss, params, data)
            torch.testing.assert_close(H.dense(), expected, **AGREE)
    with pytest.raises(ValueError, match="finite"):
        HessianOperator(loss, params, [none, none])


def test_tokens_of_batches_of_different_lengths_count_one_each():
    net = PerToken()
    params = dict(net.named_parameters())
    loss = make_loss(net, nn.CrossEntropyLoss())
    x, y = TOKENS, WORDS
    ragged = [(x[:4, :2], y[:4, :2]), (x[4:], y[4:])]
    padded = torch.where(torch.arange(5) < 2, y[:4], -100)
    whole = HessianOperator(loss, params, [(x, torch.cat([padded, y[4:]]))])
    H = HessianOperator(loss, params, ragged)
    torch.testing.assert_close(H.dense(), whole.dense(), **AGREE)
    own = HessianOperator(lambda p, b: loss(p, b), params, ragged)
    torch.testing.assert_close(own.dense(), whole.dense(), **AGREE)


def test_loss_that_nothing_is_known_of_needs_weights_for_ragged_targets():
    net = PerToken()
    params = dict(net.named_parameters())

    def loss(p, batch):
        z = functional_call(net, p, (batch[0],))
        each = F.cross_entropy(z, batch[1], reduction="none")
        return torch.einsum("bt->", each) * (1 / each.numel())

    batches = [(TOKENS[:4, :2], WORDS[:4, :2]), (TOKENS[4:], WORDS[4:])]
    with pytest.raises(ValueError, match="samples of one shape"):
        HessianOperator(loss, params, batches)
    H = HessianOperator(loss, params, batches, weights=[8, 20])
    told = HessianOperator(make_loss(net, nn.CrossEntropyLoss()), params, batches)
    torch.testing.assert_close(H.dense(), told.dense(), **AGREE)


def test_a_more_varied_batch_is_looked_at_where_only_looking_tells():
    net = network()
    params = dict(net.named_parameters())
    weights = torch.tensor([1.0, 1, 1, 1, 5, 1, 2, 1], dtype=torch.float64)

    def loss(p, batch):
        x, y, w = batch
        each = (functional_call(net, p, (x,)) - y).square().sum(dim=1)
        return torch.einsum("b,b->", each, w / torch.einsum("b->", w))

    batches = [(X[a:b], REAL[a:b], weights[a:b]) for a, b in ((0, 4), (4, 8))]
    with pytest.raises(ValueError, match="mean or the sum"):
        HessianOperator(loss, params, batches)


class TimeFirst(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.rnn, self.head = nn.GRU(4, 3), nn.Linear(3, 3)

    def forward(self, x):
        return self.head(self.rnn(x)[0])


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(
    ("criterion", "y"),
    [
        (nn.MSELoss(), random(5, 8, 3)),
        (lambda z, y: F.cross_entropy(z[-1], y, weight=WEIGHTS), CLASSES),
        (lambda z, y: 0.5 * (z[-1] - y).square().sum(dim=1).mean(), REAL),
    ],
)
def test_samples_on_the_second_axis_of_a_recurrent_network(criterion, y, cut):
    net, x = TimeFirst().double(), TOKENS.transpose(0, 1)
    loss, params = make_loss(net, criterion), dict(net.named_parameters())
    axis = 1 if y.ndim == 3 else 0
    batches = [(x[:, a:b], y.narrow(axis, a, b - a)) for a, b in CUTS[cut]]
    H = HessianOperator(loss, params, batches, backend="retained")
    whole = HessianOperator(loss, params, [(x, y)], backend="retained")
    v = random(H.shape[0])
    torch.testing.assert_close(H @ v, whole @ v, **AGREE)
