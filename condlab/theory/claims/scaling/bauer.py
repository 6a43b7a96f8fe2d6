"""The best diagonal scalings in the 1- and inf-norm, and of totally positive matrices.

Each minimum is two entries: no scaling drawn goes below the formula, and the scaling
that its author names attains it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.claims.scaling.diagonal_scaling import (
    full_rank_positive,
    square_scaled,
)
from condlab.theory.formula import theorem
from condlab.theory.model import Theorem
from condlab.theory.references import BAUER
from condlab.theory.strategies import has_full_rank, st


def _bauer_number(A: balls.Balls, side: str, p: Any) -> balls.Ball:
    """Return the norm of |A^-1| |A| for rows, of |A| |A^-1| for columns."""
    size, inverse = abs(A), abs(balls.inverse(A))
    return balls.norm(inverse @ size if side == "rows" else size @ inverse, p)


def _bauer_scaled(A: balls.Balls, side: str, p: Any) -> balls.Balls:
    """Return A with the scaling of one side that Bauer shows to be the best."""
    inverse = abs(balls.inverse(A))
    if side == "rows" and p == "inf":
        return balls.unit_rows(A, 1)
    if side == "columns" and p == 1:
        return balls.unit_columns(A, 1)
    if side == "rows":
        return inverse.sum(axis=0)[:, None] * A
    return A * inverse.sum(axis=1)


def _bauer(side: str, p: Any) -> tuple[Theorem, Theorem]:
    """Return the bound and its attainment for one side and norm."""
    key = f"bauer1963-{side}-{'inf' if p == 'inf' else 'one'}"
    index = r"\infty" if p == "inf" else "1"
    inside = r"|A^{-1}||A|" if side == "rows" else r"|A||A^{-1}|"
    formula = rf"\| {inside} \|_{{{index}}}"
    scaled = "DA" if side == "rows" else "AD"
    best = {
        ("rows", "inf"): "rows of equal 1-norm",
        ("rows", 1): "multipliers equal to the column sums of |A^-1|",
        ("columns", 1): "columns of equal 1-norm",
        ("columns", "inf"): "multipliers equal to the row sums of |A^-1|",
    }[side, p]
    named = f"{p}-norm of {'|A^-1||A|' if side == 'rows' else '|A||A^-1|'}"

    def bound(A: balls.Balls, d: balls.Balls) -> tuple[balls.Ball, balls.Ball]:
        D_A = d[:, None] * A if side == "rows" else A * d
        return _bauer_number(A, side, p), balls.kappa_p(D_A, p)

    def attained(A: balls.Balls) -> tuple[balls.Ball, balls.Ball]:
        found = balls.kappa_p(_bauer_scaled(A, side, p), p)
        return balls.equal(found, _bauer_number(A, side, p))

    return (
        theorem(
            key,
            f"No scaling of the {side} of a nonsingular matrix takes its {p}-norm "
            f"condition number below the {named}.",
            BAUER,
            square_scaled,
            bound,
            latex=rf"{formula} \le \kappa_{{{index}}}({scaled})",
            admits=full_rank_positive,
        ),
        theorem(
            f"{key}-attained",
            f"Scaling the {side} of a nonsingular matrix to {best} gives a {p}-norm "
            f"condition number equal to the {named}.",
            BAUER,
            strategies.nonsingular,
            attained,
            latex=rf"\min_D \kappa_{{{index}}}({scaled}) = {formula}",
        ),
    )


ONE_SIDED = tuple(
    entry
    for side in ("rows", "columns")
    for p in ("inf", 1)
    for entry in _bauer(side, p)
)


def perron_vector(T: balls.Balls, radius: balls.Ball) -> balls.Balls:
    """Return the positive eigenvector of an irreducible T >= 0 with first entry 1."""
    n = len(T)
    if n == 1:
        return balls.ball(np.ones(1))
    rest = T[1:, 1:] - radius * balls.identity_matrix(n - 1)
    return np.concatenate([balls.ball(np.ones(1)), -balls.inverse(rest) @ T[1:, 0]])


def _products(A: balls.Balls) -> balls.Balls:
    return abs(balls.inverse(A)) @ abs(A)


def two_scalings(size: int, matrices: Any) -> st.SearchStrategy:
    """Draw (A, d, e): a square matrix of a kind and scalings of rows and columns."""
    diagonals = strategies.positive_diagonals(size)
    return st.tuples(matrices(size), diagonals, diagonals)


def _without_zeros(n: int) -> st.SearchStrategy:
    """Draw nonsingular matrices with no entry zero, so that |A^-1||A| > 0."""
    kinds = st.one_of(
        strategies.small_integers(n, n),
        strategies.powers_of_two(n, n, exponent=3),
        strategies.gaussian(n, n),
    )
    return kinds.map(lambda A: np.where(A == 0, 1.0, A)).filter(has_full_rank)


def _checkerboard(n: int) -> st.SearchStrategy:
    """Draw totally positive matrices: Vandermonde ones of increasing nodes > 0."""
    steps = st.lists(st.sampled_from([0.25, 0.5, 1.0, 2.0]), min_size=n, max_size=n)
    return steps.map(lambda steps: np.vander(np.cumsum(steps), increasing=True))


def _at_perron_vector(A: balls.Balls) -> tuple[balls.Ball, balls.Ball]:
    T = _products(A)
    radius = balls.spectral_radius(T)
    x = perron_vector(T, radius)
    scaled = A * x / (abs(A) @ x)[:, None]
    return balls.equal(balls.kappa_p(scaled, "inf"), radius)


def _at_both_perron_vectors(A: balls.Balls) -> tuple[balls.Ball, balls.Ball]:
    T = _products(A)
    radius = balls.spectral_radius(T)
    x, y = perron_vector(T, radius), perron_vector(T.T, radius)
    z, w = A @ x, abs(balls.inverse(A)).T @ y
    left, right = roots(w / z), roots(x / y)
    found = balls.kappa(left[:, None] * A * right)
    return balls.equal(found, radius)


def roots(values: balls.Balls) -> balls.Balls:
    """Return the square root of every entry."""
    return np.array([balls.sqrt(x) for x in values], dtype=object)


TWO_SIDED = (
    theorem(
        "bauer1963-both",
        "No scaling of rows and columns takes the inf-norm condition number of a "
        "nonsingular matrix below the spectral radius of |A^-1||A|.",
        BAUER,
        lambda n: two_scalings(n, strategies.nonsingular),
        lambda A, d, e: (
            balls.spectral_radius(_products(A)),
            balls.kappa_p(d[:, None] * A * e, "inf"),
        ),
        latex=r"\rho(|A^{-1}||A|) \le \kappa_\infty(D_1 A D_2)",
        admits=full_rank_positive,
        note="The same holds in every norm that depends on moduli alone, the 1-norm "
        "among them.",
    ),
    theorem(
        "bauer1963-both-attained",
        "For a nonsingular matrix without zeros whose |A^-1||A| has the Perron vector "
        "x, the columns times x and then rows of equal 1-norm have the spectral radius "
        "of |A^-1||A| as inf-norm condition number.",
        BAUER,
        _without_zeros,
        _at_perron_vector,
        latex=r"\min_{D_1, D_2} \kappa_\infty(D_1 A D_2) = \rho(|A^{-1}||A|)",
        note="Irreducible |A^-1||A| is enough; where it is reducible the radius is an "
        "infimum that need not be attained.",
    ),
    theorem(
        "bauer1963-both-checkerboard",
        "No scaling of rows and columns takes the 2-norm condition number of a totally "
        "positive matrix below the spectral radius of |A^-1||A|.",
        BAUER,
        lambda n: two_scalings(n, _checkerboard),
        lambda A, d, e: (
            balls.spectral_radius(_products(A)),
            balls.kappa(d[:, None] * A * e),
        ),
        latex=r"\rho(|A^{-1}||A|) \le \kappa_2(D_1 A D_2)",
        note="Of the matrix and of its inverse, which has the signs of a checkerboard, "
        "the 2-norm is that of the moduli.",
    ),
    theorem(
        "bauer1963-both-checkerboard-attained",
        "A totally positive matrix, scaled by the right and left Perron vectors of "
        "|A^-1||A|, has its spectral radius as 2-norm condition number.",
        BAUER,
        _checkerboard,
        _at_both_perron_vectors,
        latex=r"\min_{D_1, D_2} \kappa_2(D_1 A D_2) = \rho(|A^{-1}||A|)",
        note="With x and y the right and left vectors, D_1^2 = |A^-T| y / (A x) and "
        "D_2^2 = x / y.",
    ),
)


THEOREMS = (*ONE_SIDED, *TWO_SIDED)
