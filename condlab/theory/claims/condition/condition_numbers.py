"""Condition numbers: of products, in different norms, and from eigenvalues."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.formula import claim, theorem
from condlab.theory.model import Theorem
from condlab.theory.references import (
    GOLUB_VAN_LOAN,
    HIGHAM,
    HORN_JOHNSON,
    SKEEL,
    VAN_LOAN,
)
from condlab.theory.strategies import SearchStrategy, has_full_rank, st

P: tuple[int | str, ...] = (1, 2, "inf")


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


def _nonsingular_and_scaling(n: int) -> SearchStrategy:
    return st.tuples(strategies.nonsingular(n), strategies.positive_diagonals(n))


@claim(
    "higham2002-diagonal-upper",
    HIGHAM.at("section 7.3"),
    _nonsingular_and_scaling,
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
    _nonsingular_and_scaling,
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


def _equivalence(p: int | str, q: int | str) -> Theorem:
    """Return kappa_p <= c kappa_q with the best power c of n."""
    power = 1 if 2 in (p, q) else 2
    factor = "n" if power == 1 else "n^2"
    tex_p, tex_q = (r"\infty" if r == "inf" else str(r) for r in (p, q))
    return theorem(
        f"higham2002-kappa{p}-by-kappa{q}",
        f"The {p}-norm condition number of a nonsingular n x n matrix is at most "
        f"{factor} times its {q}-norm condition number.",
        HIGHAM.at("Table 6.2, for A and its inverse"),
        strategies.nonsingular,
        lambda A: (balls.kappa_p(A, p), len(A) ** power * balls.kappa_p(A, q)),
        latex=rf"\kappa_{{{tex_p}}}(A) \le {factor}\,\kappa_{{{tex_q}}}(A)",
        admits=has_full_rank,
    )


NORMS = (*(_equivalence(p, q) for p, q in permutations(P, 2)),)


def _kappa_fro(A: Balls) -> Ball:
    return balls.norm_fro(A) * balls.norm_fro(balls.inverse(A))


@claim(
    "horn2013-kappa2-by-frobenius",
    HORN_JOHNSON.at("section 5.8, with the Cauchy-Schwarz inequality"),
    lambda n: strategies.nonsingular(n) if n > 1 else strategies.none(),
    latex=r"\kappa_2 + \kappa_2^{-1} \le \kappa_F - (n-2)",
    admits=has_full_rank,
    note="Attained where the inner singular values are the geometric mean of the "
    "extreme ones, so by every 2 x 2 matrix; kappa_2 <= kappa_F follows.",
)
def kappa2_by_frobenius(A: Balls) -> Sides:
    """The condition number plus its reciprocal is at most the Frobenius condition
    number minus n - 2, for a nonsingular n x n matrix with n at least 2."""
    return balls.kappa(A) + 1 / balls.kappa(A), _kappa_fro(A) - (len(A) - 2)


@claim(
    "higham2002-frobenius-by-kappa2",
    HIGHAM.at("Table 6.2, for A and its inverse"),
    strategies.nonsingular,
    latex=r"\kappa_F(A) \le n\,\kappa_2(A)",
    admits=has_full_rank,
    note="Multiples of orthogonal matrices attain it.",
)
def frobenius_by_kappa2(A: Balls) -> Sides:
    """The Frobenius condition number of a nonsingular n x n matrix is at most n times
    its condition number."""
    return _kappa_fro(A), len(A) * balls.kappa(A)


@claim(
    "higham2002-interpolation",
    HIGHAM.at("section 6.3, for A and its inverse"),
    strategies.nonsingular,
    latex=r"\kappa_2(A)^2 \le \kappa_1(A)\,\kappa_\infty(A)",
    admits=has_full_rank,
)
def interpolation(A: Balls) -> Sides:
    """The squared 2-norm condition number of a nonsingular matrix is at most the
    product of its 1-norm and inf-norm condition numbers."""
    return (
        balls.kappa(A) * balls.kappa(A),
        balls.kappa_p(A, 1) * balls.kappa_p(A, "inf"),
    )


def skeel(A: Balls) -> Ball:
    """Return Skeel's condition number of a nonsingular matrix."""
    return balls.norm(abs(balls.inverse(A)) @ abs(A), "inf")


@claim(
    "skeel1979-row-invariance",
    SKEEL.at("section 2; Higham 2002, section 7.2"),
    _nonsingular_and_scaling,
    latex=r"\mathrm{cond}(DA) = \mathrm{cond}(A) = \|\,|A^{-1}||A|\,\|_\infty",
)
def row_invariance(A: Balls, d: Balls) -> Sides:
    """Skeel's condition number of a nonsingular matrix does not change when its rows
    are scaled."""
    return balls.equal(skeel(d[:, None] * A), skeel(A))


@claim(
    "skeel1979-at-most-kappa",
    SKEEL.at("section 2; Higham 2002, section 7.2"),
    strategies.nonsingular,
    latex=r"\|\,|A^{-1}||A|\,\|_\infty \le \kappa_\infty(A)",
    admits=has_full_rank,
)
def at_most_kappa(A: Balls) -> Sides:
    """Skeel's condition number of a nonsingular matrix is at most its inf-norm
    condition number."""
    return skeel(A), balls.kappa_p(A, "inf")
