"""Kappa from factorisations is that of the whole spectrum, and its bounds hold."""

import math

import pytest
import torch

from condlab.curvature import HessianOperator, condition_number, output_shift
from condlab.curvature.factored import Solver, _counted
from tests.curvature.networks import problem
from tests.curvature.test_hessian_condition import check
from tests.spectra.matrices import SPECTRA, Diagonal, rotated

METHODS = ("factored", "counted")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", SPECTRA)
def test_everything_said_of_awkward_spectra_is_so(name, method):
    truth = SPECTRA[name]
    for A in (rotated(truth), Diagonal(truth)):
        check(condition_number(A, method=method), truth)


def spread(n, seed):
    """Return an indefinite spectrum with outliers and |eigenvalues| down to 1e-7."""
    generator = torch.Generator().manual_seed(seed)
    sizes = 10 ** (-7 * torch.rand(n, generator=generator, dtype=torch.float64))
    signs = torch.where(torch.rand(n, generator=generator) < 0.4, -1.0, 1.0)
    return signs * sizes * torch.where(torch.arange(n) < 3, 30, 1)


@pytest.mark.parametrize("seed", range(6))
def test_both_find_what_lapack_finds_and_bound_it(seed):
    truth = spread(150, seed)
    A = rotated(truth, seed)
    check(found := condition_number(A, method="factored"), truth)
    check(counted := condition_number(A, method="counted"), truth)
    kappa = float(truth.abs().max() / truth.abs().min())
    assert found.method == counted.method == "ldl"
    assert found.kappa.value == pytest.approx(kappa, rel=1e-5)
    assert found.kappa.upper == math.inf  # one factorisation cannot be sure
    assert kappa <= found.probably_below < math.inf
    assert kappa <= counted.kappa.upper < 1.01 * kappa
    assert kappa >= found.kappa.lower > 0.99 * kappa
    negative = int((truth < 0).sum())
    assert found.inertia.negative == (negative, negative)


def test_a_count_sees_what_inverse_lanczos_cannot():
    """A vector without a part in the smallest eigenvector: then nothing is bounded."""
    truth = spread(60, 1)
    A = torch.diag(truth)
    near = truth.abs().argsort()
    solver = Solver.of(A)
    rest = type("Rest", (), {})()
    rest.values = truth[near[1:2]]  # the smallest is missed
    rest.radii, rest.noise = torch.zeros(1), 1e-16
    assert _counted(A.clone(), solver.negative, rest, 1e-16, 0.0) == 0.0
    rest.values = truth[near[:1]]
    bound = _counted(A.clone(), solver.negative, rest, 1e-16, 0.0)
    assert 0.99 * float(truth[near[0]].abs()) < bound <= float(truth[near[0]].abs())


@pytest.mark.parametrize("method", METHODS)
def test_predicted_null_directions_are_set_apart(method):
    loss, params, batches = problem("mlp with cross-entropy")
    H = HessianOperator(loss, params, batches)
    shift = output_shift(params, "2.weight", "2.bias")
    exact = condition_number(H, method="exact", invariances=[shift])
    found = condition_number(H, method=method, invariances=[shift])
    assert found.method == "ldl"
    assert found.null_sources == exact.null_sources == {"softmax shift": 4}
    kappa = exact.kappa_nonnull.value
    assert found.kappa_nonnull.value == pytest.approx(kappa, rel=1e-5)
    assert found.kappa_nonnull.lower <= exact.kappa_nonnull.upper
    assert exact.kappa_nonnull.lower <= found.kappa_nonnull.upper
    assert found.kappa.value == math.inf
    assert found.inertia == exact.inertia


def test_null_directions_that_were_not_predicted_are_all_found():
    found = condition_number(rotated(SPECTRA["exact nulls"]), method="factored")
    assert (found.method, found.nullity) == ("dense", 5)


@pytest.mark.parametrize("negative", [0, 3, 20])
def test_factors_count_signs_and_solve(negative):
    values = torch.linspace(1, 2, 20, dtype=torch.float64)
    values[:negative] *= -1
    A = rotated(values)
    solver = Solver.of(A)
    assert solver.negative == negative
    assert solver.gap(A) < 1e-13
    torch.testing.assert_close(A @ (solver @ A), A)
