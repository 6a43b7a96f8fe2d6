"""Who is to blame for a condition number, and which scaling helps what is done next."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import scipy.sparse as sp

from condlab import _arrays
from condlab._digits import floor, number, shown
from condlab._tables import Cells, as_html, as_text, record
from condlab.comparison import (
    OMEGA,
    OPTIMAL,
    SCALINGS,
    OptimalOptions,
    ScalingComparison,
    ScalingRow,
    compare_scalings,
)
from condlab.condition.affordable import is_large
from condlab.diagnosis._problem import problem
from condlab.diagnosis.advice import Advice, advise
from condlab.diagnosis.culprits import (
    MATTERS,
    Culprit,
    find_culprits,
    find_large_culprits,
)
from condlab.diagnosis.purposes import PURPOSES
from condlab.types import Array, Bracket

SHOWN = 10  # culprits on the page
MOST_STEPS = 10_000
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
    advice : tuple of Advice
        Which scaling to take, one for each purpose.
    undefined : mapping of str to str
        Why a purpose makes no sense for the matrix.

    Examples
    --------
    >>> A = [[3.0, 1.0, 1.0], [1.0, 3.0, 1.0], [1e6, 1e6, 3e6]]
    >>> [(c.axis, c.index, c.reason) for c in diagnose(A, purpose=()).culprits]
    [('row', 2, 'size')]
    """

    shape: tuple[int, int]
    scalings: ScalingComparison
    culprits: tuple[Culprit, ...]
    advice: tuple[Advice, ...] = ()
    undefined: Mapping[str, str] = field(default_factory=dict)

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
            "undefined": dict(self.undefined),
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
        return "\n".join(
            [*table, *self.notes(), *(each.reason for each in self.advice)]
        )

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        advice = (each._repr_html_() for each in self.advice)
        return "".join([as_html(self.table(), self.notes()), *advice])


SIDES = {"both": "D1 A D2", "left": "D A", "right": "A D"}


def diagnose(
    A: Array,
    *,
    purpose: str | Sequence[str] | None = None,
    tol: float = 1e-8,
    max_steps: int | None = None,
    time_limit: float = 10.0,
    progress: Callable[[str], object] = lambda _: None,
) -> Diagnosis:
    """Name the lines that a condition number comes from, and the scaling that helps.

    Parameters
    ----------
    A : array, sparse array or tensor, shape (m, n)
        Finite; real or complex.
    purpose : str or sequence of str, optional
        What A is scaled for: "lu", "cg", "minres", "gmres", "lsqr", "float16" or
        "bfloat16"; all that A allows by default, and () for none.
    tol : float
        The residual ‖b − A x‖ / ‖b‖, in the units of A, at which iterations end.
    max_steps : int, optional
        The most steps of an iteration (default: 10 n, at most 10,000; of GMRES at most
        300).
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
        If A is not a finite matrix that has condition numbers, or one purpose is asked
        for that it does not allow.

    Notes
    -----
    A line is to blame for its *size* where κ₂ of the best scaled matrix would be ten
    times larger with this one line in its own units. What they are comes from a fit
    of log |a_ij| ≈ r_i + c_j [1]_, which a line times t moves by log t in its own term
    and in no other. A line is *nearly dependent* where κ₂ of the scaled matrix falls
    to a tenth without it.

    Advice is measured, never derived from κ: each scaling solves systems with known
    solutions of entries ±1, and the worst of these counts. The best is taken if it
    lowers steps by a tenth, the forward error to a tenth while the backward error does
    not rise, or the share of entries that leave a format's range by a tenth, where one
    that overflows loses them all; otherwise the advice is "none".
    Rectangular systems are scaled on the side that keeps what they minimise.

    References
    ----------
    .. [1] A. R. Curtis and J. K. Reid, "On the automatic scaling of matrices for
       Gaussian elimination", IMA J. Appl. Math. 10(1), 1972.

    Examples
    --------
    >>> A = [[3.0, 1.0, 1.0], [1.0, 3.0, 1.0], [1e6, 1e6, 3e6]]
    >>> print(diagnose(A, purpose="float16"))
    to blame  why                   kappa if left alone  without it  dual weight
    row 2     1.00e+06 x too large  1.658e+06            2.121       0.42
    kappa_2 is 1.658e+06; the best scaling found is row, with 2.500
    no D1 A D2 has less than 2.477
    float16: take row, entries lost 100 % -> 0 %; kappa_2 1.658e+06 -> 2.500
    """
    purposes = _required(purpose, tol, max_steps, time_limit)
    A = _in_double(A)
    rows = _compared(A, time_limit, progress)
    found = Diagnosis((int(A.shape[0]), int(A.shape[1])), rows, ())
    progress("rows and columns to blame")
    found = replace(found, culprits=_culprits(A, found))
    undefined = {name: why for name in purposes if (why := PURPOSES[name].refuses(A))}
    if isinstance(purpose, str) and undefined:
        raise ValueError(
            f"{purpose} is no purpose of this matrix: {undefined[purpose]}"
        )
    most = min(10 * max(A.shape), MOST_STEPS) if max_steps is None else max_steps
    system = problem(A, tol, most)
    advice = tuple(
        advise(name, system, rows, progress)
        for name in purposes
        if name not in undefined
    )
    return replace(found, advice=advice, undefined=undefined)


def _required(
    purpose: str | Sequence[str] | None,
    tol: float,
    max_steps: int | None,
    time_limit: float,
) -> Sequence[str]:
    """Return the purposes, or say what is wrong with an option."""
    if not time_limit >= 0:
        raise ValueError(f"time_limit is a number of seconds, got {time_limit!r}")
    if not 0 < tol < 1:
        raise ValueError(f"tol is a relative residual, such as 1e-8, got {tol!r}")
    if max_steps is not None and not max_steps >= 1:
        raise ValueError(f"max_steps must be at least 1, got {max_steps!r}")
    asked = [purpose] if isinstance(purpose, str) else purpose
    asked = list(PURPOSES) if asked is None else list(dict.fromkeys(asked))
    if unknown := [name for name in asked if name not in PURPOSES]:
        raise ValueError(f"purposes are {', '.join(PURPOSES)}, and not {unknown[0]!r}")
    return asked


def _in_double(A: Array) -> Array:
    """Return A as a csr or NumPy array of double precision, finite."""
    A = _arrays.as_float(A)
    A = sp.csr_array(A) if sp.issparse(A) else _arrays.to_numpy(A)
    return A.astype(np.complex128 if np.iscomplexobj(A) else np.float64)


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
    names = [*SCALINGS]
    if A.shape[0] == A.shape[1] and not is_large(A):
        names.append(OMEGA)  # of rectangles it is the scaling of rows or columns
    if time_limit > 0 and not is_large(A):
        names.append(OPTIMAL)
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
