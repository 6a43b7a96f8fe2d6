"""The theorems on condition numbers: outcomes, known instances, NumPy's arithmetic."""

import math

import numpy as np
import pytest
import scipy.linalg as sl
from scipy.integrate import quad

from condlab import gallery
from condlab.theory import CATALOGUE, verify
from condlab.theory.catalogue import claims_of
from condlab.theory.claims.condition import (
    condition_bounds,
    condition_changes,
    condition_norms,
    condition_numbers,
    perturbations,
)
from tests.theory.outcomes import first_to_fall, outcomes

MODULES = (
    condition_numbers,
    condition_norms,
    perturbations,
    condition_bounds,
    condition_changes,
)
KEYS = [entry.key for module in MODULES for entry in claims_of(vars(module))]
FALSE = {key: CATALOGUE[key].false_from for key in KEYS if CATALOGUE[key].false_from}
FLOAT = 1e-9  # NumPy's own error on the instances below, whose kappa is at most 1e6
RNG = np.random.default_rng(3)
A, B = RNG.standard_normal((2, 4, 4))
SPD, SPD_B = A @ A.T, B @ B.T
D = np.array([1.0, 8.0, 0.25, 2.0])
X, Y = RNG.standard_normal((4, 2)), RNG.standard_normal((2, 4))
TALL, ROW = RNG.standard_normal((4, 3)), RNG.standard_normal(3)
x, y = RNG.standard_normal((2, 4))
HILBERT = gallery.hilbert(4)

cond, norm, inv, det = np.linalg.cond, np.linalg.norm, np.linalg.inv, np.linalg.det


def check(key, *parts):
    return CATALOGUE[key].check(parts if len(parts) > 1 else parts[0])


def margin(key, *parts):
    """Return lhs and rhs of a catalogue entry at an instance."""
    found = check(key, *parts)
    return found.lhs, found.rhs


def attained(key, *parts):
    lhs, rhs = margin(key, *parts)
    return lhs == pytest.approx(rhs, rel=FLOAT)


def skeel(M):
    return norm(abs(inv(M)) @ abs(M), np.inf)


@pytest.mark.parametrize("key", [key for key in KEYS if key not in FALSE])
def test_theorem_survives_a_short_search(key):
    verdicts = verify(CATALOGUE[key], sizes=[1, 2, 3], max_examples=6, seed=5)
    assert set(outcomes(verdicts)) == {"holds"}
    assert any(verdict.examples for verdict in verdicts)


@pytest.mark.parametrize("key", FALSE)
def test_folklore_fails_first_at_the_size_its_note_explains(key):
    smallest = FALSE[key]
    verdicts = verify(CATALOGUE[key], sizes=range(1, smallest + 1))
    assert first_to_fall(verdicts) == smallest
    assert "ball arithmetic" in verdicts[-1].certificate


SIDES = [
    ("eckart1936-distance", (A, X, Y), 1 / cond(A), norm(A - X @ Y, 2) / norm(A, 2)),
    (
        "eckart1936-rank-k",
        (A, X, Y),
        norm(sl.svdvals(A)[2:]),
        norm(A - X @ Y),
    ),
    (
        "kahan1966-distance-1norm",
        (A, X, Y),
        1 / cond(A, 1),
        norm(A - X @ Y, 1) / norm(A, 1),
    ),
    ("horn2013-product-square", (A, B), cond(A @ B), cond(A) * cond(B)),
    ("horn2013-product-tall", (A, TALL), cond(A @ TALL), cond(A) * cond(TALL)),
    ("higham2002-diagonal-upper", (A, D), cond(D[:, None] * A), cond(A) * 32),
    ("higham2002-diagonal-lower", (A, D), cond(A) / 32, cond(D[:, None] * A)),
    (
        "horn2013-eigenvalue-ratio",
        (A,),
        abs(sl.eigvals(A)).max() / abs(sl.eigvals(A)).min(),
        cond(A),
    ),
    (
        "horn2013-kappa2-by-frobenius",
        (A,),
        cond(A) + 1 / cond(A),
        cond(A, "fro") - 2,
    ),
    ("higham2002-frobenius-by-kappa2", (A,), cond(A, "fro"), 4 * cond(A)),
    ("higham2002-interpolation", (A,), cond(A) ** 2, cond(A, 1) * cond(A, np.inf)),
    ("higham2002-kappa1-by-kappa2", (A,), cond(A, 1), 4 * cond(A)),
    ("higham2002-kappa2-by-kappainf", (A,), cond(A), 4 * cond(A, np.inf)),
    ("higham2002-kappainf-by-kappa1", (A,), cond(A, np.inf), 16 * cond(A, 1)),
    ("skeel1979-at-most-kappa", (A,), skeel(A), cond(A, np.inf)),
    (
        "guggenheimer1995-determinant",
        (A,),
        cond(A),
        2 / abs(det(A)) * (norm(A) / 2) ** 4,
    ),
    ("hoerl1970-ridge-monotone", (A, 2.0, 3.0), cond(SPD + 5 * np.eye(4)), None),
    ("golub2013-append-row-wide", (TALL.T,), cond(TALL.T[:-1]), cond(TALL)),
    (
        "golub2013-append-row-tall",
        (TALL, ROW),
        cond(np.vstack([TALL, ROW])) ** 2,
        cond(TALL) ** 2 + ROW @ ROW / sl.svdvals(TALL)[-1] ** 2,
    ),
    (
        "belsley1984-centring",
        (TALL,),
        cond(TALL - TALL.mean(axis=0)),
        cond(np.hstack([np.ones((4, 1)), TALL])),
    ),
    (
        "boyd2004-quasiconvex",
        (SPD, SPD_B),
        cond(SPD + SPD_B),
        max(cond(SPD), cond(SPD_B)),
    ),
    ("higham2002-residual-upper", (A, x, y), None, None),
]


@pytest.mark.parametrize(("key", "parts", "lhs", "rhs"), SIDES, ids=lambda part: "")
def test_both_sides_agree_with_numpy(key, parts, lhs, rhs):
    found = margin(key, *parts)
    for side, expected in zip(found, (lhs, rhs), strict=True):
        assert expected is None or side == pytest.approx(expected, rel=FLOAT)


ATTAINED = [
    (
        "eckart1936-distance",
        np.diag([4.0, 1.0]),
        np.array([[2.0], [0.0]]),
        np.eye(1, 2) * 2,
    ),
    ("higham2002-diagonal-upper", np.eye(2), np.array([1.0, 4.0])),
    ("higham2002-diagonal-lower", np.diag([4.0, 1.0]), np.array([0.25, 1.0])),
    ("higham2002-kappa1-by-kappa2", sl.hadamard(4).astype(float)),
    ("higham2002-kappainf-by-kappa2", sl.hadamard(4).astype(float)),
    ("higham2002-frobenius-by-kappa2", sl.hadamard(4).astype(float)),
    ("horn2013-kappa2-by-frobenius", np.diag([1.0, 2.0, 4.0])),
    ("horn2013-eigenvalue-ratio", np.array([[2.0, 1.0], [1.0, 3.0]])),
    ("merikoski1997-best-bound", np.diag([1.0, math.sqrt(5.0), 3.0])),
    ("merikoski1997-positive-definite", np.diag([1.0, 2.0, 3.0])),
    ("hadamard1893-unit-rows", np.array([[1.0, 2.0], [-4.0, 2.0]])),
    ("boyd2004-quasiconvex", np.diag([1.0, 3.0]), np.diag([2.0, 6.0])),
    ("horn1991-hadamard-product", np.diag([1.0, 3.0]), np.ones((2, 2)) + np.eye(2)),
    (
        "bauer1960-wielandt",
        np.diag([1.0, 4.0]),
        np.array([1.0, 1.0]),
        np.array([1.0, -1.0]),
    ),
]


@pytest.mark.parametrize("instance", ATTAINED, ids=lambda instance: instance[0])
def test_bound_is_attained_by_its_extremal_matrix(instance):
    assert attained(*instance)


OUTSIDE = [
    ("horn2013-product-square", np.eye(2, 3), np.array([[1.0, 0], [0, 0.1], [0, 1]])),
    ("horn1991-hadamard-product", np.diag([1.0, 2.0]), np.array([[1.0, 0], [0, -1]])),
    ("boyd2004-quasiconvex", np.diag([1.0, -1.0]), np.diag([1.0, 1.5])),
    (
        "higham2002-schur-complement",
        np.array([[1e-3, 1.0, 1], [1, 1, 1], [1, 1, 2]]),
        1,
    ),
]


@pytest.mark.parametrize("instance", OUTSIDE, ids=lambda instance: instance[0])
def test_bound_may_fail_outside_its_hypotheses(instance):
    lhs, rhs = margin(*instance)
    assert not lhs <= rhs


def test_every_identity_holds_on_the_hilbert_matrix():
    for key, parts in {
        "golub2013-gram": (HILBERT,),
        "skeel1979-row-invariance": (HILBERT, D),
        "vanloan2000-kronecker": (HILBERT[:2, :2], HILBERT[:3, :3]),
        "sherman1950-inverse": (HILBERT, np.ones(4), np.arange(4.0)),
        "kahan1966-distance-1norm-attained": (HILBERT,),
        "eckart1936-distance-attained": (np.ones(4), D, np.arange(4.0)),
    }.items():
        assert margin(key, *parts) == (1.0, 1.0), key


def test_nearest_singular_matrix_in_the_1_norm_by_hand():
    # The inverse of diag(2, 1/2) has its largest column at 2; the row changes by 1/2.
    M = np.diag([2.0, 0.5])
    assert cond(M, 1) == 4
    assert margin("kahan1966-distance-1norm", M, np.eye(2, 1) * 2, np.eye(1, 2)) == (
        0.25,
        0.25,
    )


@pytest.mark.parametrize("seed", range(5))
def test_hager_estimate_is_lapacks(seed):
    M = np.random.default_rng(seed).standard_normal((6, 6))
    lu, _, _ = sl.lapack.dgetrf(M)
    rcond, _ = sl.lapack.dgecon(lu, norm(M, 1))
    lhs, rhs = margin("hager1984-lower-bound", M)
    assert lhs == pytest.approx(1 / rcond, rel=FLOAT)
    assert rhs == pytest.approx(cond(M, 1), rel=FLOAT)


def test_normwise_perturbation_agrees_with_a_solve():
    F, g, t = B, y, 0.5
    share = t / cond(A, np.inf)
    E = share * norm(A, np.inf) / norm(F, np.inf) * F
    f = share * abs(A @ x).max() / abs(g).max() * g
    moved = np.linalg.solve(A + E, A @ x + f)
    lhs, rhs = margin("higham2002-normwise-perturbation", A, x, F, g, t)
    assert lhs == pytest.approx(abs(moved - x).max() / abs(x).max(), rel=FLOAT)
    assert rhs == 2.0


def test_componentwise_perturbation_of_a_diagonal_matrix_is_harmless():
    M, ones, signs = np.diag([1.0, 1e-8]), np.ones(2), np.array([3.0, 3.0])
    lhs, rhs = margin(
        "higham2002-componentwise-perturbation", M, ones, -3 * np.eye(2), signs, 0.5
    )
    assert lhs == pytest.approx(2.0, rel=FLOAT)  # (1 + t) / (1 - t) - 1 for cond = 1
    assert rhs == pytest.approx(2.0, rel=FLOAT)


def test_law_of_order_two_integrates_edelmans_density():
    def density(t):
        return 2 * (t * t - 1) / (t * t + 1) ** 2

    for bound in (1.5, 4.0, 30.0):
        tail, _ = quad(density, bound, np.inf)
        assert tail == pytest.approx(2 * bound / (1 + bound**2), rel=1e-7)


def test_gaussian_samples_tell_the_laws_from_others():
    kappas = condition_bounds._kappas(0, 2)
    law, margin_ = 2 * 2 / 5, condition_bounds.MARGIN
    assert abs(np.mean(kappas > 2) - law) < margin_ < abs(np.mean(kappas > 4) - law)
    assert margin_ == pytest.approx(0.119, abs=5e-4)
    assert math.exp(-2 * condition_bounds.DRAWS * margin_**2) == pytest.approx(5e-13)


def limit_law(bound):
    return 1 - math.exp(-2 / bound - 2 / bound**2)


def law_of_order_two(bound):
    return 4 * bound / (1 + 4 * bound**2)


@pytest.mark.parametrize(("n", "law"), [(2, law_of_order_two), (40, limit_law)])
def test_gaussian_tail_bound_exceeds_edelmans_laws(n, law):
    for bound in (2.0, 8.0, 64.0):
        share, allowed = margin("chen2005-gaussian-tail", 7, n, bound)
        assert abs(share - law(bound)) < condition_bounds.MARGIN
        assert law(bound) < allowed - condition_bounds.MARGIN


def test_ridge_raises_the_condition_number_of_an_indefinite_matrix():
    assert margin("folklore-ridge-symmetric", np.diag([3.0, -2.0]), 1.0) == (4.0, 1.5)
    assert check("folklore-ridge-symmetric", np.diag([3.0, -2.0]), 1.0).violated


def test_schur_complement_agrees_with_the_inverse_of_a_corner():
    lhs, _ = margin("higham2002-schur-complement", SPD, 2)
    assert lhs == pytest.approx(cond(inv(SPD)[2:, 2:]), rel=FLOAT)
