"""What products with a sparse matrix, and its diagonal, make certain."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from condlab import lanczos, norms

EPS = float(np.finfo(np.float64).eps)


class Products:
    """Products with a sparse matrix whose rounding is bounded row by row."""

    def __init__(self, A: Any) -> None:
        self.A = A.tocsr()
        self.sizes = abs(self.A)
        # As in _inverse: inner products of complex numbers are real ones of twice the
        # length, in both parts; four more terms for the subtraction and the norm.
        factor = 2 * math.sqrt(2) if np.iscomplexobj(A) else 1.0
        self.gamma = factor * (np.diff(self.A.indptr) + 4) * EPS / 2

    def residual(self, x: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Bound the entries of |Ax − b|."""
        noise = self.gamma * (self.sizes @ np.abs(x)) + EPS * np.abs(b)
        return np.abs(self.A @ x - b) + noise

    def size(self, x: np.ndarray, *, sign: int) -> float:
        """Bound ‖Ax‖/‖x‖ from below (sign -1) or above (sign 1)."""
        noise = lanczos.norm(self.gamma * (self.sizes @ np.abs(x)))
        slack = 1 + sign * (self.A.shape[0] + 4) * EPS
        size = (lanczos.norm(self.A @ x) + sign * noise) * slack
        return max(size, 0.0) / lanczos.norm(x)


def norm_bound(A: Any) -> float:
    """Bound ‖A‖₂ from above by ‖A‖_F and by √(‖A‖₁ ‖A‖∞)."""
    sums = [float(f(A, p=1).max()) for f in (norms.row_norms, norms.column_norms)]
    bound = min(lanczos.norm(A.data), math.sqrt(sums[0] * sums[1]))
    return bound * (1 + (A.nnz + 4) * EPS)


def varah(A: Any) -> float:
    """Return a lower bound of σ_min, 0 where Varah's theorem says nothing."""
    if A.shape[0] != A.shape[1]:
        return 0.0
    return math.sqrt(dominance(A, axis=1) * dominance(A, axis=0)) * (1 - 4 * EPS)


def dominance(A: Any, *, axis: int) -> float:
    """Return the least |a_ii| − Σ|a_ij| of rows (axis 1) or columns, if positive."""
    sums = (norms.row_norms if axis == 1 else norms.column_norms)(A, p=1)
    slack = (A.shape[0] + 4) * EPS
    return max(0.0, float((2 * np.abs(A.diagonal()) - sums * (1 + slack)).min()))
