"""The theorems on iterations: outcomes, known instances, NumPy's arithmetic."""

import numpy as np
import pytest
import scipy.linalg as sl
import scipy.sparse.linalg as spl

from condlab import gallery
from condlab.theory import CATALOGUE, balls, verify
from condlab.theory.catalogue import claims_of
from condlab.theory.claims.iterations import (
    gradient_descent,
    krylov_iterations,
    randomized_iterations,
    stationary_iterations,
    successive_iterations,
)
from condlab.theory.vocabulary.orthogonal import conjugate_gradients
from tests.theory.outcomes import first_to_fall, outcomes

MODULES = (
    gradient_descent,
    stationary_iterations,
    successive_iterations,
    randomized_iterations,
    krylov_iterations,
)

KEYS = [entry.key for module in MODULES for entry in claims_of(vars(module))]
FALSE = {key: CATALOGUE[key].false_from for key in KEYS if CATALOGUE[key].false_from}
FLOAT = 1e-9  # NumPy's own error on the instances below, whose kappa is at most 1e6
RNG = np.random.default_rng(3)
X = RNG.standard_normal((4, 4))
TALL, ERROR = RNG.standard_normal((5, 3)), RNG.standard_normal(3)
A, e = X @ X.T + np.eye(4), RNG.standard_normal(4)
D = np.diag(np.diag(A))
UNIT = A / np.sqrt(np.outer(np.diag(A), np.diag(A)))
DIAGONAL, ENDS = np.diag([1.0, 4.0]), np.ones(2)
PATH = 2 * np.eye(4) - np.eye(4, k=1) - np.eye(4, k=-1)
COLOURED = PATH[np.ix_([0, 2, 1, 3], [0, 2, 1, 3])]  # the odd nodes, then the even

cond, norm, eigs = np.linalg.cond, np.linalg.norm, np.linalg.eigvalsh


def check(key, *parts):
    return CATALOGUE[key].check(parts if len(parts) > 1 else parts[0])


def margin(key, *parts):
    """Return lhs and rhs of a catalogue entry at an instance."""
    found = check(key, *parts)
    return found.lhs, found.rhs


def rate(kappa):
    return (kappa - 1) / (kappa + 1)


def energy(M, v):
    return np.sqrt(v @ M @ v)


def radius(M):
    return abs(np.linalg.eigvals(M)).max()


def sor(M, omega):
    diagonal = np.diag(np.diag(M))
    return np.eye(len(M)) - omega * np.linalg.solve(
        diagonal + omega * np.tril(M, -1), M
    )


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


HIGH, LOW = eigs(A)[-1], eigs(A)[0]
SCALED_HIGH, SCALED_LOW = eigs(UNIT)[-1], eigs(UNIT)[0]
WEIGHTS = (TALL**2).sum(axis=1)
STEPPED = e - 2 / (SCALED_HIGH + SCALED_LOW) * np.linalg.solve(D, A @ e)
KACZMARZ = sum(
    w * norm(ERROR - (a @ ERROR) / w * a) ** 2
    for a, w in zip(TALL, WEIGHTS, strict=True)
)
SIDES = [
    (
        "polyak1987-converges-if",
        (A, 0.75),
        radius(np.eye(4) - 1.5 / HIGH * A),
        1.0,
    ),
    ("polyak1987-converges-only-if", (A, 1.25), 1.0, 1.5),
    (
        "polyak1987-best-step",
        (A, e),
        norm(e - 2 / (HIGH + LOW) * A @ e),
        rate(cond(A)) * norm(e),
    ),
    (
        "polyak1987-no-better-step",
        (A, 0.125),
        rate(cond(A)),
        radius(np.eye(4) - 0.125 * A),
    ),
    (
        "kantorovich1948-inequality",
        (A, e),
        (e @ A @ e) * (e @ np.linalg.solve(A, e)),
        (cond(A) + 1) ** 2 / (4 * cond(A)) * norm(e) ** 4,
    ),
    (
        "saad2003-jacobi-contraction",
        (A, e),
        energy(D, STEPPED),
        rate(cond(UNIT)) * energy(D, e),
    ),
    (
        "horn2013-jacobi-one-sided",
        (A,),
        cond(UNIT),
        cond(np.linalg.solve(D, A)),
    ),
    ("varga2000-jacobi-if", (PATH,), radius(np.eye(4) - PATH / 2), 1.0),
    ("reich1949-gauss-seidel-if", (A,), radius(sor(A, 1.0)), 1.0),
    ("ostrowski1954-sor", (A, 1.75), radius(sor(A, 1.75)), 1.0),
    ("kahan1958-sor-lower", (A, 1.5), 0.5, radius(sor(A, 1.5))),
    (
        "varga2000-gauss-seidel-dominant",
        (A + 20 * np.eye(4),),
        radius(sor(A + 20 * np.eye(4), 1.0)),
        None,
    ),
    (
        "strohmer2009-kaczmarz",
        (TALL, ERROR),
        sl.svdvals(TALL)[-1] ** 2 / norm(TALL) ** 2 * norm(ERROR) ** 2,
        norm(ERROR) ** 2 - KACZMARZ / norm(TALL) ** 2,
    ),
    (
        "leventhal2010-coordinate-descent",
        (A, e),
        LOW / np.trace(A) * e @ A @ e,
        norm(A @ e) ** 2 / np.trace(A),
    ),
]


@pytest.mark.parametrize(("key", "parts", "lhs", "rhs"), SIDES, ids=lambda part: "")
def test_both_sides_agree_with_numpy(key, parts, lhs, rhs):
    found = margin(key, *parts)
    for side, expected in zip(found, (lhs, rhs), strict=True):
        assert expected is None or side == pytest.approx(expected, rel=FLOAT)


ATTAINED = [
    ("polyak1987-converges-only-if", DIAGONAL, 1.0),
    ("polyak1987-best-step", DIAGONAL, ENDS),
    ("polyak1987-no-better-step", np.diag([1.0, 3.0]), 0.5),
    ("saad2003-least-squares", np.diag([1.0, 2.0]), ENDS),
    ("kantorovich1948-inequality", DIAGONAL, ENDS),
    ("kantorovich1948-steepest-descent", DIAGONAL, np.array([4.0, 1.0])),
    ("strohmer2009-kaczmarz", np.eye(2), ENDS),
    ("leventhal2010-coordinate-descent", np.eye(2), ENDS),
    ("varga2000-jacobi-dominant", 3 * np.eye(3) - 0.5 * np.ones((3, 3))),
    ("kahan1958-sor-lower", DIAGONAL, 1.5),
    ("greenbaum1997-cg-chebyshev", DIAGONAL, ENDS, 1),
    ("varga2000-chebyshev-steps", DIAGONAL, ENDS, 3),
    ("greenbaum1997-minres", np.diag([1.0, -1.0, 2.0, -2.0]), np.ones(4), 1),
]


@pytest.mark.parametrize("instance", ATTAINED, ids=lambda instance: instance[0])
def test_bound_is_attained_by_its_extremal_matrix(instance):
    lhs, rhs = margin(*instance)
    assert lhs == pytest.approx(rhs, rel=FLOAT)


@pytest.mark.parametrize("t", [0.1, 0.5, 0.99, 1.01, 2.0])
def test_gradient_descent_converges_exactly_below_the_limit(t):
    step = 2 * t / HIGH
    error = np.linalg.eigh(A)[1] @ np.ones(4)
    for _ in range(3000):
        error = np.clip(error - step * A @ error, -1e9, 1e9)
    assert (norm(error) < 1e-3) == (t < 1)
    assert (margin("polyak1987-converges-if", A, t)[0] < 1) == (t < 1)


def test_jacobi_iteration_of_a_positive_definite_matrix_may_diverge():
    M = np.ones((3, 3)) + 0.5 * np.eye(3)
    assert eigs(M)[0] > 0 > eigs(2 * np.diag(np.diag(M)) - M)[0]
    assert margin("folklore-jacobi-converges", M) == pytest.approx((4 / 3, 1.0))
    assert margin("varga2000-jacobi-only-if", M) == pytest.approx((1.0, 4 / 3))


def test_gauss_seidel_diverges_for_an_indefinite_matrix():
    M = np.array([[1.0, 2.0], [2.0, 1.0]])
    assert margin("reich1949-gauss-seidel-only-if", M) == pytest.approx((1.0, 4.0))


def test_youngs_identities_hold_for_a_coloured_path():
    mu = np.cos(np.pi / 5)
    assert radius(np.eye(4) - PATH / 2) == pytest.approx(mu)
    assert margin("young1954-gauss-seidel", COLOURED) == (1.0, 1.0)
    assert radius(sor(COLOURED, 1.0)) == pytest.approx(mu**2)
    assert margin("young1954-optimal-sor", COLOURED) == (1.0, 1.0)
    # A double eigenvalue: its float error is near the root of the unit roundoff.
    omega = 2 / (1 + np.sqrt(1 - mu**2))
    assert radius(sor(COLOURED, omega)) == pytest.approx(omega - 1, abs=1e-6)


def test_youngs_identity_needs_property_a():
    lhs, rhs = margin("young1954-gauss-seidel", np.ones((3, 3)) + np.eye(3))
    assert lhs > rhs


def test_jacobi_preconditioning_has_the_eigenvalues_of_the_symmetric_form():
    ratio = np.linalg.eigvals(np.linalg.solve(D, A)).real
    assert ratio.max() / ratio.min() == pytest.approx(cond(UNIT))
    assert margin("saad2003-jacobi-similarity", A) == (1.0, 1.0)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_conjugate_gradients_are_scipys(k):
    iterates = []
    spl.cg(A, e, maxiter=k, callback=lambda x: iterates.append(x.copy()), rtol=1e-300)
    found = conjugate_gradients(balls.ball(A), balls.ball(e), k)
    for ours, theirs in zip(found[1:], iterates, strict=True):
        assert np.vectorize(float)(ours) == pytest.approx(theirs, rel=1e-8)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_both_bounds_of_conjugate_gradients_agree_with_cosh(k):
    kappa, solution = cond(A), np.linalg.solve(A, e)
    start = energy(A, solution)
    chebyshev = np.cosh(k * np.arccosh((kappa + 1) / (kappa - 1)))
    _, sharp = margin("greenbaum1997-cg-chebyshev", A, e, k)
    _, simple = margin("saad2003-cg-bound", A, e, k)
    assert sharp == pytest.approx(start / chebyshev, rel=FLOAT)
    assert simple == pytest.approx(2 * rate(np.sqrt(kappa)) ** k * start, rel=FLOAT)


def test_conjugate_gradients_end_after_as_many_steps_as_eigenvalues():
    parts = (np.array([1.0, 2.0, 0.0]), np.array([4.0, 1.0, 4.0]), np.ones(3))
    assert margin("hestenes1952-termination", *parts) == (1.0, 1.0)


def test_residual_of_conjugate_gradients_may_grow():
    lhs, rhs = margin(
        "folklore-cg-residual", np.diag([1.0, 100.0]), np.array([10.0, 1]), 1
    )
    # Kantorovich's worst case: the factor (kappa - 1) / (2 sqrt(kappa)).
    assert lhs / rhs == pytest.approx(99 / 20)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_minres_residual_is_the_least_over_the_krylov_space(k):
    M = A - 3 * np.eye(4)
    K = np.array([np.linalg.matrix_power(M, j) @ e for j in range(k)]).T
    solution, *_ = np.linalg.lstsq(M @ K, e, rcond=None)
    lhs, _ = margin("greenbaum1997-minres", M, e, k)
    assert lhs == pytest.approx(norm(e - M @ K @ solution), rel=1e-8)


def test_heavy_ball_recurrence_contracts_by_the_root_of_its_momentum():
    root = rate(np.sqrt(cond(A)))
    alpha = 4 / (np.sqrt(HIGH) + np.sqrt(LOW)) ** 2
    beta = root**2
    step = (1 + beta) * np.eye(4) - alpha * A
    companion = np.block([[step, -beta * np.eye(4)], [np.eye(4), np.zeros((4, 4))]])
    # Double eigenvalues at both ends: floats see them to half of the digits.
    assert radius(companion) == pytest.approx(root, abs=1e-6)
    assert margin("polyak1964-heavy-ball", A) == pytest.approx((2 * root, 2 * root))


def test_zigzag_goes_on_for_ever():
    parts = (np.array([1.0, 3.0]), np.array([1.0, 8.0]), 4)
    assert margin("akaike1959-zigzag", *parts) == (1.0, 1.0)
    M, error = np.diag([1.0, 8.0]), np.array([1.0, 1 / 8])
    for _ in range(20):
        before, r = energy(M, error), M @ error
        error = error - (r @ r) / (r @ M @ r) * r
        assert energy(M, error) / before == pytest.approx(7 / 9)


def test_kantorovich_is_attained_on_the_hilbert_matrix():
    H = gallery.hilbert(3)
    _, vectors = np.linalg.eigh(H)
    x = vectors[:, 0] + vectors[:, -1]
    lhs, rhs = margin("kantorovich1948-inequality", H, x)
    assert lhs <= rhs
    assert lhs == pytest.approx(rhs, rel=1e-9)


def test_landweber_pays_the_square_of_kappa():
    # (kappa^2 - 1) / (kappa^2 + 1) for kappa = 2, beside the shift by |e| = 1.
    unit = np.array([1.0, 0.0])
    lhs, rhs = margin("saad2003-least-squares", np.diag([1.0, 2.0]), unit)
    assert (lhs, rhs) == pytest.approx((1.6, 1.6))
