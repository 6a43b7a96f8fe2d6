"""Claims of "Weight conditioning ...", section 4: gradient descent on a quadratic.

f(x) = x'Ax/2 - b'x, each claim as worded, in every reading, beside the correct theorem.

Where A is indefinite its singular values are not its eigenvalues, and the descent of
equations 5 to 8 is that of |A|: already f(x) = -x^2/2 has no minimum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.formula import claim
from condlab.theory.references.networks import WEIGHT_CONDITIONING as SOURCE
from condlab.theory.strategies import has_full_rank, is_spd, st

# A fraction theta of the largest step, 2/sigma_max.
FRACTIONS = st.integers(1, 15).map(lambda k: k / 16)
STEPS = st.integers(1, 4)
NO_START = "A start at the solution proves nothing and is left out."


def nonzero_vectors(n: int) -> st.SearchStrategy[np.ndarray]:
    """Draw vectors of small integers that are not all zero."""
    return strategies.vectors(n).filter(np.any)


def nonsingular_symmetric(n: int) -> strategies.Matrices:
    """Draw symmetric matrices of full rank."""
    return strategies.symmetric(n).filter(has_full_rank)


def _runs(matrices: Callable[[int], strategies.Matrices]) -> Callable:
    """Return instances (A, solution, start error, fraction of 2/sigma_max, steps)."""
    return lambda n: st.tuples(
        matrices(n), strategies.vectors(n), nonzero_vectors(n), FRACTIONS, STEPS
    )


def moduli(A: Balls) -> list[Ball]:
    """Return the singular values of a symmetric matrix, in the order of eigenvalues."""
    return [abs(value) for value in balls.symmetric_eigenvalues(A)]


def descend(A: Balls, solution: Balls, error: Balls, eta: Ball, steps: int) -> Balls:
    """Return the error after gradient steps from solution + error."""
    b, x = A @ solution, solution + error
    for _ in range(steps):
        x = x - eta * (A @ x - b)
    return x - solution


def shrunk(error: Balls, start: Balls, factor: Ball) -> Sides:
    """State ||error|| <= factor ||start||, with ||start|| added to decide 0 <= 0."""
    unit = balls.norm_fro(start)
    return unit + balls.norm_fro(error), unit + factor * unit


def contraction(eigenvalues: Iterable[Ball], eta: Ball) -> Ball:
    """Return ||I - eta A||_2."""
    return balls.maximum(abs(1 - eta * value) for value in eigenvalues)


def power(x: Ball, k: int) -> Ball:
    """Return x^k; arb's own fails on balls around zero."""
    return math.prod([x] * k, start=balls.arb(1))


def _as_worded(
    A: Balls, solution: Balls, error: Balls, theta: Ball, steps: int
) -> Sides:
    sigma = moduli(A)
    eta = 2 * theta / balls.maximum(sigma)
    found = descend(A, solution, error, eta, steps)
    return shrunk(found, error, power(contraction(sigma, eta), steps))


@claim(
    "wc-gd-symmetric",
    SOURCE.at("Section 4, equations 4 to 10"),
    _runs(nonsingular_symmetric),
    latex=r"\|x_k - x_*\| \le \max_i |1 - \eta\sigma_i|^k\,\|x_0 - x_*\|",
    note="False already for A = [-1], where the error grows. " + NO_START,
    false_from=1,
)
def gd_symmetric(
    A: Balls, solution: Balls, error: Balls, theta: Ball, steps: int
) -> Sides:
    """For a symmetric matrix of full rank and any step below 2/sigma_max, the error of
    gradient descent shrinks in k steps by max |1 - eta sigma_i|^k < 1."""
    return _as_worded(A, solution, error, theta, steps)


def _spd_runs(
    A: np.ndarray, _: np.ndarray, error: np.ndarray, theta: float, __: int
) -> bool:
    return is_spd(A) and bool(error.any()) and 0 < theta < 1


@claim(
    "wc-gd-symmetric-spd",
    SOURCE.at("Section 4, equations 4 to 10, for definite matrices"),
    _runs(strategies.spd),
    latex=r"\|x_k - x_*\| \le \max_i |1 - \eta\sigma_i|^k\,\|x_0 - x_*\|",
    admits=_spd_runs,
    note="Both sides have ||x_0 - x_*|| added. " + NO_START,
)
def gd_symmetric_spd(
    A: Balls, solution: Balls, error: Balls, theta: Ball, steps: int
) -> Sides:
    """For a symmetric positive definite matrix and any step below 2/sigma_max, the
    error of gradient descent shrinks in k steps by max |1 - eta sigma_i|^k < 1."""
    return _as_worded(A, solution, error, theta, steps)


def _directions(A: Balls, theta: Ball) -> Sides:
    values = balls.symmetric_eigenvalues(A)
    eta = 2 * theta / balls.maximum(abs(value) for value in values)
    true = [abs(1 - eta * value) for value in values]
    claimed = [abs(1 - eta * abs(value)) for value in values]
    return balls.equal(_in_order(true), _in_order(claimed), scale=balls.arb(1))


def _in_order(values: list[Ball]) -> list[Ball]:
    """Enclose the order statistics: those of the ends enclose those of the values."""
    lower = sorted((x.lower() for x in values), key=float)
    upper = sorted((x.upper() for x in values), key=float)
    return [a.union(b) for a, b in zip(lower, upper, strict=True)]


@claim(
    "wc-gd-symmetric-directions",
    SOURCE.at("Section 4, equations 5 to 8"),
    lambda n: st.tuples(nonsingular_symmetric(n), FRACTIONS),
    latex=r"\{|1 - \eta\lambda_i|\} = \{|1 - \eta\sigma_i|\}",
    note="False already for A = [-1].",
    false_from=1,
)
def gd_symmetric_directions(A: Balls, theta: Ball) -> Sides:
    """For a symmetric matrix of full rank and any step below 2/sigma_max, the factors
    by which gradient descent moves in its eigendirections have the moduli |1 - eta
    sigma_i|."""
    return _directions(A, theta)


@claim(
    "wc-gd-symmetric-directions-spd",
    SOURCE.at("Section 4, equations 5 to 8, for definite matrices"),
    lambda n: st.tuples(strategies.spd(n), FRACTIONS),
    latex=r"\{|1 - \eta\lambda_i|\} = \{|1 - \eta\sigma_i|\}",
)
def gd_symmetric_directions_spd(A: Balls, theta: Ball) -> Sides:
    """For a symmetric positive definite matrix and any step below 2/sigma_max, the
    factors by which gradient descent moves in its eigendirections have the moduli |1 -
    eta sigma_i|."""
    return _directions(A, theta)


def _minimum(A: Balls, solution: Balls, x: Balls) -> Sides:
    b = A @ solution
    lowest, here = (y @ A @ y / 2 - b @ y for y in (solution, x))
    return lowest, here


@claim(
    "wc-gd-symmetric-minimum",
    SOURCE.at("Section 4, equation 2"),
    lambda n: st.tuples(
        nonsingular_symmetric(n), strategies.vectors(n), strategies.vectors(n)
    ),
    latex=r"f(A^{-1}b) \le f(x)\ \text{for all}\ x",
    note="False already for A = [-1], where it maximises.",
    false_from=1,
)
def gd_symmetric_minimum(A: Balls, solution: Balls, x: Balls) -> Sides:
    """For a symmetric matrix of full rank the solution of Ax = b minimises x'Ax/2 -
    b'x."""
    return _minimum(A, solution, x)


@claim(
    "wc-gd-symmetric-minimum-spd",
    SOURCE.at("Section 4, equation 2, for definite matrices"),
    lambda n: st.tuples(
        strategies.spd(n), strategies.vectors(n), strategies.vectors(n)
    ),
    latex=r"f(A^{-1}b) \le f(x)\ \text{for all}\ x",
)
def gd_symmetric_minimum_spd(A: Balls, solution: Balls, x: Balls) -> Sides:
    """For a symmetric positive definite matrix the solution of Ax = b minimises x'Ax/2
    - b'x."""
    return _minimum(A, solution, x)


@claim(
    "wc-gd-step-necessary",
    SOURCE.at("Section 4, equations 9 and 10"),
    lambda n: st.tuples(strategies.spd(n), st.integers(16, 64).map(lambda k: k / 16)),
    latex=r"\eta \ge 2/\sigma_{\max} \Rightarrow \|I - \eta A\|_2 \ge 1",
    admits=lambda A, theta: is_spd(A) and theta >= 1,
)
def gd_step_necessary(A: Balls, theta: Ball) -> Sides:
    """For a symmetric positive definite matrix and any step of at least 2/sigma_max
    some error of gradient descent does not shrink."""
    return balls.arb(1), contraction(moduli(A), 2 * theta / balls.maximum(moduli(A)))


def _larger_faster(A: Balls, theta: Ball) -> Sides:
    values = balls.symmetric_eigenvalues(A)
    eta = 2 * theta / values[-1]
    factors = [abs(1 - eta * value) for value in values]
    worst = balls.arb(0)
    for i, smaller in enumerate(factors):
        worst = balls.maximum([worst, *(x - smaller for x in factors[i:])])
    return 1 + worst, balls.arb(1)


@claim(
    "wc-gd-larger-faster",
    SOURCE.at("Section 4, after equation 8"),
    lambda n: st.tuples(strategies.spd(n), FRACTIONS),
    latex=r"\sigma_i \ge \sigma_j \Rightarrow "
    r"|1 - \eta\sigma_i| \le |1 - \eta\sigma_j|",
    note="The source says so for small enough steps. At size 1 there is one direction.",
    false_from=2,
)
def gd_larger_faster(A: Balls, theta: Ball) -> Sides:
    """With any step below 2/sigma_max gradient descent on a symmetric positive definite
    matrix is fastest in the directions of larger singular values."""
    return _larger_faster(A, theta)


@claim(
    "wc-gd-larger-faster-small-step",
    SOURCE.at("Section 4, after equation 8"),
    lambda n: st.tuples(strategies.spd(n), st.integers(1, 8).map(lambda k: k / 16)),
    latex=r"\sigma_i \ge \sigma_j \Rightarrow "
    r"|1 - \eta\sigma_i| \le |1 - \eta\sigma_j|",
)
def gd_larger_faster_small_step(A: Balls, theta: Ball) -> Sides:
    """With any step up to 1/sigma_max gradient descent on a symmetric positive definite
    matrix is fastest in the directions of larger singular values."""
    return _larger_faster(A, theta)
