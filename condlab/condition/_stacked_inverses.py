"""Condition numbers of every matrix of a stack from inverses and their residuals.

What `_inverse` and `_brackets.bracketed` prove of one matrix, of all at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np

from condlab.condition._inverse import EPS, SMALLEST, UNIT_ROUNDOFF
from condlab.condition._jacobi import side_by_side, times
from condlab.condition._stacks import Ends, pieces, with_rest
from condlab.types import ConditionEstimate

Order = Literal[1, "inf", "fro", "skeel"]
SMALL = 1e-12  # of a residual: its bracket is sharp enough by one side


def by_inverses(
    A: np.ndarray, p: Order, one: Callable[[np.ndarray], ConditionEstimate]
) -> Ends:
    """Return κ_p of each square matrix of A, with peaks near 1, and bounds.

    Where no residual is below 1 `one` looks at the matrix.
    """
    value, lower, upper = (np.empty(len(A)) for _ in range(3))
    n = A.shape[-1]
    least = float(n) if p == "fro" else 1.0
    terms = n if p == "skeel" else 2 * n * n if p == "fro" else 2 * n  # summed in kappa
    slack = (terms + 16) * EPS
    for piece in pieces(A):
        kappa, rho = _kappa(side_by_side(A[piece]), p)
        with np.errstate(all="ignore"):
            lower[piece] = np.maximum(least, kappa * (1 - slack) / (1 + rho))
            upper[piece] = np.where(rho < 1, kappa * (1 + slack) / (1 - rho), np.inf)
            value[piece] = np.clip(kappa, lower[piece], upper[piece])
    known = np.isfinite(lower) & np.isfinite(upper)
    return with_rest(A, known, (value, lower, upper), one)


def _kappa(A: np.ndarray, p: Order) -> tuple[np.ndarray, np.ndarray]:
    """Return each ‖A‖ ‖X‖ for the computed inverse X, and a bound of its residual.

    That is of I − XA, and of I − AX as well where the first is not small.
    """
    X = _inverses(A)
    with np.errstate(all="ignore"):
        sizes, others = np.abs(A), np.abs(X)
        rho = _residual(X, A, others, sizes, p)
        if p == "skeel":
            sums = times(others, sizes.sum(axis=2)[:, :, None])
            return sums[:, :, 0].max(axis=1), rho
        i = np.flatnonzero(~(rho <= SMALL))
        right = _residual(A[i], X[i], sizes[i], others[i], p)
        rho[i] = np.fmin(rho[i], right)
        if p == "fro":
            squares = ((x * x).sum(axis=(1, 2)) for x in (sizes, others))
            size, inverse = map(np.sqrt, squares)
        else:
            axis = 1 if p == 1 else 2
            size, inverse = (x.sum(axis=axis).max(axis=1) for x in (sizes, others))
        return size * inverse, rho


def _inverses(A: np.ndarray) -> np.ndarray:
    """Return the computed inverses, nan where LAPACK meets a zero pivot."""
    rows_first = np.ascontiguousarray(A)
    try:
        return side_by_side(np.linalg.inv(rows_first))
    except np.linalg.LinAlgError:  # of one, and all are lost
        X = np.full(rows_first.shape, np.nan, rows_first.dtype)
        nonzero = np.linalg.slogdet(rows_first)[0] != 0  # by the same elimination
        X[nonzero] = np.linalg.inv(rows_first[nonzero])
        return side_by_side(X)


def _residual(
    P: np.ndarray, Q: np.ndarray, sizes: np.ndarray, others: np.ndarray, p: Order
) -> np.ndarray:
    """Bound each ‖I − PQ‖, of which `sizes` and `others` are |P| and |Q|.

    As `_inverse._residual_norms` does of one: the 1-norm by sums along axis 1, the
    ∞-norm by those along axis 2, and the 2-norm by the root of both.
    """
    n = P.shape[-1]
    k = math.sqrt(2) * (2 * n + 4) if np.iscomplexobj(P) else n + 4
    gamma = k * UNIT_ROUNDOFF / (1 - k * UNIT_ROUNDOFF)
    entries = np.abs(np.eye(n) - times(P, Q))
    peaks = np.maximum(sizes.max(axis=(1, 2)), others.max(axis=(1, 2)))
    found = []
    for axis in (1, 2) if p == "fro" else (1,) if p == 1 else (2,):
        if axis == 1:
            lost = times(sizes.sum(axis=1)[:, None], others)[:, 0]
        else:
            lost = times(sizes, others.sum(axis=2)[:, :, None])[:, :, 0]
        sums = entries.sum(axis=axis) + gamma * (lost + 1)
        found.append((sums.max(axis=1) + n * n * SMALLEST * peaks) * (1 + 4 * gamma))
    return found[0] if len(found) == 1 else np.sqrt(found[0]) * np.sqrt(found[1])
