"""Theorem 5.1 of "Weight conditioning ...", that equilibration is the best scaling.

As worded, in every reading, beside the correct theorem.

Why the sizes: with two unit rows the Gram matrix is [[1, c], [c, 1]], and kappa +
1/kappa = trace / sqrt(det) is smallest at equal diagonals, so with two rows (or
columns) equilibration is optimal. And kappa of a single row or column is 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Balls, Sides
from condlab.theory.formula import claim, theorem
from condlab.theory.model import Theorem
from condlab.theory.references.networks import WEIGHT_CONDITIONING as SOURCE
from condlab.theory.strategies import has_full_rank
from condlab.theory.vocabulary import rivals

TWO_ROWS = "With two rows or fewer the claim is true, so no smaller size has one."


def _admits(A: np.ndarray, *scalings: np.ndarray) -> bool:
    return has_full_rank(A) and all(bool(np.all(d > 0)) for d in scalings)


def two_passes(A: Balls) -> Balls:
    """Return A with unit rows and then unit columns."""
    return balls.unit_columns(balls.unit_rows(A))


def at_once(A: Balls) -> Balls:
    """Return A with entry (i, j) divided by the norms of A's row i and column j."""
    rows, columns = balls.row_norms(A), balls.row_norms(A.T)
    return A / _or_one(rows)[:, None] / _or_one(columns)[None, :]


def _or_one(norms: Balls) -> Balls:
    ones = np.full(norms.shape, balls.arb(1))
    return np.where(norms == 0, ones, norms)  # a line of zeros stays


def _optimal(
    key: str,
    what: str,
    equilibrate: Callable,
    shapes: Callable[[int], rivals.Shapes],
    sides: str,
    *,
    latex: str,
    note: str = TWO_ROWS,
    matrices: Callable[[int, int], strategies.Matrices] = rivals.readable,
    false_from: int | None = None,
) -> Theorem:
    """State that no scaling of those sides has a smaller kappa."""

    def formula(A: Balls, *scalings: Balls) -> tuple:
        given = dict(zip(sides.split(), scalings, strict=True))
        other = given["rows"][:, None] * A if "rows" in given else A
        other = other * given["columns"] if "columns" in given else other
        return balls.kappa(equilibrate(A)), balls.kappa(other)

    every = " and ".join(sides.split())
    return theorem(
        key,
        f"{what} has the smallest condition number of all scalings of its {every}.",
        SOURCE.at("Theorem 5.1 and section 5.1"),
        rivals.scaled(shapes, sides, matrices),
        formula,
        latex=latex,
        admits=_admits,
        note=note,
        false_from=false_from,
    )


ROWS = r"\kappa_2(EA) \le \kappa_2(DA)\ \text{for all}\ D"


COLUMNS = r"\kappa_2(AC) \le \kappa_2(AD)\ \text{for all}\ D"


BOTH = r"\kappa_2(EAC) \le \kappa_2(DAF)\ \text{for all}\ D, F"


BOTH_ROWS = r"\kappa_2(EAC) \le \kappa_2(DA)\ \text{for all}\ D"


OPTIMALITY = (
    _optimal(
        "wc-thm5.1-rows",
        "The row equilibration of a nonsingular square matrix",
        balls.unit_rows,
        rivals.square,
        "rows",
        latex=ROWS,
        note="Van der Sluis proved this within a factor sqrt(m), not exactly. "
        + TWO_ROWS,
        false_from=3,
    ),
    _optimal(
        "wc-thm5.1-rows-wide",
        "The row equilibration of a matrix of full row rank with fewer rows than "
        "columns",
        balls.unit_rows,
        rivals.wide,
        "rows",
        latex=ROWS,
        note=TWO_ROWS + " A wide matrix of size 3 has at most two rows.",
        false_from=4,
    ),
    _optimal(
        "wc-thm5.1-rows-tall",
        "The row equilibration of a matrix of full column rank with more rows than "
        "columns",
        balls.unit_rows,
        rivals.tall,
        "rows",
        latex=ROWS,
        false_from=3,
    ),
    _optimal(
        "wc-thm5.1-rows-two",
        "The row equilibration of a full-rank matrix with two rows",
        balls.unit_rows,
        rivals.two_rows,
        "rows",
        latex=ROWS,
        note="The case in which Theorem 5.1 is right as worded.",
        matrices=strategies.full_rank,
    ),
    _optimal(
        "wc-thm5.1-columns",
        "The column equilibration of a nonsingular square matrix",
        balls.unit_columns,
        rivals.square,
        "columns",
        latex=COLUMNS,
        false_from=3,
    ),
    _optimal(
        "wc-thm5.1-columns-wide",
        "The column equilibration of a matrix of full row rank with more columns than "
        "rows",
        balls.unit_columns,
        rivals.wide,
        "columns",
        latex=COLUMNS,
        false_from=3,
    ),
    _optimal(
        "wc-thm5.1-columns-tall",
        "The column equilibration of a matrix of full column rank with fewer columns "
        "than rows",
        balls.unit_columns,
        rivals.tall,
        "columns",
        latex=COLUMNS,
        note=TWO_ROWS + " A tall matrix of size 3 has at most two columns.",
        false_from=4,
    ),
    _optimal(
        "wc-thm5.1-columns-two",
        "The column equilibration of a full-rank matrix with two columns",
        balls.unit_columns,
        rivals.two_columns,
        "columns",
        latex=COLUMNS,
        note="The case in which section 5.1 is right about columns.",
        matrices=strategies.full_rank,
    ),
    _optimal(
        "wc-thm5.1-rowcolumn",
        "The row-column equilibration of a full-rank matrix, rows first and then "
        "columns,",
        two_passes,
        rivals.no_vectors,
        "rows columns",
        latex=BOTH,
        note="At size 1 every nonzero matrix has kappa 1.",
        false_from=2,
    ),
    _optimal(
        "wc-thm5.1-rowcolumn-over-rows",
        "The row-column equilibration of a full-rank matrix, rows first and then "
        "columns,",
        two_passes,
        rivals.no_vectors,
        "rows",
        latex=BOTH_ROWS,
        note="The weakest reading: the two passes against row scalings only. With two "
        "rows and columns each pass is optimal for its side, so no smaller size fails.",
        false_from=3,
    ),
    _optimal(
        "wc-thm5.1-rowcolumn-at-once",
        "The row-column equilibration of a full-rank matrix, by the row and column "
        "norms of the original,",
        at_once,
        rivals.no_vectors,
        "rows columns",
        latex=BOTH,
        note="At size 1 every nonzero matrix has kappa 1.",
        false_from=2,
    ),
    _optimal(
        "wc-thm5.1-rowcolumn-at-once-over-rows",
        "The row-column equilibration of a full-rank matrix, by the row and column "
        "norms of the original,",
        at_once,
        rivals.no_vectors,
        "rows",
        latex=BOTH_ROWS,
        note="diag(1, t) becomes diag(1, 1/t). At size 1 every kappa is 1.",
        false_from=2,
    ),
)


def _norm_times(equilibrated: Balls, other: Balls) -> tuple:
    return balls.kappa(equilibrated), balls.norm(equilibrated, 2) * balls.kappa(other)


@claim(
    "wc-thm5.1-rows-corrected",
    SOURCE.at("Theorem 5.1, corrected after van der Sluis 1969"),
    rivals.scaled(rivals.any_shape, "rows"),
    latex=r"\kappa_2(EA) \le \|EA\|_2\,\kappa_2(DA)\ \text{for all}\ D",
    admits=_admits,
    note="With max d = 1, ||DEA|| is at least a row of norm 1, and sigma_min(DEA) at "
    "most sigma_min(EA).",
)
def thm5_1_rows_corrected(A: Balls, d: Balls) -> Sides:
    """Row equilibration EA of a full-rank matrix is within the factor ||EA||_2, at most
    the root of the number of rows, of the best row scaling."""
    return _norm_times(balls.unit_rows(A), d[:, None] * A)


@claim(
    "wc-thm5.1-columns-corrected",
    SOURCE.at("Section 5.1, corrected after van der Sluis 1969"),
    rivals.scaled(rivals.any_shape, "columns"),
    latex=r"\kappa_2(AC) \le \|AC\|_2\,\kappa_2(AD)\ \text{for all}\ D",
    admits=_admits,
)
def thm5_1_columns_corrected(A: Balls, d: Balls) -> Sides:
    """Column equilibration AC of a full-rank matrix is within the factor ||AC||_2 of
    the best column scaling."""
    return _norm_times(balls.unit_columns(A), A * d)


@claim(
    "wc-thm5.1-rowcolumn-corrected",
    SOURCE.at("Section 5.1, corrected"),
    rivals.scaled(rivals.any_shape, "rows"),
    latex=r"\kappa_2(EAC) \le \|EA\|_2\,\|EAC\|_2\,\kappa_2(DA)\ \text{for all}\ D",
    admits=_admits,
    note="The one-sided bound twice; no such bound over all two-sided scalings is "
    "known.",
)
def thm5_1_rowcolumn_corrected(A: Balls, d: Balls) -> Sides:
    """Row-column equilibration EAC of a full-rank matrix, in two passes, is within the
    factor ||EA||_2 ||EAC||_2 of the best row scaling."""
    rows, both = balls.unit_rows(A), two_passes(A)
    factor = balls.norm(rows, 2) * balls.norm(both, 2)
    return balls.kappa(both), factor * balls.kappa(d[:, None] * A)


def _has_no_zero_line(A: np.ndarray) -> bool:
    return bool(A.any(axis=0).all() and A.any(axis=1).all())


def _without_zero_lines(m: int, n: int) -> strategies.Matrices:
    return strategies.full_rank(m, n).filter(_has_no_zero_line)


@claim(
    "wc-thm5.1-rowcolumn-at-once-corrected",
    SOURCE.at("Section 5.1, corrected"),
    rivals.scaled(rivals.any_shape, "rows", _without_zero_lines),
    latex=r"\kappa_2(EAC) \le \frac{\max_j \|A e_j\|}{\min_j \|A e_j\|}\,"
    r"\|EA\|_2\,\kappa_2(DA)\ \text{for all}\ D",
    admits=lambda A, d: _admits(A, d) and _has_no_zero_line(A),
)
def thm5_1_rowcolumn_at_once_corrected(A: Balls, d: Balls) -> Sides:
    """Scaling a full-rank matrix by the row and column norms of the original is within
    ||EA||_2 times the spread of the column norms of the best row scaling."""
    rows, columns = balls.unit_rows(A), balls.row_norms(A.T)
    spread = balls.maximum(columns) / balls.minimum(columns)
    factor = spread * balls.norm(rows, 2)
    return balls.kappa(at_once(A)), factor * balls.kappa(d[:, None] * A)
