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
    """Return each ‖A‖ ‖X‖ for the computed inverse X, and a bound of its residual."""
    X = _inverses(A)
    with np.errstate(all="ignore"):
        sizes, others = np.abs(A), np.abs(X)
        left = _Residual(X, A, others, sizes)
        if p == "skeel":
            sums = times(others, sizes.sum(axis=2)[:, :, None])
            return sums[:, :, 0].max(axis=1), left.norms(2)
        right = _Residual(A, X, sizes, others)
        if p == "fro":
            rho = np.fmin(
                np.sqrt(left.norms(1)) * np.sqrt(left.norms(2)),
                np.sqrt(right.norms(1)) * np.sqrt(right.norms(2)),
            )
            squares = ((x * x).sum(axis=(1, 2)) for x in (sizes, others))
            size, inverse = map(np.sqrt, squares)
            return size * inverse, rho
        axis = 1 if p == 1 else 2
        size, inverse = (x.sum(axis=axis).max(axis=1) for x in (sizes, others))
        rho = np.fmin(left.norms(axis), right.norms(axis))
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


class _Residual:
    """Each I − PQ; `sizes` and `others` are |P| and |Q|."""

    def __init__(
        self, P: np.ndarray, Q: np.ndarray, sizes: np.ndarray, others: np.ndarray
    ) -> None:
        n = P.shape[-1]
        k = math.sqrt(2) * (2 * n + 4) if np.iscomplexobj(P) else n + 4
        self.gamma = k * UNIT_ROUNDOFF / (1 - k * UNIT_ROUNDOFF)
        self.sizes, self.others = sizes, others
        self.entries = np.abs(np.eye(n) - times(P, Q))
        peaks = np.maximum(sizes.max(axis=(1, 2)), others.max(axis=(1, 2)))
        self.underflow = n * SMALLEST * peaks * n

    def norms(self, axis: int) -> np.ndarray:
        """Bound the norm of each, as `_inverse._residual_norms` does of one.

        It is the 1-norm of sums along axis 1, and the ∞-norm of those along axis 2.
        """
        R = self.entries.sum(axis=axis)
        if axis == 1:
            lost = times(self.sizes.sum(axis=1)[:, None], self.others)[:, 0]
        else:
            lost = times(self.sizes, self.others.sum(axis=2)[:, :, None])[:, :, 0]
        R += self.gamma * (lost + 1)
        return np.asarray(R.max(axis=1) + self.underflow) * (1 + 4 * self.gamma)
