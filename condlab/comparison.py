"""What each diagonal scaling does to a matrix's condition number, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, TypedDict

from condlab import _arrays
from condlab._scaling_rows import ScalingComparison, ScalingRow, Side
from condlab.bounds import bauer, van_der_sluis
from condlab.condition.affordable import is_large, kappa
from condlab.equilibration.reciprocals import Rounding
from condlab.scaling import (
    column_scaling,
    jacobi_scaling,
    row_column_scaling,
    row_scaling,
    ruiz_scaling,
)
from condlab.types import (
    Array,
    Bracket,
    Norm,
    Scaling,
)

__all__ = ["SCALINGS", "compare_scalings"]

OPTIMAL = "optimal"
OMEGA = "omega"


class OptimalOptions(TypedDict, total=False):
    """What may be asked of the optimal scaling, as `optimal_scaling` has it."""

    side: Side
    rtol: float
    time_limit: float | None


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


def compare_scalings(
    A: Array,
    p: Norm = 2,
    *,
    scalings: Sequence[str] = tuple(SCALINGS),
    line_norm: Norm | None = None,
    rounding: Rounding = None,
    strict: bool = False,
    estimate: bool | None = None,
    optimal: OptimalOptions | None = None,
    progress: Callable[[str], object] = lambda _: None,
) -> ScalingComparison:
    """Compare the condition numbers of a matrix before and after diagonal scalings.

    Parameters
    ----------
    A : array, sparse array or tensor, shape (m, n)
        Of any shape for p = 2, otherwise square.
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
    optimal : dict, optional
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
    _require_known(scalings)
    estimate = is_large(A) if estimate is None else estimate
    rows, refused = [ScalingRow("none", kappa(A, p, estimate), Scaling())], {}
    for name in scalings:
        progress(name)
        try:
            if strict:
                _require_no_zero_lines(A, name)
            if name == OPTIMAL:
                scaling, side, best, stopped = _optimal(A, p, optimal or {}, progress)
            elif name == OMEGA:
                scaling, side = _least_omega(A)
                best, stopped = None, ""
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


def _require_known(names: Iterable[str]) -> None:
    if {*names} <= {*SCALINGS, OPTIMAL, OMEGA}:
        return
    from condlab.optimal.solvers import SOLVER_SCALINGS

    known = (*SCALINGS, *SOLVER_SCALINGS, OPTIMAL, OMEGA)
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"scalings are {', '.join(known)}, and not {unknown[0]!r}")


def _least_omega(A: Array) -> tuple[Scaling, Side]:
    from condlab.optimal import optimal_scaling  # half of condlab's own import

    side = _natural(A)
    return optimal_scaling(A, side=side, objective="omega").scaling, side


def _scaling(
    A: Array, name: str, line_norm: Norm | None, rounding: Rounding
) -> Scaling:
    if name not in SCALINGS:
        from condlab.optimal.solvers import SOLVER_SCALINGS

        return SOLVER_SCALINGS[name](A)
    if name == "jacobi":
        return jacobi_scaling(A)  # its size of lines is the diagonal's
    options: dict[str, object] = {} if line_norm is None else {"p": line_norm}
    if name in ("row", "column", "row-column"):
        options["rounding"] = rounding  # before the second pass of two
    return SCALINGS[name].function(A, **options)


def _optimal(
    A: Array, p: Norm, options: OptimalOptions, progress: Callable[[str], object]
) -> tuple[Scaling, Side, Bracket | None, str]:
    from condlab.optimal import optimal_scaling  # half of condlab's own import

    side: Side = options.get("side", "left")
    found = optimal_scaling(
        A,
        p=p,
        progress=lambda word: progress(f"{OPTIMAL}: {word}"),
        **options,
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


def _best(A: Array, side: Side, p: Norm) -> Bracket | None:
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
