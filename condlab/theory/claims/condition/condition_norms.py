"""Condition numbers in different norms, and Skeel's."""

from __future__ import annotations

from itertools import permutations

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.claims.condition.condition_numbers import (
    nonsingular_and_scaling,
)
from condlab.theory.formula import claim, theorem
from condlab.theory.model import Theorem
from condlab.theory.references.books import HIGHAM, HORN_JOHNSON
from condlab.theory.references.condition import SKEEL
from condlab.theory.strategies import has_full_rank

P: tuple[int | str, ...] = (1, 2, "inf")


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
    nonsingular_and_scaling,
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
