"""What the R factor of a tall matrix makes certain about its pseudo-inverse."""

from __future__ import annotations

import math

import numpy as np
import scipy.linalg

from condlab.condition._inverse import UNIT_ROUNDOFF, norm, norm_ends
from condlab.types import MatrixNorm

WIDE = np.longdouble  # 64 bits on x86; where it is float64, the bounds are wider
WIDE_ROUNDOFF = float(np.finfo(WIDE).eps) / 2
MOST_WORK = 10**8  # products of wide numbers: a second or two, then plain ones do


def pseudoinverse_norm(A: np.ndarray, p: MatrixNorm) -> tuple[float, float, float]:
    """Return ‖A⁺‖ in the 2-norm or "fro" of a tall A, and bounds of it; inf if unknown.

    With X any nonsingular matrix and W = A X, A⁺ = X W⁺, so that ‖X‖/σ_1(W) ≤ ‖A⁺‖ ≤
    ‖X‖/σ_min(W). X = R⁻¹ makes W nearly orthonormal; what the rounding of QR has left
    of that is seen in W'W and taken out by X (W'W)^(-1/2), in wide numbers.
    """
    unknown = (math.inf, 0.0, math.inf)
    X = _inverse_of_r(A)
    if X is None or not np.isfinite(X).all():
        return unknown
    wide = np.result_type(A, WIDE) if A.size * A.shape[1] < MOST_WORK else A.dtype
    unit = WIDE_ROUNDOFF if wide != A.dtype else float(np.finfo(A.dtype).eps) / 2
    B, X = A.astype(wide), X.astype(wide)
    gram = _gram(B @ X)
    values, V = np.linalg.eigh(gram)
    if not (np.isfinite(values).all() and values[0] > 0):
        return unknown
    X = X @ ((V / np.sqrt(values)) @ V.conj().T)
    W = B @ X
    rho, lost = _departure(W, unit), _rounding(B, X, unit)
    X = np.ascontiguousarray(X.astype(A.dtype))
    size = norm(X, p)
    if not math.isfinite(size) or not rho < 1 or not lost < math.sqrt(1 - rho):
        return unknown
    least, most = math.sqrt(1 - rho) - lost, math.sqrt(1 + rho) + lost
    low, high = norm_ends(X, p, size)
    rounded = (len(X) + 8) * UNIT_ROUNDOFF  # of the entries of X, and of these sums
    return size, low / most * (1 - rounded), high / least * (1 + rounded)


def _inverse_of_r(A: np.ndarray) -> np.ndarray | None:
    """Return P R⁻¹ of A P = Q R; rows by size keep the digits of small ones."""
    order = np.argsort(-np.abs(A).max(axis=1), kind="stable")
    R, pivots = scipy.linalg.qr(A[order], mode="r", pivoting=True)
    n = A.shape[1]
    if not np.diagonal(R).all():
        return None
    X = np.empty((n, n), A.dtype)
    with np.errstate(all="ignore"):
        X[pivots] = scipy.linalg.solve_triangular(R[:n], np.eye(n))
    return X


def _gram(W: np.ndarray) -> np.ndarray:
    dtype = np.complex128 if np.iscomplexobj(W) else np.float64
    return (W.conj().T @ W).astype(dtype)


def _gamma(terms: int, unit: float, is_complex: bool) -> float:
    """Return γ of an inner product, as in `_inverse`, with four terms to spare."""
    k = math.sqrt(2) * (2 * terms + 8) if is_complex else terms + 8
    return k * unit / (1 - k * unit)


def _departure(W: np.ndarray, unit: float) -> float:
    """Bound ‖I − W'W‖₂, the rounding of the product included."""
    gamma = _gamma(len(W), unit, np.iscomplexobj(W))
    sizes = np.abs(W)
    gap = np.abs(np.eye(W.shape[1]) - W.conj().T @ W) + gamma * (sizes.T @ sizes + 1)
    # For these Hermitian bounds the 1- and ∞-norm are the same.
    return float(gap.sum(axis=0).max()) * (1 + 1e-14)


def _rounding(B: np.ndarray, X: np.ndarray, unit: float) -> float:
    """Bound ‖fl(BX) − BX‖₂; entries of B that left the range of floats included."""
    gamma = _gamma(len(X), unit, np.iscomplexobj(B))
    lost = B.size * math.ulp(0.0) * float(np.abs(X).max())
    bound = np.abs(B) @ np.abs(X)
    return (gamma * float(np.sqrt((bound * bound).sum())) + lost) * (1 + 1e-14)
