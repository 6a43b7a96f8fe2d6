"""One matrix scaled in every way there is, as a record."""

from __future__ import annotations

import decimal
import math

import numpy as np

from condlab._rank import is_singular
from condlab._scaling_rows import ScalingRow, Side
from condlab.collection import CollectionMatrix
from condlab.comparison import SCALINGS, compare_scalings
from condlab.optimal import optimal_scaling
from condlab.report._json import number
from condlab.types import Bracket, ConditionEstimate, Record

DIGITS = 6  # as many as rounding leaves alike on all machines where κ₂ < 1e8

VAN_DER_SLUIS = {"left": "row", "right": "column", "symmetric": "jacobi"}  # attained by
OPTIMUM_DIGITS = 3  # the iterations' last digits are not the same on all machines


def scale_matrix(matrix: CollectionMatrix) -> Record:
    """Return the record of a matrix: κ₂ before and after each scaling, and the best.

    Parameters
    ----------
    matrix : CollectionMatrix
        From the collection or not.

    Returns
    -------
    dict
        JSON, with None for a scaling or a bracket that is not defined for the matrix.
        ``brackets`` are van der Sluis', ``optima`` those of the best scaling found,
        and ``within`` is how far a scaling is from the best of its kind, at most.

    Examples
    --------
    >>> from condlab.collection import COLLECTION
    >>> entry = scale_matrix(COLLECTION["karate"])
    >>> entry["shape"], entry["rank"], sorted(entry["scaled"])
    ([34, 34], 34, ['column', 'jacobi', 'row', 'row-column', 'ruiz'])
    """
    A = matrix.load()
    dense = A if isinstance(A, np.ndarray) else A.toarray()
    rows = {row.name: row for row in compare_scalings(dense)}
    brackets = {side: _best(rows.get(name)) for side, name in VAN_DER_SLUIS.items()}
    optima = _optima(dense)
    return {
        "brackets": {side: found and _ends(found) for side, found in brackets.items()},
        "description": matrix.description,
        "kappa_2": _kappa(rows["none"].kappa),
        "name": matrix.name,
        "nnz": int(np.count_nonzero(dense)),
        "optima": {
            side: found and _ends(found, OPTIMUM_DIGITS)
            for side, found in optima.items()
        },
        "rank": int(np.linalg.matrix_rank(dense)),
        "scaled": {
            name: _scaled(rows.get(name), [optima[side], brackets.get(side)])
            for name, (_, side) in SCALINGS.items()
        },
        "shape": list(dense.shape),
        "source": matrix.source,
    }


def _best(row: ScalingRow | None) -> Bracket | None:
    return None if row is None else row.best


def _optima(A: np.ndarray) -> dict[str, Bracket | None]:
    """Return where the best κ₂ of each kind certainly lies, if it is defined."""
    if is_singular(A):  # what is best on the range takes long, and is not in the record
        none = Bracket(math.inf, math.inf)
        symmetric = _optimum(A, "symmetric")
        return {"left": none, "right": none, "both": none, "symmetric": symmetric}
    optima = {side: _optimum(A, side) for side in ("left", "symmetric")}
    if optima["symmetric"] is None:
        return optima | {side: _optimum(A, side) for side in ("right", "both")}
    # A D is (D A) transposed, and two different scalings are no better than two alike
    return optima | {"right": optima["left"], "both": optima["symmetric"]}


def _optimum(A: np.ndarray, side: Side) -> Bracket | None:
    try:
        return optimal_scaling(A, side=side).optimum
    except (ValueError, np.linalg.LinAlgError):  # not square, not symmetric
        return None


def _scaled(row: ScalingRow | None, bounds: list[Bracket | None]) -> Record | None:
    if row is None:  # Jacobi is not for every matrix
        return None
    found, kappa = _kappa(row.kappa), row.kappa
    known = [bracket.lower for bracket in bounds if bracket is not None]
    if known and math.isfinite(kappa.upper):
        found["within"] = _outwards(max(1.0, kappa.upper / max(known)), math.inf)
    return found


def _kappa(kappa: ConditionEstimate) -> Record:
    ends = _ends(Bracket(kappa.lower, kappa.upper))
    return {"lower": ends["lower"], "upper": ends["upper"], "value": _value(kappa)}


def _value(kappa: ConditionEstimate) -> float | str | None:
    return number(kappa.value) if math.isinf(kappa.value) else _rounded(kappa.value)


def _ends(bracket: Bracket, digits: int = DIGITS) -> Record:
    return {
        "lower": _outwards(bracket.lower, 0.0, digits),
        "upper": _outwards(bracket.upper, math.inf, digits),
    }


def _rounded(x: float) -> float:
    return float(f"{x:.{DIGITS}g}")


def _outwards(x: float, towards: float, digits: int = DIGITS) -> float | str | None:
    """Round so that a bound stays one; a lower bound of 1 stays 1."""
    if math.isinf(x):
        return number(x)
    context = decimal.Context(
        prec=digits,
        rounding=decimal.ROUND_CEILING if towards > x else decimal.ROUND_FLOOR,
    )
    return float(context.create_decimal_from_float(x))
