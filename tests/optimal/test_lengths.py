"""The least eigenvalues that tell how far a step may go."""

import numpy as np
import pytest
import scipy.linalg as sl

from condlab.optimal.one_sided import _lengths

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


def test_triangular_products_are_those_with_the_whole_factor():
    Z, A = pair(7, 1)
    L = _lengths.cholesky(Z)
    np.testing.assert_allclose(L @ L.T, Z, rtol=1e-13)
    np.testing.assert_allclose(_lengths.times_lower(A, L), A @ L, rtol=1e-12)
    np.testing.assert_allclose(_lengths.times_upper(A, L), A @ L.T, rtol=1e-12)


def test_an_indefinite_matrix_has_no_factor():
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        _lengths.cholesky(np.diag([1.0, -1.0]))
