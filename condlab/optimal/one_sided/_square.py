"""The interior-point method of square matrices, on the side of the rows.

For a nonsingular B the constraints I ≤ Bᵀ W B ≤ s I, W = diag(w), are those of

    minimise s  subject to  P ≤ W ≤ s P,  P = (B Bᵀ)⁻¹.

That is a congruence, so that the steps are those of `_interior`; but W and its changes
are diagonal. With the inverses of both slacks a step takes four products of matrices
and the linear system only products entry by entry; no basis is turned, nothing is
decomposed, and w > 0 holds by itself. P knows only the digits that squaring leaves.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.linalg as sl
from scipy.linalg import blas, lapack

from condlab.condition._inverse import EPS
from condlab.optimal.one_sided._lengths import (
    cholesky,
    greatest,
    least_along,
    least_in_factor,
    safe,
    times_lower,
)
from condlab.optimal.one_sided._point import PUSH, ROOM

Triangle = np.ndarray  # a symmetric matrix, of which the part below is zeros


@dataclass(frozen=True)
class _Cone:
    """A slack S ≥ 0 with its dual variable Z. S changes by τ S + diag(e)."""

    slack: np.ndarray
    dual: np.ndarray

    @cached_property
    def factor(self) -> np.ndarray:
        """The Cholesky factor of S."""
        return cholesky(self.slack)

    @cached_property
    def dual_factor(self) -> np.ndarray:
        """The Cholesky factor of Z."""
        return cholesky(self.dual)

    @cached_property
    def inverse(self) -> Triangle:
        """S⁻¹."""
        return _inverse(self.factor)

    @cached_property
    def product(self) -> float:
        """The inner product of both."""
        return float(np.vdot(self.slack, self.dual))

    def mixed(self, Z: np.ndarray) -> Triangle:
        """Return S⁻¹ times Z, entry by entry."""
        return self.inverse * Z.T

    def changed(
        self, mu: float, change: _Change, before: tuple[_Change, np.ndarray] | None
    ) -> np.ndarray:
        """Return ΔZ with (S + ΔS)(Z + ΔZ) near μ I, the products of `before` added."""
        moved = change.along[:, None] * self.dual
        if before is not None:
            moved += before[0].along[:, None] * before[1]
        half = blas.dsymm(-0.5, self.inverse, moved.T, side=1)
        if mu:
            half += mu * self.inverse
            half[np.diag_indices_from(half)] -= mu / 2 * np.diagonal(self.inverse)
        found = half + half.T
        found -= np.multiply(self.dual, 1 + change.share, out=moved)
        if before is not None and before[0].share:
            found -= np.multiply(before[1], before[0].share, out=moved)
        return found

    def primal(self, change: _Change, exact: bool) -> float:
        """Return the least eigenvalue of the change of S in the units of S."""
        return change.share + least_along(change.along, self.factor, exact)

    def after(self, change: _Change, far: float, moved: np.ndarray, dual: float) -> float:
        """Return the inner product after steps of these lengths."""
        product = self.product + dual * float(np.vdot(self.slack, moved))
        sizes = np.diagonal(self.dual) + dual * np.diagonal(moved)
        return product * (1 + far * change.share) + far * float(change.along @ sizes)


@dataclass(frozen=True)
class _Change:
    """What a slack S changes by, τ S + diag(e)."""

    share: float
    along: np.ndarray


@dataclass(frozen=True)
class SquarePoint:
    """A scaling, with the dual variables that prove how good it is."""

    gram: np.ndarray  # B Bᵀ
    w: np.ndarray
    s: float
    P: np.ndarray  # (D B Bᵀ D)⁻¹
    bottom: np.ndarray  # Z₁, of I − P
    top: np.ndarray  # Z₂, of s P − I

    @property
    def d(self) -> np.ndarray:
        """The multipliers."""
        return np.sqrt(self.w)

    @property
    def kappa(self) -> float:
        """What the condition number that the scaling reaches is less than."""
        return math.sqrt(self.s)

    @property
    def reached(self) -> float:
        """What κ is at most, with the rounding of P."""
        return self.kappa * (1 + (len(self.w) + 8) * EPS * self.kappa)

    @cached_property
    def sigma(self) -> np.ndarray:
        """The singular values of D B, from P."""
        return np.asarray(1 / np.sqrt(np.linalg.eigvalsh(self.P)))

    @cached_property
    def near(self) -> _Cone:
        """I − P with Z₁."""
        slack = -self.P
        slack[np.diag_indices_from(slack)] += 1
        return _Cone(slack, self.bottom)

    @cached_property
    def far(self) -> _Cone:
        """S P − I with Z₂."""
        slack = self.s * self.P
        slack[np.diag_indices_from(slack)] -= 1
        return _Cone(slack, self.top)

    @cached_property
    def _shares(self) -> np.ndarray:
        return self.gram * self.top

    @property
    def ceiling(self) -> float:
        """What `bound` is at most: P ≤ I, and no row is damped."""
        d = self.d
        square = d @ (self._shares @ d) / np.trace(self.top)
        return max(1.0, math.sqrt(square))

    @cached_property
    def rough(self) -> float:
        """A lower bound of every κ, without rounding, that takes no product."""
        z1, z2 = np.diagonal(self.bottom), np.diagonal(self.top)
        ratio = z2.sum() / z1.sum()
        damped = np.sqrt(np.minimum(z2 / (ratio * z1), 1.0))
        reached = damped @ ((self.P * self.bottom) @ damped)
        return max(1.0, math.sqrt(reached * ratio / np.vdot(self.P, self.top)))

    @cached_property
    def row_factors(self) -> tuple[np.ndarray, np.ndarray]:
        """Factors F₁ and F₂ of Z₂ and P Z₁ P, which is Z₁ where that matters."""
        return self.far.dual_factor, times_lower(self.P, self.near.dual_factor)

    @cached_property
    def bound(self) -> float:
        """The lower bound of every κ that these factors give, without rounding."""
        near, far = np.diagonal(self.top), np.vecdot(*2 * (self.row_factors[1],))
        ratio = far.sum() / near.sum()
        moved = self.d * np.sqrt(np.minimum(far / (ratio * near), 1.0))
        square = moved @ (self._shares @ moved) * ratio
        return max(1.0, math.sqrt(square / np.vdot(self.P, self.bottom)))


def start(B: np.ndarray, most: float) -> SquarePoint:
    """Return the equilibrated rows, with dual variables on the central path's side.

    LinAlgError is raised where κ is not certainly less than `most`.
    """
    n = len(B)
    gram = B @ B.T
    w = 1 / np.diagonal(gram)
    d = np.sqrt(w)
    units = d[:, None] * d
    P = _whole(_inverse(cholesky(gram * units)))
    least, size = greatest(P), greatest(gram * units)
    if not math.sqrt(least * size) < most:
        raise np.linalg.LinAlgError("squaring would lose too many digits")
    w, s = w * (ROOM * least), ROOM**2 * least * size
    P /= ROOM * least
    point = SquarePoint(gram, w, s, P, P, P)
    mu = PUSH * s / (2 * n)
    bottom, top = (mu * _whole(cone.inverse) for cone in (point.near, point.far))
    return SquarePoint(gram, w, s, P, bottom, top)


def moved(at: SquarePoint) -> SquarePoint:
    """Return the next point; where Lanczos went too far, with exact lengths.

    LinAlgError is raised where rounding forbids it.
    """
    step = _direction(at)
    try:
        return _followed(at, step, exact=False)
    except np.linalg.LinAlgError:
        return _followed(at, step, exact=True)


@dataclass(frozen=True)
class _Step:
    """A direction: dw = w z, ds = s t, and those of the dual variables."""

    z: np.ndarray
    t: float
    bottom: np.ndarray
    top: np.ndarray

    @property
    def near(self) -> _Change:
        return _Change(0.0, self.z)

    @property
    def far(self) -> _Change:
        return _Change(self.t, self.t - self.z)


def _direction(at: SquarePoint) -> _Step:
    """Return the direction of Mehrotra's predictor and corrector."""
    solve = _system(at)
    mu = (at.near.product + at.far.product) / (2 * len(at.w))
    step = solve(0.0, None)
    primal, dual = _lengths(at, step, exact=False)
    after = at.near.after(step.near, primal, step.bottom, dual)
    after += at.far.after(step.far, primal, step.top, dual)
    after /= 2 * len(at.w)
    target = mu * min(1.0, max((after / mu) ** 3, 1e-3)) if after > 0 else mu
    return solve(target, step)


def _system(at: SquarePoint) -> Callable[[float, _Step | None], _Step]:
    """Factorise the linear system; return its solution for a μ and a predictor."""
    near, far = at.near, at.far
    shares = far.mixed(at.top)
    pushed = np.diagonal(at.top) + _sums(shares)
    shares += near.mixed(at.bottom)
    factor = sl.cho_factor(shares, overwrite_a=True, check_finite=False)
    solved = sl.cho_solve(factor, pushed, check_finite=False)
    rest = pushed @ solved - pushed.sum() - np.trace(at.top) - far.product
    sizes = np.diagonal(near.inverse) - np.diagonal(far.inverse)
    trace = float(np.trace(far.inverse)) + len(at.w)

    def solve(mu: float, before: _Step | None) -> _Step:
        right, one = mu * sizes, at.s - mu * trace
        if before is not None:
            diagonal, lost = _second_order(at, before)
            right, one = right + diagonal, one + lost
        x = sl.cho_solve(factor, right, check_finite=False)
        t = float((one - pushed @ x) / rest)
        z = x + solved * t
        if not np.isfinite(z).all():
            raise np.linalg.LinAlgError("the linear system is singular")
        bottom = before and (before.near, before.bottom)
        top = before and (before.far, before.top)
        return _Step(
            z,
            t,
            near.changed(mu, _Change(0.0, z), bottom),
            far.changed(mu, _Change(t, t - z), top),
        )

    return solve


def _second_order(at: SquarePoint, step: _Step) -> tuple[np.ndarray, float]:
    """Return what the products of changes add to both sides of the linear system."""
    change, diagonal = step.far, np.diagonal(step.top)
    shares = at.far.mixed(step.top)
    right = change.share * diagonal + _times(shares, change.along)
    right -= _times(at.near.mixed(step.bottom), step.z)
    own = float(diagonal.sum() + np.vdot(at.far.slack, step.top))
    lost = change.share * own + change.along @ (diagonal + _sums(shares))
    return right, float(lost)


def _lengths(at: SquarePoint, step: _Step, exact: bool) -> tuple[float, float]:
    """Return how far to go in the primal and in the dual variables of a point."""
    primal = min(at.near.primal(step.near, exact), at.far.primal(step.far, exact))
    dual = min(
        least_in_factor(step.bottom, at.near.dual_factor, exact),
        least_in_factor(step.top, at.far.dual_factor, exact),
    )
    return safe(primal), safe(dual)


def _followed(at: SquarePoint, step: _Step, exact: bool) -> SquarePoint:
    """Return the point as far in the direction as is safe."""
    primal, dual = _lengths(at, step, exact)
    squares = 1 + primal * step.z
    if not squares.min() > 0:
        raise np.linalg.LinAlgError("the step left the interior")
    roots = np.sqrt(squares)
    units = roots[:, None] * roots
    bottom, top = dual * step.bottom, dual * step.top
    for new, old in ((bottom, at.bottom), (top, at.top)):
        new += old
        new *= units
    s = at.s * (1 + primal * step.t)
    point = SquarePoint(at.gram, at.w * squares, s, at.P / units, bottom, top)
    for cone in (point.near, point.far):
        cone.factor, cone.dual_factor  # noqa: B018 - raise outside the interior
    return point


def _inverse(L: np.ndarray) -> Triangle:
    """Return the inverse of L Lᵀ."""
    found, info = lapack.dpotri(L.T, lower=0)
    if info:
        raise np.linalg.LinAlgError("a matrix is singular")
    return np.asarray(found)


def _whole(A: Triangle) -> np.ndarray:
    whole: np.ndarray = A + A.T
    whole[np.diag_indices_from(whole)] /= 2
    return whole


def _times(A: Triangle, v: np.ndarray) -> np.ndarray:
    return np.asarray(blas.dsymv(1.0, A, v))


def _sums(A: Triangle) -> np.ndarray:
    """Return the sums of the rows of the whole matrix."""
    return _times(A, np.ones(len(A)))
