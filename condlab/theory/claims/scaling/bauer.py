"""The best diagonal scalings in the 1- and inf-norm, and of totally positive matrices.

Each minimum is two entries: no scaling drawn goes below the formula, and the scaling
that its author names attains it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.claims.scaling.diagonal_scaling import (
    full_rank_positive,
    square_scaled,
)
from condlab.theory.formula import claim
from condlab.theory.references.scaling import BAUER
from condlab.theory.strategies import has_full_rank, st
from condlab.types import Norm


def _rows_number(A: Balls, p: Norm) -> Ball:
    return balls.norm(abs(balls.inverse(A)) @ abs(A), p)


@claim(
    "bauer1963-rows-inf",
    BAUER,
    square_scaled,
    latex=r"\| |A^{-1}||A| \|_{\infty} \le \kappa_{\infty}(DA)",
    admits=full_rank_positive,
)
def rows_inf(A: Balls, d: Balls) -> Sides:
    """No scaling of the rows of a nonsingular matrix takes its inf-norm condition
    number below the inf-norm of |A^-1||A|."""
    return _rows_number(A, "inf"), balls.kappa_p(d[:, None] * A, "inf")


@claim(
    "bauer1963-rows-inf-attained",
    BAUER,
    strategies.nonsingular,
    latex=r"\min_D \kappa_{\infty}(DA) = \| |A^{-1}||A| \|_{\infty}",
)
def rows_inf_attained(A: Balls) -> Sides:
    """Scaling the rows of a nonsingular matrix to rows of equal 1-norm gives an
    inf-norm condition number equal to the inf-norm of |A^-1||A|."""
    return balls.equal(
        balls.kappa_p(balls.unit_rows(A, 1), "inf"), _rows_number(A, "inf")
    )


@claim(
    "bauer1963-rows-one",
    BAUER,
    square_scaled,
    latex=r"\| |A^{-1}||A| \|_{1} \le \kappa_{1}(DA)",
    admits=full_rank_positive,
)
def rows_one(A: Balls, d: Balls) -> Sides:
    """No scaling of the rows of a nonsingular matrix takes its 1-norm condition number
    below the 1-norm of |A^-1||A|."""
    return _rows_number(A, 1), balls.kappa_p(d[:, None] * A, 1)


@claim(
    "bauer1963-rows-one-attained",
    BAUER,
    strategies.nonsingular,
    latex=r"\min_D \kappa_{1}(DA) = \| |A^{-1}||A| \|_{1}",
)
def rows_one_attained(A: Balls) -> Sides:
    """Scaling the rows of a nonsingular matrix to multipliers equal to the column sums
    of |A^-1| gives a 1-norm condition number equal to the 1-norm of |A^-1||A|."""
    return balls.equal(
        balls.kappa_p(abs(balls.inverse(A)).sum(axis=0)[:, None] * A, 1),
        _rows_number(A, 1),
    )


def _columns_number(A: Balls, p: Norm) -> Ball:
    return balls.norm(abs(A) @ abs(balls.inverse(A)), p)


@claim(
    "bauer1963-columns-inf",
    BAUER,
    square_scaled,
    latex=r"\| |A||A^{-1}| \|_{\infty} \le \kappa_{\infty}(AD)",
    admits=full_rank_positive,
)
def columns_inf(A: Balls, d: Balls) -> Sides:
    """No scaling of the columns of a nonsingular matrix takes its inf-norm condition
    number below the inf-norm of |A||A^-1|."""
    return _columns_number(A, "inf"), balls.kappa_p(A * d, "inf")


@claim(
    "bauer1963-columns-inf-attained",
    BAUER,
    strategies.nonsingular,
    latex=r"\min_D \kappa_{\infty}(AD) = \| |A||A^{-1}| \|_{\infty}",
)
def columns_inf_attained(A: Balls) -> Sides:
    """Scaling the columns of a nonsingular matrix to multipliers equal to the row sums
    of |A^-1| gives an inf-norm condition number equal to the inf-norm of |A||A^-1|."""
    return balls.equal(
        balls.kappa_p(A * abs(balls.inverse(A)).sum(axis=1), "inf"),
        _columns_number(A, "inf"),
    )


@claim(
    "bauer1963-columns-one",
    BAUER,
    square_scaled,
    latex=r"\| |A||A^{-1}| \|_{1} \le \kappa_{1}(AD)",
    admits=full_rank_positive,
)
def columns_one(A: Balls, d: Balls) -> Sides:
    """No scaling of the columns of a nonsingular matrix takes its 1-norm condition
    number below the 1-norm of |A||A^-1|."""
    return _columns_number(A, 1), balls.kappa_p(A * d, 1)


@claim(
    "bauer1963-columns-one-attained",
    BAUER,
    strategies.nonsingular,
    latex=r"\min_D \kappa_{1}(AD) = \| |A||A^{-1}| \|_{1}",
)
def columns_one_attained(A: Balls) -> Sides:
    """Scaling the columns of a nonsingular matrix to columns of equal 1-norm gives a
    1-norm condition number equal to the 1-norm of |A||A^-1|."""
    return balls.equal(
        balls.kappa_p(balls.unit_columns(A, 1), 1), _columns_number(A, 1)
    )


def _products(A: Balls) -> Balls:
    return abs(balls.inverse(A)) @ abs(A)


def two_scalings(
    size: int, matrices: Callable[[int], st.SearchStrategy]
) -> st.SearchStrategy:
    """Draw (A, d, e): a square matrix of a kind and scalings of rows and columns."""
    diagonals = strategies.positive_diagonals(size)
    return st.tuples(matrices(size), diagonals, diagonals)


@claim(
    "bauer1963-both",
    BAUER,
    lambda n: two_scalings(n, strategies.nonsingular),
    latex=r"\rho(|A^{-1}||A|) \le \kappa_\infty(D_1 A D_2)",
    admits=full_rank_positive,
    note="The same holds in every norm that depends on moduli alone, the 1-norm among "
    "them.",
)
def both(A: Balls, d: Balls, e: Balls) -> Sides:
    """No scaling of rows and columns takes the inf-norm condition number of a
    nonsingular matrix below the spectral radius of |A^-1||A|."""
    return balls.spectral_radius(_products(A)), balls.kappa_p(d[:, None] * A * e, "inf")


def perron_vector(T: Balls, radius: Ball) -> Balls:
    """Return the positive eigenvector of an irreducible T >= 0 with first entry 1."""
    n = len(T)
    if n == 1:
        return balls.ball(np.ones(1))
    rest = T[1:, 1:] - radius * balls.identity_matrix(n - 1)
    return np.concatenate([balls.ball(np.ones(1)), -balls.inverse(rest) @ T[1:, 0]])


def _without_zeros(n: int) -> st.SearchStrategy:
    """Draw nonsingular matrices with no entry zero, so that |A^-1||A| > 0."""
    kinds = st.one_of(
        strategies.small_integers(n, n),
        strategies.powers_of_two(n, n, exponent=3),
        strategies.gaussian(n, n),
    )
    return kinds.map(lambda A: np.where(A == 0, 1.0, A)).filter(has_full_rank)


@claim(
    "bauer1963-both-attained",
    BAUER,
    _without_zeros,
    latex=r"\min_{D_1, D_2} \kappa_\infty(D_1 A D_2) = \rho(|A^{-1}||A|)",
    note="Irreducible |A^-1||A| is enough; where it is reducible the radius is an "
    "infimum that need not be attained.",
)
def both_attained(A: Balls) -> Sides:
    """For a nonsingular matrix without zeros whose |A^-1||A| has the Perron vector x,
    the columns times x and then rows of equal 1-norm have the spectral radius of
    |A^-1||A| as inf-norm condition number."""
    T = _products(A)
    radius = balls.spectral_radius(T)
    x = perron_vector(T, radius)
    scaled = A * x / (abs(A) @ x)[:, None]
    return balls.equal(balls.kappa_p(scaled, "inf"), radius)


def _checkerboard(n: int) -> st.SearchStrategy:
    """Draw totally positive matrices: Vandermonde ones of increasing nodes > 0."""
    steps = st.lists(st.sampled_from([0.25, 0.5, 1.0, 2.0]), min_size=n, max_size=n)
    return steps.map(lambda steps: np.vander(np.cumsum(steps), increasing=True))


@claim(
    "bauer1963-both-checkerboard",
    BAUER,
    lambda n: two_scalings(n, _checkerboard),
    latex=r"\rho(|A^{-1}||A|) \le \kappa_2(D_1 A D_2)",
    note="Of the matrix and of its inverse, which has the signs of a checkerboard, "
    "the 2-norm is that of the moduli.",
)
def both_checkerboard(A: Balls, d: Balls, e: Balls) -> Sides:
    """No scaling of rows and columns takes the 2-norm condition number of a totally
    positive matrix below the spectral radius of |A^-1||A|."""
    return balls.spectral_radius(_products(A)), balls.kappa(d[:, None] * A * e)


def roots(values: Balls) -> Balls:
    """Return the square root of every entry."""
    return np.array([balls.sqrt(x) for x in values], dtype=object)


@claim(
    "bauer1963-both-checkerboard-attained",
    BAUER,
    _checkerboard,
    latex=r"\min_{D_1, D_2} \kappa_2(D_1 A D_2) = \rho(|A^{-1}||A|)",
    note="With x and y the right and left vectors, D_1^2 = |A^-T| y / (A x) and D_2^2 "
    "= x / y.",
)
def both_checkerboard_attained(A: Balls) -> Sides:
    """A totally positive matrix, scaled by the right and left Perron vectors of
    |A^-1||A|, has its spectral radius as 2-norm condition number."""
    T = _products(A)
    radius = balls.spectral_radius(T)
    x, y = perron_vector(T, radius), perron_vector(T.T, radius)
    z, w = A @ x, abs(balls.inverse(A)).T @ y
    left, right = roots(w / z), roots(x / y)
    found = balls.kappa(left[:, None] * A * right)
    return balls.equal(found, radius)
