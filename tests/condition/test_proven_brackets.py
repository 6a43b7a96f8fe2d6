"""Brackets of κ₂ rest on proofs, not on what LAPACK is believed to lose."""

import math

import flint
import numpy as np
import pytest
import scipy.sparse as sp

from condlab import cond, cond_2, cond_fro
from condlab.condition import _jacobi
from condlab.condition._verified import norm_bounds
from tests.exact import Exact
from tests.kinds import KINDS

EPS = np.finfo(float).eps
MOST = 1e12  # κ up to which brackets are as narrow as rounding lets them be
WIDE = 100  # times max(m, n) ε κ
SVD = np.linalg.svd


def assert_holds(lower, upper, kappa):
    if kappa is None:
        assert upper == math.inf
        return
    assert not flint.arb(float(lower)) > kappa
    assert not flint.arb(float(upper)) < kappa


def checked(A):
    """Return the brackets of a matrix, its transpose and a stack, which hold κ₂."""
    dense, exact = A.toarray() if sp.issparse(A) else A, Exact(A)
    kappa, stack = exact.cond(2), cond(dense[None])
    ends = [(found.lower, found.upper) for found in (cond_2(A), cond_2(dense.T))]
    ends.append((stack.lower[0], stack.upper[0]))
    for lower, upper in ends:
        assert_holds(lower, upper, kappa)
    found = cond_fro(A)
    assert_holds(found.lower, found.upper, exact.cond("fro"))
    return ends, math.inf if kappa is None else float(kappa)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_brackets_hold_the_exact_number_and_are_narrow(kind):
    rng = np.random.default_rng([5, KINDS.index(kind)])
    for _ in range(12):
        A = kind(int(rng.integers(1, 6)), rng)
        ends, kappa = checked(A)
        if kappa <= MOST:
            for lower, upper in ends:
                assert (upper - lower) / kappa <= WIDE * max(A.shape) * EPS * kappa


@pytest.mark.parametrize("error", [1e-3, -1e-3, 1.0])
def test_wrong_singular_values_of_lapack_do_not_make_a_bracket_false(
    error, monkeypatch
):
    def wrong(A, *args, compute_uv=True, **options):
        found = SVD(A, *args, compute_uv=compute_uv, **options)
        return found if compute_uv else found * (1 + error)

    monkeypatch.setattr(np.linalg, "svd", wrong)
    rng = np.random.default_rng(1)
    for n in (1, 2, 5):
        A = rng.standard_normal((n, n))
        found = cond_2(A)
        assert_holds(found.lower, found.upper, Exact(A).cond(2))


@pytest.mark.parametrize("order", [4, 6])
def test_wrong_singular_vectors_of_a_stack_do_not_make_a_bracket_false(
    order, monkeypatch
):
    rng = np.random.default_rng(2)

    def wrong(A, *args, compute_uv=True, **options):
        found = SVD(A, *args, compute_uv=compute_uv, **options)
        noise = 1 + 1e-6 * rng.standard_normal(found[2].shape)
        return (found[0], found[1] * 1.01, found[2] * noise) if compute_uv else found

    def also_wrong(A):
        _, sigma, Vh = wrong(A)
        return sigma, Vh.swapaxes(1, 2)

    monkeypatch.setattr(np.linalg, "svd", wrong)
    monkeypatch.setattr(_jacobi, "singular_vectors", also_wrong)
    A = rng.standard_normal((20, order, order))
    found = cond(A)
    for k, B in enumerate(A):
        assert_holds(found.lower[k], found.upper[k], Exact(B).cond(2))


@pytest.mark.parametrize("is_complex", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (1, 3), (5, 3), (4, 6), (600, 2)])
@pytest.mark.parametrize("exponent", [-1060, -200, 0, 500, 1000])
def test_norms_are_bounded_in_any_range(shape, exponent, is_complex):
    rng = np.random.default_rng(3)
    A = rng.standard_normal(shape) + is_complex * 1j * rng.standard_normal(shape)
    A = np.ldexp(A.view(float), exponent).view(A.dtype)
    low, high = norm_bounds(A)
    flint.ctx.prec = 200
    top = Exact(A if A.shape[0] < A.shape[1] else A.T).squared_values[-1].sqrt()
    assert flint.arb(low) <= top <= flint.arb(high)
    assert high <= low * (1 + 100 * sum(shape) * EPS) or exponent == -1060


def test_the_norm_of_zeros_is_zero():
    assert norm_bounds(np.zeros((3, 2))) == (0.0, 0.0)


@pytest.mark.parametrize("function", [cond_2, cond_fro])
def test_method_names_the_proof(function):
    rng = np.random.default_rng(4)
    A = rng.standard_normal((6, 6))
    units = 10.0 ** rng.uniform(-12, 12, (2, 6))
    assert function(A).method == "qr+cholesky"
    assert function(units[0][:, None] * A * units[1]).method.endswith("lu+residual")


@pytest.mark.parametrize(
    "A",
    [
        np.zeros((2, 3)),
        np.ones((4, 4)),
        np.array([[1.0, 2.0], [2.0, 4.0]]),
        np.diag([1.0, 0.0]),
        np.ones((3, 1)) * [1.0, 1j],
    ],
    ids=["zeros", "ones", "rank one", "zero line", "complex"],
)
def test_singular_matrices_have_no_upper_end(A):
    found = cond_2(A)
    assert found.value == found.upper == math.inf
    assert cond(A[None]).upper[0] == math.inf
    assert found.lower >= 1


def test_float32_is_measured_as_it_is_stored():
    A = np.random.default_rng(6).standard_normal((5, 5)).astype(np.float32)
    found, same = cond_2(A), cond_2(A.astype(float))
    assert (found.lower, found.upper) == (same.lower, same.upper)


@pytest.mark.parametrize("n", [2, 3, 4, 16])
@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_a_vector_of_ones_may_be_any_eigenvector(n, shift):
    # ones go with the least eigenvalue of I - s J, and with the largest of I + s J
    for sign in (-1.0, 1.0):
        A = np.eye(n) + sign * (0.5 + shift) / n * np.ones((n, n))
        far = 1 + sign * (0.5 + shift)
        if far == 0:
            continue
        kappa = max(far, 1 / far)
        found = cond_2(A)
        assert found.lower <= kappa * (1 + 4 * EPS)
        assert found.upper >= kappa * (1 - 4 * EPS)
        assert found.upper <= found.lower * (1 + 1e-10)
