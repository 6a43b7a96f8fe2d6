"""Condition numbers of every matrix of a stack, in few calls of LAPACK."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from condlab.condition._brackets import BLURRED, by_singular_values
from condlab.condition._verified import ROUNDED, TINY, UNIT_ROUNDOFF, gamma
from condlab.types import ConditionEstimate

Ends = tuple[np.ndarray, np.ndarray, np.ndarray]


def spectral(A: np.ndarray) -> Ends:
    """Return κ₂ of each matrix of A, shape (k, m, n), with peaks near 1, and bounds.

    One batched singular value decomposition A = U Σ V', whose V is put to the proof:
    what A V and A V Σ⁻¹ are far from having orthogonal columns is in the bounds. The
    few matrices that it does not tell are looked at one by one.
    """
    A = A if A.shape[1] >= A.shape[2] else np.ascontiguousarray(_adjoint(A))
    _, sigma, Vh = np.linalg.svd(A, full_matrices=False)
    V = np.ascontiguousarray(_adjoint(Vh))
    with np.errstate(all="ignore"):
        size, inverse = _norm_ends(A, V), _inverse_ends(A, V, sigma)
        slack = 16 * UNIT_ROUNDOFF
        lower = np.maximum(size[0] * inverse[0] * (1 - slack), 1.0)
        upper = size[1] * inverse[1] * (1 + slack)
        value = np.clip(sigma[:, 0] / sigma[:, -1], lower, upper)
        sharp = np.isfinite(upper) & (upper <= lower * (1 + BLURRED))
    return _with_rest(
        A, sharp, (value, lower, upper), lambda B: by_singular_values(B, 2)
    )


def _norm_ends(A: np.ndarray, V: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bound ‖A‖ by ‖AV‖/σ_n(V) and by the first column of A V."""
    W, lost = _product(A, V)
    least = np.sqrt(1 - _excess(V))
    first = np.linalg.norm(W[:, :, 0], axis=1) - lost
    low = np.maximum(first, 0.0) / np.linalg.norm(V[:, :, 0], axis=1)
    high = (np.sqrt(_square(W)) + lost) / least
    slack = 2 * (A.shape[1] + 16) * UNIT_ROUNDOFF
    return low * (1 - slack), high * (1 + slack)


def _inverse_ends(
    A: np.ndarray, V: np.ndarray, sigma: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Bound ‖A⁺‖ by ‖Y‖/σ_n(AY), Y = V Σ⁻¹, and by the last column of Y."""
    Y = V / sigma[:, None, :]
    Z, lost = _product(A, Y)
    high = np.sqrt(_square(Y)) / (np.sqrt(1 - _excess(Z)) - lost)
    last = np.linalg.norm(Z[:, :, -1], axis=1) + lost
    low = np.linalg.norm(Y[:, :, -1], axis=1) / last
    slack = 2 * (A.shape[1] + 16) * UNIT_ROUNDOFF
    high = np.where(high > 0, high, np.inf)
    return low * (1 - slack), high * (1 + slack)


def _product(A: np.ndarray, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each A X, and a bound of its rounding in the 2-norm."""
    sizes, others = np.abs(A), np.abs(X)
    rows = (sizes @ others.sum(axis=2)[:, :, None])[:, :, 0].max(axis=1)
    columns = (sizes.sum(axis=1)[:, None, :] @ others)[:, 0].max(axis=1)
    lost = gamma(A.shape[2], A) * np.sqrt(rows) * np.sqrt(columns) * ROUNDED
    peaks = others.max(axis=(1, 2))
    return A @ X, lost + A.shape[1] * A.shape[2] * TINY * (1 + peaks)


def _square(X: np.ndarray) -> np.ndarray:
    """Bound each ‖X‖₂² by the row sums of X'X."""
    return _row_sums(X, _adjoint(X) @ X)


def _excess(X: np.ndarray) -> np.ndarray:
    """Bound each ‖I − X'X‖₂; nan and more than 1 say nothing."""
    return _row_sums(X, _adjoint(X) @ X - np.eye(X.shape[2])) + 4 * UNIT_ROUNDOFF


def _row_sums(X: np.ndarray, G: np.ndarray) -> np.ndarray:
    """Return the largest row sums of |G|, with the rounding of the X'X in it."""
    sizes = np.abs(X)
    rounding = (_adjoint(sizes) @ sizes.sum(axis=2)[:, :, None])[:, :, 0]
    sums = np.abs(G).sum(axis=2) + gamma(X.shape[1], X) * rounding * ROUNDED
    slack = 1 + (X.shape[2] + 16) * UNIT_ROUNDOFF
    return np.asarray(sums.max(axis=1)) * slack + X.shape[1] * X.shape[2] * TINY


def _adjoint(A: np.ndarray) -> np.ndarray:
    return A.conj().swapaxes(1, 2)


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
