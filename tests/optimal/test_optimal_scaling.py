"""The best scaling: its certificate is put to the test by every other scaling."""

import math

import numpy as np
import pytest
import scipy.linalg as sl
import scipy.sparse as sp
from scipy.optimize import minimize

import condlab
from condlab import Scaling, optimal_scaling
from condlab.collection import COLLECTION
from condlab.gallery import hilbert

RTOL = 0.005  # the default of the function
ONE_SIDED = ("left", "right")
RNG = np.random.default_rng


def graded(m, n, seed=0):
    rng = RNG(seed)
    return rng.standard_normal((m, n)) * 10.0 ** rng.uniform(-3, 3, (m, 1))


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


@pytest.mark.parametrize("side", ["left", "right", "symmetric", "both"])
@pytest.mark.parametrize(
    "A", [np.ones((3, 3)), np.zeros((2, 2)), np.diag([1.0, 0.0]), [[0.0]]]
)
def test_the_optimum_of_singular_matrices_is_infinite(A, side):
    best = optimal_scaling(A, side=side)
    assert best.optimum == condlab.Bracket(math.inf, math.inf)
    assert np.isfinite(best.scaling.apply(np.asarray(A))).all()


def test_rows_of_zeros_of_a_tall_matrix_take_no_part():
    A = graded(9, 4)
    B = np.insert(A, 3, 0.0, axis=0)
    one, two = optimal_scaling(A), optimal_scaling(B)
    assert two.optimum.upper == pytest.approx(one.optimum.upper)
    assert two.scaling.left[3] == 1


def test_one_line_has_the_condition_number_one():
    for A in ([[1.0, 2.0, 3.0]], [[1.0], [0.0]], [[-7.0]]):
        for side in ONE_SIDED:
            assert optimal_scaling(A, side=side).optimum.upper < 1 + 1e-12


def test_huge_and_tiny_entries_are_scaled_like_others():
    A = np.array([[1e300, 2e300], [2e-300, 4.1e-300]])
    plain = optimal_scaling([[1.0, 2.0], [2.0, 4.1]])
    assert optimal_scaling(A).optimum.upper == pytest.approx(plain.optimum.upper)
    both = optimal_scaling(A, side="both")
    assert both.gap <= RTOL
    assert both.optimum.upper < plain.optimum.upper


def test_a_condition_number_of_1e14_ends_with_a_bracket():
    A = graded(15, 15) * 10.0 ** np.linspace(-7, 7, 15)
    assert optimal_scaling(A, side="right").gap <= RTOL
    left = optimal_scaling(A, side="left")  # only columns could help
    assert 1e10 < left.optimum.lower <= left.optimum.upper


def test_hilbert_matrices_that_look_singular_have_a_certain_lower_bound():
    best = optimal_scaling(hilbert(14))
    assert best.optimum.lower > 1e12
    assert best.optimum.upper == math.inf
    assert best.gap == math.inf


def test_a_time_limit_returns_the_best_so_far_with_its_gap():
    A = graded(60, 60, seed=7)
    best = optimal_scaling(A, time_limit=0.0)
    full = optimal_scaling(A)
    assert best.iterations == 0
    assert full.optimum.upper <= best.optimum.upper
    assert best.optimum.lower <= full.optimum.upper
    assert best.gap == pytest.approx(best.optimum.upper / best.optimum.lower - 1)


def test_progress_is_told_while_it_works():
    said = []
    optimal_scaling(graded(9, 9), progress=said.append)
    optimal_scaling(graded(9, 9), side="both", progress=said.append)
    assert len(said) > 5
    assert all(label.startswith("gap") for label in said)


def test_sparse_matrices_and_nested_lists_are_taken_and_left_alone():
    A = graded(6, 6)
    before = A.copy()
    dense, sparse, nested = (
        optimal_scaling(B).optimum for B in (A, sp.csr_array(A), A.tolist())
    )
    assert dense == sparse == nested
    assert (before == A).all()


@pytest.mark.parametrize(
    ("A", "options", "message"),
    [
        (np.eye(2), {"side": "rows"}, "side must be one of left"),
        (np.eye(2), {"p": 3}, "p must be 1, 2"),
        (np.eye(2), {"side": "symmetric", "p": 1}, "needs p=2, got p=1"),
        (np.eye(2), {"rtol": 0.0}, "rtol must be positive"),
        (np.eye(2), {"time_limit": -1}, "time_limit is a number of seconds"),
        (np.ones((2, 3)), {"side": "symmetric"}, "needs a square matrix"),
        (np.ones((3, 2)), {"p": "fro"}, "independent lines only"),
        (1j * np.eye(2), {"p": 1}, "complex matrices needs p=2"),
        ([[1.0, 2.0], [0.0, 1.0]], {"side": "symmetric"}, "needs a symmetric matrix"),
        ([[1.0, math.nan]], {}, "every entry must be finite"),
        (np.ones((0, 2)), {}, "at least one row"),
        (np.eye(2), {"side": "both", "p": "fro"}, 'needs p=1, 2 or "inf", got'),
        (sp.coo_array(np.ones(3)), {}, r"2-D\) is needed, got shape \(3,\)"),
    ],
)
def test_bad_input_gets_one_sentence(A, options, message):
    with pytest.raises(ValueError, match=message):
        optimal_scaling(A, **options)
