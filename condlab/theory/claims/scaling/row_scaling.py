"""How far from the best row scaling unit rows are, whatever the shape and rank."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.claims.scaling.diagonal_scaling import (
    HIGHAM_75,
    full_rank_positive,
    root_of,
)
from condlab.theory.formula import claim
from condlab.theory.references.scaling import (
    FORSYTHE_STRAUS,
    JAMBULAPATI,
    VAN_DER_SLUIS,
)
from condlab.theory.strategies import exact_rank, has_full_rank, st


def _ranked(shapes: Callable[[int], list[tuple[int, int]]]) -> Callable:
    """Return instances (A, d, rank of A) of any rank but zero, d scaling the rows."""

    def instances(size: int) -> st.SearchStrategy:
        return st.one_of([_with_rank(m, n) for m, n in shapes(size)])

    return instances


def _with_rank(m: int, n: int) -> st.SearchStrategy:
    kinds = strategies.small_integers, strategies.sparse, strategies.graded
    matrices = st.one_of([kind(m, n) for kind in kinds]).filter(np.any)
    return st.builds(
        lambda A, d: (A, d, exact_rank(A)), matrices, strategies.positive_diagonals(m)
    )


def _rows_are_size(size: int) -> list[tuple[int, int]]:
    return [(size, n) for n in range(1, size + 1)]


def _ranked_admits(A: np.ndarray, d: np.ndarray, rank: int) -> bool:
    return bool(np.all(d > 0)) and exact_rank(A) == rank


def _kappa_of_rank(A: Balls, rank: int) -> Ball:
    """Return sigma_1 / sigma_rank."""
    values = balls.singular_values(A)
    return values[0] / values[rank - 1]


@claim(
    "vandersluis1969-rows-any-rank",
    HIGHAM_75,
    _ranked(_rows_are_size),
    latex=r"\kappa_2(EA) \le \sqrt{m}\,\min_D \kappa_2(DA)",
    admits=_ranked_admits,
    note="The source asks for full rank. The argument does not: multiplying by D with "
    "entries at most 1 raises no singular value, and rows of zeros take no part.",
)
def rows_any_rank(A: Balls, d: Balls, rank: int) -> Sides:
    """For a matrix of any shape and rank with m rows, unit rows are within sqrt(m) of
    the best ratio of largest to smallest nonzero singular value."""
    return (
        _kappa_of_rank(balls.unit_rows(A), rank),
        root_of(len(A)) * _kappa_of_rank(d[:, None] * A, rank),
    )


@claim(
    "vandersluis1969-columns-any-rank",
    HIGHAM_75,
    _ranked(_rows_are_size),
    latex=r"\kappa_2(A^T E) \le \sqrt{n}\,\min_D \kappa_2(A^T D)",
    admits=_ranked_admits,
    note="The instance holds the transpose, so that its rows are the columns.",
)
def columns_any_rank(A: Balls, d: Balls, rank: int) -> Sides:
    """For a matrix of any shape and rank with n columns, unit columns are within
    sqrt(n) of the best ratio of largest to smallest nonzero singular value."""
    return (
        _kappa_of_rank(balls.unit_columns(A.T), rank),
        root_of(len(A)) * _kappa_of_rank(A.T * d, rank),
    )


@claim(
    "vandersluis1969-rows-norm",
    HIGHAM_75,
    _ranked(_rows_are_size),
    latex=r"\kappa_2(EA) \le \|EA\|_2\,\min_D \kappa_2(DA)",
    admits=_ranked_admits,
    note="What the proof gives before the norm is bounded by sqrt(m).",
)
def rows_norm(A: Balls, d: Balls, rank: int) -> Sides:
    """For a matrix of any shape and rank, unit rows are within the 2-norm of the
    equilibrated matrix of the best condition number."""
    return (
        _kappa_of_rank(balls.unit_rows(A), rank),
        balls.norm(balls.unit_rows(A), 2) * _kappa_of_rank(d[:, None] * A, rank),
    )


def most_nonzeros(A: Balls, axis: int) -> int:
    """Return the largest number of nonzeros along an axis."""
    return int(np.count_nonzero(A != 0, axis=axis).max())


@claim(
    "vandersluis1969-rows-sparse",
    HIGHAM_75,
    _ranked(_rows_are_size),
    latex=r"\kappa_2(EA) \le \sqrt{\mu}\,\min_D \kappa_2(DA)",
    admits=_ranked_admits,
    note="Unit rows with at most mu of them meeting any column have 2-norm at most "
    "sqrt(mu), by the Cauchy-Schwarz inequality.",
)
def rows_sparse(A: Balls, d: Balls, rank: int) -> Sides:
    """For a matrix of any shape and rank with at most mu nonzeros in a column, unit
    rows are within sqrt(mu) of the best condition number."""
    return (
        _kappa_of_rank(balls.unit_rows(A), rank),
        root_of(most_nonzeros(A, axis=0)) * _kappa_of_rank(d[:, None] * A, rank),
    )


@claim(
    "vandersluis1969-rows-mixed-norm",
    VAN_DER_SLUIS,
    _ranked(_rows_are_size),
    latex=r"\max_i \|(EA)_i\|_2 \, \|(EA)^+\|_2 \le "
    r"\max_i \|(DA)_i\|_2 \, \|(DA)^+\|_2",
    admits=_ranked_admits,
    note="The quantity for which row equilibration is exactly optimal.",
)
def rows_mixed_norm(A: Balls, d: Balls, rank: int) -> Sides:
    """For a matrix of any shape and rank, row equilibration minimises the largest row
    norm times the 2-norm of the pseudoinverse."""
    return (
        1 / balls.singular_values(balls.unit_rows(A))[rank - 1],
        balls.maximum(balls.row_norms(d[:, None] * A))
        / balls.singular_values(d[:, None] * A)[rank - 1],
    )


def rows_scaled(size: int) -> st.SearchStrategy:
    """Draw (A, d): independent rows of length `size` and a scaling of them."""
    shapes = [
        st.tuples(strategies.full_rank(m, size), strategies.positive_diagonals(m))
        for m in range(1, size + 1)
    ]
    return st.one_of(shapes)


def _square_of_best(A: Balls, d: Balls) -> Sides:
    best = balls.kappa(d[:, None] * A)
    return balls.kappa(balls.unit_rows(A)), best * best


@claim(
    "jambulapati2023-rows-square",
    JAMBULAPATI,
    rows_scaled,
    latex=r"\kappa_2(EA) \le (\min_D \kappa_2(DA))^2",
    admits=full_rank_positive,
    note="The theorem on Jacobi scaling applied to the Gram matrix of the rows.",
)
def rows_square(A: Balls, d: Balls) -> Sides:
    """Row equilibration of a matrix of full row rank has at most the square of the best
    condition number of row scaling."""
    return _square_of_best(A, d)


def _tall_integers(size: int) -> st.SearchStrategy:
    """Draw small integers with independent columns, fewer than rows, none of zeros."""
    shapes = [strategies.small_integers(size, n) for n in range(1, size)]
    return st.one_of(shapes).filter(
        lambda A: bool(A.any(axis=1).all()) and has_full_rank(A)
    )


@claim(
    "jambulapati2023-rows-square-tall",
    "folklore",
    _tall_integers,
    latex=r"\kappa_2(EA) \le \kappa_2(A)^2",
    note="False: the theorem needs full row rank. A matrix with a repeated row can "
    "have kappa 1 and, with unit rows, kappa sqrt(m - n + 1). Tall matrices of size 2 "
    "have one column, and kappa 1. No D is drawn: A is itself some D A.",
    false_from=3,
)
def rows_square_tall(A: Balls) -> Sides:
    """Row equilibration of a matrix of full column rank has at most the square of the
    best condition number of row scaling."""
    return _square_of_best(A, balls.ball(np.ones(len(A))))


def _row_norm_ratio(A: Balls) -> Sides:
    norms = balls.row_norms(A)
    return balls.maximum(norms), balls.minimum(norms) * balls.kappa(A)


@claim(
    "folklore-row-norm-ratio",
    "folklore",
    strategies.full_row_rank,
    latex=r"\max_i \|a_i\|_2 \le \kappa_2(A)\, \min_i \|a_i\|_2",
    admits=has_full_rank,
    note="Why scaling rows helps: row i is the image of a unit vector under the "
    "transpose, whose gain is at least the smallest singular value.",
)
def row_norm_ratio(A: Balls) -> Sides:
    """The condition number of a matrix of full row rank is at least the ratio of its
    largest to its smallest row norm."""
    return _row_norm_ratio(A)


@claim(
    "folklore-row-norm-ratio-tall",
    "folklore",
    _tall_integers,
    latex=r"\max_i \|a_i\|_2 \le \kappa_2(A)\, \min_i \|a_i\|_2",
    note="False: one column has kappa 1 whatever its entries. Size 1 has no tall "
    "matrix.",
    false_from=2,
)
def row_norm_ratio_tall(A: Balls) -> Sides:
    """The condition number of a matrix of full column rank is at least the ratio of its
    largest to its smallest row norm."""
    return _row_norm_ratio(A)


def _cotangent_of_half_angle(a: Balls, b: Balls) -> Ball:
    cosine = abs((a * b).sum()) / (balls.norm_fro(a) * balls.norm_fro(b))
    return balls.sqrt((1 + cosine) / (1 - cosine))


@claim(
    "forsythestraus1955-two-rows",
    FORSYTHE_STRAUS.at("Property A of the Gram matrix"),
    lambda size: (
        st.tuples(strategies.full_rank(2, size), strategies.positive_diagonals(2))
        if size > 1
        else strategies.none()
    ),
    latex=r"\cot(\tfrac{1}{2}\angle(a_1, a_2)) \le \kappa_2(DA)",
    admits=full_rank_positive,
    note="Row equilibration of two rows is exactly optimal, as is Jacobi scaling of "
    "their Gram matrix. The angle is that of the two lines, at most pi/2.",
)
def two_rows(A: Balls, d: Balls) -> Sides:
    """Two rows of equal norm at the angle t have condition number cot(t/2), which no
    scaling of the two lowers."""
    return _cotangent_of_half_angle(A[0], A[1]), balls.kappa(d[:, None] * A)
