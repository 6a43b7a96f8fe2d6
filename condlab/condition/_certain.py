"""What products with a sparse matrix, and its diagonal, make certain."""

from __future__ import annotations

import math
import sys

import numpy as np

from condlab import lanczos, norms
from condlab.types import Norm, Sparse

EPS = float(np.finfo(np.float64).eps)
SMALLEST = math.ulp(0.0)  # bounds what an entry lost when it left the range of floats


def at_least(numerator: float, denominator: float) -> float:
    """Return a quotient that is a lower bound: of what exceeds all floats, the largest.

    It is inf only for a denominator of zero, which a bound from above never is unless
    there is nothing to bound.
    """
    if denominator == 0:
        return math.inf
    return min(numerator / denominator, sys.float_info.max)


def over(numerator: float, denominator: float) -> float:
    """Return a quotient, inf where the denominator is not positive."""
    return numerator / denominator if denominator > 0 else math.inf


def sums_above(A: Sparse, *, axis: int, p: Norm = 1) -> np.ndarray:
    """Bound the norms of rows (axis 1) or columns from above; 0 where nothing is."""
    measure = norms.row_norms if axis == 1 else norms.column_norms
    A = A.tocsr() if axis == 1 else A.tocsc()
    stored = np.diff(A.indptr)
    sums = measure(A, p=p) * (1 + (A.shape[axis] + 4) * EPS)
    return np.asarray(sums + stored * SMALLEST)


class Products:
    """Products with a sparse matrix whose rounding is bounded row by row."""

    def __init__(self, A: Sparse) -> None:
        self.A = A.tocsr()
        self.sizes = abs(self.A)
        # As in _inverse: inner products of complex numbers are real ones of twice the
        # length, in both parts; four more terms for the subtraction and the norm.
        factor = 2 * math.sqrt(2) if np.iscomplexobj(A) else 1.0
        stored = np.diff(self.A.indptr)
        self.gamma = factor * (stored + 4) * EPS / 2
        self.lost = 4 * (stored + 1) * SMALLEST

    def noise(self, x: np.ndarray) -> np.ndarray:
        """Bound the error of the entries of the computed A x."""
        size = np.abs(x)
        # Once for entries of A that lost digits, once for products that do.
        return self.gamma * (self.sizes @ size) + self.lost * (1 + size.max(initial=0))

    def residual(self, x: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Bound the entries of |Ax − b|."""
        return np.abs(self.A @ x - b) + self.noise(x) + EPS * np.abs(b)

    def size(self, x: np.ndarray, *, sign: int) -> float:
        """Bound ‖Ax‖/‖x‖ from below (sign -1) or above (sign 1)."""
        noise = lanczos.norm(self.noise(x))
        slack = 1 + sign * (self.A.shape[0] + 4) * EPS
        size = (lanczos.norm(self.A @ x) + sign * noise) * slack
        return max(size, 0.0) / lanczos.norm(x)


def norm_bound(A: Sparse) -> float:
    """Bound ‖A‖₂ from above by ‖A‖_F and by √(‖A‖₁ ‖A‖∞)."""
    sums = [float(f(A, p=1).max()) for f in (norms.row_norms, norms.column_norms)]
    bound = min(lanczos.norm(A.data), math.sqrt(sums[0] * sums[1]))
    return bound * (1 + (A.nnz + 4) * EPS)


def varah(A: Sparse) -> float:
    """Return a lower bound of σ_min, 0 where Varah's theorem says nothing."""
    if A.shape[0] != A.shape[1]:
        return 0.0
    return math.sqrt(dominance(A, axis=1) * dominance(A, axis=0)) * (1 - 4 * EPS)


def dominance(A: Sparse, *, axis: int) -> float:
    """Return the least |a_ii| − Σ|a_ij| of rows (axis 1) or columns, if positive."""
    sums = (norms.row_norms if axis == 1 else norms.column_norms)(A, p=1)
    slack = (A.shape[0] + 4) * EPS
    return max(0.0, float((2 * np.abs(A.diagonal()) - sums * (1 + slack)).min()))
