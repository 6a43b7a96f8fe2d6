"""Condition numbers of a stack are those of its matrices, with brackets as certain."""

import math

import numpy as np
import pytest

from condlab import cond
from condlab.condition import _jacobi
from tests.optional import torch

flint = pytest.importorskip("flint")

from tests.exact import Exact  # noqa: E402
from tests.kinds import KINDS  # noqa: E402

EPS = np.finfo(float).eps
NORMS = (1, "inf", "fro", "skeel")
MOST, WIDE = 1e10, 100  # as narrow, times n ε κ, as rounding lets brackets be
SQUARE = [kind for kind in KINDS if kind.__name__ not in ("rectangular", "sparse")]


def assert_holds(found, i, kappa):
    lower, value, upper = found.lower[i], found.value[i], found.upper[i]
    assert lower <= value <= upper
    if kappa is None:
        assert upper == math.inf
        return
    assert not flint.arb(float(lower)) > kappa
    assert not flint.arb(float(upper)) < kappa


@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize("kind", SQUARE, ids=lambda kind: kind.__name__)
def test_brackets_of_a_stack_hold_the_exact_numbers_and_are_narrow(kind, p):
    rng = np.random.default_rng([7, SQUARE.index(kind)])
    for n in (1, 2, 3, 6):
        matrices = [kind(n, rng) for _ in range(3)]
        same = [A for A in matrices if A.shape == matrices[0].shape]
        if same[0].shape[0] != same[0].shape[1]:
            continue
        stack = np.stack(same)
        found = cond(stack, p)
        for i, A in enumerate(stack):
            exact = Exact(A)
            kappa = None if exact.is_singular else exact.cond(p)
            assert_holds(found, i, kappa)
            if kappa is not None and float(exact.cond(2)) <= MOST:
                width = (found.upper[i] - found.lower[i]) / found.value[i]
                assert width <= WIDE * n * EPS * float(exact.cond(2)) * n


@pytest.mark.parametrize("p", [2, *NORMS])
def test_a_singular_matrix_leaves_the_others_of_its_stack_alone(p):
    A = np.random.default_rng(8).standard_normal((5, 3, 3))
    alone = cond(A, p)
    A[1], A[3] = 0.0, 1.0
    found = cond(A, p)
    assert np.isinf(found.upper).tolist() == [False, True, False, True, False]
    for name in ("value", "lower", "upper"):
        ours, theirs = getattr(found, name), getattr(alone, name)
        assert np.array_equal(ours[[0, 2, 4]], theirs[[0, 2, 4]])


@pytest.mark.parametrize("p", [2, *NORMS])
@pytest.mark.parametrize("dtype", [np.float32, np.complex128, np.int64])
def test_a_tensor_has_the_numbers_of_its_array(p, dtype):
    rng = np.random.default_rng(9)
    A = rng.integers(-9, 9, (2, 3, 4, 4)).astype(dtype)
    A += (rng.integers(-9, 9, A.shape) * (1j if dtype == np.complex128 else 1)).astype(
        dtype
    )
    ours, theirs = cond(torch.from_numpy(A), p), cond(A, p)
    assert isinstance(ours.value, torch.Tensor)
    assert ours.value.shape == (2, 3)
    assert np.array_equal(ours.upper.numpy(), theirs.upper)


@pytest.mark.parametrize("p", [2, *NORMS])
def test_units_of_a_matrix_are_its_own_in_a_stack(p):
    A = np.random.default_rng(10).standard_normal((6, 3, 3))
    units = 2.0 ** np.array([-1000, -500, 0, 1, 500, 1000])
    found, scaled = cond(A, p), cond(A * units[:, None, None], p)
    assert np.array_equal(found.value, scaled.value)
    assert np.array_equal(found.upper, scaled.upper)


@pytest.mark.parametrize("p", [1, "inf", "fro"])
def test_brackets_stay_narrow_where_only_one_residual_is_small(p):
    A = np.random.default_rng(12).standard_normal((6, 3, 3)) + 5 * np.eye(3)
    units = 2.0 ** np.array([0, 30, -20])
    for stack in (units[:, None] * A, A * units):
        found = cond(stack, p)
        assert (found.value > 1e9).all()
        assert (found.upper <= found.lower * (1 + 1e-12)).all()
        for i, B in enumerate(stack):
            assert_holds(found, i, Exact(B).cond(p))


@pytest.mark.parametrize("shape", [(7, 1, 1), (7, 2, 2), (7, 4, 3), (300, 4, 4)])
def test_jacobi_finds_the_singular_values_and_vectors_of_lapack(shape):
    A = np.random.default_rng(11).standard_normal(shape)
    sigma, V = _jacobi.singular_vectors(A)
    expected = np.linalg.svd(A, compute_uv=False)
    np.testing.assert_allclose(sigma, expected, rtol=0, atol=40 * EPS * shape[1])
    lengths = np.linalg.norm(A @ V, axis=1)
    np.testing.assert_allclose(lengths, sigma, rtol=0, atol=40 * EPS * shape[1])
    gram = V.swapaxes(1, 2) @ V
    assert np.abs(gram - np.eye(shape[2])).max() <= 40 * EPS


def test_jacobi_keeps_the_digits_of_small_columns():
    Q = np.linalg.qr(np.random.default_rng(12).standard_normal((9, 4, 4)))[0]
    lengths = np.array([1.0, 1e-8, 1e-60, 1e-120])
    sigma, _ = _jacobi.singular_vectors(Q * lengths)
    np.testing.assert_allclose(sigma, np.tile(lengths, (9, 1)), rtol=64 * EPS)


def test_jacobi_takes_zeros():
    sigma, V = _jacobi.singular_vectors(np.zeros((2, 3, 3)))
    assert not sigma.any()
    assert np.array_equal(V, np.tile(np.eye(3), (2, 1, 1)))


def test_small_products_are_those_of_matmul():
    rng = np.random.default_rng(13)
    A, B = rng.integers(-9, 9, (2, 50, 3, 3)).astype(float)
    assert np.array_equal(_jacobi.times(*map(_jacobi.side_by_side, (A, B))), A @ B)
