"""Condition numbers: of products, and from eigenvalues."""

from __future__ import annotations

import numpy as np
from hypothesis.strategies import SearchStrategy

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.formula import claim
from condlab.theory.references.books import GOLUB_VAN_LOAN, HIGHAM, HORN_JOHNSON
from condlab.theory.references.condition import VAN_LOAN
from condlab.theory.strategies import has_full_rank, st


def kappa_spd(A: Balls) -> Ball:
    """Return the condition number of a positive definite matrix."""
    values = balls.symmetric_eigenvalues(A)
    return values[-1] / values[0]


def _full_rank(*matrices: np.ndarray) -> bool:
    return all(has_full_rank(A) for A in matrices)


def _nonsingular_pairs(n: int) -> SearchStrategy:
    return st.tuples(strategies.nonsingular(n), strategies.nonsingular(n))


@claim(
    "horn2013-product-square",
    HORN_JOHNSON.at("section 5.8"),
    _nonsingular_pairs,
    latex=r"\kappa_2(AB) \le \kappa_2(A)\,\kappa_2(B)",
    admits=_full_rank,
)
def product_square(A: Balls, B: Balls) -> Sides:
    """The condition number of a product of two nonsingular matrices is at most the
    product of theirs."""
    return balls.kappa(A @ B), balls.kappa(A) * balls.kappa(B)


@claim(
    "horn2013-product-tall",
    HORN_JOHNSON.at("section 5.8 and section 7.3"),
    lambda size: st.one_of(
        [
            st.tuples(strategies.full_rank(size, k), strategies.full_rank(k, n))
            for k in range(1, size + 1)
            for n in range(1, k + 1)
        ]
    ),
    latex=r"\kappa_2(AB) \le \kappa_2(A)\,\kappa_2(B),\ m \ge k \ge n",
    admits=_full_rank,
)
def product_tall(A: Balls, B: Balls) -> Sides:
    """The condition number of a product of two matrices of full column rank is at most
    the product of theirs, and so for full row rank by transposing."""
    return balls.kappa(A @ B), balls.kappa(A) * balls.kappa(B)


def _products_of_full_rank(size: int) -> SearchStrategy:
    shapes = [(m, n) for m in (size - 1, size) for n in (size - 1, size) if m * n]
    pairs = [
        st.tuples(
            strategies.small_integers(m, size), strategies.small_integers(size, n)
        )
        for m, n in shapes
    ]
    return st.one_of(pairs).filter(lambda AB: _full_rank(*AB, AB[0] @ AB[1]))


@claim(
    "folklore-product-any-shape",
    "folklore",
    _products_of_full_rank,
    latex=r"\kappa_2(AB) \le \kappa_2(A)\,\kappa_2(B)",
    note="It fails where the inner dimension k is the largest: the null space of A "
    "may hold what B produces. Below k = 3 there is none: with m = 1 or n = 1 the "
    "product is a vector, of condition number 1, and m = n = 2 = k is square.",
    false_from=3,
)
def product_any_shape(A: Balls, B: Balls) -> Sides:
    """The condition number of a product of full rank is at most the product of the
    condition numbers of its factors, which have full rank and any shape."""
    return balls.kappa(A @ B), balls.kappa(A) * balls.kappa(B)


def nonsingular_and_scaling(n: int) -> SearchStrategy:
    """Draw (A, d): a nonsingular matrix of order n and a scaling."""
    return st.tuples(strategies.nonsingular(n), strategies.positive_diagonals(n))


@claim(
    "higham2002-diagonal-upper",
    HIGHAM.at("section 7.3"),
    nonsingular_and_scaling,
    latex=r"\kappa_2(DA) \le \kappa_2(A)\,\kappa_2(D)",
    admits=lambda A, d: has_full_rank(A) and bool(np.all(d > 0)),
)
def diagonal_upper(A: Balls, d: Balls) -> Sides:
    """A diagonal scaling from the left multiplies the condition number of a matrix of
    full rank by at most its own."""
    return (
        balls.kappa(d[:, None] * A),
        balls.kappa(A) * balls.maximum(d) / balls.minimum(d),
    )


@claim(
    "higham2002-diagonal-lower",
    HIGHAM.at("section 7.3"),
    nonsingular_and_scaling,
    latex=r"\kappa_2(A)/\kappa_2(D) \le \kappa_2(DA)",
    admits=lambda A, d: has_full_rank(A) and bool(np.all(d > 0)),
)
def diagonal_lower(A: Balls, d: Balls) -> Sides:
    """A diagonal scaling from the left divides the condition number of a matrix of full
    rank by at most its own."""
    return (
        balls.kappa(A) * balls.minimum(d) / balls.maximum(d),
        balls.kappa(d[:, None] * A),
    )


@claim(
    "golub2013-gram",
    GOLUB_VAN_LOAN.at("section 5.3"),
    strategies.full_column_rank,
    latex=r"\kappa_2(A^T A) = \kappa_2(A)^2",
)
def gram(A: Balls) -> Sides:
    """The condition number of A'A is the square of that of A, for a matrix A of full
    column rank."""
    return balls.equal(balls.kappa(A.T @ A), balls.kappa(A) * balls.kappa(A))


def _factors(size: int) -> SearchStrategy:
    return st.one_of(
        [
            st.tuples(strategies.nonsingular(p), strategies.nonsingular(size // p))
            for p in range(1, size + 1)
            if size % p == 0
        ]
    )


@claim(
    "vanloan2000-kronecker",
    VAN_LOAN.at("section 2"),
    _factors,
    latex=r"\kappa_2(A \otimes B) = \kappa_2(A)\,\kappa_2(B)",
)
def kronecker(A: Balls, B: Balls) -> Sides:
    """The condition number of a Kronecker product of two nonsingular matrices is the
    product of theirs."""
    return balls.equal(balls.kappa(np.kron(A, B)), balls.kappa(A) * balls.kappa(B))


def _eigenvalue_ratio(A: Balls) -> Ball:
    moduli = [abs(value) for value in balls.eigenvalues(A)]
    return balls.maximum(moduli) / balls.minimum(moduli)


@claim(
    "horn2013-eigenvalue-ratio",
    HORN_JOHNSON.at("Theorem 5.6.9, for A and its inverse"),
    strategies.nonsingular,
    latex=r"\frac{\max_k|\lambda_k|}{\min_k|\lambda_k|} \le \kappa_2(A)",
    admits=has_full_rank,
    note="Normal matrices attain it.",
)
def eigenvalue_ratio(A: Balls) -> Sides:
    """The condition number of a nonsingular matrix is at least the ratio of the largest
    to the smallest modulus of its eigenvalues."""
    return _eigenvalue_ratio(A), balls.kappa(A)


@claim(
    "folklore-eigenvalue-ratio",
    "folklore",
    strategies.nonsingular,
    latex=r"\kappa_2(A) \le \frac{\max_k|\lambda_k|}{\min_k|\lambda_k|}",
    note="True of normal matrices, so of every 1 x 1 matrix.",
    false_from=2,
)
def folklore_eigenvalue_ratio(A: Balls) -> Sides:
    """The condition number of a nonsingular matrix is at most the ratio of the largest
    to the smallest modulus of its eigenvalues."""
    return balls.kappa(A), _eigenvalue_ratio(A)


@claim(
    "folklore-determinant",
    "folklore",
    strategies.nonsingular,
    latex=r"\frac{1}{|\det A|} \le \kappa_2(A)",
    note="The determinant sees the unit, the condition number does not; what it tells "
    "relative to the Frobenius norm is guggenheimer1995-determinant. No size is "
    "smaller than 1.",
    false_from=1,
)
def determinant(A: Balls) -> Sides:
    """The condition number of a nonsingular matrix is at least the reciprocal of the
    modulus of its determinant."""
    return 1 / abs(balls.determinant(A)), balls.kappa(A)
