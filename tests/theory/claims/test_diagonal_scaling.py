"""The theorems on diagonal scaling: their outcomes and known instances."""

import math

import numpy as np
import pytest
from hypothesis import given, settings

from condlab import gallery
from condlab.theory import CATALOGUE, verify
from condlab.theory.claims.scaling.optimal_scaling import _equal_moduli
from condlab.theory.claims.scaling.similarity import _circulants
from condlab.theory.strategies import has_full_rank
from tests.theory.claims.scaled import (
    FLOAT,
    KEYS,
    RNG,
    A,
    D,
    E,
    cond,
    fro,
    inv,
    margin,
    norm,
)
from tests.theory.outcomes import first_to_fall, outcomes

FALSE = {key: CATALOGUE[key].false_from for key in KEYS if CATALOGUE[key].false_from}


def violated(key, *parts):
    return CATALOGUE[key].check(parts if len(parts) > 1 else parts[0]).violated


@pytest.mark.parametrize("key", [key for key in KEYS if key not in FALSE])
def test_true_theorems_hold(key):
    verdicts = verify(CATALOGUE[key], sizes=[1, 2, 3], max_examples=8)
    assert set(outcomes(verdicts)) == {"holds"}
    assert sum(verdict.examples for verdict in verdicts) >= 8


@pytest.mark.parametrize(
    ("key", "scalings", "both_sides"),
    [("rows-columns", 2, 9.0), ("rows", 1, 9.0), ("symmetric", 1, 3.0)],
)
def test_duality_is_attained_by_extreme_vectors_of_equal_moduli(
    key, scalings, both_sides
):
    A = np.array([[2.0, 1.0], [1.0, 2.0]])
    F, G = np.array([[1.0], [1.0]]), np.array([[1.0], [-1.0]])
    instance = (A, F, G, *([np.ones(2)] * scalings))
    margin = CATALOGUE[f"duality-{key}"].check(instance)
    assert (margin.lhs, margin.rhs) == pytest.approx((both_sides, both_sides))


@pytest.mark.parametrize(("key", "smallest"), FALSE.items())
def test_false_claims_fall_at_the_smallest_size_that_can(key, smallest):
    verdicts = verify(CATALOGUE[key], sizes=range(1, smallest + 1))
    assert first_to_fall(verdicts) == smallest
    found = verdicts[-1].counterexample
    entries = found if isinstance(found, tuple) else (found,)
    assert all((part == np.round(part)).all() for part in entries)
    assert "ball arithmetic" in verdicts[-1].certificate


@pytest.mark.parametrize(("m", "n"), [(3, 2), (6, 3), (5, 2), (10, 2)])
def test_a_repeated_row_attains_the_norm_bound_of_van_der_sluis(m, n):
    B, copies = gallery.repeated_row(m, n), m - n + 1
    d = np.ones(m)
    d[n - 1 :] = 1 / math.sqrt(copies)
    lhs, rhs = margin("vandersluis1969-rows-norm", B, d, n)
    assert lhs == pytest.approx(math.sqrt(copies), rel=FLOAT)
    assert lhs == pytest.approx(rhs, rel=FLOAT)
    lhs, rhs = margin("vandersluis1969-rows-sparse", B, d, n)
    assert lhs == pytest.approx(rhs, rel=FLOAT)


@pytest.mark.parametrize("m", [2, 3, 5])
def test_nearly_parallel_rows_come_within_root_two_of_van_der_sluis(m):
    B, d = gallery.nearly_parallel_rows(m), gallery.nearly_parallel_scaling(m).left
    lhs, rhs = margin("vandersluis1969-rows-2norm", B, d)
    assert lhs / rhs == pytest.approx(1 / math.sqrt(2), rel=1e-3)  # angles 1e-5, 1e-2
    lhs, rhs = margin("vandersluis1969-jacobi", gallery.nearly_parallel_gram(m), d)
    assert lhs / rhs == pytest.approx(1 / 2, rel=1e-3)


def test_rank_deficient_matrices_are_judged_by_their_nonzero_singular_values():
    lhs, rhs = margin("vandersluis1969-rows-any-rank", np.ones((2, 2)), np.ones(2), 1)
    assert (lhs, rhs) == pytest.approx((1.0, math.sqrt(2)))


@pytest.mark.parametrize(("n", "optimum"), [(3, 253.996), (4, 5874.85), (5, 151695.4)])
def test_hilbert_matrices_have_the_optimum_that_convex_optimisation_finds(n, optimum):
    B, ones = gallery.hilbert(n), np.ones(n)
    lhs, _ = margin("bauer1963-both-checkerboard", B, ones, ones)
    assert lhs == pytest.approx(optimum, rel=1e-5)  # the digits given
    assert not violated("bauer1963-both-checkerboard-attained", B)


def test_bauers_scalings_attain_his_formula_and_others_do_not():
    for key in ("rows-inf", "rows-one", "columns-inf", "columns-one", "both"):
        assert not violated(f"bauer1963-{key}-attained", A)
        lhs, rhs = margin(f"bauer1963-{key}", A, *[D, E][: 1 + (key == "both")])
        assert lhs < rhs


def test_smiths_scaling_attains_his_formula_in_numpy_too():
    d = np.sqrt(norm(inv(A), axis=0) / norm(A, axis=1))
    lhs, _ = margin("smith1967-rows-frobenius", A, D)
    assert fro(d[:, None] * A) == pytest.approx(lhs, rel=FLOAT)


def test_two_unit_rows_at_sixty_degrees_have_kappa_root_three():
    rows = np.array([[1.0, 0.0], [0.5, math.sqrt(0.75)]])
    lhs, rhs = margin("forsythestraus1955-two-rows", rows, np.ones(2))
    assert (lhs, rhs) == pytest.approx((math.sqrt(3), math.sqrt(3)), rel=FLOAT)


def test_without_property_a_jacobi_need_not_be_optimal():
    G, d = gallery.nearly_parallel_gram(3), gallery.nearly_parallel_scaling(3).left
    assert violated("forsythestraus1955-property-a", G, d)
    assert violated("golubvarah1974-equal-moduli", G, d)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_instances_with_equal_moduli_have_them(n):
    @settings(max_examples=10)
    @given(_equal_moduli(n))
    def check(instance):
        _, vectors = np.linalg.eigh(instance[0])
        assert abs(vectors[:, 0]) == pytest.approx(abs(vectors[:, -1]), abs=FLOAT)

    check()


def test_balanced_matrices_have_rows_and_columns_of_equal_norm():
    @settings(max_examples=10)
    @given(_circulants(3))
    def check(B):
        assert norm(B, axis=0) == pytest.approx(norm(B, axis=1))

    check()


def test_balancing_hurts_the_matrix_of_the_report():
    B = np.array([[1.0, 1, 2], [2, 1, 1], [1, -2, 1]])
    d = np.array([7.0, 6.0, 8.0])
    assert cond(B) > 1.01 * cond(B * d / d[:, None])
    assert violated("folklore-balancing-kappa", B, d)
    assert violated("folklore-normal-similarity", B, d)  # B is not symmetric


def test_the_creeping_entry_halves_in_its_first_sweep():
    # [[1, 1/2], [0, 1/2]] -> rows [[2/3, 1/3], [0, 1]] -> columns [[1, 1/4], [0, 3/4]]
    assert not violated("sinkhornknopp1967-creep", 1.0, 1)
    B = np.array([[1.0, 0.5], [0.0, 0.5]])
    B /= B.sum(axis=1, keepdims=True)
    B /= B.sum(axis=0)
    assert B[0, 1] == pytest.approx(0.25)


def test_claims_on_sums_fail_outside_their_hypotheses():
    skewed = np.array([[0.75, 0.75], [0.25, 0.25]])  # columns sum to 1, rows do not
    assert violated("sinkhornknopp1967-doubly-stochastic", skewed, np.ones(2))
    full = np.array([[1.0, 8.0], [8.0, 1.0]])  # total support, so nothing need vanish
    assert violated("sinkhornknopp1967-no-total-support", full)
    assert violated("sinkhornknopp1967-no-support", np.ones((2, 2)), 2, 1)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_a_row_below_full_columns_attains_the_rate_of_ruiz(k):
    B = np.array([[1.0, 1.0], [2.0**-8, 2.0**-8]])  # each sweep takes the root of 2^-8
    lhs, rhs = margin("ruiz2001-rate", B, k)
    assert (lhs, rhs) == pytest.approx((2.0 ** (-8 / 2 ** (k + 1)),) * 2, rel=FLOAT)


def test_ruiz_never_leaves_an_entry_above_one():
    B = RNG.standard_normal((3, 5)) * 10.0 ** RNG.integers(-6, 6, (3, 1))
    lhs, _ = margin("ruiz2001-bounded", B)
    peaks = np.sqrt(np.outer(abs(B).max(axis=1), abs(B).max(axis=0)))
    assert lhs == pytest.approx((abs(B) / peaks).max())


def test_one_diagonal_of_an_i_matrix_is_one_and_it_is_the_heaviest():
    B = np.array([[1.0, 10.0, 0.0], [10.0, 1.0, 2.0], [0.0, 3.0, 0.5]])
    lhs, rhs = margin("olschowkaneumaier1996-i-matrix", B)
    assert (lhs, rhs) == pytest.approx((1.0, 1.0))


def test_a_power_of_two_scaling_can_double_kappa():
    below, above = 2.0**0.5 - 2.0**-20, 2.0**0.5 + 2.0**-20  # round to 1 and to 2
    B = np.diag([1 / below, 1 / above])  # perfectly conditioned after D
    lhs, rhs = margin("higham2002-power-of-two-rows", B, np.array([below, above]))
    assert lhs == pytest.approx(2.0, rel=1e-5)  # how near sqrt(2) they are
    assert rhs == pytest.approx(2.0, rel=1e-5)


def test_instances_of_row_theorems_have_full_rank():
    @settings(max_examples=20)
    @given(CATALOGUE["jambulapati2023-rows-square"].instances(3))
    def check(instance):
        assert has_full_rank(instance[0])
        assert (instance[1] > 0).all()

    check()
