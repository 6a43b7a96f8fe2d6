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
from condlab.optimal.one_sided._lengths import (
    SHORTEN,
    inverse_of,
    least_eigenvalue,
)

MOST_STEPS = 100
PATIENCE = 4  # certificates in a row that are no better
SQUARABLE = 1e3  # κ up to which the Gram matrix keeps ten digits of λ_min
SHARE = 1e-3  # of the gap asked for, that squaring may blur κ by
CUT, MOST_CUTS = 0.8, 12  # of a step that leads out of the interior


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

    @cached_property
    def left(self) -> np.ndarray:
        """M V."""
        return self.U * self.sigma

    @cached_property
    def roots(self) -> tuple[np.ndarray, np.ndarray]:
        """The Cholesky factors of Z₁ and Z₂."""
        return np.linalg.cholesky(self.bottom), np.linalg.cholesky(self.top)

    @cached_property
    def spread(self) -> tuple[np.ndarray, np.ndarray]:
        """M V times the factors of Z₁ and Z₂."""
        return self.left @ self.roots[0], self.left @ self.roots[1]

    def sizes(self, Z: np.ndarray) -> np.ndarray:
        """Return diag(M V Z Vᵀ Mᵀ), for which Z need not be symmetric."""
        return np.vecdot(self.left @ Z, self.left)

    @property
    def reached(self) -> float:
        """What κ is at most, with the rounding of the decomposition."""
        return self.kappa * (1 + (len(self.w) + 8) * EPS * self.kappa)

    @cached_property
    def bound(self) -> float:
        """A lower bound of every κ, without rounding."""
        near, far = (np.vecdot(half, half) for half in self.spread)
        ratio = np.min(far / near)
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
    squarable = max(SQUARABLE, math.sqrt(SHARE * rtol / (max(B.shape) * EPS)))
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
                point = _moved(B, point, squarable)
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


def _moved(B: np.ndarray, at: Point, squarable: float) -> Point:
    """Return the next point; raise LinAlgError where rounding forbids it."""
    solve = _system(at)
    near, far = at.sigma**2 - 1, at.s - at.sigma**2
    mu = _complementarity(at, np.diag(near), np.diag(far), at.bottom, at.top, at.y)
    step = solve(None, None, np.zeros_like(at.y))
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
    dual, roots = _within(at, step, dual)
    primal, U, sigma, V = _inside(B, at, step, primal, squarable)
    w, s = at.w * (1 + primal * step.z), at.s + primal * step.s
    turn = V.T @ at.V
    bottom, top = (half @ half.T for half in (turn @ root for root in roots))
    y = (at.y + dual * step.y) * (1 + primal * step.z)
    return Point(w, s, U, sigma, V, bottom, top, y)


def _within(at: Point, step: _Step, length: float) -> tuple[float, list[np.ndarray]]:
    """Return a step after which Z₁ and Z₂ are definite, and their Cholesky factors."""
    # The length may be of a Lanczos run that missed an eigenvalue; so in `_inside`.
    for _ in range(MOST_CUTS):
        try:
            return length, [
                np.linalg.cholesky(Z + length * change)
                for Z, change in ((at.bottom, step.bottom), (at.top, step.top))
            ]
        except np.linalg.LinAlgError:
            length *= CUT
    raise np.linalg.LinAlgError("the step left the interior")


def _inside(
    B: np.ndarray, at: Point, step: _Step, length: float, squarable: float
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Return a step after which I < G < s I, and the decomposition there."""
    for _ in range(MOST_CUTS):
        root = np.sqrt(at.w * (1 + length * step.z))
        U, sigma, V = _svd(root[:, None] * B, squarable=at.kappa < squarable)
        if sigma[-1] > 1 and sigma[0] ** 2 < at.s + length * step.s:
            return length, U, sigma, V
        length *= CUT
    raise np.linalg.LinAlgError("the step left the interior")


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


def _system(
    at: Point,
) -> Callable[[np.ndarray | None, np.ndarray | None, np.ndarray], _Step]:
    """Factorise the linear system; return its solution for three right-hand sides."""
    square = at.sigma**2
    near, far = square - 1, at.s - square
    H = np.zeros((len(at.w), len(at.w)))
    for half, slack in zip(at.spread, (near, far), strict=True):
        inverse = at.left / np.sqrt(slack)
        H += (half @ half.T) * (inverse @ inverse.T)
    H[np.diag_indices_from(H)] += at.y
    factor = sl.cho_factor(H, lower=True, overwrite_a=True, check_finite=False)
    mixed = at.sizes(at.top / far)
    solved = sl.cho_solve(factor, mixed)
    rest = np.sum(np.diagonal(at.top) / far) - mixed @ solved

    def solve(
        bottom: np.ndarray | None, top: np.ndarray | None, y: np.ndarray
    ) -> _Step:
        if bottom is None or top is None:  # both are zero
            bottom = top = np.zeros_like(at.bottom)
            x = sl.cho_solve(factor, y)
        else:
            x = sl.cho_solve(factor, at.sizes(bottom - top) + y)
        s = float((np.trace(top) - 1 + mixed @ x) / rest)
        z = x + solved * s
        change = (at.left.T * z) @ at.left
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
        self.halves = [inverse_of(root) for root in at.roots]

    def __call__(self, step: _Step) -> tuple[float, float]:
        near, far = (
            slack[:, None] * change * slack
            for slack, change in ((self.near, step.near), (self.far, step.far))
        )
        primal = min(float(step.z.min()), least_eigenvalue(near), least_eigenvalue(far))
        dual = float(np.min(step.y / self.at.y))
        for half, change in zip(self.halves, (step.bottom, step.top), strict=True):
            dual = min(dual, least_eigenvalue(change, half))
        return (
            min(1.0, SHORTEN / max(-primal, SHORTEN)),
            min(1.0, SHORTEN / max(-dual, SHORTEN)),
        )


def _symmetric(A: np.ndarray) -> np.ndarray:
    return (A + A.T) / 2
