"""Wide ranges: the optimum does not depend on units, however large they are."""

import numpy as np
import pytest
from kinds import nearly_singular

from condlab import Scaling, cond_2, optimal_scaling
from condlab.optimal._units import Units, applied, middle_units

RTOL = 0.005
PLAIN = np.array([[1.0, 1.0], [1.0, -1.0]])
RNG = np.random.default_rng


def in_units(A, rows, columns):
    return np.ldexp(A, np.asarray(rows)[:, None] + np.asarray(columns))


ORTHOGONAL = {  # up to units of rows and columns, so that the optimum is 1
    "columns of 1e160 and 1e-160": np.array([[1e160, 1e-160], [1e160, -1e-160]]),
    "rows of 1e160 and 1e-160": np.array([[1e160, 1e160], [1e-160, -1e-160]]),
    "both": in_units(PLAIN, [-500, 500], [480, -480]),
    "subnormal": np.array([[5e-324, 5e-324], [5e-324, -5e-324]]),
    "near the largest float": np.array([[1e308, 1e308], [1e308, -1e308]]),
    "antidiagonal": np.array([[0.0, 1e-300], [1e300, 0.0]]),
    "one entry": np.array([[-5e-324]]),
}


@pytest.mark.parametrize("name", ORTHOGONAL)
def test_two_sides_of_any_range_reach_the_optimum_of_one(name):
    best = optimal_scaling(ORTHOGONAL[name], side="both")
    assert best.optimum.lower == 1
    assert best.optimum.upper < 1 + 1e-6
    assert best.stopped == "within rtol"
    for multipliers in (best.scaling.left, best.scaling.right):
        assert np.isfinite(multipliers).all()
        assert (multipliers > 0).all()


@pytest.mark.parametrize("side", ["left", "right", "symmetric", "both"])
@pytest.mark.parametrize("seed", range(3))
def test_units_of_2_to_the_900_do_not_change_the_optimum(side, seed):
    rng = RNG(seed)
    A = rng.standard_normal((5, 5))
    A = A @ A.T + np.eye(5) if side == "symmetric" else A
    plain = optimal_scaling(A, side=side).optimum
    most = {"left": 900, "right": 900, "symmetric": 450, "both": 450}[side]
    rows = rng.integers(-most, most, 5) * (side != "right")
    columns = rng.integers(-most, most, 5) * (side != "left")
    columns = rows if side == "symmetric" else columns
    best = optimal_scaling(in_units(A, rows, columns), side=side)
    assert best.gap <= RTOL
    assert best.optimum.lower <= plain.upper
    assert plain.lower <= best.optimum.upper


def test_a_range_that_no_scaling_of_the_side_can_mend_ends_with_an_open_bracket():
    # κ is 1e320 whatever the rows are multiplied by: no float.
    best = optimal_scaling([[1e160, 1e-160], [1e160, -1e-160]], side="left")
    assert best.optimum.lower < best.optimum.upper == np.inf
    assert best.method != "singular"


def test_singular_matrices_of_a_wide_range_are_called_singular():
    best = optimal_scaling([[1e-160, 1e160], [1e-160, 1e160]], side="both")
    assert best.stopped == "singular"


@pytest.mark.parametrize("p", [1, "inf"])
def test_formulas_hold_in_any_units(p):
    A = np.array([[1e160, 1e-160], [1e160, -1e-160]])
    sides = {"both": 2.0, "right": 2.0}  # Bauer's optimum of [[1, 1], [1, -1]]
    for side, optimum in sides.items():
        found = optimal_scaling(A, side=side, p=p).optimum
        assert found.lower <= optimum <= found.upper < optimum * (1 + 1e-9)


def test_products_of_multipliers_and_entries_do_not_overflow_on_the_way():
    scaling = Scaling(np.array([1e10, 1.0]), np.array([1e-310, 1e-8]))
    M = applied(np.array([[1e300, 0.0], [0.0, 1e8]]), scaling)
    assert cond_2(M).value == pytest.approx(1.0)


def test_composing_with_wide_units_keeps_ratios_of_multipliers():
    units = Units(np.array([1500, 1200]), np.array([0]))
    left = units.compose(Scaling(np.array([1.5, 1.0]), None)).left
    assert np.isfinite(left).all()
    assert left[0] / left[1] == 1.5 * 2.0**300


def test_matrices_of_middle_size_keep_their_units():
    units = middle_units(RNG(0).standard_normal((3, 4)), "both")
    assert not units.rows.any()
    assert not units.columns.any()


def columns_of_many_sizes(seed=1):
    Q = np.linalg.qr(RNG(seed).standard_normal((4, 4)))[0]
    return Q * [1e12, 1.0, 1e-9, 1e-12]


@pytest.mark.parametrize("p", [1, "inf"])
def test_formulas_for_two_sides_do_not_depend_on_the_units_of_columns(p):
    A = columns_of_many_sizes()
    plain = optimal_scaling(A / np.abs(A).max(axis=0), side="both", p=p).optimum
    found = optimal_scaling(A, side="both", p=p)
    assert found.stopped == "within rtol"
    assert found.optimum.upper == pytest.approx(plain.upper, rel=RTOL)


@pytest.mark.parametrize("p", [1, 2, "inf", "fro"])
def test_what_elimination_has_no_digits_for_keeps_a_true_bracket(p):
    A = columns_of_many_sizes() * [1e10, 1e200, 1.0, 1e-120]
    best = optimal_scaling(A, p=p).optimum  # nonsingular, and κ some 1e300
    assert (4 if p == "fro" else 1) <= best.lower <= best.upper


def test_an_exact_zero_among_computed_singular_values_is_survived():
    A = np.array([[7e-202, 4e299, -8e-301], [-8e-201, 4e299, 0.5], [4e-301, 0.1, 0.6]])
    best = optimal_scaling(A, side="both").optimum
    assert 1 <= best.lower <= best.upper


def test_the_best_frobenius_number_is_at_least_the_rank_whatever_the_range():
    A = np.array([[1.7e308, 5e-324], [5e-324, 1.7e308]])
    best = optimal_scaling(A, p="fro").optimum
    assert best.lower == pytest.approx(2, rel=1e-12)


@pytest.mark.parametrize("seed", [16, 34, 41])
def test_nearly_singular_matrices_are_scaled_without_a_warning(seed):
    rng = RNG(seed)
    best = optimal_scaling(nearly_singular(int(rng.integers(2, 6)), rng), side="both")
    assert 1 <= best.optimum.lower <= best.optimum.upper
