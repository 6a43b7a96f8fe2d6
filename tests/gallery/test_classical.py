"""The classical families, against closed forms and mpmath."""

from __future__ import annotations

from itertools import pairwise
from math import comb, inf, prod, sqrt

import numpy as np
import pytest
import scipy.linalg
from numpy.testing import assert_allclose, assert_array_equal

from condlab import gallery
from tests.gallery.multiprecision import EPS, dense, exact_kappa, singular_values
from tests.optional import mpmath


def exact_inverse(A):
    with mpmath.workdps(60):
        return np.array((mpmath.matrix(A.tolist()) ** -1).tolist(), dtype=float)


def test_hilbert_inverse_holds_the_known_integers():
    n = 9
    inverse = scipy.linalg.invhilbert(n, exact=True)
    kappa = exact_kappa(gallery.hilbert(n))
    assert_allclose(
        exact_inverse(gallery.hilbert(n)),
        inverse.astype(float),
        atol=n * EPS * kappa * float(abs(inverse).max()),
    )


def test_hilbert_condition_grows_as_the_asymptotic_law_says():
    with mpmath.workdps(60):
        exact = [
            mpmath.svd_r(mpmath.hilbert(n), compute_uv=False) for n in range(10, 13)
        ]
    kappas = [float(max(values) / min(values)) for values in exact]
    for n, (kappa, following) in enumerate(pairwise(kappas), start=10):
        law = (1 + sqrt(2)) ** 4 * sqrt(n / (n + 1))
        assert following / kappa == pytest.approx(law, rel=1 / n)


@pytest.mark.parametrize("theta", [0.3, 1.2])
@pytest.mark.parametrize("n", [1, 2, 7])
def test_kahan_has_unit_columns_and_a_known_inverse(n, theta):
    A = gallery.kahan(n, theta=theta)
    assert_allclose(np.linalg.norm(A, axis=0), 1, rtol=4 * n * EPS)
    growth = ((1 + np.cos(theta)) / np.sin(theta)) ** (n - 1)
    inverse = exact_inverse(A)
    assert_allclose(abs(inverse).sum(axis=0).max(), growth, rtol=1e3 * n * EPS * growth)


def test_kahan_needs_an_angle_inside_the_quadrant():
    with pytest.raises(ValueError, match="theta must lie strictly in"):
        gallery.kahan(3, theta=2.0)


@pytest.mark.parametrize("n", [1, 2, 10, 40])
def test_unit_triangle_has_exactly_the_known_condition_number(n):
    A = gallery.unit_triangle(n)
    inverse = scipy.linalg.solve_triangular(A, np.eye(n), unit_diagonal=True)
    for p in (1, inf):  # all integers below 2^53: no rounding at all
        kappa = np.linalg.norm(A, p) * np.linalg.norm(inverse, p)
        assert kappa == n * 2.0 ** (n - 1)


@pytest.mark.parametrize("n", [2, 5, 9])
def test_vandermonde_inverse_has_gautschis_norm(n):
    nodes = np.linspace(0, 1, n)
    norm = max(prod((1 + y) / abs(x - y) for y in nodes if y != x) for x in nodes)
    A = gallery.vandermonde(n)
    rounding = n * EPS * np.linalg.norm(A, 1) * norm
    assert_allclose(abs(exact_inverse(A)).sum(axis=0).max(), norm, rtol=rounding)


def test_vandermonde_determinant_is_the_product_of_differences():
    nodes = [-3.0, 0.5, 2.0, 7.0]
    differences = [y - x for i, x in enumerate(nodes) for y in nodes[i + 1 :]]
    A = gallery.vandermonde(4, nodes=nodes)
    rounding = 16 * EPS * np.linalg.cond(A)
    assert_allclose(np.linalg.det(A), prod(differences), rtol=rounding)


def test_vandermonde_on_the_unit_circle_is_perfectly_conditioned():
    A = gallery.vandermonde(16, nodes="unity")
    assert_allclose(np.linalg.svd(A, compute_uv=False), 4.0, rtol=1e3 * EPS)


def test_monomials_at_chebyshev_nodes_grow_as_gautschi_says():
    kappas = [
        np.linalg.cond(gallery.vandermonde(n, nodes="chebyshev")) for n in (10, 11)
    ]
    assert kappas[1] / kappas[0] == pytest.approx(1 + sqrt(2), rel=0.1)


def test_vandermonde_refuses_unknown_nodes_by_name():
    with pytest.raises(ValueError, match=r'"chebyshev".*got "gauss"'):
        gallery.vandermonde(3, nodes="gauss")


@pytest.mark.parametrize("mu", [1e-12, 1e-3, 2.0])
def test_lauchli_has_the_singular_values_of_its_docstring(mu):
    values = singular_values(gallery.lauchli(4, mu=mu))
    assert_allclose(np.array(values, float), [mu] * 3 + [sqrt(4 + mu**2)], rtol=1e-12)


@pytest.mark.parametrize("n", [2, 6, 11])
def test_frank_has_determinant_one_and_reciprocal_eigenvalues(n):
    with mpmath.workdps(60):
        A = mpmath.matrix(gallery.frank(n).tolist())
        assert mpmath.det(A) == pytest.approx(1, rel=1e-30)
        values = sorted(
            mpmath.re(value) for value in mpmath.eig(A, left=False, right=False)
        )
        pairs = [low * high for low, high in zip(values, reversed(values), strict=True)]
    assert_allclose(np.array(pairs, float), 1, rtol=1e-12)


@pytest.mark.parametrize("make", [gallery.moler, gallery.pascal])
@pytest.mark.parametrize("n", [1, 2, 8])
def test_integer_families_have_determinant_one(make, n):
    with mpmath.workdps(60):
        assert mpmath.det(mpmath.matrix(make(n).tolist())) == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("n", [1, 5, 12])
def test_moler_is_the_gram_matrix_of_the_unit_triangle(n):
    U = gallery.unit_triangle(n)
    assert_array_equal(gallery.moler(n), U.T @ U)  # integers: exact


@pytest.mark.parametrize("n", [8, 9, 10])
def test_moler_smallest_eigenvalue_falls_by_four(n):
    smallest = [singular_values(gallery.moler(k))[0] for k in (n, n + 1)]
    assert float(smallest[0] / smallest[1]) == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("n", [2, 5, 12])
def test_lehmer_inverse_is_tridiagonal_and_kappa_between_its_bounds(n):
    A = gallery.lehmer(n)
    inverse, kappa = exact_inverse(A), exact_kappa(A)
    beyond = np.triu(inverse, 2)
    assert abs(beyond).max() <= n * EPS * kappa * abs(inverse).max()
    assert n <= kappa <= 4 * n**2


@pytest.mark.parametrize("n", [1, 4, 8])
def test_pascal_holds_binomials_and_kappa_is_the_square_of_the_norm(n):
    A = gallery.pascal(n)
    assert A.tolist() == [[comb(i + j, i) for j in range(n)] for i in range(n)]
    values = singular_values(A)
    assert float(values[-1] ** 2) == pytest.approx(exact_kappa(A), rel=1e-12)


@pytest.mark.parametrize("n", [1, 2, 30])
def test_min_ij_inverse_is_the_second_difference(n):
    second_difference = dense(gallery.tridiagonal_toeplitz(n))
    second_difference[-1, -1] = 1
    assert_array_equal(gallery.min_ij(n) @ second_difference, np.eye(n))  # exact
