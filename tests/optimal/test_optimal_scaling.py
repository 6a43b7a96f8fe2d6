"""The best scaling: its certificate is put to the test by every other scaling."""

import math

import numpy as np
import pytest
import scipy.linalg as sl
from scipy.optimize import minimize

import condlab
from condlab import Scaling, optimal_scaling
from condlab.collection import COLLECTION
from condlab.gallery import hilbert
from tests.optimal.cases import ONE_SIDED, RNG, RTOL, graded


def spd(n, seed=0):
    F = graded(n, n, seed)
    return F @ F.T + 1e-3 * np.diag(np.diag(F @ F.T))


def scaled_kappas(A, side, rng, count=300):
    """Return κ₂ of random scalings of a side, wide and narrow ones."""
    m, n = A.shape
    for _ in range(count):
        width = 10 ** rng.uniform(-3, 1)
        left, right = np.exp(width * rng.standard_normal(m)), None
        if side == "symmetric":
            right = left
        if side == "both":
            right = np.exp(width * rng.standard_normal(n))
        if side == "right":
            left, right = None, np.exp(width * rng.standard_normal(n))
        yield Scaling(left, right)


CASES = [
    (graded(9, 9), "left"),
    (graded(9, 9), "right"),
    (graded(5, 12), "left"),
    (graded(12, 5), "left"),
    (graded(5, 12), "right"),
    (graded(12, 5), "right"),
    (spd(8), "symmetric"),
    (graded(8, 8), "both"),
    (graded(7, 7) + graded(7, 7).T, "symmetric"),
    (spd(8), "both"),
]


@pytest.mark.parametrize(("A", "side"), CASES)
def test_no_random_scaling_around_the_best_beats_the_certified_bound(A, side):
    best = optimal_scaling(A, side=side)
    assert best.gap <= RTOL
    around = best.scaling.apply(A)
    for scaling in scaled_kappas(A, side, RNG(1)):
        assert condlab.cond_2(scaling.apply(around)).upper >= best.optimum.lower


@pytest.mark.parametrize(("A", "side"), CASES)
def test_the_scaling_attains_the_upper_end_and_is_of_its_side(A, side):
    best = optimal_scaling(A, side=side)
    left, right = best.scaling.left, best.scaling.right
    kappa = np.linalg.cond(best.scaling.apply(A))
    assert best.optimum.lower <= kappa <= best.optimum.upper
    assert (left is None) == (side == "right")
    assert (right is None) == (side == "left")
    if side == "symmetric":
        assert (left == right).all()


@pytest.mark.parametrize(("A", "side"), CASES)
def test_units_of_the_lines_do_not_change_the_optimum(A, side):
    m, n = A.shape
    d, e = 10.0 ** RNG(2).uniform(-4, 4, m), 10.0 ** RNG(3).uniform(-4, 4, n)
    units = {
        "left": Scaling(d, None),
        "right": Scaling(None, e),
        "symmetric": Scaling(2.0 ** np.arange(m), 2.0 ** np.arange(m)),
        "both": Scaling(d, e),
    }[side]
    one, two = (optimal_scaling(B, side=side).optimum for B in (A, units.apply(A)))
    assert one.lower <= two.upper * (1 + 1e-9)
    assert two.lower <= one.upper * (1 + 1e-9)


NAMES = ("karate", "beam", "monomials", "legendre", "wine", "production-plan", "tanks")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side", ONE_SIDED)
def test_matrices_from_practice_are_scaled_to_half_a_per_cent(name, side):
    pytest.importorskip("sklearn")
    best = optimal_scaling(COLLECTION[name].load(), side=side)
    assert best.gap <= RTOL


@pytest.mark.parametrize("name", ["karate", "beam"])
def test_symmetric_matrices_from_practice_are_scaled_to_one_per_cent(name):
    A = COLLECTION[name].load()
    assert optimal_scaling(A, side="symmetric", rtol=0.01).gap <= 0.01


def test_two_rows_of_equal_norm_are_optimal():
    A = np.array([[3.0, 4.0, 0.0], [100.0, 0.0, 50.0]])
    B = condlab.row_scaling(A).apply(A)
    cosine = B[0] @ B[1]
    best = optimal_scaling(A)
    assert math.sqrt((1 + cosine) / (1 - cosine)) in best.optimum
    assert best.gap <= RTOL


@pytest.mark.parametrize("n", [2, 5, 12])
def test_jacobi_is_optimal_with_property_a(n):
    off = RNG(n).uniform(-0.49, 0.49, n - 1)
    A = np.diag(np.ones(n)) + np.diag(off, 1) + np.diag(off, -1)
    units = 2.0 ** RNG(0).integers(-10, 10, n)
    kappa = np.linalg.cond(A)
    best = optimal_scaling(units[:, None] * A * units, side="symmetric")
    assert best.optimum.lower <= kappa * (1 + 1e-9)
    assert best.optimum.upper >= kappa * (1 - 1e-9)
    assert best.gap <= RTOL


def test_left_and_both_sides_agree_with_closed_forms_of_hilbert_matrices():
    # The inverse is a checkerboard of signs, so that the least κ₂ is ρ(|A⁻¹| |A|).
    A = hilbert(4)
    rho = np.abs(np.linalg.eigvals(np.abs(np.linalg.inv(A)) @ A)).max()
    best = optimal_scaling(A, side="both", rtol=1e-3)
    assert best.optimum.lower <= rho * (1 + 1e-9)
    assert best.optimum.upper >= rho * (1 - 1e-9)
    assert best.gap <= 1e-3


def test_orthogonal_matrices_are_already_optimal():
    Q = np.linalg.qr(RNG(0).standard_normal((20, 20)))[0]
    for side in ("left", "right", "both"):
        best = optimal_scaling(Q, side=side)
        assert best.gap < 1e-12
        assert best.iterations <= 1


def test_symmetric_and_two_sided_optima_of_symmetric_matrices_are_one():
    A = spd(10, seed=4)
    L = sl.block_diag(A, [[1.0]])
    L[0, -1] = 1e-3  # no longer symmetric, with the same blocks
    one, two = (
        optimal_scaling(A, side="both").optimum,
        optimal_scaling(L, side="both", rtol=1e-3).optimum,
    )
    assert one.lower <= two.upper
    assert two.lower <= one.upper


def test_reducible_matrices_come_to_the_optimum_of_their_blocks():
    first, second = graded(6, 6, seed=1), graded(4, 4, seed=2)
    A = np.block(
        [[first, 1e5 * RNG(0).standard_normal((6, 4))], [np.zeros((4, 6)), second]]
    )
    P, Q = RNG(3).permutation(10), RNG(4).permutation(10)
    whole = optimal_scaling(A[P][:, Q], side="both", rtol=1e-4)
    parts = [optimal_scaling(B, side="both", rtol=1e-4) for B in (first, second)]
    expected = max(part.optimum.upper for part in parts)
    assert whole.optimum.upper == pytest.approx(expected, rel=2e-4)
    assert whole.optimum.lower <= expected


def nearly_reducible(size, seed):
    """Return a graded matrix whose lower left part is tiny but for one entry."""
    A = graded(2 * size, 2 * size, seed)
    A[size:, :size] *= 1e-4 * (RNG(seed).random((size, size)) < 0.2)
    A[size, size - 1] = 1.0
    return A


@pytest.mark.parametrize("seed", range(4))
def test_two_sides_are_certified_where_the_best_scaling_is_extreme(seed):
    best = optimal_scaling(nearly_reducible(8, seed), side="both")
    assert best.gap <= RTOL


@pytest.mark.parametrize("seed", range(4))
def test_two_sides_agree_with_minimising_schatten_norms(seed):
    A = graded(6, 6, seed)
    best = optimal_scaling(A, side="both", rtol=1e-3)

    def smoothed(z):  # an upper bound of log κ, within log(6) / 40 of it
        M = np.exp(z[:6])[:, None] * A * np.exp(z[6:])
        sigma = np.linalg.svd(M, compute_uv=False)
        return np.log(np.linalg.norm(sigma, 80) * np.linalg.norm(1 / sigma, 80))

    start = condlab.ruiz_scaling(A)
    z = np.log(np.concatenate([start.left, start.right]))
    least = minimize(smoothed, z, method="BFGS").fun
    assert math.log(best.optimum.lower) <= least <= math.log(best.optimum.upper) + 0.1


@pytest.mark.parametrize("p", [1, "inf"])
@pytest.mark.parametrize("side", ["left", "right", "both"])
def test_bauers_scalings_attain_bauers_optimum(side, p):
    A = graded(7, 7, seed=5)
    best = optimal_scaling(A, side=side, p=p)
    product = (np.abs(np.linalg.inv(A)), np.abs(A))
    T = product[0] @ product[1] if side != "right" else product[1] @ product[0]
    order = 1 if p == 1 else np.inf
    formula = np.linalg.norm(T, order)
    if side == "both":
        formula = np.abs(np.linalg.eigvals(T)).max()
    assert best.optimum.upper == pytest.approx(formula, rel=1e-9)
    assert np.linalg.cond(best.scaling.apply(A), order) == pytest.approx(formula)
    assert best.gap < 1e-8


@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (1, 5)])
def test_the_frobenius_optimum_is_smiths_sum(shape):
    A = graded(*shape, seed=6)
    formula = np.linalg.norm(A, axis=1) @ np.linalg.norm(np.linalg.pinv(A), axis=0)
    left = optimal_scaling(A, p="fro")
    right = optimal_scaling(A.T, side="right", p="fro")
    for best in (left, right):
        assert best.optimum.upper == pytest.approx(formula, rel=1e-8)
        assert best.gap < 1e-7
