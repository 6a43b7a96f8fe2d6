"""Brackets of the best scaled condition number, against searches and closed forms."""

import itertools
import math

import numpy as np
import pytest
import scipy.linalg as sl
from containers import CONTAINERS

from condlab import gallery
from condlab.bounds import bauer, van_der_sluis
from condlab.errors import NotPositiveDefiniteError
from condlab.types import Bracket
from tests.optional import given, hnp, st
from tests.optional import mpmath as mp
from tests.scaling.searches import GENERAL, ulps

SIDES = ["left", "right", "symmetric"]
NORMS = [1, 2, "inf"]
ORDER = {1: 1, 2: 2, "inf": np.inf}
POWERS = [2.0**k for k in range(-4, 5)]
TRIDIAGONAL = np.array([[4.0, 1.0, 0.0], [1.0, 1.0, 0.2], [0.0, 0.2, 0.1]])


def scaled(A, d, side):
    left = d[:, None] if side in ("left", "symmetric") else 1.0
    right = d if side in ("right", "symmetric") else 1.0
    return left * A * right


def searched(A, side, p):
    """Return the least condition number over a grid of powers of two."""
    count = A.shape[1] if side == "right" else A.shape[0]
    grid = itertools.product(POWERS, repeat=count - 1)
    tried = (scaled(A, np.array([1.0, *d]), side) for d in grid)
    return min(np.linalg.cond(B, ORDER[p]) for B in tried)


@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("A", [TRIDIAGONAL, sl.hilbert(3)])
def test_no_scaling_by_powers_of_two_beats_the_lower_end(A, side, p):
    bracket, best = van_der_sluis(A, side=side, p=p), searched(A, side, p)
    assert bracket.lower <= best * (1 + ulps(3, best))
    assert bracket.lower <= bracket.upper <= bracket.factor * best * (1 + ulps(3, best))


@pytest.mark.parametrize("A", [GENERAL[:2], GENERAL[:, :2], GENERAL])
@pytest.mark.parametrize("side", ["left", "right"])
def test_rectangular_matrices_are_bracketed_too(A, side):
    bracket, best = van_der_sluis(A, side=side), searched(A, side, 2)
    assert bracket.lower <= best * (1 + ulps(3, best))


@given(
    A=hnp.arrays(np.float64, (3, 3), elements=st.integers(-3, 3)),
    exponents=hnp.arrays(np.int64, (3,), elements=st.integers(-9, 9)),
    side=st.sampled_from(["left", "right"]),
    p=st.sampled_from(NORMS),
)
def test_no_drawn_scaling_beats_the_lower_end(A, exponents, side, p):
    bracket = van_der_sluis(A, side=side, p=p)
    if round(np.linalg.det(A)) == 0:
        assert bracket.lower == bracket.upper == math.inf
        return
    kappa = np.linalg.cond(scaled(A, 2.0**exponents, side), ORDER[p])
    assert bracket.lower <= kappa * (1 + ulps(3, kappa))
    assert bracket.upper <= bracket.factor * kappa * (1 + ulps(3, kappa))


@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("A", [np.eye(4), [[7.0]], [[1e-300]], np.diag([1e300, 1, 1])])
def test_diagonal_matrices_can_be_scaled_to_one(A, side, p):
    bracket = van_der_sluis(A, side=side, p=p)
    assert bracket.factor == pytest.approx(1.0, rel=ulps(4, 1))
    assert 1.0 in bracket
    assert bracket.upper <= 1 + ulps(4, 1)


@pytest.mark.parametrize(("m", "n"), [(4, 3), (9, 4), (50, 2)])
def test_repeated_row_leaves_a_factor_of_root_m_minus_n_plus_1(m, n):
    bracket = van_der_sluis(gallery.repeated_row(m, n))
    assert bracket.upper == pytest.approx(math.sqrt(m - n + 1), rel=ulps(m, m))
    assert bracket.factor == pytest.approx(math.sqrt(m - n + 1), rel=ulps(m, m))
    assert bracket.lower == 1.0  # attained, by weighting the repeated rows


def test_nearly_parallel_rows_are_within_their_bracket_of_the_known_better_scaling():
    A = gallery.nearly_parallel_rows(8)
    better = np.linalg.cond(gallery.nearly_parallel_scaling(8).apply(A))
    bracket = van_der_sluis(A)
    assert bracket.lower <= better * (1 + ulps(8, better))
    assert bracket.upper == pytest.approx(2 * better, rel=1e-3)  # tends to sqrt(m / 2)
    assert bracket.factor <= math.sqrt(8) * (1 + ulps(8, 1))


@pytest.mark.parametrize("p", NORMS)
def test_jacobi_is_within_the_nonzeros_of_a_row_of_a_finite_difference_matrix(p):
    A = 2 * np.eye(9) - np.eye(9, k=1) - np.eye(9, k=-1)
    bracket = van_der_sluis(A, side="symmetric", p=p)
    assert bracket.factor <= 3 * (1 + ulps(9, 1))
    assert bracket.upper == pytest.approx(np.linalg.cond(A, ORDER[p]))


@pytest.mark.parametrize("side", SIDES)
def test_bracket_holds_the_closed_form_of_two_lines(side):
    # With two rows or columns of equal norm at angle t, kappa_2 is cot(t / 2).
    A = np.array([[4.0, 2.0], [2.0, 9.0]])
    line = A if side == "left" else A.T
    best = {
        "symmetric": (1 + 1 / 3) / (1 - 1 / 3),
        "left": 1 / math.tan(_angle(*line) / 2),
        "right": 1 / math.tan(_angle(*line) / 2),
    }[side]
    bracket = van_der_sluis(A, side=side)
    assert best in bracket
    assert bracket.upper == pytest.approx(best)


def _angle(a, b):
    return math.acos(abs(a @ b) / np.linalg.norm(a) / np.linalg.norm(b))


SINGULAR = {
    "zero": np.zeros((3, 3)),
    "ones": np.ones((3, 3)),
    "rank one": np.outer([1.0, 2.0, 3.0], [3.0, 1e-9, 1.0]),
    "zero row": np.diag([1.0, 0.0, 2.0]),
    "large zero row": np.diag(np.arange(40.0)),
    "complex": np.array([[1.0, 1j], [1j, -1.0]]),
}


@pytest.mark.parametrize("A", SINGULAR.values(), ids=SINGULAR)
def test_singular_matrices_stay_singular_under_every_scaling(A):
    for p, side in itertools.product(NORMS, ["left", "right"]):
        bracket = van_der_sluis(A, side=side, p=p)
        assert bracket.lower == bracket.upper == math.inf
    for side in ("left", "right", "both"):
        assert bauer(A, side=side, p=1) == Bracket(math.inf, math.inf)


def test_rank_deficient_rectangles_have_no_finite_condition_number():
    A = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]])
    assert van_der_sluis(A).lower == math.inf
    assert van_der_sluis(A.T).lower == math.inf
    assert van_der_sluis(A.T, side="right").lower == math.inf


def test_zero_rows_of_a_tall_matrix_change_nothing():
    A = GENERAL[:, :2]
    padded = np.vstack([A, np.zeros((2, 2))])
    assert van_der_sluis(padded).upper == pytest.approx(van_der_sluis(A).upper)
    assert van_der_sluis(padded).lower == pytest.approx(van_der_sluis(A).lower)


def test_a_matrix_singular_to_working_precision_is_not_called_singular():
    bracket = van_der_sluis(sl.hilbert(20))
    assert 1e12 < bracket.lower < math.inf
    assert bracket.upper == math.inf


@pytest.mark.parametrize("p", NORMS)
def test_row_units_do_not_change_the_left_bracket(p):
    A = np.random.default_rng(0).standard_normal((4, 4))
    units = 2.0 ** np.array([-500, 500, 0, 37])
    assert van_der_sluis(units[:, None] * A, p=p) == van_der_sluis(A, p=p)
    for side in ("left", "both"):
        if p != 2:
            found = bauer(units[:, None] * A, side=side, p=p)
            assert found.upper == pytest.approx(bauer(A, side=side, p=p).upper)


@pytest.mark.parametrize("p", NORMS)
def test_symmetric_units_do_not_change_the_symmetric_bracket(p):
    units = 2.0 ** np.array([-200, 200, 3])
    A = units[:, None] * TRIDIAGONAL * units
    assert van_der_sluis(A, side="symmetric", p=p) == van_der_sluis(
        TRIDIAGONAL, side="symmetric", p=p
    )


@pytest.mark.parametrize("unit", [1e300, 1e-300])
@pytest.mark.parametrize("side", SIDES)
def test_huge_and_tiny_matrices_have_the_same_bracket(unit, side):
    A, B = sl.hilbert(4), unit * sl.hilbert(4)
    B = (B + B.T) / 2
    expected = van_der_sluis(A, side=side)
    found = van_der_sluis(B, side=side)
    tolerance = ulps(4, expected.upper)
    assert found.upper == pytest.approx(expected.upper, rel=tolerance)
    assert found.lower == pytest.approx(expected.lower, rel=tolerance)


@pytest.mark.parametrize("kappa", [1e8, 1e13, 1e15])
@pytest.mark.parametrize("p", [1, "inf"])
def test_brackets_of_ill_conditioned_matrices_hold_eighty_digit_truth(kappa, p):
    rng = np.random.default_rng(int(math.log10(kappa)))
    A = gallery.with_singular_values(np.geomspace(1, 1 / kappa, 6), rng=rng)
    truth = {side: bauer_truth(A, side, p) for side in ("left", "right", "both")}
    for side, best in truth.items():
        assert best in bauer(A, side=side, p=p)
    for side in ("left", "right"):
        bracket = van_der_sluis(A, side=side, p=p)
        assert truth[side] in bracket


def bauer_truth(A, side, p):
    with mp.workdps(80):
        M = mp.matrix(A.tolist())
        X, M = (M**-1).apply(abs), M.apply(abs)
        if side == "both":
            return float(max(abs(x) for x in mp.eig(X * M, left=False, right=False)))
        T = X * M if side == "left" else M * X
        return float(mp.mnorm(T, 1 if p == 1 else mp.inf))


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_every_container_gives_the_same_bracket(container):
    A = container(TRIDIAGONAL)
    for side in SIDES:
        assert van_der_sluis(A, side=side) == van_der_sluis(TRIDIAGONAL, side=side)
    assert bauer(A, side="both", p=1) == bauer(TRIDIAGONAL, side="both", p=1)


def test_single_precision_is_promoted_before_scaling():
    A = np.array([[1.0, 1 / 3], [0.25, 3.0]], dtype=np.float32)
    assert van_der_sluis(A) == van_der_sluis(A.astype(np.float64))


def test_arguments_are_not_written_to():
    A = GENERAL.copy()
    van_der_sluis(A, side="right")
    bauer(A, side="both", p=1)
    assert (A == GENERAL).all()


def test_numbers_in_the_record_are_python_floats():
    bracket = van_der_sluis(GENERAL)
    for number in (bracket.lower, bracket.upper, bracket.factor):
        assert type(number) is float


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: van_der_sluis(np.eye(2), side="top"), ValueError, "side must be"),
        (lambda: van_der_sluis(np.eye(2), p=3), ValueError, "p must be"),
        (lambda: van_der_sluis(np.ones((2, 3)), p=1), ValueError, "square"),
        (lambda: van_der_sluis(np.ones((0, 3))), ValueError, "at least one row"),
        (lambda: van_der_sluis([[math.nan]]), ValueError, "finite"),
        (lambda: van_der_sluis(GENERAL, side="symmetric"), ValueError, "symmetric"),
        (
            lambda: van_der_sluis([[1.0, 2.0], [2.0, 1.0]], side="symmetric"),
            NotPositiveDefiniteError,
            "positive definite",
        ),
        (
            lambda: van_der_sluis(np.diag([1.0, -1.0]), side="symmetric"),
            NotPositiveDefiniteError,
            "positive diagonal",
        ),
        (lambda: bauer(np.eye(2), side="symmetric", p=1), ValueError, "side must be"),
        (lambda: bauer(np.eye(2), side="left", p=2), ValueError, "Bauer"),
        (lambda: bauer(np.ones((2, 3)), side="left", p=1), ValueError, "square"),
    ],
)
def test_bad_input_gets_one_clear_sentence(call, error, message):
    with pytest.raises(error, match=message):
        call()
