"""Condition numbers of every matrix of a stack, in few calls of LAPACK."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from condlab.condition import _jacobi
from condlab.condition._brackets import BLURRED, by_singular_values
from condlab.condition._jacobi import side_by_side, times
from condlab.condition._verified import ROUNDED, TINY, UNIT_ROUNDOFF, gamma
from condlab.types import ConditionEstimate

ENTRIES = 1 << 15
Ends = tuple[np.ndarray, np.ndarray, np.ndarray]
Pair = tuple[np.ndarray, np.ndarray]


def spectral(A: np.ndarray) -> Ends:
    """Return κ₂ of each matrix of A, shape (k, m, n), with peaks near 1, and bounds.

    The few matrices that one batched decomposition does not tell are looked at one by
    one.
    """
    value, lower, upper = (np.empty(len(A)) for _ in range(3))
    for piece in pieces(A):
        sigma, size, inverse = norms(A[piece])
        with np.errstate(all="ignore"):
            slack = 16 * UNIT_ROUNDOFF
            lower[piece] = np.maximum(size[0] * inverse[0] * (1 - slack), 1.0)
            upper[piece] = size[1] * inverse[1] * (1 + slack)
            value[piece] = sigma[:, 0] / sigma[:, -1]
    with np.errstate(all="ignore"):
        np.clip(value, lower, upper, out=value)
        sharp = np.isfinite(upper) & (upper <= lower * (1 + BLURRED))
    return with_rest(
        A, sharp, (value, lower, upper), lambda B: by_singular_values(B, 2)
    )


def pieces(A: np.ndarray) -> Iterator[slice]:
    """Return parts of a stack that stay in cache while they are worked on."""
    step = max(1, ENTRIES // math.prod(A.shape[1:]))
    return (slice(i, i + step) for i in range(0, len(A), step))


def norms(A: np.ndarray) -> tuple[np.ndarray, Pair, Pair]:
    """Return the singular values of each matrix of A, and bounds of ‖A‖₂ and ‖A⁺‖₂.

    The V of A = U Σ V' is put to the proof: by how much A V and A V Σ⁻¹ lack orthogonal
    columns is in the bounds. An upper end is inf where nothing is known.
    """
    A = A if A.shape[1] >= A.shape[2] else np.ascontiguousarray(_adjoint(A))
    with np.errstate(all="ignore"):
        if max(A.shape[1:]) <= _jacobi.LARGEST and np.isrealobj(A):
            A = side_by_side(A)
            sigma, V = _jacobi.singular_vectors(A)
        else:
            _, sigma, Vh = np.linalg.svd(A, full_matrices=False)
            V = np.ascontiguousarray(_adjoint(Vh))
        W, lost = _product(A, V)
        return sigma, _norm_ends(V, W, lost), _inverse_ends(A, V, sigma, W, lost)


def _norm_ends(V: np.ndarray, W: np.ndarray, lost: np.ndarray) -> Pair:
    """Bound ‖A‖ by ‖AV‖/σ_n(V) and by the first column of A V, which is near W."""
    first = np.linalg.norm(W[:, :, 0], axis=1) - lost
    low = np.maximum(first, 0.0) / np.linalg.norm(V[:, :, 0], axis=1)
    high = (np.sqrt(_square(W)) + lost) / np.sqrt(1 - _excess(V))
    slack = 2 * (W.shape[1] + 16) * UNIT_ROUNDOFF
    return low * (1 - slack), np.where(high > 0, high, np.inf) * (1 + slack)


def _inverse_ends(
    A: np.ndarray, V: np.ndarray, sigma: np.ndarray, W: np.ndarray, lost: np.ndarray
) -> Pair:
    """Bound ‖A⁺‖ by ‖Y‖/σ_n(AY), Y = V Σ⁻¹, and by the last column of A V."""
    last = np.linalg.norm(W[:, :, -1], axis=1) + lost
    low = np.linalg.norm(V[:, :, -1], axis=1) / last
    Y = V / sigma[:, None, :]
    Z, off = _product(A, Y)
    high = np.sqrt(_square(Y)) / (np.sqrt(1 - _excess(Z)) - off)
    slack = 2 * (A.shape[1] + 16) * UNIT_ROUNDOFF
    return low * (1 - slack), np.where(high > 0, high, np.inf) * (1 + slack)


def _product(A: np.ndarray, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each A X, and a bound of its rounding in the 2-norm."""
    sizes, others = np.abs(A), np.abs(X)
    rows = times(sizes, others.sum(axis=2)[:, :, None])[:, :, 0].max(axis=1)
    columns = times(sizes.sum(axis=1)[:, None, :], others)[:, 0].max(axis=1)
    lost = gamma(A.shape[2], A) * np.sqrt(rows) * np.sqrt(columns) * ROUNDED
    peaks = others.max(axis=(1, 2))
    return times(A, X), lost + A.shape[1] * A.shape[2] * TINY * (1 + peaks)


def _square(X: np.ndarray) -> np.ndarray:
    """Bound each ‖X‖₂² by the row sums of X'X."""
    return _row_sums(X, times(_adjoint(X), X))


def _excess(X: np.ndarray) -> np.ndarray:
    """Bound each ‖I − X'X‖₂; nan and more than 1 say nothing."""
    G = times(_adjoint(X), X) - np.eye(X.shape[2])
    return _row_sums(X, G) + 4 * UNIT_ROUNDOFF


def _row_sums(X: np.ndarray, G: np.ndarray) -> np.ndarray:
    """Return the largest row sums of |G|, with the rounding of the X'X in it."""
    sizes = np.abs(X)
    rounding = times(_adjoint(sizes), sizes.sum(axis=2)[:, :, None])[:, :, 0]
    sums = np.abs(G).sum(axis=2) + gamma(X.shape[1], X) * rounding * ROUNDED
    slack = 1 + (X.shape[2] + 16) * UNIT_ROUNDOFF
    return np.asarray(sums.max(axis=1)) * slack + X.shape[1] * X.shape[2] * TINY


def _adjoint(A: np.ndarray) -> np.ndarray:
    return A.conj().swapaxes(1, 2)


def one_by_one(A: np.ndarray, kappa: Callable[[np.ndarray], ConditionEstimate]) -> Ends:
    """Return κ of each matrix of A, shape (k, m, n), and bounds of it."""
    value, lower, upper = (np.empty(len(A)) for _ in range(3))
    return with_rest(A, np.zeros(len(A), bool), (value, lower, upper), kappa)


def with_rest(
    A: np.ndarray,
    known: np.ndarray,
    ends: Ends,
    kappa: Callable[[np.ndarray], ConditionEstimate],
) -> Ends:
    """Put in what is not known yet, matrix by matrix."""
    value, lower, upper = ends
    for i in np.flatnonzero(~known):
        found = kappa(A[i])
        value[i], lower[i], upper[i] = found.value, found.lower, found.upper
    return value, lower, upper
