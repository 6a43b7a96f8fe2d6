"""The bracket of a condition number contains the dense truth, every time."""

import math

import pytest
import torch
from torch import nn

from condlab.curvature import (
    HessianOperator,
    make_loss,
    normalised_lines,
    output_shift,
    row_scale,
    sphere,
)
from condlab.curvature.condition_number import condition_number
from condlab.nn import condition as conditioned
from tests.curvature.networks import dense_hessian, problem
from tests.spectra.matrices import SPECTRA, Diagonal, rotated

EPS = torch.finfo(torch.float64).eps


def holds(estimate, top, bottom):
    """Return whether the bracket contains top / bottom."""
    truth = top / bottom if bottom else math.inf
    return estimate.lower <= truth <= estimate.upper


def check(found, truth):
    """Assert that all that is said of a spectrum is so."""
    sizes = truth.abs().sort().values.tolist()
    assert holds(found.kappa, sizes[-1], sizes[0])
    assert found.kappa.lower <= found.kappa.value
    if found.nullity < len(sizes):
        assert holds(found.kappa_nonnull, sizes[-1], sizes[found.nullity])
    for bracket, value in (
        (found.lambda_max, truth.max().item()),
        (found.lambda_min, truth.min().item()),
        (found.abs_min, sizes[0]),
    ):
        assert bracket.lower <= value <= bracket.upper
    dust = 4 * len(sizes) * EPS * sizes[-1]  # where LAPACK's own signs mean nothing
    for counts, signed in (
        (found.inertia.negative, -truth),
        (found.inertia.positive, truth),
    ):
        assert counts[0] <= (signed > 0).sum()
        assert counts[1] >= (signed > dust).sum()
    for q, estimate in found.quantiles.items():
        i = max(math.ceil(q * len(sizes)), 1) - 1
        assert holds(estimate, sizes[len(sizes) - 1 - i], sizes[i])


@pytest.mark.parametrize("num_matvecs", [3, 7, 15, 40])
@pytest.mark.parametrize("name", SPECTRA)
def test_lanczos_brackets_the_truth_at_any_budget(name, num_matvecs):
    truth = SPECTRA[name]
    for A in (rotated(truth), Diagonal(truth)):
        check(condition_number(A, method="lanczos", num_matvecs=num_matvecs), truth)


@pytest.mark.parametrize("name", SPECTRA)
def test_exact_brackets_the_truth_narrowly(name):
    truth = SPECTRA[name]
    found = condition_number(rotated(truth))
    check(found, truth)
    assert found.nullity == (truth == 0).sum()
    if found.nullity < len(truth):
        kappa = found.kappa_nonnull
        room = 100 * len(truth) * EPS * kappa.value  # n eps kappa, relative
        assert kappa.upper - kappa.lower <= room * kappa.value
    assert (found.kappa.value == math.inf) == (found.nullity > 0)
    unknown = found.inertia.zero[1] - found.inertia.zero[0]
    assert unknown == found.nullity


def test_incomplete_lanczos_bounds_nothing_from_above():
    found = condition_number(
        Diagonal(SPECTRA["graded"]), method="lanczos", num_matvecs=10
    )
    assert found.kappa.upper == found.lambda_max.upper == math.inf
    assert found.lambda_min.lower == -math.inf
    assert found.abs_min.lower == 0
    assert 1 < found.kappa.lower < 1e12
    assert found.quantiles == {}
    assert found.probable.failure <= 1e-6


def test_lanczos_over_the_whole_space_is_as_good_as_dense():
    truth = SPECTRA["indefinite"]
    found = condition_number(
        rotated(truth), method="lanczos", num_matvecs=len(truth) + 2
    )
    kappa = (truth.abs().max() / truth.abs().min()).item()
    assert found.kappa.upper < kappa * (1 + 1e4 * EPS * kappa)
    assert found.inertia.negative == (10, 10)


def test_float32_says_at_least_where_kappa_is_beyond_it():
    truth = torch.logspace(-9, 0, 20, dtype=torch.float64)
    found = condition_number(rotated(truth).float())
    assert found.kappa.value == found.kappa.upper == math.inf
    assert 1e3 < found.kappa.lower <= 1e9
    assert found.null_sources["found"] == found.nullity > 0
    assert holds(found.kappa_nonnull, 1.0, truth[found.nullity].item())


def network(activation, criterion, method, seed):
    """Return a small problem, trained for a few steps where the seed is odd."""
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(3, 4), activation(), nn.Linear(4, 3)).double()
    if method is not None:
        conditioned(net, method)
    x = torch.randn((10, 3), dtype=torch.float64)
    y = torch.randint(0, 3, (10,))
    y = y if isinstance(criterion, nn.CrossEntropyLoss) else torch.randn_like(x)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(20 * (seed % 2)):
        optimiser.zero_grad()
        criterion(net(x), y).backward()
        optimiser.step()
    return make_loss(net, criterion), dict(net.named_parameters()), [(x, y)]


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("method", [None, "row"])
@pytest.mark.parametrize("criterion", [nn.MSELoss(), nn.CrossEntropyLoss()])
@pytest.mark.parametrize("activation", [nn.Tanh, nn.ReLU])
def test_brackets_hold_the_truth_of_small_networks(activation, criterion, method, seed):
    loss, params, batches = network(activation, criterion, method, seed)
    truth = torch.linalg.eigvalsh(dense_hessian(loss, params, batches))
    H = HessianOperator(loss, params, batches, backend="retained")
    check(condition_number(H), truth)
    check(condition_number(H, method="lanczos", num_matvecs=15), truth)


@pytest.mark.parametrize("options", [{}, {"method": "lanczos", "num_matvecs": 12}])
def test_softmax_shift_is_predicted_and_set_apart(options):
    loss, params, batches = problem("mlp with cross-entropy")
    truth = torch.linalg.eigvalsh(dense_hessian(loss, params, batches))
    H = HessianOperator(loss, params, batches, backend="retained")
    shift = output_shift(params, "2.weight", "2.bias")
    found = condition_number(H, invariances=[shift], **options)
    check(found, truth)
    assert found.null_sources["softmax shift"] == 4
    assert found.kappa.value == math.inf
    assert found.kappa.lower > 1e10
    sizes = truth.abs().sort().values
    assert holds(found.kappa_nonnull, sizes[-1].item(), sizes[found.nullity].item())
    assert found.kappa_nonnull.value < 1e8
    if not options:
        assert found.nullity == 4
        assert found.inertia.zero == (4, 4)


def scaled_problem(factor):
    kept = {}

    def change(net):
        conditioned(net, "row")
        kept.update(normalised_lines(net))

    loss, params, batches = problem("mlp with mse", change)
    params = {
        name: p.detach() * factor if name in kept else p.detach()
        for name, p in params.items()
    }
    return HessianOperator(loss, params, batches, backend="retained"), params, kept


def test_sphere_gauge_forgets_lengths_that_raw_kappa_sees():
    kappas = {"raw": [], "sphere": []}
    for factor in (1.0, 30.0):
        H, params, lines = scaled_problem(factor)
        scalings = [row_scale(params, name) for name in lines]
        for gauge, values in kappas.items():
            found = condition_number(H, gauge=gauge, invariances=scalings)
            assert found.gauge == gauge
            values.append(found.kappa.value)
        again = condition_number(sphere(H, lines))
        assert again.gauge == "sphere"
        assert again.kappa.value == pytest.approx(kappas["sphere"][-1], rel=1e-9)
    assert kappas["sphere"][0] == pytest.approx(kappas["sphere"][1], rel=1e-9)
    assert kappas["raw"][1] > 2 * kappas["raw"][0]


def test_tangent_null_directions_are_predicted_in_the_sphere_gauge():
    def change(net):
        conditioned(net, "row", layers=["0"])

    loss, params, batches = problem("mlp with cross-entropy", change)
    H = HessianOperator(loss, params, batches, backend="retained")
    scaling = row_scale(params, "0.parametrizations.weight.original")
    shift = output_shift(params, "2.weight", "2.bias")
    found = condition_number(H, gauge="sphere", invariances=[scaling, shift])
    assert found.null_sources["softmax shift"] == 4
    assert found.size == H.shape[0] - 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gauge": "flat"}, "gauge must be"),
        ({"gauge": "sphere"}, "the sphere gauge needs lines"),
        ({"method": "svd"}, "method must be one of"),
        ({"invariances": [row_scale({"w": torch.eye(2)}, "w")]}, "with parameters"),
    ],
)
def test_bad_input_is_refused_by_name(options, message):
    with pytest.raises(ValueError, match=message):
        condition_number(torch.eye(4, dtype=torch.float64), **options)


@pytest.mark.parametrize("method", ["exact", "lanczos"])
def test_eigenvectors_come_with_angles_that_know_of_the_nulls(method):
    """Nulls are among the other eigenvalues: a gap that leaves them out is false."""
    net = torch.nn.Linear(4, 3).double()
    torch.manual_seed(0)
    batch = torch.randn(20, 4, dtype=torch.float64), torch.arange(20) % 3
    loss = make_loss(net, torch.nn.CrossEntropyLoss())
    params = dict(net.named_parameters())
    H = HessianOperator(loss, params, [batch])
    shift = output_shift(params, "weight", "bias")
    found = condition_number(H, method=method, invariances=[shift], vectors=3)
    assert found.predicted == found.nullity == 5
    assert len(found.spectrum.values) == 10  # of 15
    pairs = found.spectrum.pairs
    values, U = torch.linalg.eigh(H.dense())
    top = values.abs().argsort(descending=True)[:3]
    torch.testing.assert_close(pairs.values, values[top])
    cosines = torch.linalg.svdvals(pairs.vectors.T @ U[:, top])
    sine = (1 - cosines.min().clamp(max=1) ** 2).sqrt()
    assert sine <= pairs.span_sine + 1e-7  # the root of what rounds the cosine
    assert pairs.span_sine < 1e-7


def test_null_directions_are_not_paid_from_the_products_of_lanczos():
    net = torch.nn.Linear(30, 3).double()
    torch.manual_seed(0)
    batch = torch.randn(40, 30, dtype=torch.float64), torch.arange(40) % 3
    loss = make_loss(net, torch.nn.CrossEntropyLoss())
    params = dict(net.named_parameters())
    H = HessianOperator(loss, params, [batch])
    shift = output_shift(params, "weight", "bias")
    found = condition_number(H, method="lanczos", num_matvecs=5, invariances=[shift])
    assert len(found.spectrum.values) == 3  # five less the two that check
    assert found.products == 31 + 5


def test_vectors_need_a_method_that_has_them():
    with pytest.raises(ValueError, match='vectors need the method "exact"'):
        condition_number(torch.eye(9).double(), method="counted", vectors=2)
