"""The claims of "Weight conditioning ..." against NumPy and hand computation."""

import numpy as np
import pytest

from condlab.theory import CATALOGUE, verify
from condlab.theory.catalogue import claims_of
from condlab.theory.claims.weight_conditioning import (
    descent,
    layers,
    rate,
    systems,
    theorem_51,
)
from condlab.theory.vocabulary import rivals
from tests.theory.outcomes import outcomes

FILES = (
    theorem_51,
    descent,
    layers,
    rate,
    systems,
)

KEYS = [entry.key for file in FILES for entry in claims_of(vars(file))]

FALSE = {key: CATALOGUE[key].false_from for key in KEYS if CATALOGUE[key].false_from}

FEW, MANY = 16, 100  # examples a size

# Float64 against balls: a few roundings times kappa of the small matrices drawn here.
CLOSE = 1e-9


@pytest.mark.parametrize("key", sorted(set(KEYS) - set(FALSE)))
def test_true_claims_survive(key):
    verdicts = verify(CATALOGUE[key], sizes=[1, 2, 3], max_examples=FEW)
    assert set(outcomes(verdicts)) == {"holds"}


@pytest.mark.parametrize("key", FALSE)
def test_false_claims_fall_at_their_smallest_size(key):
    claim, smallest = CATALOGUE[key], FALSE[key]
    below = [
        verify(claim, sizes=[size], max_examples=FEW)[0] for size in range(1, smallest)
    ]
    assert set(outcomes(below)) <= {"holds"}
    (last,) = verify(claim, sizes=[smallest], max_examples=MANY)
    assert last.outcome == "falsified"
    assert " > rhs" in last.certificate


def unit_rows(A):
    return A / np.linalg.norm(A, axis=1, keepdims=True)


def two_passes(A):
    return unit_rows(unit_rows(A).T).T


def at_once(A):
    return A / np.linalg.norm(A, axis=1)[:, None] / np.linalg.norm(A, axis=0)


cond = np.linalg.cond
KAPPAS = {
    "wc-thm5.1-rows": ("r", lambda A, d: (cond(unit_rows(A)), cond(np.diag(d) @ A))),
    "wc-thm5.1-columns": (
        "c",
        lambda A, d: (cond(unit_rows(A.T)), cond(A @ np.diag(d))),
    ),
    "wc-thm5.1-rowcolumn": (
        "rc",
        lambda A, d, e: (cond(two_passes(A)), cond(np.diag(d) @ A @ np.diag(e))),
    ),
    "wc-thm5.1-rowcolumn-over-rows": (
        "r",
        lambda A, d: (cond(two_passes(A)), cond(np.diag(d) @ A)),
    ),
    "wc-thm5.1-rowcolumn-at-once": (
        "rc",
        lambda A, d, e: (cond(at_once(A)), cond(np.diag(d) @ A @ np.diag(e))),
    ),
    "wc-thm5.1-rowcolumn-corrected": (
        "r",
        lambda A, d: (
            cond(two_passes(A)),
            np.linalg.norm(unit_rows(A), 2)
            * np.linalg.norm(two_passes(A), 2)
            * cond(np.diag(d) @ A),
        ),
    ),
    "wc-jacobi-left-general": (
        "",
        lambda A: (cond(np.diag(1 / np.diag(A)) @ A), cond(A)),
    ),
    "wc-prop1-corrected": (
        "",
        lambda A: (
            cond(unit_rows(A)),
            np.linalg.svd(unit_rows(A), compute_uv=False)[0] * cond(A),
        ),
    ),
    "wc-left-precondition-faster-general": (
        "",
        lambda A: (cond(unit_rows(A)), cond(A)),
    ),
}


@pytest.mark.parametrize("key", KAPPAS)
@pytest.mark.parametrize("seed", range(3))
def test_both_sides_agree_with_numpy(key, seed):
    sides, expected = KAPPAS[key]
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((3, 4) if sides else (4, 4))
    lengths = {"r": 3, "c": 4}
    instance = (A, *(2.0 ** rng.integers(-5, 6, lengths[side]) for side in sides))
    margin = CATALOGUE[key].check(instance if sides else A)
    assert (margin.lhs, margin.rhs) == pytest.approx(expected(*instance), rel=CLOSE)


@pytest.mark.parametrize("repeats", [2, 3, 7])
def test_repeating_a_row_makes_equilibration_worse_by_the_root_of_the_repeats(repeats):
    A = np.vstack([[1.0, 0.0], np.tile([0.0, 1.0], (repeats, 1))])
    orthonormal = np.r_[1.0, np.full(repeats, repeats**-0.5)]
    margin = CATALOGUE["wc-thm5.1-rows-tall"].check((A, orthonormal))
    assert margin.violated
    assert margin.ratio == pytest.approx(repeats**0.5, rel=CLOSE)
    corrected = CATALOGUE["wc-thm5.1-rows-corrected"].check((A, orthonormal))
    assert corrected.ratio == pytest.approx(1, rel=CLOSE)


def test_three_rows_are_outside_the_claim_about_two():
    A = np.array([[1.0, 0, 0], [1, 0, 1], [1, 1, 0]])
    assert CATALOGUE["wc-thm5.1-rows-two"].check((A, np.array([5.0, 3, 3]))).violated


def test_columns_are_the_rows_of_the_transpose():
    A, d = np.array([[2.0, 1, 0], [0, 1, 1], [1, 0, 3]]), np.array([1.0, 2, 4])
    rows, columns = (CATALOGUE[f"wc-thm5.1-{side}"] for side in ("rows", "columns"))
    assert rows.check((A, d)) == columns.check((A.T, d))


def test_scaling_at_once_inverts_the_spread_of_a_diagonal_matrix():
    A, ones = np.diag([1.0, 8.0]), np.ones(2)
    best = 1 / np.diag(A)
    margin = CATALOGUE["wc-thm5.1-rowcolumn-at-once"].check((A, best, ones))
    assert (margin.lhs, margin.rhs) == (8, 1)


@pytest.mark.parametrize("sides", ["rows", "columns", "rows columns"])
def test_rivals_are_not_worse_than_their_start_and_are_integers(sides):
    rng = np.random.default_rng(0)
    A = rng.standard_normal((4, 4)) * 2.0 ** rng.integers(-3, 4, 4)
    scalings = rivals.near_best(A, sides)
    d = scalings[0] if "rows" in sides else np.ones(4)
    e = scalings[-1] if "columns" in sides else np.ones(4)
    assert all((x == np.round(x)).all() and (x >= 1).all() for x in scalings)
    assert cond(np.diag(d) @ A @ np.diag(e)) <= cond(A)


def descent_error(A, solution, error, eta, steps):
    x, b = solution + error, A @ solution
    for _ in range(steps):
        x = x - eta * (A @ x - b)
    return np.linalg.norm(x - solution)


@pytest.mark.parametrize("A", [[[2.0, 1.0], [1.0, 3.0]], [[1.0, 2.0], [2.0, 1.0]]])
def test_descent_is_that_of_numpy(A):
    A = np.array(A)
    z, e, theta, steps = np.array([1.0, -2.0]), np.array([3.0, 1.0]), 0.25, 3
    sigma = np.linalg.svd(A, compute_uv=False)
    eta, unit = 2 * theta / sigma[0], np.linalg.norm(e)
    margin = CATALOGUE["wc-gd-symmetric"].check((A, z, e, theta, steps))
    assert margin.lhs - unit == pytest.approx(descent_error(A, z, e, eta, steps))
    rate = np.abs(1 - eta * sigma).max()
    assert margin.rhs - unit == pytest.approx(rate**steps * unit)
    definite = np.linalg.eigvalsh(A)[0] > 0
    assert margin.violated == (not definite)


def test_descent_at_twice_the_largest_step_violates_the_definite_claim_about_decrease():
    margin = CATALOGUE["wc-gd-step-necessary"].check((np.diag([1.0, 4.0]), 2.0))
    # eta = 4/4 = 1, so the factors are |1 - 1| and |1 - 4|.
    assert (margin.lhs, margin.rhs) == (1, 3)
    inside = CATALOGUE["wc-gd-step-necessary"].check((np.diag([1.0, 4.0]), 0.5))
    assert inside.violated


def test_best_step_contracts_by_three_fifths_at_kappa_four():
    A = np.diag([1.0, 4.0])
    best = CATALOGUE["wc-gd-rate-best-step-optimal"].check((A, 0.8))  # eta = 2/5
    assert best.lhs - 1 == pytest.approx(3 / 5)
    assert best.ratio == pytest.approx(1, rel=CLOSE)
    claimed = CATALOGUE["wc-gd-rate-no-faster"].check((A, 0.8))
    assert claimed.lhs - 1 == pytest.approx(3 / 4)
    assert claimed.violated


def test_inverse_step_is_attained_in_the_slowest_direction():
    slow = (np.diag([1.0, 4.0]), np.array([1.0, 0.0]), 3)
    margin = CATALOGUE["wc-gd-rate-inverse-step"].check(slow)
    assert margin.lhs == margin.rhs == pytest.approx(1 + 0.75**3)


def test_larger_kappa_wins_from_a_start_in_its_fast_direction():
    better, worse = np.diag([1.0, 2.0]), np.diag([8.0, 1.0])
    key = "wc-gd-rate-smaller-kappa-every-start"
    margin = CATALOGUE[key].check((better, worse, np.array([1.0, 0.0]), 1))
    assert margin.violated
    # (1/2 - 0) (1/8 - 1/2)
    assert margin.rhs == 1 - 3 / 16


def test_preconditioned_objective_is_stationary_elsewhere():
    A, z = np.array([[2.0, 2.0], [2.0, 8.0]]), np.array([0.0, 1.0])
    EA = unit_rows(A)
    Eb = EA @ z
    elsewhere = np.linalg.solve((EA + EA.T) / 2, Eb)
    assert np.linalg.norm(elsewhere - z) > 0.1
    assert np.linalg.solve(EA, Eb) == pytest.approx(z)
    assert CATALOGUE["wc-left-precondition-solution-objective"].check((A, z)).violated
    assert not CATALOGUE["wc-left-precondition-solution-system"].check((A, z)).violated


def test_preconditioned_objective_can_be_unbounded_below():
    A = np.array([[1.0, 4.0], [4.0, 32.0]])
    EA = unit_rows(A)
    lowest = np.linalg.eigvalsh((EA + EA.T) / 2)[0]
    margin = CATALOGUE["wc-left-precondition-minimum"].check(A)
    assert margin.rhs == pytest.approx(1 + lowest, rel=CLOSE)
    assert lowest < 0 < np.linalg.eigvalsh(A)[0]


def test_equilibrated_least_squares_differs_as_lapack_says():
    A, b = np.array([[1.0], [2.0]]), np.array([0.0, 1.0])
    norms = np.linalg.norm(A, axis=1)
    plain = np.linalg.lstsq(A, b)[0]
    scaled = np.linalg.lstsq(unit_rows(A), b / norms)[0]
    key = "wc-left-precondition-solution-least-squares"
    gap = np.abs(plain - scaled).max() / (1 + np.linalg.norm(plain))
    assert CATALOGUE[key].check((A, b)).lhs == pytest.approx(1 + gap)


@pytest.mark.parametrize(("a", "b", "c"), [(1, 2, 2), (3, 1, 5), (2, 3, 1)])
def test_jacobi_of_two_by_two_gains_what_the_note_says(a, b, c):
    A = np.array([[a, b], [b, c]], dtype=float)
    determinant = abs(a * c - b * b)

    def excess(margin):
        return (margin.rhs + 1 / margin.rhs) - (margin.lhs + 1 / margin.lhs)

    both = CATALOGUE["wc-jacobi-both-symmetric"].check(A)
    assert excess(both) == pytest.approx((a - c) ** 2 / determinant)
    left = CATALOGUE["wc-jacobi-left-symmetric"].check(A)
    expected = (a - c) ** 2 * (1 - b * b / (a * c)) / determinant
    assert excess(left) == pytest.approx(expected)
    assert left.violated == (b * b > a * c)


def slope(loss, W, h=1e-5):
    """Return central differences, good to h^2 and to rounding over h: about 1e-10."""
    grad = np.empty_like(W)
    for index in np.ndindex(W.shape):
        step = np.zeros_like(W)
        step[index] = h
        grad[index] = (loss(W + step) - loss(W - step)) / (2 * h)
    return grad


def test_training_descends_on_the_squared_error():
    width, rng = 3, np.random.default_rng(5)
    X = rng.standard_normal((16, width))
    draw = [rng.standard_normal((width, width)) * np.sqrt(2 / width) for _ in range(4)]
    noise = 0.1 * rng.standard_normal((16, width))
    Y = np.tanh(X @ draw[2].T) @ draw[3].T + noise

    def loss(first, second):
        return np.sum((np.tanh(X @ first.T) @ second.T - Y) ** 2) / 2 / len(X)

    first, second = draw[:2]
    start = loss(first, second)
    for _ in range(20):
        slopes = (
            slope(lambda W: loss(W, second), first),  # noqa: B023
            slope(lambda W: loss(first, W), second),  # noqa: B023
        )
        first, second = first - 0.2 * slopes[0], second - 0.2 * slopes[1]
    assert loss(first, second) < start / 2
    for layer, expected in enumerate((first, second)):
        found = layers.train(np.random.default_rng(5), width, layer)
        assert found == pytest.approx(expected, abs=1e-8)  # 20 steps of 1e-10
