"""Matrices of less than full rank, scaled for the condition number on their range."""

import math

import numpy as np
import pytest
import scipy.linalg as sl

from condlab import Bracket, Scaling, optimal_scaling

RNG = np.random.default_rng
RTOL = 0.005
SIDES = ("left", "right", "symmetric")
NAMES = {"left": "on the row space", "right": "on the column space",
         "symmetric": "on the range"}  # fmt: skip


def deficient(shape, rank, seed, spread=8):
    """Return a matrix of integers and powers of two of exactly this rank."""
    rng = RNG(seed)
    L, R = (rng.integers(-4, 5, s) for s in ((shape[0], rank), (rank, shape[1])))
    L[:rank], R[:, :rank] = np.tril(L[:rank], -1), np.triu(R[:, :rank], 1)
    L[:rank] += np.eye(rank, dtype=int)
    R[:, :rank] += np.eye(rank, dtype=int)
    A = np.ldexp((L @ R).astype(float), rng.integers(-spread, spread + 1, shape[1]))
    return np.ldexp(A, rng.integers(-spread, spread + 1, (shape[0], 1)))


def semidefinite(n, rank, seed):
    F = deficient((n, rank), rank, seed, spread=3)
    return F @ F.T


def case(side, seed):
    if side == "symmetric":
        return semidefinite(7, 4, seed), 4
    return deficient((9, 6), 4, seed), 4


def on_range(M, rank):
    sigma = np.linalg.svd(M, compute_uv=False)
    return sigma[0] / sigma[rank - 1]


@pytest.mark.parametrize("side", SIDES)
def test_the_best_scaling_on_the_range_is_certified_within_the_tolerance(side):
    for seed in range(2):
        A, rank = case(side, seed)
        best = optimal_scaling(A, side=side)
        assert best.rank == rank
        assert best.on_range.upper <= best.on_range.lower * (1 + RTOL)
        reached = on_range(best.scaling.apply(A), rank)
        assert best.on_range.lower * (1 - 1e-9) <= reached
        assert reached <= best.on_range.upper * (1 + 1e-9)


@pytest.mark.parametrize("side", SIDES)
def test_no_scaling_is_better_on_the_range_than_is_certain(side):
    A, rank = case(side, 5)
    best, rng = optimal_scaling(A, side=side), RNG(6)
    around = best.scaling.apply(A)
    for _ in range(200):
        d = np.exp(10 ** rng.uniform(-3, 0.7) * rng.standard_normal(9))
        d = d[: A.shape[1]] if side == "right" else d[: A.shape[0]]
        scaling = Scaling(None if side == "right" else d, None if side == "left" else d)
        assert on_range(scaling.apply(around), rank) >= best.on_range.lower * (1 - 1e-9)


@pytest.mark.parametrize("side", SIDES)
def test_the_result_says_of_which_space_it_speaks_and_that_kappa_is_infinite(side):
    A, rank = case(side, 7)
    best = optimal_scaling(A, side=side)
    assert best.optimum == Bracket(math.inf, math.inf)
    assert best.stopped == "singular"
    assert best.method.endswith(NAMES[side])
    assert str(best.on_range) in best._repr_html_()
    assert best.to_dict()["rank"] == rank


def test_columns_twice_over_change_nothing_on_the_row_space():
    B = RNG(8).standard_normal((6, 4))  # [B B] has √2 times the singular values of B
    one = optimal_scaling(B).optimum
    two = optimal_scaling(np.hstack([B, B])).on_range
    assert max(one.lower, two.lower) <= min(one.upper, two.upper)


def test_a_laplacian_is_scaled_as_its_incidence_matrix_is():
    # D L D = (D B)(D B)ᵀ; with a circle of edges B has dependent columns, too.
    edges = [(0, 1), (1, 2), (2, 3), (3, 0), (1, 3), (3, 4)]
    B = np.zeros((5, len(edges)))
    for k, (i, j) in enumerate(edges):
        B[i, k], B[j, k] = 1, -1
    laplacian = optimal_scaling(B @ B.T, side="symmetric")
    incidence = optimal_scaling(B, side="left").on_range
    found = laplacian.on_range
    assert laplacian.rank == 4
    assert incidence.lower**2 <= found.upper * (1 + 1e-12)
    assert found.lower <= incidence.upper**2 * (1 + 1e-12)


def test_components_of_full_rank_are_certified_on_both_sides():
    tall, square = RNG(9).standard_normal((4, 2)), RNG(10).standard_normal((3, 3))
    A = sl.block_diag(tall, square, np.outer([1.0, 2.0], [3.0, -5.0]), [[0.0]])
    P, Q = RNG(11).permutation(10), RNG(12).permutation(8)
    best = optimal_scaling(A[P][:, Q], side="both")
    parts = [optimal_scaling(B, side="both").optimum for B in (tall, square)]
    assert best.rank == 6
    assert best.on_range.upper <= best.on_range.lower * (1 + RTOL)
    assert best.on_range.lower <= max(part.upper for part in parts)
    assert best.on_range.upper >= max(part.lower for part in parts)
    assert best.method == "barrier on the row and column space"


def test_both_sides_without_a_bound_say_so_and_are_no_worse_than_one():
    A = deficient((6, 5), 3, 13)
    both = optimal_scaling(A, side="both")
    assert both.method.startswith("one side after the other")
    assert both.on_range.lower == 1
    assert on_range(both.scaling.apply(A), 3) <= both.on_range.upper * (1 + 1e-9)
    for side in ("left", "right"):
        assert both.on_range.upper <= optimal_scaling(A, side=side).on_range.upper


@pytest.mark.parametrize("side", ["left", "right", "both"])
def test_rank_one_is_as_good_as_can_be(side):
    best = optimal_scaling(np.outer([2.0**30, 1.0, 3.0], [1.0, 2.0**-30]), side=side)
    assert best.rank == 1
    assert best.on_range.lower == 1
    assert best.on_range.upper < 1 + 1e-12


@pytest.mark.parametrize("side", ["left", "symmetric"])
def test_complex_matrices_have_a_range_too(side):
    rng = RNG(14)
    F = rng.integers(-3, 4, (5, 3)) + 1j * rng.integers(-3, 4, (5, 3))
    A = F @ (F.conj().T if side == "symmetric" else F[:4].T)
    best = optimal_scaling(A, side=side)
    assert best.rank == 3
    assert best.on_range.upper <= best.on_range.lower * (1 + RTOL)
    reached = on_range(best.scaling.apply(A), 3)
    assert best.on_range.lower * (1 - 1e-9) <= reached <= best.on_range.upper


def test_larger_matrices_have_the_rank_of_their_pattern_if_that_is_certain():
    A = RNG(15).standard_normal((40, 40))
    A[7] = 0
    best = optimal_scaling(A)
    assert best.rank == 39
    assert best.on_range.upper <= best.on_range.lower * (1 + RTOL)
    assert best.scaling.left[7] == 1


def test_what_has_no_range_or_no_square_root_is_only_called_singular():
    indefinite = np.array([[1.0, 2.0, 3.0], [2.0, 1.0, 3.0], [3.0, 3.0, 6.0]])
    for A in (np.zeros((2, 2)), indefinite):
        best = optimal_scaling(A, side="symmetric")
        assert (best.method, best.on_range) == ("singular", None)


def test_ranges_of_units_do_not_change_what_is_certain():
    A = deficient((6, 5), 3, 16)
    d = 2.0 ** RNG(17).integers(-400, 400, 6)
    near, far = (optimal_scaling(B).on_range for B in (A, d[:, None] * A))
    assert max(near.lower, far.lower) <= min(near.upper, far.upper) * (1 + 1e-9)


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_bracket_holds_in_exact_arithmetic(side):
    flint = pytest.importorskip("flint")

    def rational(x):
        return flint.fmpq(*float(x).as_integer_ratio())

    A = deficient((5, 4), 3, 18, spread=2)
    best = optimal_scaling(A, side=side)
    M = flint.fmpq_mat(*A.shape, [rational(x) for x in A.ravel()])
    d = best.scaling.left if side == "left" else best.scaling.right
    D = flint.fmpq_mat(len(d), len(d), [rational(x) for x in np.diag(d).ravel()])
    M = D * M if side == "left" else M * D
    low, high = best.on_range.lower, best.on_range.upper
    flint.ctx.prec = 2000
    roots = [root.real for root, _ in (M * M.transpose()).charpoly().complex_roots()]
    values = sorted((float(x.mid()) for x in roots), reverse=True)
    ratio = max(roots, key=float) / next(x for x in roots if float(x) == values[2])
    assert flint.arb(low) ** 2 <= ratio
    assert ratio <= flint.arb(high) ** 2
