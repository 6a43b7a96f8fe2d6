"""Condition numbers that need more than one factorisation in double precision."""

import math

import flint
import numpy as np
import pytest

from condlab.condition import cond_1, cond_2, cond_fro, cond_inf, cond_skeel
from tests.exact import Exact

EPS = np.finfo(float).eps
NORM = {cond_1: 1, cond_2: 2, cond_inf: "inf", cond_fro: "fro", cond_skeel: "skeel"}


def near_parallel(m, n, gap, seed):
    """Return a tall matrix whose last column is nearly the sum of the others."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((m, n))
    A[:, -1] = A[:, :-1].sum(axis=1) + gap * rng.standard_normal(m)
    return A


def checked(function, A):
    """Return what a function finds and the truth, which its bracket holds."""
    found, kappa = function(A), Exact(A).cond(NORM[function])
    assert not flint.arb(found.lower) > kappa
    assert not flint.arb(found.upper) < kappa
    return found, float(kappa)


@pytest.mark.parametrize("function", [cond_2, cond_fro], ids=lambda f: f.__name__)
@pytest.mark.parametrize("gap", [1e-12, 1e-14, 3e-16])
@pytest.mark.parametrize("shape", [(50, 2), (30, 4), (2, 50), (9, 8)])
def test_rectangles_go_through_their_r_factor(function, gap, shape):
    A = near_parallel(max(shape), min(shape), gap, 3)
    found, kappa = checked(function, A if shape[0] > shape[1] else A.T)
    wide = float(np.finfo(np.longdouble).eps)  # float64's own where nothing is wider
    tolerance = 4 * max(shape) * (EPS + min(wide * kappa, 0.1 / max(shape)))
    assert found.value == pytest.approx(kappa, rel=tolerance)


def test_r_factor_of_a_complex_rectangle_keeps_its_digits():
    A = near_parallel(20, 3, 1e-14, 5) + 1j * near_parallel(20, 3, 1e-14, 7)
    found, kappa = checked(cond_2, A)
    assert found.upper < 1.1 * kappa


def test_dependent_columns_leave_a_rectangle_infinitely_ill_conditioned():
    A = np.random.default_rng(0).integers(-9, 10, (50, 3)).astype(float)
    A[:, 2] = A[:, 0] - 3 * A[:, 1]
    for B in (A, A.T, np.ones((50, 2))):
        assert cond_2(B).value == cond_fro(B).upper == math.inf


@pytest.mark.parametrize("function", NORM, ids=lambda f: f.__name__)
@pytest.mark.parametrize("seed", range(6))
def test_rows_and_columns_in_very_different_units_keep_their_digits(function, seed):
    rng = np.random.default_rng(seed)
    left, right = 10.0 ** rng.uniform(-12, 12, (2, 6))
    A = left[:, None] * rng.standard_normal((6, 6)) * right
    found, kappa = checked(function, A)
    assert found.value == pytest.approx(kappa, rel=1e-10)  # 6² eps κ(equilibrated)


def test_entries_beyond_the_range_of_the_largest_do_not_make_a_lower_bound_false():
    A = np.array([[1e200, 1e-200], [1e200, -1e-200]])  # κ is about 1e400
    for function in (cond_1, cond_2, cond_inf, cond_fro):
        found = function(A)
        assert found.value == math.inf
        assert found.lower < math.inf
    assert cond_skeel(A.T).value == pytest.approx(2.0)
