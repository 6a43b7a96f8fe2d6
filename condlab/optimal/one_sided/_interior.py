"""One-sided optimum: a primal-dual interior-point method.

With w = d², the best row scaling of B, of full column rank, solves

    minimise s  subject to  I ≤ G ≤ s I,  G = Bᵀ diag(w) B,  w ≥ 0,

whose optimum is κ². The dual variables Z₁ and Z₂ of the two matrix inequalities are the
certificate. The method is that of Helmberg, Rendl, Vanderbei and Wolkowicz (SIAM J.
Optim. 6, 1996) with Mehrotra's predictor and corrector; its linear system is as large
as w. All matrices are kept in the basis of the right singular vectors V of
M = diag(w)^1/2 B = U diag(σ) Vᵀ: there G is diagonal, and squaring loses no digits.
A step scales the rows of M V and turns this basis; B is not looked at again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.linalg as sl

from condlab.condition._inverse import EPS
from condlab.optimal.one_sided._lengths import (
    cholesky,
    least_in_factor,
    least_scaled,
    safe,
    times_lower,
    times_upper,
)
from condlab.optimal.one_sided._point import PUSH, ROOM, Point


def start(B: np.ndarray, squarable: float) -> Point:
    """Return the equilibrated rows, with dual variables on the central path's side."""
    m, n = B.shape
    w = 1 / np.vecdot(B, B)
    M = np.sqrt(w)[:, None] * B
    U, sigma, V = _svd(M, M.T @ M)
    if not sigma[0] < squarable * sigma[-1]:
        U, sigma, V = _svd(M)
    if not sigma[-1] > 4 * m * EPS * sigma[0]:
        raise np.linalg.LinAlgError("the smallest singular value is rounding")
    w, sigma = w * (ROOM / sigma[-1] ** 2), sigma * (math.sqrt(ROOM) / sigma[-1])
    s = ROOM * float(sigma[0]) ** 2
    mu = PUSH * s / (2 * n + m)
    bottom, top = (np.diag(mu / slack) for slack in (sigma**2 - 1, s - sigma**2))
    return Point(w, s, U, sigma, V, bottom, top, np.full(m, mu))


def _svd(
    M: np.ndarray, gram: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the factors of M, by the eigenvectors of its Gram matrix if given."""
    if gram is None:
        U, sigma, Vt = np.linalg.svd(M, full_matrices=False)
        return U, sigma, Vt.T
    V = np.linalg.eigh(gram)[1][:, ::-1]
    U = M @ V
    sigma = np.sqrt(np.vecdot(U.T, U.T))  # the eigenvalues know fewer digits
    order = np.argsort(-sigma)
    sigma, V = sigma[order], np.ascontiguousarray(V[:, order])
    return U[:, order] / np.maximum(sigma, EPS), sigma, V


def moved(at: Point, squarable: float) -> Point:
    """Return the next point; where Lanczos went too far, with exact lengths.

    LinAlgError is raised where rounding forbids it.
    """
    step = _direction(at)
    try:
        return _followed(at, step, squarable, exact=False)
    except np.linalg.LinAlgError:
        return _followed(at, step, 0.0, exact=True)


def _direction(at: Point) -> _Step:
    """Return the direction of Mehrotra's predictor and corrector."""
    solve = _system(at)
    near, far = at.sigma**2 - 1, at.s - at.sigma**2
    mu = _complementarity(at, np.diag(near), np.diag(far), at.bottom, at.top, at.y)
    step = solve(None)
    primal, dual = _lengths(at, step, exact=False)
    after = _complementarity(
        at,
        np.diag(near) + primal * step.near,
        np.diag(far) + primal * step.far,
        at.bottom + dual * step.bottom,
        at.top + dual * step.top,
        (at.y + dual * step.y) * (1 + primal * step.z),
    )
    target = mu * min(1.0, max((after / mu) ** 3, 1e-3)) if after > 0 else mu
    return solve(
        (
            np.diag(target / near) - _symmetric(step.bottom @ (step.near / near)),
            np.diag(target / far) - _symmetric(step.top @ (step.far / far)),
            target - step.y * step.z,
        )
    )


def _followed(at: Point, step: _Step, squarable: float, exact: bool) -> Point:
    """Return the point as far in the direction as is safe."""
    primal, dual = _lengths(at, step, exact)
    w = at.w * (1 + primal * step.z)
    s = at.s + primal * step.s
    # In the basis of `at` the Gram matrix is known, and a new one is a turn.
    gram = np.diag(at.sigma**2) + primal * step.near if at.kappa < squarable else None
    U, sigma, turn = _svd(np.sqrt(1 + primal * step.z)[:, None] * at.left, gram)
    if not (sigma[-1] > 1 and sigma[0] ** 2 < s):
        raise np.linalg.LinAlgError("the step left the interior")
    changed = (at.bottom + dual * step.bottom, at.top + dual * step.top)
    turned = (times_lower(turn.T, cholesky(Z)) for Z in changed)
    bottom, top = (F @ F.T for F in turned)
    y = (at.y + dual * step.y) * (1 + primal * step.z)
    point = Point(w, s, U, sigma, at.V @ turn, bottom, top, y)
    point.factors  # noqa: B018 - raises where rounding has spoilt them
    return point


@dataclass(frozen=True, slots=True)
class _Step:
    """A direction: dw = w z, ds, and those of the slacks and the dual variables."""

    z: np.ndarray
    s: float
    near: np.ndarray
    far: np.ndarray
    bottom: np.ndarray
    top: np.ndarray
    y: np.ndarray


_Right = tuple[np.ndarray, np.ndarray, np.ndarray]


def _system(at: Point) -> Callable[[_Right | None], _Step]:
    """Factorise the linear system; return its solution for right-hand sides, or 0."""
    square = at.sigma**2
    near, far = square - 1, at.s - square
    H = np.zeros((len(at.w), len(at.w)))
    for image, slack in zip(at.images, (near, far), strict=True):
        other = at.left / np.sqrt(slack)
        H += (image @ image.T) * (other @ other.T)  # symmetric: half the work
    H[np.diag_indices_from(H)] += at.y
    factor = sl.cho_factor(H.T, lower=True, overwrite_a=True, check_finite=False)
    mixed = np.vecdot(times_upper(at.images[1], at.factors[1]), at.left / far)
    solved = sl.cho_solve(factor, mixed)
    rest = np.sum(np.diagonal(at.top) / far) - mixed @ solved

    def solve(right: _Right | None) -> _Step:
        bottom, top, y = right or (0.0, 0.0, 0.0)
        pushed = 0.0 if right is None else at.sizes(right[0] - right[1])
        trace = 0.0 if right is None else np.trace(right[1])
        x = sl.cho_solve(factor, pushed + y + np.zeros_like(mixed))
        s = float((trace - 1 + mixed @ x) / rest)
        z = x + solved * s
        change = _weighted_gram(at.left, z)
        back = -change
        back[np.diag_indices_from(back)] += s
        return _Step(
            z,
            s,
            change,
            back,
            bottom - at.bottom - _symmetric(at.bottom @ (change / near)),
            top - at.top - _symmetric(at.top @ (back / far)),
            y - at.y - at.y * z,
        )

    return solve


def _weighted_gram(A: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return Aᵀ diag(z) A, from the rows of either sign: NumPy knows them symmetric."""
    above, below = (np.sqrt(np.abs(z[k]))[:, None] * A[k] for k in (z > 0, z < 0))
    return above.T @ above - below.T @ below


def _complementarity(
    at: Point,
    near: np.ndarray,
    far: np.ndarray,
    bottom: np.ndarray,
    top: np.ndarray,
    y: np.ndarray,
) -> float:
    """Return the mean product of slacks and dual variables."""
    total = np.vdot(near, bottom) + np.vdot(far, top) + y.sum()
    return float(total) / (2 * len(near) + len(at.w))


def _lengths(at: Point, step: _Step, exact: bool) -> tuple[float, float]:
    """Return how far to go in the primal and in the dual variables of a point."""
    near, far = 1 / np.sqrt(at.sigma**2 - 1), 1 / np.sqrt(at.s - at.sigma**2)
    primal = min(
        float(step.z.min()),
        least_scaled(step.near, near, exact),
        least_scaled(step.far, far, exact),
    )
    dual = min(
        float(np.min(step.y / at.y)),
        least_in_factor(step.bottom, at.factors[0], exact),
        least_in_factor(step.top, at.factors[1], exact),
    )
    return safe(primal), safe(dual)


def _symmetric(A: np.ndarray) -> np.ndarray:
    return (A + A.T) / 2
