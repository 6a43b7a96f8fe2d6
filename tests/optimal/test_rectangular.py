"""Two sides of rectangular matrices: certificates held against formulas and search."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import minimize

import condlab
from condlab import Scaling, optimal_scaling
from condlab.optimal._progress import Clock
from condlab.optimal.two_sided import _tall
from condlab.optimal.two_sided.blocks import diagonal_blocks

RNG = np.random.default_rng
SHAPES = [(3, 2), (6, 5), (9, 4), (12, 3), (40, 2), (2, 3), (4, 9), (5, 6), (7, 1)]


def gaussian(shape, seed, kind=float):
    rng = RNG(seed)
    A = rng.standard_normal(shape) * 10.0 ** rng.uniform(-3, 3, (shape[0], 1))
    if kind is complex:
        A = A * np.exp(2j * np.pi * rng.random(shape))
    return A * 10.0 ** rng.uniform(-3, 3, shape[1])


@pytest.mark.parametrize("kind", [float, complex])
@pytest.mark.parametrize("shape", SHAPES)
def test_two_sides_of_rectangular_matrices_are_scaled_within_the_tolerance(shape, kind):
    for seed in range(3):
        A = gaussian(shape, seed, kind)
        best = optimal_scaling(A, side="both")
        assert best.gap <= 0.005
        kappa = np.linalg.cond(best.scaling.apply(A))
        assert best.optimum.lower * (1 - 1e-12) <= kappa
        assert kappa <= best.optimum.upper * (1 + 1e-12)


@pytest.mark.parametrize("kind", [float, complex])
@pytest.mark.parametrize("shape", [(6, 5), (9, 4), (4, 9)])
def test_no_scaling_around_the_best_beats_the_certified_bound(shape, kind):
    A, rng = gaussian(shape, 4, kind), RNG(5)
    best = optimal_scaling(A, side="both")
    around = best.scaling.apply(A)
    for _ in range(300):
        width = 10 ** rng.uniform(-3, 1)
        left, right = (np.exp(width * rng.standard_normal(n)) for n in shape)
        kappa = condlab.cond_2(Scaling(left, right).apply(around)).upper
        assert kappa >= best.optimum.lower


@pytest.mark.parametrize("shape", [(3, 2), (5, 3), (2, 5), (6, 4)])
def test_no_local_search_gets_below_the_certified_bound(shape):
    for seed in range(2):
        A = RNG(seed).uniform(0.5, 2.0, shape) * RNG(seed + 9).choice([-1, 1], shape)
        best = optimal_scaling(A, side="both", rtol=1e-3)

        def kappa(z, A=A):
            M = np.exp(z[: shape[0]])[:, None] * A * np.exp(z[shape[0] :])
            return np.linalg.cond(M)

        found = [
            minimize(kappa, start, method="Nelder-Mead", options={"maxiter": 400}).fun
            for start in (np.zeros(sum(shape)), *RNG(seed).normal(size=(2, sum(shape))))
        ]
        assert best.optimum.lower <= min(found) * (1 + 1e-12)


def test_three_rows_of_two_columns_have_the_optimum_of_brute_force():
    # The multipliers of one row and one column may be fixed: a grid of the others.
    A = np.array([[1.0, 2.0], [1.0, 3.0], [1.0, 8.0]])
    best = optimal_scaling(A, side="both", rtol=1e-4).optimum
    x, y, z = np.meshgrid(*[np.linspace(-9, 9, 31)] * 2, np.linspace(-4, 1, 101))
    d = np.exp(np.stack([x.ravel(), 0 * x.ravel(), y.ravel()]))
    M = d.T[:, :, None] * A * np.exp(np.stack([0 * z.ravel(), z.ravel()])).T[:, None]
    gram = M.swapaxes(1, 2) @ M
    # Of a 2 x 2 Gram matrix (trace)²/det is (κ + 1/κ)².
    share = (gram[:, 0, 0] + gram[:, 1, 1]) / np.sqrt(np.linalg.det(gram))
    sums = float(share.min())
    kappa = (sums + np.sqrt(max(sums**2 - 4, 0.0))) / 2
    assert best.lower <= kappa
    assert kappa == pytest.approx(best.upper, rel=1e-2)
    # The middle row only spoils what the outer two have: (1 + r) / (1 - r), r² = 2/8.
    assert best.lower <= 3 * (1 + 1e-12)
    assert best.upper >= 3 * (1 - 1e-12)


def test_a_tall_matrix_is_as_good_as_its_best_square_part_at_least():
    A = gaussian((6, 3), 7)
    tall = optimal_scaling(A, side="both").optimum
    for rows in ([0, 1, 2], [1, 3, 5], [2, 4, 5]):
        assert tall.lower <= optimal_scaling(A[rows], side="both").optimum.upper


def test_a_transpose_has_the_same_optimum_and_the_sides_exchanged():
    A = gaussian((8, 5), 8)
    tall, wide = (optimal_scaling(B, side="both") for B in (A, A.T.copy()))
    assert tall.optimum.lower == wide.optimum.lower
    assert tall.optimum.upper == pytest.approx(wide.optimum.upper, rel=1e-12)
    assert (tall.scaling.left == wide.scaling.right).all()
    assert (tall.scaling.right == wide.scaling.left).all()


def test_copies_of_rows_do_not_change_the_optimum():
    # Two rows of multipliers c and d act as one of √(c² + d²).
    A = gaussian((5, 5), 9)
    B = np.vstack([A, 7 * A[[2]], -A[[4]]])
    one, two = (optimal_scaling(C, side="both").optimum for C in (A, B))
    assert max(one.lower, two.lower) <= min(one.upper, two.upper)


def test_units_of_the_lines_do_not_change_the_optimum_of_a_rectangle():
    A = gaussian((7, 4), 10)
    d, e = 10.0 ** RNG(2).uniform(-9, 9, 7), 10.0 ** RNG(3).uniform(-9, 9, 4)
    one, two = (
        optimal_scaling(B, side="both").optimum for B in (A, d[:, None] * A * e)
    )
    assert max(one.lower, two.lower) <= min(one.upper, two.upper) * (1 + 1e-9)


def test_reducible_rectangles_come_to_the_optimum_of_their_blocks():
    tall, square = gaussian((6, 3), 11), gaussian((4, 4), 12)
    A = np.zeros((11, 7))  # with a row of zeros
    A[:4, :4], A[:4, 4:], A[4:10, 4:] = square, 1e5 * RNG(0).normal(size=(4, 3)), tall
    P, Q = RNG(3).permutation(11), RNG(4).permutation(7)
    for B in (A[P][:, Q], A[P][:, Q].T):
        whole = optimal_scaling(B, side="both", rtol=1e-4)
        parts = [optimal_scaling(C, side="both", rtol=1e-4) for C in (tall, square)]
        expected = max(part.optimum.upper for part in parts)
        assert whole.optimum.upper == pytest.approx(expected, rel=2e-4)
        assert whole.optimum.lower <= expected
        assert "2 blocks" in whole.method


def test_blocks_of_a_tall_pattern_are_those_of_its_alternating_paths():
    A = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1]])
    found = {(tuple(rows), tuple(columns)) for rows, columns in diagonal_blocks(A)}
    assert found == {((0,), (0,)), ((1, 2, 3), (1, 2))}


@pytest.mark.parametrize("shape", [(4, 2), (5, 3)])
def test_the_bound_is_below_what_the_same_factors_prove_in_rationals(
    shape, monkeypatch
):
    seen = []
    bound = _tall.scaled_bound

    def noted(B, F1, F2, **options):
        seen.append((B, F1, F2, bound(B, F1, F2, **options)))
        return seen[-1][-1]

    monkeypatch.setattr(_tall, "scaled_bound", noted)
    _tall.both(gaussian(shape, 13), 0.005, 1.0, Clock(None))
    assert seen
    for B, F1, F2, found in seen:
        assert found == 1 or Fraction(found) ** 2 <= exact_square(B, F1, F2)


def exact_square(B, F1, F2):
    """Return min_i (B Z₁ Bᵀ)_ii / (B Z₂ Bᵀ)_ii · min_j (Z₂)_jj / (Z₁)_jj, Z = F Fᵀ."""
    B, F1, F2 = (
        np.array([[Fraction(x) for x in row] for row in M.tolist()], dtype=object)
        for M in (B, F1, F2)
    )
    high, low = (((B @ F) ** 2).sum(axis=1) for F in (F1, F2))
    near, far = ((F**2).sum(axis=1) for F in (F1, F2))
    return min(high / low) * min(far / near)


def test_time_runs_out_with_a_true_bracket():
    A = gaussian((30, 20), 14)
    hurried, best = (optimal_scaling(A, side="both", time_limit=t) for t in (0.0, None))
    assert hurried.optimum.lower <= best.optimum.upper
    assert best.optimum.lower <= hurried.optimum.upper


def test_large_and_small_ranges_are_no_harm_to_a_rectangle():
    A = gaussian((5, 3), 15)
    near = optimal_scaling(A, side="both").optimum
    far = optimal_scaling(1e-290 * A, side="both").optimum
    assert far.upper == pytest.approx(near.upper, rel=0.01)


def test_parts_that_come_apart_on_the_way_are_certified():
    # The first row is of the last column alone: both leave the others to themselves.
    A = np.vander(np.linspace(0, 1, 9), 5)
    best = optimal_scaling(A, side="both")
    assert best.gap <= 0.005
    others = optimal_scaling(A[1:, :-1], side="both").optimum
    assert others.lower <= best.optimum.upper
    assert best.optimum.lower <= others.upper
