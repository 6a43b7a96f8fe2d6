"""What each diagonal scaling does to a matrix's condition number, side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from condlab import _arrays
from condlab._digits import interval, shown
from condlab._tables import as_frame, as_html, as_text
from condlab.bounds import bauer, van_der_sluis
from condlab.condition.affordable import is_large, kappa
from condlab.optimal import optimal_scaling
from condlab.optimal.solvers import SOLVER_SCALINGS
from condlab.scaling import (
    column_scaling,
    jacobi_scaling,
    row_column_scaling,
    row_scaling,
    ruiz_scaling,
)
from condlab.types import Array, Bracket, ConditionEstimate, Norm, Scaling

__all__ = ["SCALINGS", "ScalingComparison", "ScalingRow", "compare_scalings"]

Side = Literal["left", "right", "symmetric", "both"]
OPTIMAL = "optimal"
OMEGA = "omega"


class NamedScaling(NamedTuple):
    """A scaling, and which matrices it competes with: D A, A D, D A D or D1 A D2."""

    function: Callable[..., Scaling]
    side: Side


SCALINGS: Mapping[str, NamedScaling] = MappingProxyType(
    {
        "row": NamedScaling(row_scaling, "left"),
        "column": NamedScaling(column_scaling, "right"),
        "row-column": NamedScaling(row_column_scaling, "both"),
        "ruiz": NamedScaling(ruiz_scaling, "both"),
        "jacobi": NamedScaling(jacobi_scaling, "symmetric"),
    }
)


SIDES: dict[str, Side] = {name: side for name, (_, side) in SCALINGS.items()}
SIDES["poequ"] = "symmetric"


@dataclass(frozen=True, slots=True)
class ScalingRow:
    """One scaling of a matrix, its condition number, and the best of its kind.

    Parameters
    ----------
    name : str
        "none", or what was asked of `compare_scalings`.
    kappa : ConditionEstimate
        Of the scaled matrix.
    scaling : Scaling
        The multipliers.
    side : str
        Which matrices it competes with, as in `SCALINGS`; empty for "none".
    best : Bracket or None
        Of the best condition number that a scaling of the side reaches, where a theorem
        or a certificate bounds it.
    stopped : str
        Why the search for the optimal one ended.
    """

    name: str
    kappa: ConditionEstimate
    scaling: Scaling
    side: Side | Literal[""] = ""
    best: Bracket | None = None
    stopped: str = ""

    @property
    def within(self) -> float:
        """How far above the best of its kind it is at most; nan if unknown."""
        if self.best is None or not math.isfinite(self.best.lower):
            return math.nan
        return max(1.0, self.kappa.upper / self.best.lower)

    def to_dict(self) -> dict[str, Any]:
        """Return the row as numbers and words, without the multipliers."""
        return {
            "scaling": self.name,
            "value": self.kappa.value,
            "lower": self.kappa.lower,
            "upper": self.kappa.upper,
            "method": self.kappa.method,
            "best_lower": self.best.lower if self.best else None,
            "best_upper": self.best.upper if self.best else None,
            "factor": self.best.factor if self.best else None,
            "within": self.within,
            "stopped": self.stopped,
        }


@dataclass(frozen=True, slots=True)
class ScalingComparison(Sequence[ScalingRow]):
    """The rows of `compare_scalings`, the unscaled matrix first.

    Parameters
    ----------
    rows : tuple of ScalingRow
        What was compared.
    refused : mapping of str to str
        Why a scaling is not defined for the matrix.
    p : {1, 2, "inf"}
        The norm of the condition numbers.
    """

    rows: tuple[ScalingRow, ...]
    refused: Mapping[str, str]
    p: Norm

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def __len__(self) -> int:
        return len(self.rows)

    def to_pandas(self) -> Any:
        """Return a data frame, a row a scaling; needs pandas."""
        return as_frame((row.to_dict() for row in self.rows), "scaling")

    def to_dict(self) -> dict[str, Any]:
        """Return the rows, without multipliers, and what was refused."""
        rows = [row.to_dict() for row in self.rows]
        return {"p": self.p, "scalings": rows, "refused": dict(self.refused)}

    def _cells(self) -> list[tuple[str, ...]]:
        head = ("scaling", f"kappa_{self.p}", "certainly in", "best of its kind")
        cells: list[tuple[str, ...]] = [
            (
                row.name,
                shown(row.kappa),
                interval(row.kappa.lower, row.kappa.upper),
                str(row.best or ""),
            )
            for row in self.rows
        ]
        return [head, *cells]

    def __str__(self) -> str:
        return "\n".join([as_text(self._cells()), *self._notes()])

    def _notes(self) -> list[str]:
        return [f"no {name} scaling: {why}" for name, why in self.refused.items()]

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        return as_html(self._cells(), self._notes())


def compare_scalings(
    A: Array,
    p: Norm = 2,
    *,
    scalings: Sequence[str] = tuple(SCALINGS),
    line_norm: Norm | None = None,
    rounding: Literal["power-of-two"] | None = None,
    strict: bool = False,
    estimate: bool | None = None,
    optimal: Mapping[str, Any] = MappingProxyType({}),
    progress: Callable[[str], object] = lambda _: None,
) -> ScalingComparison:
    """Compare the condition numbers of a matrix before and after diagonal scalings.

    Parameters
    ----------
    A : array, sparse array or tensor, shape (m, n)
        Any shape for p = 2, otherwise square.
    p : {1, 2, "inf"}
        The norm of the condition numbers.
    scalings : sequence of str
        Keys of `SCALINGS` or of `condlab.optimal.solvers.SOLVER_SCALINGS`; "optimal"
        and "omega" are those of `optimal_scaling`.
    line_norm : {1, 2, "inf"}, optional
        That lines are scaled to (default: each scaling's own).
    rounding : {None, "power-of-two"}
        Round all multipliers, so that scaling is exact.
    strict : bool
        Raise on lines of zeros, left alone otherwise, and where a scaling is refused.
    estimate : bool, optional
        Estimate instead of factorising a dense matrix; by default where A is sparse and
        large. Estimates bracket no best scalings.
    optimal : mapping
        Options of `optimal_scaling` for "optimal": side, rtol, time_limit.
    progress : callable
        Told in words what is done next.

    Returns
    -------
    ScalingComparison
        A sequence of rows, the unscaled matrix first.

    Raises
    ------
    ValueError
        If a name is unknown, or A is not a finite matrix that has condition numbers.

    References
    ----------
    A. van der Sluis, Numer. Math. 14, 1969, Theorems 3.5 and 4.1; F. L. Bauer, Numer.
    Math. 5, 1963: the brackets of the best scalings.

    Examples
    --------
    >>> rows = compare_scalings([[1.0, 2.0], [300.0, 100.0]], scalings=["row", "ruiz"])
    >>> [(row.name, round(row.kappa.value, 2)) for row in rows]
    [('none', 200.01), ('row', 2.41), ('ruiz', 3.21)]
    """
    known = (*SCALINGS, *SOLVER_SCALINGS, OPTIMAL, OMEGA)
    if unknown := [name for name in scalings if name not in known]:
        raise ValueError(f"scalings are {', '.join(known)}, and not {unknown[0]!r}")
    estimate = is_large(A) if estimate is None else estimate
    rows, refused = [ScalingRow("none", kappa(A, p, estimate), Scaling())], {}
    for name in scalings:
        progress(name)
        try:
            if strict:
                _require_no_zero_lines(A, name)
            if name == OPTIMAL:
                scaling, side, best, stopped = _optimal(A, p, optimal, progress)
            elif name == OMEGA:
                side, best, stopped = _natural(A), None, ""
                scaling = optimal_scaling(A, side=side, objective="omega").scaling
            else:
                scaling = _scaling(A, name, line_norm, rounding)
                side, stopped = SIDES.get(name, "both"), ""
                best = None if estimate else _best(A, side, p)
            scaling = _rounded(scaling, rounding)
            found = kappa(scaling.apply(A), p, estimate)
            rows.append(ScalingRow(name, found, scaling, side, best, stopped))
        except ValueError as error:  # LinAlgError is one
            if strict:
                raise
            refused[name] = str(error)
    return ScalingComparison(tuple(rows), refused, p)


def _scaling(A: Array, name: str, line_norm: Norm | None, rounding: Any) -> Scaling:
    if name in SOLVER_SCALINGS:
        return SOLVER_SCALINGS[name](A)
    if name == "jacobi":
        return jacobi_scaling(A)  # its size of lines is the diagonal's
    options: dict[str, Any] = {} if line_norm is None else {"p": line_norm}
    if name in ("row", "column", "row-column"):
        options["rounding"] = rounding  # before the second pass of two
    return SCALINGS[name].function(A, **options)


def _optimal(
    A: Array, p: Any, options: Mapping[str, Any], progress: Callable[[str], object]
) -> tuple[Scaling, Side, Bracket | None, str]:
    side: Side = options.get("side", "left")
    found = optimal_scaling(
        A,
        p=p,
        progress=lambda word: progress(f"{OPTIMAL}: {word}"),
        **{**options, "side": side},
    )
    return found.scaling, side, found.optimum, found.stopped


def _natural(A: Array) -> Side:
    """Return the side on which lines are independent; both where A is square."""
    m, n = A.shape
    return "both" if m == n else "left" if m < n else "right"


def _rounded(scaling: Scaling, rounding: str | None) -> Scaling:
    if rounding is None:
        return scaling
    parts = (scaling.left, scaling.right)
    return Scaling(*(d if d is None else _arrays.power_of_two(d) for d in parts))


def _best(A: Array, side: Any, p: Any) -> Bracket | None:
    """Bracket the best scaling of a side, where a theorem does."""
    try:
        if p != 2 and side != "symmetric":
            return bauer(A, side=side, p=p)
        return None if side == "both" else van_der_sluis(A, side=side, p=p)
    except ValueError:  # such as a matrix that is not positive definite
        return None


def _require_no_zero_lines(A: Array, name: str) -> None:
    if name != "column":
        row_scaling(A, strict=True)
    if name != "row":
        column_scaling(A, strict=True)
