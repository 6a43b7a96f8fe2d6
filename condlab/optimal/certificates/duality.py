"""Lower bounds that no diagonal scaling can beat, proved in floating point.

Let M = D₁ B D₂ and let Z₁, Z₂ be positive semidefinite. As the vectors D₂⁻¹ v show,

    κ(M)² ≥ min_i (B Z₁ Bᵀ)_ii / (B Z₂ Bᵀ)_ii · min_j (Z₂)_jj / (Z₁)_jj

for all D₁ and D₂: ‖M‖² is at least the mean of ‖D₁ B v‖² / ‖D₂⁻¹ v‖² over the columns v
of a factor of Z₁, and σ_min(M)² is at most that over a factor of Z₂; D₁ and D₂ weigh
the diagonals in both alike. Where D₁ is the identity the first minimum is a ratio of
traces, and where D₂ is, the second. B needs full column rank. At an optimum, singular
vectors weighted by a subgradient attain equality: the bound is as good as the scaling.

The factors are floats, so the Z are positive semidefinite without any doubt; what is
left to bound is the rounding of B F, which is entry by entry at most γ |B| |F|.
"""

from __future__ import annotations

import math

import numpy as np

from condlab.condition._inverse import EPS, UNIT_ROUNDOFF
from condlab.types import Array

TINY = 2.0**-900  # more than all that underflow can lose
LEAST = 2.0**-1074  # what the square of a single float can lose to underflow
LARGE = 2.0**1000  # what a sum that overflows is certainly above


def scaled_bound(
    B: Array, F1: np.ndarray, F2: np.ndarray, *, rows: bool, columns: bool
) -> float:
    """Bound κ(D₁ B D₂) from below over the D of those sides that are scaled.

    Parameters
    ----------
    B : array or sparse array, shape (m, n)
        Real, of full column rank, with entries of about 1 at most.
    F1, F2 : array, shape (n, k1) and (n, k2)
        Factors of Z₁ and Z₂, large where D B maps far and where it maps near.
    rows, columns : bool
        Whether D₁ and D₂ are free; those that are not are the identity.

    Returns
    -------
    float
        At least 1, which is always true.
    """
    if not (F1.any() and F2.any()):  # they prove nothing
        return 1.0
    low, high = _square_sums(B, F1)[0], _square_sums(B, F2)[1]
    near, far = _rounded_squares(F1)[1], _rounded_squares(F2)[0]
    with np.errstate(all="ignore"):
        reached = abs(B) @ F2.any(axis=1) > 0  # elsewhere B Z₂ Bᵀ is exactly 0
        images = np.min((low / high)[reached]) if rows else low.sum() / high.sum()
        used = F1.any(axis=1)
        ratios = (far / near)[used]
        sources = ratios.min() if columns else far.sum() / near.sum()
        slack = 1 - 4 * (len(low) + len(near) + 8) * EPS
        found = float(images) * float(sources) * slack
    return math.sqrt(found) * (1 - EPS) if 1 < found < math.inf else 1.0


def symmetric_bound(G: Array, F1: np.ndarray, F2: np.ndarray) -> float:
    """Bound κ(D G D) from below over all D, for symmetric positive definite G.

    With G = L Lᵀ this is the square of the bound for Lᵀ D, and needs no L.
    """
    low, high = _quadratic_form(G, F1)[0], _quadratic_form(G, F2)[1]
    near, far = _rounded_squares(F1)[1], _rounded_squares(F2)[0]
    with np.errstate(all="ignore"):
        slack = 1 - 4 * (2 * G.shape[0] + F1.shape[1] + F2.shape[1]) * EPS
        ratio = float((far / near)[F1.any(axis=1)].min())
        found = low / high * ratio * slack
    return found if found > 1 else 1.0


def range_bound(G: Array, X: np.ndarray, Y: np.ndarray) -> float:
    """Bound κ of D G D on its range over all D, for positive semidefinite G.

    With G = L Lᵀ it is the square of that of D L, of which a vector Lᵀ x is mapped to
    D G x; every vector but those that L maps to zero is one.
    """
    low, high = _square_sums(G, X)[0], _square_sums(G, Y)[1]
    near, far = _quadratic_form(G, X)[1], _quadratic_form(G, Y)[0]
    with np.errstate(all="ignore"):
        reached = abs(G) @ Y.any(axis=1) > 0
        slack = 1 - 4 * (X.shape[1] + Y.shape[1] + 8) * EPS
        found = float(np.min((low / high)[reached])) * far / near * slack
    return found if found > 1 else 1.0


def _gamma(terms: int) -> float:
    """Return γ of an inner product, with room for the rounding of bounds by it."""
    return (terms + 8) * UNIT_ROUNDOFF * (1 + 1e-6)


def _square_sums(B: Array, F: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bound diag(B F Fᵀ Bᵀ) from below and above."""
    C = np.abs(B @ F)
    error = _gamma(B.shape[1]) * (abs(B) @ np.abs(F)) + TINY
    low, high = np.maximum(C - error, 0.0), C + error
    width, lost = 2 * (F.shape[1] + 4) * EPS, (F.shape[1] + 4) * LEAST
    with np.errstate(over="ignore", under="ignore"):
        least = np.minimum(np.vecdot(low, low), LARGE) * (1 - width) - lost
        return np.maximum(least, 0.0), np.vecdot(high, high) * (1 + width) + lost


def _rounded_squares(F: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bound diag(F Fᵀ) from below and above."""
    width, lost = 2 * (F.shape[1] + 4) * EPS, F.shape[1] * TINY
    with np.errstate(over="ignore", under="ignore"):
        squares = np.vecdot(F, F)
        least = np.minimum(squares, LARGE) * (1 - width) - lost
        return np.maximum(least, 0), squares * (1 + width) + lost


def _quadratic_form(G: Array, F: np.ndarray) -> tuple[float, float]:
    """Bound tr(Fᵀ G F) from below and above."""
    value = float(np.vdot(F, G @ F))
    size = float(np.vdot(np.abs(F), abs(G) @ np.abs(F)))
    error = (_gamma(G.shape[0]) + _gamma(F.size)) * size + TINY
    return max(value - error, 0.0), value + error
