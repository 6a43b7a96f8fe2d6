"""Condition numbers of every matrix of a stack, in few calls of LAPACK."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from condlab.condition._brackets import BLURRED, by_singular_values
from condlab.condition._inverse import EPS
from condlab.types import ConditionEstimate

Ends = tuple[np.ndarray, np.ndarray, np.ndarray]


def spectral(A: np.ndarray) -> Ends:
    """Return κ₂ of each matrix of A, shape (k, m, n), and bounds of it.

    One batched singular value decomposition; the few matrices whose smallest singular
    value that does not tell are looked at one by one, as `by_singular_values` does.
    """
    sigma = np.linalg.svd(A, compute_uv=False)
    first, last = sigma[:, 0], sigma[:, -1]
    delta = (max(A.shape[1:]) + 8) * EPS * first
    slack = (sigma.shape[1] + 8) * EPS
    sharp = delta <= BLURRED * last
    with np.errstate(divide="ignore", invalid="ignore"):
        lower = np.maximum((first - delta) / (last + delta) * (1 - slack), 1.0)
        upper = (first + delta) / (last - delta) * (1 + slack)
        value = np.maximum(first / last, lower)
    return _with_rest(
        A, sharp & (last > 0), (value, lower, upper), lambda B: by_singular_values(B, 2)
    )


def one_by_one(A: np.ndarray, kappa: Callable[[np.ndarray], ConditionEstimate]) -> Ends:
    """Return κ of each matrix of A, shape (k, m, n), and bounds of it."""
    value, lower, upper = (np.empty(len(A)) for _ in range(3))
    return _with_rest(A, np.zeros(len(A), bool), (value, lower, upper), kappa)


def _with_rest(
    A: np.ndarray,
    known: np.ndarray,
    ends: Ends,
    kappa: Callable[[np.ndarray], ConditionEstimate],
) -> Ends:
    value, lower, upper = ends
    for i in np.flatnonzero(~known):
        found = kappa(A[i])
        value[i], lower[i], upper[i] = found.value, found.lower, found.upper
    return value, lower, upper
