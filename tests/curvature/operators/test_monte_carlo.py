"""The Fisher matrix of sampled targets is Gauss and Newton's, within its errors."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from condlab.curvature import (
    ModelLoss,
    condition_number,
    gauss_newton,
    jacobian,
    make_loss,
    monte_carlo_fisher,
)
from condlab.spectra import spectrum
from tests.curvature.networks import NETWORKS, problem

SIGMAS = 5  # of a deviation that 24 directions and two sizes may show by chance
COUNTS = (50, 5000)


def classifier(criterion, y, outputs=4):
    torch.manual_seed(2)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, outputs)).double()
    x = torch.randn(9, 3, dtype=torch.float64)
    batches = [(x[:5], y[:5]), (x[5:], y[5:])]
    return make_loss(net, criterion), dict(net.named_parameters()), batches


def labels():
    return torch.arange(9) % 4


def variances(loss, params, batches, v):
    """Return the variance of v'gg'v summed over all that is drawn for one sample."""
    J, total, start, whole = jacobian(loss, params, batches), 0.0, 0, 9
    pushed = J @ v
    for batch in batches:
        z = loss.outputs(params, batch).detach()
        u = pushed[start : start + z.numel()].view_as(z)
        start, share = start + z.numel(), len(batch[0]) / whole
        if isinstance(batch[1], torch.Tensor) and batch[1].is_floating_point():
            # normal: 2 (u'Au)^2 for each sample, A = 2 / numel
            square = 2 / z.numel() * u.square().sum(dim=1)
            total += share**2 * float(2 * square.square().sum())
            continue
        p = z.softmax(dim=1)
        scores = u[:, None, :] * (p[:, None, :] - torch.eye(z.shape[1]).to(z))
        fourth = (p * scores.sum(dim=2).pow(4)).sum(dim=1)
        second = (p * scores.sum(dim=2).pow(2)).sum(dim=1)
        total += (share / len(z)) ** 2 * float((fourth - second.square()).sum())
    return total


@pytest.mark.parametrize("num_samples", COUNTS)
@pytest.mark.parametrize("kind", ["cross-entropy", "squared errors"])
def test_the_mean_is_the_gauss_newton_matrix_within_derived_standard_errors(
    kind, num_samples
):
    y = labels() if kind == "cross-entropy" else torch.randn(9, 4).double()
    criterion = nn.CrossEntropyLoss() if kind == "cross-entropy" else nn.MSELoss()
    case = classifier(criterion, y)
    G = gauss_newton(*case).dense()
    drawn = monte_carlo_fisher(*case, num_samples=num_samples)
    generator = torch.Generator().manual_seed(7)
    scores = []
    for _ in range(24):
        v = torch.randn(len(G), generator=generator, dtype=torch.float64)
        error = (variances(*case, v) / num_samples) ** 0.5
        scores.append(float(v @ (drawn @ v) - v @ G @ v) / error)
    assert max(map(abs, scores)) < SIGMAS
    # neither is the standard error a tenfold too large
    assert torch.tensor(scores).std() > 0.1


CRITERIA = {
    "class weights": nn.CrossEntropyLoss(
        weight=torch.tensor([1.0, 5.0, 0.2, 2.0]).double()
    ),
    "ignored targets": nn.CrossEntropyLoss(ignore_index=3),
    "label smoothing": nn.CrossEntropyLoss(label_smoothing=0.2),
    "a function of it": lambda z, y: F.cross_entropy(z.roll(1, 1), (y + 1) % 4),
    "negative log of a softmax": lambda z, y: F.nll_loss(z.log_softmax(1), y),
    "a mean of its own": lambda z, y: (
        z.logsumexp(1) - z.gather(1, y[:, None])[:, 0]
    ).mean(),
    "half the squares": lambda z, y: (z - F.one_hot(y, 4)).square().sum(1).mean() / 2,
    "squares with weights": lambda z, y: (
        (z - F.one_hot(y, 4)).square() * torch.tensor([1.0, 0.0, 3.0, 2.0])
    ).mean(),
    "classes on the last of three axes": lambda z, y: F.cross_entropy(
        z.view(-1, 1, 4).expand(-1, 2, 4).reshape(-1, 4), y.repeat_interleave(2)
    ),
}


@pytest.mark.parametrize("name", CRITERIA)
def test_counts_and_weights_are_those_of_the_criterion(name):
    case = classifier(CRITERIA[name], labels())
    G = gauss_newton(*case).dense()
    off = [
        float((monte_carlo_fisher(*case, num_samples=k).dense() - G).norm() / G.norm())
        for k in (200, 20_000)
    ]
    assert off[1] < 0.05
    assert off[1] < off[0]  # by a root of 100, but for chance


def test_places_of_a_sequence_are_drawn_apart():
    torch.manual_seed(0)
    net = nn.Linear(3, 4).double()
    x, y = torch.randn(5, 2, 3).double(), torch.randint(0, 4, (5, 2))
    loss = make_loss(net, lambda z, y: F.cross_entropy(z.transpose(1, 2), y))
    case = loss, dict(net.named_parameters()), [(x, y)]
    G = gauss_newton(*case).dense()
    F_ = monte_carlo_fisher(*case, num_samples=20_000).dense()
    assert float((F_ - G).norm() / G.norm()) < 0.05


@pytest.mark.parametrize("name", [n for n in NETWORKS if "huber" not in n])
def test_networks_of_many_kinds_have_one(name):
    case = problem(name)
    H = monte_carlo_fisher(*case, num_samples=3)
    A = H.dense()
    values = torch.linalg.eigvalsh(A)
    assert float(values[0]) >= -1e-12 * float(values[-1])
    v = torch.ones(len(A), dtype=torch.float64)
    torch.testing.assert_close(A @ v, H @ v)
    assert condition_number(H).lambda_max.upper > 0
    assert "Fisher of 3 samples" in H.backend


def test_draws_are_the_same_in_every_product_and_differ_with_the_generator():
    case = classifier(nn.CrossEntropyLoss(), labels())
    v = torch.ones(36, dtype=torch.float64)
    H = monte_carlo_fisher(*case)
    assert torch.equal(H @ v, H @ v)
    assert torch.equal(monte_carlo_fisher(*case) @ v, H @ v)
    forgetful = monte_carlo_fisher(*case, memory=0)
    torch.testing.assert_close(forgetful @ v, H @ v)
    other = monte_carlo_fisher(*case, generator=torch.Generator().manual_seed(1))
    assert not torch.allclose(other @ v, H @ v)
    seed = torch.Generator().manual_seed(5)
    first, second = (monte_carlo_fisher(*case, generator=seed) @ v for _ in range(2))
    assert not torch.allclose(first, second)


def test_a_block_keeps_the_draws_of_the_whole():
    H = monte_carlo_fisher(*classifier(nn.CrossEntropyLoss(), labels()))
    torch.testing.assert_close(H.block("0.*").dense(), H.dense()[:16, :16])


def test_the_rank_is_no_more_than_what_was_drawn():
    H = monte_carlo_fisher(*classifier(nn.MSELoss(), torch.randn(9, 4).double()))
    values = spectrum(H).values
    assert int((values > 1e-10 * values[-1]).sum()) <= 9


@pytest.mark.parametrize(
    "criterion",
    [
        nn.HuberLoss(),
        nn.SmoothL1Loss(),
        nn.L1Loss(),
        nn.PoissonNLLLoss(),
        nn.BCEWithLogitsLoss(),
        nn.KLDivLoss(reduction="batchmean"),
        lambda z, y: F.cross_entropy(2 * z, y.argmax(1)),
        lambda z, y: -(z - y).square().mean(),
        lambda z, y: (z - y).square().sum(),
        lambda z, y: (z - y).square().mean() + z.pow(4).mean(),
    ],
)
def test_other_criteria_are_refused_in_a_sentence(criterion):
    targets = torch.rand(9, 4, dtype=torch.float64)
    case = classifier(criterion, targets)
    if criterion(targets, targets * 0) == targets.square().sum():
        monte_carlo_fisher(*case)  # a sum of squares is known
        return
    with pytest.raises(ValueError, match=r"that of neither; use gauss_newton, or emp"):
        monte_carlo_fisher(*case)


def test_what_makes_no_sense_is_refused():
    case = classifier(nn.CrossEntropyLoss(), labels())
    with pytest.raises(ValueError, match="num_samples must be at least 1, got 0"):
        monte_carlo_fisher(*case, num_samples=0)
    with pytest.raises(ValueError, match="needs a model's outputs and a criterion"):
        monte_carlo_fisher(lambda p, x: p["w"].sum(), {"w": torch.ones(2)}, [1])
    loss = ModelLoss(lambda p, x: (x @ p["w"], x), lambda z, x: z[0].square().mean())
    with pytest.raises(ValueError, match="must be one tensor of predictions, got tup"):
        monte_carlo_fisher(loss, {"w": torch.ones(2)}, [torch.ones(3, 2)])
