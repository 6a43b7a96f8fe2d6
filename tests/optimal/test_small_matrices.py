"""Small matrices meet the gap that was asked for, by certificates alone."""

import numpy as np
import pytest

from condlab import optimal_scaling, van_der_sluis

SIDES = ("left", "right", "symmetric", "both")
REASONS = ("time limit", "rounding")


def gaussian(rng, side):
    """Return a matrix of 2 to 12 rows and columns for the side."""
    m, n = rng.integers(2, 13, 2)
    if side in ("left", "right"):
        return rng.standard_normal((m, n))
    A = rng.standard_normal((n, n))
    if side == "both":
        return A
    A = A @ A.T if rng.random() < 0.5 else A + A.T
    return (A + A.T) / 2


def check(count, seed, rtol=0.005):
    rng, missed = np.random.default_rng(seed), 0
    for k in range(count):
        side = SIDES[k % len(SIDES)]
        A = gaussian(rng, side)
        best = optimal_scaling(A, side=side, rtol=rtol)
        if best.gap <= rtol:
            assert best.stopped == "within rtol"
        else:
            assert best.stopped in REASONS
            missed += 1
        kappa = np.linalg.cond(best.scaling.apply(A))
        assert best.optimum.lower <= kappa * (1 + 1e-9)
        assert kappa <= best.optimum.upper * (1 + 1e-9)
    return missed


def test_gaussian_matrices_meet_the_gap_asked_for():
    assert check(200, seed=0) == 0


@pytest.mark.slow
def test_three_thousand_gaussian_matrices_meet_the_gap_asked_for_or_say_why_not():
    assert check(3000, seed=1) <= 15


@pytest.mark.parametrize("side", ["left", "right", "symmetric"])
@pytest.mark.parametrize("options", [{}, {"time_limit": 0.0}])
def test_the_bound_is_never_below_van_der_sluis(side, options):
    rng = np.random.default_rng(2)
    for _ in range(20):
        A = rng.standard_normal((6, 6)) * 10.0 ** rng.uniform(-8, 8, 6)
        A = A.T @ A + np.diag(np.diag(A.T @ A)) if side == "symmetric" else A
        best = optimal_scaling(A, side=side, **options)
        assert best.optimum.lower >= van_der_sluis(A, side=side).lower * (1 - 1e-12)


def test_no_time_and_no_digits_are_told_apart():
    A = np.random.default_rng(0).standard_normal((8, 8))
    assert optimal_scaling(A, time_limit=0.0).stopped == "time limit"
    assert optimal_scaling(A, rtol=1e-14).stopped == "rounding"
    assert optimal_scaling(A).stopped == "within rtol"
