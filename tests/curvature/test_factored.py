"""Kappa from factorisations is that of the whole spectrum, and its bounds hold."""

import math

import pytest
import torch

from condlab.curvature import HessianOperator, condition_number, output_shift
from condlab.curvature.factored import Half, Solver, _counted, _definite
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


@pytest.mark.parametrize("n", [5, 150])
def test_a_matrix_outlives_factors_that_take_half_its_place(n):
    """Its diagonal is zero, so that pivots are of two."""
    A = rotated(spread(n, 0))
    A.diagonal().zero_()
    square = A.clone()
    half, x = Half(square, A.diagonal().clone()), torch.randn(n, 2).double()
    solver, size = Solver.of(square), float(torch.linalg.matrix_norm(A, 2))
    assert bool((solver.pivots < 0).any())
    assert solver.negative == int((torch.linalg.eigvalsh(A) < 0).sum())
    rounding = n * torch.finfo(A.dtype).eps * size
    for _ in range(2):  # the product leaves the factors as they are
        assert float((half @ x - A @ x).norm()) <= rounding * float(x.norm())
        assert float((A @ (solver @ x) - x).norm()) <= 1e3 * rounding * float(
            (solver @ x).norm()
        )
    for sign in (1, -1):
        below = half.shifted(0.5, sign).tril()
        assert torch.equal(below, (sign * A + 0.5 * torch.eye(n).double()).tril())
        assert _definite(half.shifted(1.01 * size, sign))
        assert not _definite(half.shifted(0.0, sign))


def test_a_count_sees_what_inverse_lanczos_cannot():
    """A vector without a part in the smallest eigenvector: then nothing is bounded."""
    truth = spread(60, 1)
    A = torch.diag(truth)
    near = truth.abs().argsort()
    half, solver = Half(A, truth), Solver.of(A.clone())
    rest = type("Rest", (), {})()
    rest.values = truth[near[1:2]]  # the smallest is missed
    rest.radii, rest.noise = torch.zeros(1), 1e-16
    assert _counted(half, solver.negative, rest, 1e-16, 0.0) == 0.0
    rest.values = truth[near[:1]]
    bound = _counted(half, solver.negative, rest, 1e-16, 0.0)
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
    half = Half(A.clone(), A.diagonal())
    solver = Solver.of(half.square)
    assert solver.negative == negative
    assert solver.gap(half) < 1e-13
    torch.testing.assert_close(A @ (solver @ A), A)
