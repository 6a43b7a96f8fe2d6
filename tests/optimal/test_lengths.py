"""The least eigenvalues that tell how far a step may go."""

import numpy as np
import pytest
import scipy.linalg as sl

from condlab import optimal_scaling
from condlab.optimal.one_sided import _interior, _lengths

LARGE = _lengths.SMALL + 30
ORDERS = (5, _lengths.SMALL, _lengths.SMALL + 1, 400)


def pair(order, seed):
    rng = np.random.default_rng(seed)
    A, B = rng.standard_normal((2, order, order))
    return A @ A.T + np.eye(order), B + B.T


@pytest.mark.parametrize("order", ORDERS)
def test_length_in_a_factor_is_that_of_the_symmetric_pencil(order):
    Z, change = pair(order, order)
    truth = sl.eigh(change, Z, eigvals_only=True)[0]
    found = _lengths.least_in_factor(change, _lengths.cholesky(Z), exact=False)
    assert truth * (1 + 0.05) <= found <= truth * (1 - 0.05)
    exact = _lengths.least_in_factor(change, _lengths.cholesky(Z), exact=True)
    assert exact == pytest.approx(truth, rel=1e-9)


@pytest.mark.parametrize("order", ORDERS)
def test_length_along_a_diagonal_is_that_of_the_scaled_matrix(order):
    _, change = pair(order, order)
    roots = np.linspace(0.5, 2.0, order)
    truth = np.linalg.eigvalsh(roots[:, None] * change * roots)[0]
    found = _lengths.least_scaled(change, roots, exact=False)
    assert truth * (1 + 0.05) <= found <= truth * (1 - 0.05)


@pytest.mark.parametrize("order", ORDERS)
def test_length_of_a_diagonal_in_a_factor_is_that_of_the_symmetric_pencil(order):
    Z, _ = pair(order, order)
    e = np.linspace(-3, 1, order)
    truth = sl.eigh(np.diag(e), Z, eigvals_only=True)[0]
    found = _lengths.least_along(e, _lengths.cholesky(Z), exact=False)
    assert truth - 2e-3 * max(1, -truth) <= found <= truth * (1 - 1e-9)
    exact = _lengths.least_along(e, _lengths.cholesky(Z), exact=True)
    assert exact == pytest.approx(truth, rel=1e-9)


@pytest.mark.parametrize("order", ORDERS)
def test_the_greatest_eigenvalue_is_lapacks_or_a_bit_more(order):
    Z, _ = pair(order, order)
    truth = np.linalg.eigvalsh(Z)[-1]
    assert truth * (1 - 1e-12) <= _lengths.greatest(Z) <= truth * (1 + 2e-3)


@pytest.mark.parametrize(("least", "length"), [(-9.0, 0.1), (-0.9, 1.0), (5.0, 1.0)])
def test_a_safe_length_keeps_a_tenth_and_is_at_most_whole(least, length):
    assert _lengths.safe(least) == pytest.approx(length)


def test_a_singular_factor_has_no_inverse():
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        _lengths.least_along(np.ones(2), np.diag([1.0, 0.0]), exact=True)


def test_triangular_products_are_those_with_the_whole_factor():
    Z, A = pair(7, 1)
    L = _lengths.cholesky(Z)
    np.testing.assert_allclose(L @ L.T, Z, rtol=1e-13)
    np.testing.assert_allclose(_lengths.times_lower(A, L), A @ L, rtol=1e-12)
    np.testing.assert_allclose(_lengths.times_upper(A, L), A @ L.T, rtol=1e-12)


def test_an_indefinite_matrix_has_no_factor():
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        _lengths.cholesky(np.diag([1.0, -1.0]))


SPECTRA = {
    "even": np.linspace(-2, 3, LARGE),
    "one outlier": np.r_[-50.0, np.linspace(0, 1, LARGE - 1)],
    "repeated": np.r_[[-4.0] * 5, np.linspace(-1, 1, LARGE - 5)],
    "graded": -np.logspace(0, -12, LARGE),
    "identity": -np.ones(LARGE),
    "zero": np.zeros(LARGE),
    "whole step": np.linspace(-0.5, 9, LARGE),
}


def rotated(values):
    Q, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((len(values),) * 2))
    A = (Q * values) @ Q.T
    return (A + A.T) / 2


@pytest.mark.parametrize("name", SPECTRA)
def test_the_least_eigenvalue_of_a_large_matrix_is_lapacks(name):
    A = rotated(SPECTRA[name])
    least = SPECTRA[name].min()
    found = _lengths.least_scaled(A, np.ones(LARGE), exact=False)
    rounding = 4 * LARGE * np.finfo(float).eps * np.abs(SPECTRA[name]).max()
    assert found == pytest.approx(least, abs=rounding + 2e-3 * max(1, abs(least)))
    assert found <= least + rounding


def hopeful(measure):
    """Return a measure that goes too far unless it is asked to be exact."""
    return lambda *given: measure(*given) * (1 if given[-1] else 0.8)


def test_a_length_that_is_too_great_is_taken_again_exactly(monkeypatch):
    A = np.random.default_rng(0).standard_normal((40, 40))
    honest = optimal_scaling(A, rtol=1e-3)
    monkeypatch.setattr(_interior, "least_scaled", hopeful(_lengths.least_scaled))
    monkeypatch.setattr(_interior, "least_in_factor", hopeful(_lengths.least_in_factor))
    found = optimal_scaling(A, rtol=1e-3)
    assert found.gap <= 1e-3
    assert found.optimum.lower <= honest.optimum.upper
    assert honest.optimum.lower <= found.optimum.upper


@pytest.mark.parametrize("side", ["left", "symmetric"])
def test_large_optima_are_certified_as_small_ones_are(side):
    A = np.random.default_rng(3).standard_normal((LARGE, LARGE))
    A = A @ A.T + np.eye(LARGE) if side == "symmetric" else A
    found = optimal_scaling(A, side=side, rtol=1e-4)
    assert found.gap <= 1e-4
    reached = np.linalg.cond(found.scaling.apply(A))
    assert found.optimum.lower <= reached * (1 + 1e-9)
    assert reached <= found.optimum.upper * (1 + 1e-9)
