"""The theorems on eigenvalues: outcomes, known instances, NumPy's arithmetic."""

import numpy as np
import pytest
import scipy.linalg as sl

from condlab import gallery
from condlab.theory import CATALOGUE, balls, verify
from condlab.theory.catalogue import claims_of
from condlab.theory.claims.spectra import (
    eigenvalue_perturbation,
    eigenvalues,
    ritz_values,
    spectral_inclusion,
)
from condlab.theory.claims.spectra.ritz_values import chebyshev
from condlab.theory.claims.spectra.spectral_inclusion import TRIANGLE, _assembled
from condlab.theory.vocabulary.orthogonal import krylov_basis, krylov_dimension
from tests.theory.outcomes import outcomes

MODULES = (eigenvalues, eigenvalue_perturbation, spectral_inclusion, ritz_values)
KEYS = [entry.key for module in MODULES for entry in claims_of(vars(module))]
FLOAT = 1e-9  # NumPy's own error on the instances below, whose kappa is at most 1e6
RNG = np.random.default_rng(3)
X, F = RNG.standard_normal((2, 4, 4))
A, E = X + X.T, F + F.T
SPD = X @ X.T
x, y = RNG.standard_normal((2, 4))
POSITIVE = abs(F)
LINK = np.array([[0.0, 1.0], [1.0, 0.0]])

cond, norm, eigs = np.linalg.cond, np.linalg.norm, np.linalg.eigvalsh


def check(key, *parts):
    return CATALOGUE[key].check(parts if len(parts) > 1 else parts[0])


def margin(key, *parts):
    """Return lhs and rhs of a catalogue entry at an instance."""
    found = check(key, *parts)
    return found.lhs, found.rhs


def unit_diagonal(M):
    root = np.sqrt(np.diag(M))
    return M / root / root[:, None]


@pytest.mark.parametrize("key", KEYS)
def test_theorem_survives_a_short_search(key):
    verdicts = verify(CATALOGUE[key], sizes=[1, 2, 3], max_examples=6, seed=5)
    assert set(outcomes(verdicts)) == {"holds"}
    assert any(verdict.examples for verdict in verdicts)


WEYL = norm(A) + norm(E)
SCALED = E * np.sqrt(np.outer(np.diag(SPD), np.diag(SPD)))
STEP = 0.5 * eigs(unit_diagonal(SPD))[0] / norm(E, 2)
SIDES = [
    ("weyl1912-perturbation", (A, E), abs(eigs(A + E) - eigs(A)).max(), norm(E, 2)),
    (
        "weyl1912-sums",
        (A, E, 2, 3),
        WEYL + eigs(A + E)[0] - eigs(A)[2] - eigs(E)[1],
        WEYL,
    ),
    (
        "weyl1912-singular-values",
        (X, F),
        abs(sl.svdvals(X + F) - sl.svdvals(X)).max(),
        norm(F, 2),
    ),
    ("hoffman1953-frobenius", (A, E), norm(eigs(A + E) - eigs(A)), norm(E)),
    (
        "bauer1960-fike",
        (X, y, F),
        max(
            abs(mu - y).min()
            for mu in np.linalg.eigvals(X @ np.diag(y) @ np.linalg.inv(X) + F)
        ),
        cond(X) * norm(F, 2),
    ),
    (
        "demmel1992-relative-perturbation",
        (SPD, E, 0.5),
        (abs(eigs(SPD + STEP * SCALED) - eigs(SPD)) / eigs(SPD)).max(),
        0.5,
    ),
    ("cauchy1829-principal-kappa", (SPD, 4), cond(SPD[:3, :3]), cond(SPD)),
    (
        "cauchy1829-mean-centring-kappa",
        (SPD,),
        cond(sl.null_space(np.ones((1, 4))).T @ SPD @ sl.null_space(np.ones((1, 4)))),
        cond(SPD),
    ),
    (
        "schur1923-majorisation",
        (A, 2),
        2 * norm(A) + np.sort(np.diag(A))[2:].sum() - eigs(A)[2:].sum(),
        2 * norm(A),
    ),
    (
        "fan1949-sums",
        (A, E, 3),
        3 * WEYL + (eigs(A + E) - eigs(A) - eigs(E))[1:].sum(),
        3 * WEYL,
    ),
    (
        "schur1923-diagonal-spread",
        (SPD,),
        np.diag(SPD).max() / np.diag(SPD).min(),
        cond(SPD),
    ),
    (
        "ahlberg1963-inverse",
        (X + 9 * np.eye(4),),
        norm(np.linalg.inv(X + 9 * np.eye(4)), np.inf),
        None,
    ),
    (
        "gershgorin1931-after-jacobi",
        (SPD,),
        1 + abs(eigs(unit_diagonal(SPD)) - 1).max(),
        1 + norm(SPD / np.diag(SPD)[:, None] - np.eye(4), np.inf),
    ),
    (
        "parlett1998-residual-interval",
        (A, x, 1.0),
        norm(A) + 1 + abs(eigs(A) - 1).min() - norm(A @ x - x) / norm(x),
        norm(A) + 1,
    ),
]


@pytest.mark.parametrize(("key", "parts", "lhs", "rhs"), SIDES, ids=lambda part: "")
def test_both_sides_agree_with_numpy(key, parts, lhs, rhs):
    found = margin(key, *parts)
    for side, expected in zip(found, (lhs, rhs), strict=True):
        assert expected is None or side == pytest.approx(expected, rel=FLOAT)


M_MATRIX = 3 * np.eye(3) - np.ones((3, 3)) * 0.5
ATTAINED = [
    ("weyl1912-perturbation", A, np.eye(4)),
    ("hoffman1953-frobenius", np.diag([1.0, 2.0]), np.diag([3.0, 4.0])),
    ("bauer1960-fike", np.eye(2), np.array([1.0, 5.0]), np.diag([1.0, 0.0])),
    ("ostrowski1959-congruence", np.diag([1.0, 2.0]), np.diag([1.0, 3.0])),
    ("schur1923-majorisation", np.diag([1.0, 5.0, 3.0]), 2),
    ("wolkowicz1980-outside", np.diag([1.0, 0.0, 0.0])),
    ("wolkowicz1980-inside", np.diag([1.0, 0.0, 0.0])),
    ("gershgorin1931-discs", LINK),
    ("brauer1947-cassini", np.array([[1.0, 4.0], [1.0, 1.0]])),
    ("gershgorin1931-dominant-kappa", 2 * np.eye(2) + LINK),
    ("ahlberg1963-inverse", M_MATRIX),
    ("varah1975-smallest-singular", M_MATRIX),
    ("johnson1989-smallest-singular", M_MATRIX),
    ("collatz1942-quotients", POSITIVE / POSITIVE.sum(axis=1)[:, None], np.ones(4)),
    ("parlett1998-residual-interval", LINK, np.array([1.0, 0.0]), 0.0),
    ("davis1970-residual-angle", np.array([1.0, -1.0]), np.array([1.0, 0.0])),
    ("kato1949-temple", LINK, np.array([1.0, 3.0])),
    ("parlett1998-lanczos-intervals", LINK, np.array([1.0, 0.0]), 1),
]


@pytest.mark.parametrize("instance", ATTAINED, ids=lambda instance: instance[0])
def test_bound_is_attained_by_its_extremal_matrix(instance):
    lhs, rhs = margin(*instance)
    assert lhs == pytest.approx(rhs, rel=FLOAT)


def test_relative_perturbation_needs_one_that_stays_definite():
    H = np.diag([1.0, 0.5])
    moved = abs(eigs(H + LINK) - eigs(H)) / eigs(H)
    eta = norm(LINK / np.sqrt(np.outer(np.diag(H), np.diag(H))), 2)
    assert eta > 1  # lambda_min of the scaled matrix, the identity
    assert moved.max() > eta


def test_varahs_bound_needs_dominance_by_columns_too():
    rows_only = np.array([[1.0, 0.0, 0.0], [1.0, 2.0, 0.0], [1.0, 0.0, 2.0]])
    dominance = 1.0  # by rows; the first column is not dominant
    assert sl.svdvals(rows_only)[-1] < dominance


def test_principal_submatrix_of_an_indefinite_matrix_may_be_worse():
    M = np.array([[3.0, 0.0, 2.0], [0.0, 0.125, 1.0], [2.0, 1.0, 0.0]])
    assert cond(M[:2, :2]) > cond(M)


@pytest.mark.parametrize("n", [2, 3, 6])
def test_mean_free_basis_gives_the_spectrum_of_the_projected_matrix(n):
    M = gallery.hilbert(n)
    P = np.eye(n) - 1 / n
    projected = np.delete(eigs(P @ M @ P), np.argmin(abs(eigs(P @ M @ P))))
    found = balls.symmetric_eigenvalues(eigenvalues._without_mean(balls.ball(M)))
    assert [float(v.mid()) for v in found] == pytest.approx(projected, abs=1e-14)


def test_strip_of_triangles_is_the_assembled_mass_matrix():
    areas = np.array([12.0, 24.0])
    expected = np.zeros((4, 4))
    for area, nodes in zip(areas, ([0, 1, 2], [1, 2, 3]), strict=True):
        expected[np.ix_(nodes, nodes)] += area / 12 * (np.ones((3, 3)) + np.eye(3))
    found = _assembled(balls.ball(areas / 12), TRIANGLE)
    assert (np.vectorize(float)(found) == expected).all()


def test_wathens_intervals_are_attained_by_a_single_element():
    for key, element in {
        "wathen1987-linear-segments": [0.5, 1.5],
        "wathen1987-linear-triangles": [0.5, 0.5, 2.0],
    }.items():
        n = len(element)
        assert eigs((np.ones((n, n)) + np.eye(n)) / 2) == pytest.approx(element)
        assert margin(key, np.array([3.0])) == (element[-1], element[-1])


def test_wathens_interval_for_segments_is_too_small_for_triangles():
    h = balls.ball(np.ones(1))
    lhs, rhs = spectral_inclusion._strip_interval(h, TRIANGLE, 0.5, 1.5)
    assert lhs > rhs


def test_krylov_basis_gives_lanczos_in_exact_arithmetic():
    M, b, k = gallery.hilbert(6), np.ones(6), 4
    Q = krylov_basis(balls.ball(M), balls.ball(b), k)
    columns = [np.linalg.matrix_power(M, j) @ b for j in range(k)]
    expected, _ = np.linalg.qr(np.array(columns).T)
    angles = np.vectorize(float)(Q).T @ expected
    # kappa of the Krylov matrix is near 1e6, which costs NumPy's basis ten digits.
    assert abs(np.diag(angles)) == pytest.approx(np.ones(k), abs=1e-8)


def test_krylov_dimension_counts_the_eigenvectors_met():
    assert krylov_dimension(np.diag([1.0, 1.0, 2.0]), np.ones(3)) == 2
    assert krylov_dimension(np.eye(3), np.ones(3)) == 1
    assert krylov_dimension(A, x) == 4
    assert krylov_dimension(A, 0 * x) == 0


def test_lanczos_radii_are_the_norms_of_the_residuals():
    M, b, k = np.diag([1.0, 2.0, 4.0, 8.0]), np.ones(4), 2
    Q = np.vectorize(float)(krylov_basis(balls.ball(M), balls.ball(b), k))
    ritz, vectors = np.linalg.eigh(Q.T @ M @ Q)
    residuals = norm(M @ Q @ vectors - Q @ vectors * ritz, axis=0)
    distances = abs(np.diag(M)[:, None] - ritz).min(axis=0)
    lhs, rhs = margin("parlett1998-lanczos-intervals", M, b, k)
    assert lhs - rhs == pytest.approx((distances - residuals).max(), rel=1e-7)


def test_ritz_values_give_a_smaller_condition_number():
    M, b = np.diag([1.0, 4.0, 16.0]), np.ones(3)
    lhs, rhs = margin("parlett1998-ritz-kappa", M, b, 1)
    assert (lhs, rhs) == (1.0, 16.0)


def test_chebyshev_recurrence_is_the_cosine():
    for k in range(5):
        found = float(chebyshev(k, balls.arb(0.3)))
        assert found == pytest.approx(np.cos(k * np.arccos(0.3)))


def test_power_method_bound_by_hand():
    # One step from (1, 1) with 2 and 1: quotient 9 / 5; tan^2 = 1, ratio^2 = 1 / 4.
    lhs, rhs = margin(
        "golub2013-power-method", np.array([2.0, 1.0]), np.array([1.0, 1.0]), 1
    )
    assert lhs - rhs == pytest.approx((2 - 9 / 5) - 1 / 4)


def test_krylov_bound_by_hand():
    # One step from (1, 1, 1) with 3, 2 and 0: quotient 5 / 3; tan^2 = 2, T_0 = 1.
    values, start = np.array([3.0, 2.0, 0.0]), np.ones(3)
    lhs, rhs = margin("saad1980-krylov-extreme", values, start, 1)
    assert lhs - rhs == pytest.approx((3 - 5 / 3) - 3 * 2)


@pytest.mark.parametrize(
    ("M", "truth"),
    [
        (np.array([[1.0, 1.0], [0.0, 1.0]]), [1, 1]),
        (np.diag([2.0, 2.0, 2.0]) + np.eye(3, k=1), [2, 2, 2]),
        (np.eye(3, k=-1), [0, 0, 0]),
        (
            sl.block_diag([[0.0, 1.0], [-1.0, 0.0]], [[3.0, 1.0], [0.0, 3.0]]),
            [1j, -1j, 3, 3],
        ),
        (
            np.kron([[1.0, 1.0], [0.0, 1.0]], [[0.0, 1.0], [-1.0, 0.0]]),
            [1j, 1j, -1j, -1j],
        ),
    ],
    ids=lambda part: "",
)
def test_defective_eigenvalues_are_enclosed_sharply(M, truth):
    with balls.precision(512):
        found = balls.eigenvalues(balls.ball(M))
        for value in truth:
            holding = [disc for disc in found if disc.contains(balls.acb(value))]
            assert len(holding) == truth.count(value)
        radii = [float(part.rad()) for disc in found for part in (disc.real, disc.imag)]
    assert max(radii) < 1e-30  # where sides count as equal


def test_comparison_of_lists_needs_every_entry():
    one = balls.arb(1)
    assert balls.all_at_most([one, 2 * one], [one, 3 * one], one) == (1, 1)
    lhs, rhs = balls.all_at_most([one, 4 * one], [one, 3 * one], one)
    assert (lhs, rhs) == (2, 1)
