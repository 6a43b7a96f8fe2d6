"""One-sided optimum: Newton's method on a barrier.

With w = d², the best row scaling of B, of full column rank, solves

    minimise s  subject to  I ≤ Bᵀ diag(w) B ≤ s I,

whose optimum is κ². With G = Bᵀ diag(w) B the barrier is

    τ s − log det(G − I) − log det(s I − G) − Σ log w_i.

Its Newton matrix is as large as w, and everything in it follows from one singular value
decomposition of diag(w)^1/2 B, without squaring its condition number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg as sl
from scipy.optimize import minimize_scalar

from condlab._inverse import EPS
from condlab.optimal._progress import Clock

GROWTH = 2.5  # of τ once Newton's method is near the path
MOST_STEPS = 300
SQUARABLE = 1e3  # κ up to which the Gram matrix keeps ten digits of λ_min


@dataclass(frozen=True, slots=True)
class Point:
    """A scaling, with weights of singular vectors that prove how good it is."""

    d: np.ndarray
    U: np.ndarray
    sigma: np.ndarray
    V: np.ndarray
    top: np.ndarray  # weights of the certificate's Z₁ = V diag(top) Vᵀ
    bottom: np.ndarray
    kappa: float
    bound: float  # on κ from below, without rounding

    @property
    def gap(self) -> float:
        """The relative gap, without rounding."""
        return self.kappa / self.bound - 1


def best_rows(B: np.ndarray, rtol: float, clock: Clock) -> tuple[Point, Point, int]:
    """Return the point of the least κ, that of the greatest bound, and the steps.

    B has full column rank and no row of zeros, shape (m, n), m ≥ n.
    """
    m, n = B.shape
    w = 1 / np.vecdot(B, B)  # equilibration
    U, sigma, V = _svd(np.sqrt(w)[:, None] * B, squarable=False)
    w, sigma = w * (2 / sigma[-1] ** 2), sigma * (math.sqrt(2) / sigma[-1])
    s = 2 * float(sigma[0]) ** 2
    tau = (2 * n + m) / s
    best = proof = _point(w, U, sigma, V, s)
    steps = 0
    while steps < MOST_STEPS:
        if best.kappa <= proof.bound * (1 + rtol) or clock.over():
            break
        clock.say(f"gap {best.kappa / proof.bound - 1:.2g}")
        moved = _newton(w, s, tau, U, sigma)
        if moved is None:
            break
        w, s, decrement = moved
        steps += 1
        squarable = best.kappa < SQUARABLE
        U, sigma, V = _svd(np.sqrt(w)[:, None] * B, squarable)
        if sigma[-1] <= 1 or sigma[0] ** 2 >= s:  # lost to rounding
            break
        point = _point(w, U, sigma, V, s)
        best = min(best, point, key=lambda x: x.kappa)
        proof = max(proof, point, key=lambda x: x.bound)
        if decrement < 1:  # at the last τ Newton's method goes on, to centre
            tau = max(tau, min(GROWTH * tau, (2 * n + m) / (rtol * s)))
    return best, proof, steps


def _svd(M: np.ndarray, squarable: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if not squarable:
        U, sigma, Vt = np.linalg.svd(M, full_matrices=False)
        return U, sigma, Vt.T
    values, V = sl.eigh(M.T @ M, driver="evd", check_finite=False)
    sigma, V = np.sqrt(np.maximum(values[::-1], 0.0)), V[:, ::-1]
    return (M @ V) / np.maximum(sigma, EPS), sigma, V


def _point(
    w: np.ndarray, U: np.ndarray, sigma: np.ndarray, V: np.ndarray, s: float
) -> Point:
    square = sigma**2
    top, bottom = 1 / (s - square), 1 / (square - 1)
    rows_top, rows_bottom = U**2 @ (square * top), U**2 @ (square * bottom)
    ratio = float(np.min(rows_top / np.maximum(rows_bottom, 1e-300)))
    bound = max(1.0, float(np.sqrt(ratio * bottom.sum() / top.sum())))
    kappa = float(sigma[0] / sigma[-1])
    return Point(np.sqrt(w), U, sigma, V, top, bottom, kappa, bound)


def _newton(
    w: np.ndarray, s: float, tau: float, U: np.ndarray, sigma: np.ndarray
) -> tuple[np.ndarray, float, float] | None:
    """Return the next (w, s) and the squared Newton decrement at this one."""
    square = sigma**2
    low, high = square / (square - 1), square / (s - square)
    P, Q = (U * low) @ U.T, (U * high) @ U.T
    gradient = np.diag(Q) - np.diag(P) - 1
    gradient_s = tau - np.sum(1 / (s - square))
    H = P * P + Q * Q
    H[np.diag_indices_from(H)] += 1
    mixed, curvature = U**2 @ (high / (s - square)), np.sum(1 / (s - square) ** 2)
    try:
        factor = sl.cho_factor(H, lower=True, overwrite_a=True, check_finite=False)
    except np.linalg.LinAlgError:
        return None
    solved = sl.cho_solve(factor, np.column_stack([-gradient, mixed]))
    rest = curvature - mixed @ solved[:, 1]
    if not rest > 0:
        return None
    ds = (mixed @ solved[:, 0] - gradient_s) / rest
    z = solved[:, 0] + solved[:, 1] * ds
    decrement = float(-(gradient @ z + gradient_s * ds))
    step = _step(z, ds, tau, U, sigma, s)
    return w * (1 + step * z), s + step * ds, decrement


def _step(
    z: np.ndarray, ds: float, tau: float, U: np.ndarray, sigma: np.ndarray, s: float
) -> float:
    """Minimise the barrier along (z, ds): there it is a sum of logarithms."""
    square = sigma**2
    change = (U.T * z) @ U
    low, high = sigma / np.sqrt(square - 1), sigma / np.sqrt(s - square)
    room = ds / (s - square)
    slopes = np.concatenate(
        [
            z,
            np.linalg.eigvalsh(low[:, None] * change * low),
            np.linalg.eigvalsh(np.diag(room) - high[:, None] * change * high),
        ]
    )
    longest = 0.8 / max(-float(slopes.min()), 1e-2)

    def barrier(step: float) -> float:
        return tau * step * ds - float(np.log1p(step * slopes).sum())

    found: Any = minimize_scalar(barrier, bounds=(0, longest), method="bounded")
    return float(found.x)
