"""The computed inverse of a matrix, with bounds of what is wrong with it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from condlab.condition._verified import UNIT_ROUNDOFF, norm_bounds
from condlab.types import MatrixNorm

EPS = 2 * UNIT_ROUNDOFF
SMALLEST = math.ulp(0.0)
UNKNOWN = (math.inf, 0.0, math.inf)


def divided_by_peak(
    A: np.ndarray, axis: int | tuple[int, ...] | None = None
) -> np.ndarray:
    """Divide A, or what lies along the axes, by a power of two near its peak."""
    parts = A.view(np.float64)
    peaks = np.abs(parts).max(axis=axis, keepdims=True)
    return np.ldexp(parts, -np.frexp(peaks)[1]).view(A.dtype)


def equilibrated(A: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return B, r and c with A = 2^r B 2^c and the peaks of rows and columns near 1.

    The exponents r, shape (m, 1), and c, shape (1, n), are integers and are applied at
    once, so that rows may span more than the range of floats.
    """
    parts = A.view(np.float64).reshape(*A.shape, -1)
    mantissas, exponents = np.frexp(np.abs(parts).max(axis=2))
    sizes = np.where(mantissas > 0, exponents, -np.inf)
    rows = _finite(sizes.max(axis=1, keepdims=True))
    columns = _finite((sizes - rows).max(axis=0, keepdims=True))
    rows, columns = rows.astype(int), columns.astype(int)
    return _shifted(A, -(rows + columns)), rows, columns


def _shifted(A: np.ndarray, exponents: np.ndarray) -> np.ndarray:
    parts = np.ascontiguousarray(A).view(np.float64).reshape(*A.shape, -1)
    with np.errstate(over="ignore", under="ignore"):
        return np.ldexp(parts, exponents[:, :, None]).view(A.dtype)[:, :, 0]


def _finite(peaks: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(peaks), peaks, 0)


@dataclass(frozen=True, slots=True)
class Inverse:
    """X near A⁻¹; bounds of the 1- and ∞-norm of I − XA (left) and I − AX (right)."""

    X: np.ndarray
    left: tuple[float, float]
    right: tuple[float, float]

    def rho(self, p: MatrixNorm) -> float:
        """Bound the smaller residual in the p-norm, or for "fro" in the 2-norm."""
        if p in (1, "inf"):
            return min(side[p != 1] for side in (self.left, self.right))
        return min(math.sqrt(a) * math.sqrt(b) for a, b in (self.left, self.right))


def invert(A: np.ndarray) -> Inverse | None:
    """Return the computed inverse with its residuals, or None where there is none."""
    with np.errstate(all="ignore"):
        try:
            X = np.linalg.inv(A)
        except np.linalg.LinAlgError:
            return None
        if not np.isfinite(X).all():
            return None
        return Inverse(X, _residual_norms(X, A), _residual_norms(A, X))


def inverse_norm(A: np.ndarray, p: MatrixNorm) -> tuple[float, float, float]:
    """Return ‖A⁻¹‖_p and bounds of it; inf if unknown.

    The inverse is that of the equilibrated matrix; then the units are put back, so that
    rows and columns may both be in very different ones.
    """
    B, rows, columns = equilibrated(A)
    inverse = invert(B)
    if inverse is None:
        return UNKNOWN
    return _moved(inverse.X, inverse.left[1], -(columns.T + rows.T), p)


def skeel_norm(A: np.ndarray, p: MatrixNorm) -> tuple[float, float, float]:
    """Return ‖ |A⁻¹| |A| ‖ in the 1- or ∞-norm and bounds of it; inf if unknown."""
    B, _, columns = equilibrated(A)
    inverse = invert(B)
    if inverse is None:
        return UNKNOWN
    T = np.abs(inverse.X) @ np.abs(B)
    return _moved(T, inverse.left[1], columns - columns.T, p)


def _moved(
    Y: np.ndarray, rho: float, units: np.ndarray, p: MatrixNorm
) -> tuple[float, float, float]:
    """Return the norm of 2^units Z and its bounds, for Z near Y = (I − R) Z.

    With ‖R‖∞ ≤ ρ < 1, Z is within ρ/(1 − ρ) times the largest entry of each column of
    Y, entry by entry, whatever the units.
    """
    if not rho < 1:
        return UNKNOWN
    n = len(Y)
    slack = (n * n + 16) * EPS  # of the sums, and of Y where it is a product
    sizes = np.abs(Y)
    reach = rho / (1 - rho) * (1 + slack) * sizes.max(axis=0) + slack * sizes
    X, E = _shifted(Y, units), _shifted(reach, units) + n * SMALLEST
    if not (np.isfinite(X).all() and np.isfinite(E).all()):
        return UNKNOWN
    size = norm(X, p)
    if p in (1, "inf"):
        sizes = np.abs(X)
        return size, norm(np.maximum(sizes - E, 0.0), p), norm(sizes + E, p)
    radius, (low, high) = norm(E, "fro") * (1 + slack), norm_ends(X, p, size)
    return size, max(low - radius, 0.0), high + radius


def norm_ends(
    A: np.ndarray, p: MatrixNorm, estimate: float, sizes: np.ndarray | None = None
) -> tuple[float, float]:
    """Bound the 2-norm of A, near the estimate, or its Frobenius norm."""
    if p == 2:
        return norm_bounds(A, estimate, sizes)
    size, slack = norm(np.ascontiguousarray(A), p), (A.size + 16) * EPS
    return size * (1 - slack), size * (1 + slack)


def _residual_norms(P: np.ndarray, Q: np.ndarray) -> tuple[float, float]:
    """Bound the 1- and ∞-norm of I − PQ, the rounding of the product included.

    |fl(I − PQ) − (I − PQ)| ≤ γ (|P| |Q| + I), γ = k u/(1 − k u) with k = n + 1 for real
    factors. A complex entry is two real inner products of length 2n, whose errors
    together are at most √2 γ with k = 2n + 1. Three more, and the last factor, cover
    the rounding of the bound itself.
    """
    n = len(P)
    k = math.sqrt(2) * (2 * n + 4) if np.iscomplexobj(P) else n + 4
    gamma = k * UNIT_ROUNDOFF / (1 - k * UNIT_ROUNDOFF)
    R = np.abs(np.eye(n) - P @ Q)
    P, Q, ones = np.abs(P), np.abs(Q), np.ones(n)
    # Entries that the division by a power of two pushed under 2^-1074 were rounded.
    lost = n * SMALLEST * max(float(P.max()), float(Q.max())) * n
    columns = R.sum(axis=0) + gamma * ((ones @ P) @ Q + 1)
    rows = R.sum(axis=1) + gamma * (P @ (Q @ ones) + 1)
    bounds = ((float(x.max()) + lost) * (1 + 4 * gamma) for x in (columns, rows))
    one, infinity = (math.inf if math.isnan(b) else b for b in bounds)
    return one, infinity


def norm(A: np.ndarray, p: MatrixNorm) -> float:
    """Return a norm of A, which overflows only where the norm itself does."""
    peak = float(np.abs(A.view(np.float64)).max())
    order: float | Literal["fro"] = np.inf if p == "inf" else p
    return peak * float(np.linalg.norm(A / peak, order)) if peak > 0 else 0.0
