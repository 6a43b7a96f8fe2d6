"""One-sided optimum: a primal-dual interior-point method.

With w = d², the best row scaling of B, of full column rank, solves

    minimise s  subject to  I ≤ G ≤ s I,  G = Bᵀ diag(w) B,  w ≥ 0,

whose optimum is κ². The dual variables Z₁ and Z₂ of the two matrix inequalities are the
certificate. The method is that of Helmberg, Rendl, Vanderbei and Wolkowicz (SIAM J.
Optim. 6, 1996) with Mehrotra's predictor and corrector; its linear system is as large
as w. All matrices are kept in the basis of the right singular vectors V of
M = diag(w)^1/2 B = U diag(σ) Vᵀ: there G is diagonal, and squaring loses no digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.linalg as sl

from condlab.condition._inverse import EPS
from condlab.optimal._progress import Clock

MOST_STEPS = 100
PATIENCE = 4  # certificates in a row that are no better
SHORTEN = 0.95  # of the way to the boundary
SQUARABLE = 1e3  # κ up to which the Gram matrix keeps ten digits of λ_min


@dataclass(frozen=True)
class Point:
    """A scaling, with the dual variables that prove how good it is, in the basis V."""

    w: np.ndarray
    s: float
    U: np.ndarray
    sigma: np.ndarray
    V: np.ndarray
    bottom: np.ndarray  # Z₁, of G − I
    top: np.ndarray  # Z₂, of s I − G
    y: np.ndarray  # the dual variable of w, times w

    @property
    def d(self) -> np.ndarray:
        """The multipliers."""
        return np.sqrt(self.w)

    @property
    def kappa(self) -> float:
        """The condition number that the scaling reaches."""
        return float(self.sigma[0] / self.sigma[-1])

    def sizes(self, Z: np.ndarray) -> np.ndarray:
        """Return diag(M V Z Vᵀ Mᵀ)."""
        left = self.U * self.sigma
        return np.vecdot(left @ Z, left)

    @property
    def reached(self) -> float:
        """What κ is at most, with the rounding of the decomposition."""
        return self.kappa * (1 + (len(self.w) + 8) * EPS * self.kappa)

    @cached_property
    def bound(self) -> float:
        """A lower bound of every κ, without rounding."""
        ratio = np.min(self.sizes(self.top) / self.sizes(self.bottom))
        square = float(ratio) * np.trace(self.bottom) / np.trace(self.top)
        return max(1.0, math.sqrt(max(square, 0.0)))


@dataclass(frozen=True, slots=True)
class Search:
    """The best point, the greatest certified bound, the steps, and why they ended."""

    best: Point
    lower: float
    steps: int
    in_time: bool


def best_rows(
    B: np.ndarray,
    rtol: float,
    clock: Clock,
    certify: Callable[[Point], float],
    lower: float,
) -> Search:
    """Follow the central path until a certificate is within `rtol` of the κ reached.

    B has full column rank and no row of zeros, shape (m, n), m ≥ n; `certify` returns
    the bound that a point proves, its repair and all rounding included, and `lower`
    is one that is known before. LinAlgError is raised where B looks singular.
    """
    point = best = proof = start(B)
    steps, idle, in_time = 0, 0, True
    while True:
        best = min(best, point, key=lambda found: found.kappa)
        proof = max(proof, point, key=lambda found: found.bound)
        if best.reached <= point.bound * (1 + rtol):
            found = certify(point)
            idle = 0 if found > lower * (1 + rtol / 100) else idle + 1
            lower = max(lower, found)
        if best.reached <= lower * (1 + rtol):
            return Search(best, lower, steps, in_time)
        in_time = not clock.over() and clock.affords("step", "judge")
        if not in_time or steps == MOST_STEPS or idle > PATIENCE:
            break
        clock.say(f"gap {best.kappa / max(lower, proof.bound) - 1:.2g}")
        try:
            with clock.phase("step"):
                point = _moved(B, point)
        except np.linalg.LinAlgError:  # lost to rounding
            break
        steps += 1
    return Search(best, max(lower, certify(proof)), steps, in_time)


def start(B: np.ndarray) -> Point:
    """Return the equilibrated rows, with dual variables on the central path's side."""
    m, n = B.shape
    w = 1 / np.vecdot(B, B)
    U, sigma, V = _svd(np.sqrt(w)[:, None] * B, squarable=False)
    if not sigma[-1] > 4 * m * EPS * sigma[0]:
        raise np.linalg.LinAlgError("the smallest singular value is rounding")
    w, sigma = w * (2 / sigma[-1] ** 2), sigma * (math.sqrt(2) / sigma[-1])
    s = 2 * float(sigma[0]) ** 2
    mu = s / (2 * n + m)
    bottom, top = (np.diag(mu / slack) for slack in (sigma**2 - 1, s - sigma**2))
    return Point(w, s, U, sigma, V, bottom, top, np.full(m, mu))


def _svd(M: np.ndarray, squarable: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if not squarable:
        U, sigma, Vt = np.linalg.svd(M, full_matrices=False)
        return U, sigma, Vt.T
    values, V = np.linalg.eigh(M.T @ M)
    sigma, V = np.sqrt(np.maximum(values[::-1], 0.0)), V[:, ::-1]
    return (M @ V) / np.maximum(sigma, EPS), sigma, V


def _moved(B: np.ndarray, at: Point) -> Point:
    """Return the next point; raise LinAlgError where rounding forbids it."""
    solve = _system(at)
    near, far = at.sigma**2 - 1, at.s - at.sigma**2
    mu = _complementarity(at, np.diag(near), np.diag(far), at.bottom, at.top, at.y)
    nothing = np.zeros_like(at.bottom)
    step = solve(nothing, nothing, np.zeros_like(at.y))
    lengths = _Lengths(at)
    primal, dual = lengths(step)
    after = _complementarity(
        at,
        np.diag(near) + primal * step.near,
        np.diag(far) + primal * step.far,
        at.bottom + dual * step.bottom,
        at.top + dual * step.top,
        (at.y + dual * step.y) * (1 + primal * step.z),
    )
    target = mu * min(1.0, max((after / mu) ** 3, 1e-3)) if after > 0 else mu
    step = solve(
        np.diag(target / near) - _symmetric(step.bottom @ (step.near / near)),
        np.diag(target / far) - _symmetric(step.top @ (step.far / far)),
        target - step.y * step.z,
    )
    primal, dual = lengths(step)
    w = at.w * (1 + primal * step.z)
    s = at.s + primal * step.s
    U, sigma, V = _svd(np.sqrt(w)[:, None] * B, squarable=at.kappa < SQUARABLE)
    if not (sigma[-1] > 1 and sigma[0] ** 2 < s):
        raise np.linalg.LinAlgError("the step left the interior")
    turn = V.T @ at.V
    bottom = _symmetric(turn @ (at.bottom + dual * step.bottom) @ turn.T)
    top = _symmetric(turn @ (at.top + dual * step.top) @ turn.T)
    y = (at.y + dual * step.y) * (1 + primal * step.z)
    return Point(w, s, U, sigma, V, bottom, top, y)


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


def _system(at: Point) -> Callable[[np.ndarray, np.ndarray, np.ndarray], _Step]:
    """Factorise the linear system; return its solution for three right-hand sides."""
    square = at.sigma**2
    near, far = square - 1, at.s - square
    left = at.U * at.sigma
    H = (left @ at.bottom @ left.T) * ((at.U * (square / near)) @ at.U.T)
    H += (left @ at.top @ left.T) * ((at.U * (square / far)) @ at.U.T)
    H[np.diag_indices_from(H)] += at.y
    factor = sl.cho_factor(H, lower=True, overwrite_a=True, check_finite=False)
    mixed = at.sizes(_symmetric(at.top / far))
    solved = sl.cho_solve(factor, mixed)
    rest = np.sum(np.diagonal(at.top) / far) - mixed @ solved

    def solve(bottom: np.ndarray, top: np.ndarray, y: np.ndarray) -> _Step:
        x = sl.cho_solve(factor, at.sizes(bottom - top) + y)
        s = float((np.trace(top) - 1 + mixed @ x) / rest)
        z = x + solved * s
        change = at.sigma[:, None] * ((at.U.T * z) @ at.U) * at.sigma
        back = s * np.eye(len(change)) - change
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


class _Lengths:
    """How far to go in the primal and in the dual variables of a point."""

    def __init__(self, at: Point) -> None:
        self.at = at
        self.near, self.far = (
            1 / np.sqrt(at.sigma**2 - 1),
            1 / np.sqrt(at.s - at.sigma**2),
        )
        self.halves = [_inverse_factor(Z) for Z in (at.bottom, at.top)]

    def __call__(self, step: _Step) -> tuple[float, float]:
        changes = [
            self.near[:, None] * step.near * self.near,
            self.far[:, None] * step.far * self.far,
            *(
                _symmetric(half @ change @ half.T)
                for half, change in zip(
                    self.halves, (step.bottom, step.top), strict=True
                )
            ),
        ]
        least = np.linalg.eigvalsh(np.stack(changes))[:, 0]
        primal = min(float(step.z.min()), float(least[:2].min()))
        dual = min(float(np.min(step.y / self.at.y)), float(least[2:].min()))
        return (
            min(1.0, SHORTEN / max(-primal, SHORTEN)),
            min(1.0, SHORTEN / max(-dual, SHORTEN)),
        )


def _inverse_factor(Z: np.ndarray) -> np.ndarray:
    """Return the inverse of the Cholesky factor.

    Its products take the place of triangular solves, which OpenBLAS spreads over
    threads even for matrices of order 8: 0.8 ms of waiting each.
    """
    inverse, info = sl.lapack.dtrtri(np.linalg.cholesky(Z), lower=1)
    if info:
        raise np.linalg.LinAlgError("a dual variable is singular")
    return inverse


def _symmetric(A: np.ndarray) -> np.ndarray:
    return (A + A.T) / 2
