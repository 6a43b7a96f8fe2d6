"""What makes the best diagonal scaling a convex problem with a certificate.

The certificates behind `condlab.optimal_scaling`: a pair of positive semidefinite
matrices bounds the condition number of every diagonal scaling from below. It is the
dual of a convex problem, so that at the optimum some pair attains it.
"""

from __future__ import annotations

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.claims.scaling.bauer import roots
from condlab.theory.claims.scaling.diagonal_scaling import full_rank_positive
from condlab.theory.claims.scaling.jacobi_scaling import both_sides, symmetric_kappa
from condlab.theory.formula import claim
from condlab.theory.references.scaling import BRAATZ_MORARI, QU_YE
from condlab.theory.strategies import has_full_rank, st

SOURCE = "weak duality, as in condlab.optimal_scaling"


def _square(x: Ball) -> Ball:
    return x * x


def _diagonal(F: Balls) -> Balls:
    """Return diag(F Fᵀ)."""
    return (F * F).sum(axis=1)


def _factors(n: int) -> st.SearchStrategy:
    return strategies.small_integers(n, min(n, 2))


def _no_zero_row(A: np.ndarray) -> bool:
    return bool(A.any(axis=1).all())


def _both(size: int) -> st.SearchStrategy:
    """Draw (A, F, G, d, e) with F and A G without rows of zeros."""
    d = strategies.positive_diagonals(size)
    return st.tuples(
        strategies.nonsingular(size), _factors(size), _factors(size), d, d
    ).filter(lambda x: _both_admits(*x))


def _both_admits(
    A: np.ndarray, F: np.ndarray, G: np.ndarray, d: np.ndarray, e: np.ndarray
) -> bool:
    return _no_zero_row(F) and _no_zero_row(A @ G) and full_rank_positive(A, d, e)


@claim(
    "duality-rows-columns",
    SOURCE,
    _both,
    latex=r"\min_i \frac{\|(AF)_i\|^2}{\|(AG)_i\|^2} \, "
    r"\min_j \frac{\|G_j\|^2}{\|F_j\|^2} \le \kappa_2(D_1 A D_2)^2",
    admits=_both_admits,
    note="The columns of D2^-1 F and D2^-1 G are test vectors for the largest and the "
    "smallest singular value; D1 and D2 weigh both alike. With F and G the extreme "
    "singular vectors of an optimal scaling, weighted by a subgradient, the two sides "
    "are equal.",
)
def rows_columns(A: Balls, F: Balls, G: Balls, d: Balls, e: Balls) -> Sides:
    """For nonsingular A and any F and G, the least ratio of squared row norms of A F
    and A G times that of G and F is at most the squared condition number of every
    two-sided scaling of A."""
    images = balls.minimum(_diagonal(A @ F) / _diagonal(A @ G))
    sources = balls.minimum(_diagonal(G) / _diagonal(F))
    return images * sources, _square(balls.kappa(d[:, None] * A * e))


def _tall(size: int) -> st.SearchStrategy:
    """Draw (A, F, G, d): as many rows as `size`, as many columns or fewer."""
    shapes = [
        st.tuples(
            strategies.full_rank(size, n),
            _factors(n),
            _factors(n),
            strategies.positive_diagonals(size),
        )
        for n in range(1, size + 1)
    ]
    return st.one_of(shapes).filter(lambda x: _tall_admits(*x))


def _tall_admits(A: np.ndarray, F: np.ndarray, G: np.ndarray, d: np.ndarray) -> bool:
    return bool(F.any()) and _no_zero_row(A @ G) and full_rank_positive(A, d)


@claim(
    "duality-rows",
    SOURCE,
    _tall,
    latex=r"\min_i \frac{\|(AF)_i\|^2}{\|(AG)_i\|^2} \, "
    r"\frac{\|G\|_F^2}{\|F\|_F^2} \le \kappa_2(DA)^2",
    admits=_tall_admits,
)
def rows(A: Balls, F: Balls, G: Balls, d: Balls) -> Sides:
    """For A of full column rank and any F and G, the least ratio of squared row norms
    of A F and A G times that of the squared Frobenius norms of G and F is at most the
    squared condition number of every row scaling of A."""
    images = balls.minimum(_diagonal(A @ F) / _diagonal(A @ G))
    traces = _diagonal(G).sum() / _diagonal(F).sum()
    return images * traces, _square(balls.kappa(d[:, None] * A))


def _spd(size: int) -> st.SearchStrategy:
    return st.tuples(
        strategies.spd(size),
        _factors(size).filter(_no_zero_row),
        _factors(size).filter(np.any),
        strategies.positive_diagonals(size),
    )


@claim(
    "duality-symmetric",
    SOURCE,
    _spd,
    latex=r"\frac{\operatorname{tr} F^T A F}{\operatorname{tr} G^T A G} \, "
    r"\min_j \frac{\|G_j\|^2}{\|F_j\|^2} \le \kappa_2(DAD)",
)
def symmetric(A: Balls, F: Balls, G: Balls, d: Balls) -> Sides:
    """For symmetric positive definite A and any F and G, tr(F'AF) / tr(G'AG) times the
    least ratio of squared row norms of G and F is at most the condition number of every
    symmetric scaling of A."""
    forms = (F * (A @ F)).sum() / (G * (A @ G)).sum()
    bound = forms * balls.minimum(_diagonal(G) / _diagonal(F))
    return bound, symmetric_kappa(both_sides(A, d))


def _symmetric_scaled(size: int) -> st.SearchStrategy:
    d = strategies.positive_diagonals(size)
    return st.tuples(strategies.symmetric(size).filter(has_full_rank), d, d)


@claim(
    "braatzmorari1994-symmetric-both",
    BRAATZ_MORARI,
    _symmetric_scaled,
    latex=r"\kappa_2((DE)^{1/2} A (DE)^{1/2}) \le \kappa_2(DAE)",
    note="By convexity in the logarithms and kappa(D A E) = kappa(E A D): two "
    "different scalings of a symmetric matrix gain nothing over one.",
)
def symmetric_both(A: Balls, d: Balls, e: Balls) -> Sides:
    """The condition number of a symmetric nonsingular matrix scaled by D and E is at
    least that of the symmetric scaling by their geometric mean."""
    return (
        balls.kappa(roots(d * e)[:, None] * A * roots(d * e)),
        balls.kappa(d[:, None] * A * e),
    )


def _tall_scaled(size: int) -> st.SearchStrategy:
    """Draw (A, d, e): a matrix of full column rank and two scalings of its rows."""
    d = strategies.positive_diagonals(size)
    shapes = [
        st.tuples(strategies.full_rank(size, n), d, d) for n in range(1, size + 1)
    ]
    return st.one_of(shapes)


@claim(
    "qu2025-rows-quasiconvex",
    QU_YE,
    _tall_scaled,
    latex=r"\kappa_2(((D^2 + E^2)/2)^{1/2} A) \le \max(\kappa_2(DA), \kappa_2(EA))",
    admits=full_rank_positive,
    note="The largest eigenvalue of A' D^2 A is convex and the smallest concave in "
    "D^2. For tall A this stands in for convexity in log D, which fails.",
)
def rows_quasiconvex(A: Balls, d: Balls, e: Balls) -> Sides:
    """The condition number of D A, for A of full column rank, is quasiconvex in D^2."""
    middle = balls.kappa(roots(d * d + e * e)[:, None] * A)
    return middle, balls.maximum(balls.kappa(x[:, None] * A) for x in (d, e))


def _tall_integers(size: int) -> st.SearchStrategy:
    """Draw the same in small integers, for a counterexample that can be printed."""
    multiplier = st.sampled_from([1.0, 2.0, 4.0])
    d = st.lists(multiplier, min_size=size, max_size=size).map(np.array)
    shapes = [
        st.tuples(strategies.small_integers(size, n).filter(has_full_rank), d, d)
        for n in range(1, size)
    ]
    return st.one_of(shapes)


@claim(
    "folklore-log-convex-tall",
    "folklore",
    _tall_integers,
    latex=r"\kappa_2((DE)^{1/2} A)^2 \le \kappa_2(DA) \, \kappa_2(EA)",
    admits=full_rank_positive,
    note="False: it needs full row rank. One column has kappa 1, so that sizes below "
    "3 have no counterexample.",
    false_from=3,
)
def log_convex_tall(A: Balls, d: Balls, e: Balls) -> Sides:
    """The logarithm of kappa(e^X A) is convex in the real diagonal matrix X, for A of
    full column rank."""
    middle, *ends = (balls.kappa(x[:, None] * A) for x in (roots(d * e), d, e))
    return _square(middle), ends[0] * ends[1]


def _blocks(size: int) -> st.SearchStrategy:
    """Draw (A, B, C) for a block triangular matrix of order `size`."""
    return st.one_of(
        [
            st.tuples(
                strategies.nonsingular(k),
                strategies.small_integers(k, size - k),
                strategies.nonsingular(size - k),
            )
            for k in range(1, size)
        ]
    )


def _blocks_admit(A: np.ndarray, B: np.ndarray, C: np.ndarray) -> bool:
    return has_full_rank(A) and has_full_rank(C) and bool(np.isfinite(B).all())


def _triangular(A: Balls, B: Balls, C: Balls) -> Balls:
    below = balls.ball(np.zeros((len(C), len(A))))
    return np.block([[A, B], [below, C]])


@claim(
    "folklore-block-triangular",
    "folklore",
    _blocks,
    latex=r"\max(\kappa_2(A), \kappa_2(C)) \le "
    r"\kappa_2\begin{pmatrix} A & B \\ 0 & C \end{pmatrix}",
    admits=_blocks_admit,
    note="A block is a part of the matrix, and its inverse a part of the inverse. "
    "Scalings keep the form: no two-sided scaling goes below the best of a block.",
)
def block_triangular(A: Balls, B: Balls, C: Balls) -> Sides:
    """The condition number of a nonsingular block triangular matrix is at least that of
    each diagonal block."""
    largest = balls.maximum([balls.kappa(A), balls.kappa(C)])
    return largest, balls.kappa(_triangular(A, B, C))


def _graded_blocks(size: int) -> st.SearchStrategy:
    if size == 1:
        return strategies.none()
    return st.builds(lambda parts, k: (*parts, k), _blocks(size), st.integers(0, 20))


@claim(
    "folklore-block-triangular-graded",
    "folklore",
    _graded_blocks,
    latex=r"\kappa_2\begin{pmatrix} A & \epsilon B \\ 0 & C \end{pmatrix} \le "
    r"(\max(\|A\|, \|C\|) + \epsilon \|B\|) \, "
    r"(\max(\|A^{-1}\|, \|C^{-1}\|) + \epsilon \|A^{-1} B C^{-1}\|)",
    note="With blocks scaled to equal norms, the infimum over all two-sided scalings "
    "is the largest of the blocks' optima; it is not attained.",
)
def block_triangular_graded(A: Balls, B: Balls, C: Balls, k: int) -> Sides:
    """Grading the blocks of a block triangular matrix by 2^-k takes its condition
    number to that of its diagonal: the norms of the part off the diagonal, and of its
    image in the inverse, fall by 2^-k."""
    part = B * balls.arb(2) ** -k
    inverse = balls.product(balls.product(balls.inverse(A), part), balls.inverse(C))
    size = balls.maximum([balls.norm(A, 2), balls.norm(C, 2)]) + balls.norm(part, 2)
    ends = balls.maximum([balls.norm(balls.inverse(X), 2) for X in (A, C)])
    allowed = size * (ends + balls.norm(inverse, 2))
    return balls.kappa(_triangular(A, part, C)), allowed
