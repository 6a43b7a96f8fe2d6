"""The best scaling of the rows, or of a symmetric positive definite matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from condlab import _arrays
from condlab._inverse import EPS
from condlab.bounds import van_der_sluis
from condlab.optimal._certificate import scaled_bound, symmetric_bound
from condlab.optimal._interior import Point, best_rows
from condlab.optimal._progress import Clock
from condlab.scaling import row_scaling, ruiz_scaling
from condlab.types import Array, Scaling

TARGET = 0.45  # of the gap asked for; rounding and repairs take the rest
NEGLIGIBLE = 1e-14  # relative weight of a singular vector that is left out


@dataclass(frozen=True, slots=True)
class Found:
    """Multipliers, the certified bound and how many steps it took."""

    left: Array | None
    right: Array | None
    lower: float
    iterations: int


def exact_units(A: np.ndarray) -> Scaling:
    """Return powers of two that bring rows and columns to about equal size."""
    rows = row_scaling(A, p="inf", rounding="power-of-two")
    sweep = ruiz_scaling(rows.apply(A), p="inf", tol=0.5)
    units = (_arrays.power_of_two(d) for d in (sweep.left, sweep.right))
    return Scaling(*units).compose(rows)


def left(A: np.ndarray, rtol: float, clock: Clock) -> Found:
    """Scale the rows of A, none of which is zero; its rank is full."""
    m, n = A.shape
    units = np.asarray(row_scaling(A, rounding="power-of-two").left)
    B = units[:, None] * A  # exact
    square = B if m >= n else np.linalg.qr(B.T)[1].T  # as good, and no longer wide
    if not _is_regular(square):  # equilibration has a bound, however large κ is
        return Found(row_scaling(A).left, None, van_der_sluis(A).lower, 0)
    best, proof, steps = best_rows(square, TARGET * rtol, clock)
    if m > n:
        F1, F2 = (proof.V @ _factor(Z) for Z in (proof.top, proof.bottom))
        lower = scaled_bound(B, F1, F2, rows=True, columns=False)
    else:
        scale = _arrays.power_of_two(proof.d)
        F1, F2 = _rows_factors(proof, scale)
        C = (scale[:, None] * B).T
        lower = scaled_bound(C, F1, F2, rows=False, columns=True)
    return Found(units * _normalised(best.d), None, lower, steps)


def symmetric(A: np.ndarray, rtol: float, clock: Clock) -> Found:
    """Scale a symmetric positive definite A from both sides alike."""
    units = _arrays.power_of_two(np.diagonal(A) ** -0.5)
    G = units[:, None] * A * units  # exact
    L = np.linalg.cholesky(G)
    if not _is_regular(L):
        return Found(units, units, van_der_sluis(A, side="symmetric").lower, 0)
    best, proof, steps = best_rows(L, TARGET * rtol / 2, clock)
    scale = _arrays.power_of_two(proof.d)
    F1, F2 = _rows_factors(proof, scale)
    lower = symmetric_bound(scale[:, None] * G * scale, F1, F2)
    d = units * _normalised(best.d)
    return Found(d, d, lower, steps)


def _is_regular(B: np.ndarray) -> bool:
    """Tell whether the smallest singular value is more than rounding."""
    sigma = np.linalg.svd(B, compute_uv=False)
    return bool(sigma[-1] > 4 * max(B.shape) * EPS * sigma[0])


def _normalised(d: np.ndarray) -> np.ndarray:
    return d / np.sqrt(d.max() * d.min())


def _factor(Z: np.ndarray) -> np.ndarray:
    """Return F with F Fᵀ near a symmetric Z, whatever rounding has done to it."""
    values, vectors = np.linalg.eigh(Z)
    kept = values > NEGLIGIBLE * values[-1]
    return vectors[:, kept] * np.sqrt(values[kept])


def _rows_factors(proof: Point, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return factors on the side of the rows, after the exact scaling `scale`.

    M V Z Vᵀ Mᵀ is U σ Z σ Uᵀ. For Z₁ large σ would spoil the trace that must be small,
    so they are damped by σ⁻², which is 1 where it matters. A diagonal congruence then
    orders the diagonals; shrinking vectors of large σ costs little.
    """
    moved = (proof.d / scale)[:, None]
    F1 = moved * (proof.U @ (proof.sigma[:, None] * _factor(proof.top)))
    F2 = moved * (proof.U @ (_factor(proof.bottom) / proof.sigma[:, None]))
    near, far = np.vecdot(F1, F1), np.vecdot(F2, F2)
    far = far * near.sum() / far.sum()
    return F1 * np.sqrt(np.minimum(far / near, 1.0))[:, None], F2
