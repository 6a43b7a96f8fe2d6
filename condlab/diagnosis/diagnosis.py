"""Who is to blame for a condition number, and which scaling helps what is done next."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import scipy.sparse as sp

from condlab import _arrays
from condlab._digits import floor, number, shown
from condlab._tables import Cells, as_html, as_text, record
from condlab.comparison import (
    OPTIMAL,
    SCALINGS,
    OptimalOptions,
    ScalingComparison,
    ScalingRow,
    compare_scalings,
    is_large,
)
from condlab.diagnosis.culprits import (
    MATTERS,
    Culprit,
    find_culprits,
    find_large_culprits,
)
from condlab.types import Array, Bracket

SHOWN = 10  # culprits on the page
RTOL = 0.05  # the gap at which the optimal scaling is good enough to judge by


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a condition number comes from.

    Parameters
    ----------
    shape : tuple of int
        Of the matrix.
    scalings : ScalingComparison
        κ₂ under every scaling, the unscaled matrix first.
    culprits : tuple of Culprit
        Rows and columns to blame, the worst first; none where no line is.

    Examples
    --------
    >>> A = [[3.0, 1.0, 1.0], [1.0, 3.0, 1.0], [1e6, 1e6, 3e6]]
    >>> [(c.axis, c.index, c.reason) for c in diagnose(A).culprits]
    [('row', 2, 'size')]
    """

    shape: tuple[int, int]
    scalings: ScalingComparison
    culprits: tuple[Culprit, ...]

    @property
    def best(self) -> ScalingRow:
        """The row of least κ₂."""
        rows: list[ScalingRow] = list(self.scalings)
        return min(rows, key=lambda row: row.kappa.value)

    @property
    def optimum(self) -> Bracket | None:
        """Of the least κ₂ that scaling reaches, where a certificate bounds it."""
        found = [row.best for row in self.scalings if row.name == OPTIMAL]
        return found[0] if found else None

    def to_dict(self) -> dict[str, object]:
        """Return everything but the multipliers as plain values."""
        return {
            **record(self),
            "best": self.best.name,
            "optimum": self.optimum.to_dict() if self.optimum else None,
        }

    def table(self) -> Cells:
        """Return the lines to blame, as words; the head alone where there are none."""
        head = ("to blame", "why", "kappa if left alone", "without it", "dual weight")
        return [
            head,
            *(
                (
                    f"{line.axis} {line.index}",
                    _reason(line),
                    number(line.left_alone) if line.reason == "size" else "",
                    number(line.without),
                    number(line.weight, 2),
                )
                for line in self.culprits[:SHOWN]
            ),
        ]

    def notes(self) -> list[str]:
        """Return what else is to be said, in sentences."""
        before, best = self.scalings[0].kappa, self.best
        notes = [
            f"kappa_2 is {shown(before)}; the best scaling found is {best.name}, with "
            f"{shown(best.kappa)}"
        ]
        if math.isinf(best.kappa.value):
            notes = [
                "singular to rounding, scaled or not: lines are judged by the singular "
                "values that are not zero"
            ]
        if self.optimum is not None and math.isfinite(self.optimum.lower):
            kind = SIDES[_side(self.shape)]
            notes.append(f"no {kind} has less than {floor(self.optimum.lower)}")
        more = len(self.culprits) - SHOWN
        if more > 0:
            notes.append(
                f"and {more} more: {len(self.culprits)} of {sum(self.shape)} lines, "
                "as much the grading of the whole matrix as any one of them"
            )
        if not self.culprits:
            notes.append(
                "no row or column is to blame: by its size or by dependence none makes "
                f"kappa_2 {MATTERS:.0f} times larger"
            )
        return notes

    def __str__(self) -> str:
        table = [as_text(self.table())] if self.culprits else []
        return "\n".join([*table, *self.notes()])

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        return as_html(self.table(), self.notes())


SIDES = {"both": "D1 A D2", "left": "D A", "right": "A D"}


def diagnose(
    A: Array,
    *,
    time_limit: float = 10.0,
    progress: Callable[[str], object] = lambda _: None,
) -> Diagnosis:
    """Name the rows and columns that a condition number comes from.

    Parameters
    ----------
    A : array, sparse array or tensor, shape (m, n)
        Finite; real or complex.
    time_limit : float
        Seconds for the search of the best scaling there is; 0 leaves it out.
    progress : callable
        Told in words what is done next.

    Returns
    -------
    Diagnosis
        Of a large sparse matrix from estimates.

    Raises
    ------
    ValueError
        If A is not a finite matrix that has condition numbers.

    Notes
    -----
    A line is to blame for its *size* where κ₂ of the best scaled matrix would be ten
    times larger with this one line in its own units. What they are comes from a fit
    of log |a_ij| ≈ r_i + c_j [1]_, which a line times t moves by log t in its own term
    and in no other. A line is *nearly dependent* where κ₂ of the scaled matrix falls
    to a tenth without it.

    References
    ----------
    .. [1] A. R. Curtis and J. K. Reid, "On the automatic scaling of matrices for
       Gaussian elimination", IMA J. Appl. Math. 10(1), 1972.

    Examples
    --------
    >>> A = [[3.0, 1.0, 1.0], [1.0, 3.0, 1.0], [1e6, 1e6, 3e6]]
    >>> print(diagnose(A))
    to blame  why                   kappa if left alone  without it  dual weight
    row 2     1.00e+06 x too large  1.658e+06            2.121       0.42
    kappa_2 is 1.658e+06; the best scaling found is row, with 2.500
    no D1 A D2 has less than 2.477
    """
    if not time_limit >= 0:
        raise ValueError(f"time_limit is a number of seconds, got {time_limit!r}")
    if not sp.issparse(A):
        A = _arrays.to_numpy(_arrays.as_float(A))
    rows = _compared(A, time_limit, progress)
    found = Diagnosis((int(A.shape[0]), int(A.shape[1])), rows, ())
    progress("rows and columns to blame")
    return replace(found, culprits=_culprits(A, found))


def _culprits(A: Array, found: Diagnosis) -> tuple[Culprit, ...]:
    before, best = found.scalings[0].kappa.value, found.best
    now = best.kappa.value
    if not is_large(A):
        return find_culprits(A, best.scaling if math.isfinite(now) else None, before)
    return find_large_culprits(A, best.scaling, now) if before >= MATTERS * now else ()


def _compared(
    A: Array, time_limit: float, progress: Callable[[str], object]
) -> ScalingComparison:
    """Return κ₂ under every scaling, the optimal one where there is time for it."""
    names = [*SCALINGS, *([OPTIMAL] if time_limit > 0 and not is_large(A) else [])]
    options: OptimalOptions = {
        "side": _side(A.shape),
        "rtol": RTOL,
        "time_limit": time_limit,
    }
    return compare_scalings(A, scalings=names, optimal=options, progress=progress)


def _side(shape: tuple[int, ...]) -> Literal["both", "left", "right"]:
    m, n = shape
    return "both" if m == n else "left" if m < n else "right"


def _reason(line: Culprit) -> str:
    if line.reason == "dependence":
        return "nearly dependent"
    if line.factor >= 1:
        return f"{number(line.factor, 3)} x too large"
    return f"{number(1 / line.factor, 3)} x too small"
