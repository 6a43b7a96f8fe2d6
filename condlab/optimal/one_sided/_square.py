"""The interior-point method for square matrices, on the side of the rows.

For a nonsingular B the constraints I ≤ Bᵀ W B ≤ s I, W = diag(w), of `_interior` are

    P ≤ W ≤ s P,  P = (B Bᵀ)⁻¹,

which is a congruence and leaves the direction alone. But here W and its changes are
diagonal: with the inverses of both slacks the linear system takes products entry by
entry, a step four products of matrices, and nothing is decomposed. w > 0 holds by
itself. P knows only the digits that squaring leaves. It is kept in units of W, which is
the identity in them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.linalg as sl

from condlab.condition._inverse import EPS
from condlab.optimal.one_sided._cone import (
    Before,
    Change,
    Cone,
    inverse_of,
    times,
    whole,
)
from condlab.optimal.one_sided._lengths import cholesky, greatest, safe, times_lower
from condlab.optimal.one_sided._point import PUSH, ROOM


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
        """What κ is at most, with the digits that squaring loses."""
        return self.kappa * (1 + 8 * EPS * self.s)

    @cached_property
    def sigma(self) -> np.ndarray:
        """The singular values of D B."""
        return np.asarray(1 / np.sqrt(np.linalg.eigvalsh(self.P)))

    @cached_property
    def near(self) -> Cone:
        """I − P with Z₁."""
        slack = -self.P
        slack[np.diag_indices_from(slack)] += 1
        return Cone(slack, self.bottom)

    @cached_property
    def far(self) -> Cone:
        """The slack s P − I with Z₂."""
        slack = self.s * self.P
        slack[np.diag_indices_from(slack)] -= 1
        return Cone(slack, self.top)

    @cached_property
    def row_factors(self) -> tuple[np.ndarray, np.ndarray]:
        """Factors F₁ and F₂ of Z₂ and P Z₁ P, which is Z₁ where that matters."""
        return self.far.dual_factor, times_lower(self.P, self.near.dual_factor)

    @cached_property
    def bound(self) -> float:
        """The lower bound of every κ that these factors give, without rounding."""
        F2 = self.row_factors[1]
        near, far = np.diagonal(self.top), np.vecdot(F2, F2)
        ratio = far.sum() / near.sum()
        damped = np.sqrt(np.minimum(far / (ratio * near), 1.0))
        square = self._stretched(damped) * ratio / np.vdot(self.P, self.bottom)
        return max(1.0, math.sqrt(square))

    @property
    def ceiling(self) -> float:
        """What `bound` is at most, as P ≤ I. It takes no product of matrices."""
        square = self._stretched(np.ones(len(self.w))) / np.trace(self.top)
        return max(1.0, math.sqrt(square))

    def _stretched(self, damped: np.ndarray) -> float:
        """Return tr(C Z₂ C P⁻¹) for C = diag(damped)."""
        v = self.d * damped
        return float(v @ (self._terms @ v))

    @cached_property
    def _terms(self) -> np.ndarray:
        return self.gram * self.top

    @cached_property
    def rough(self) -> float:
        """A lower bound of every κ, without rounding, that takes no product."""
        near, far = np.diagonal(self.bottom), np.diagonal(self.top)
        ratio = far.sum() / near.sum()
        damped = np.sqrt(np.minimum(far / (ratio * near), 1.0))
        reached = damped @ ((self.P * self.bottom) @ damped)
        return max(1.0, math.sqrt(reached * ratio / np.vdot(self.P, self.top)))


def start(B: np.ndarray, most: float) -> SquarePoint:
    """Return the equilibrated rows, with dual variables on the central path's side.

    LinAlgError is raised where κ is not certainly less than `most`.
    """
    gram = B @ B.T
    w = 1 / np.diagonal(gram)
    d = np.sqrt(w)
    K = gram * (d[:, None] * d)
    P, lift, size = inverse_of(cholesky(K)), math.inf, ROOM * greatest(K)
    if np.diagonal(P).max() < most**2:  # else it may even overflow
        P = whole(P)
        lift = ROOM * greatest(P)
    if not lift * size < most**2:
        raise np.linalg.LinAlgError("squaring would lose too many digits")
    P /= lift
    point = SquarePoint(gram, w * lift, size * lift, P, P, P)
    mu = PUSH * point.s / (2 * len(w))
    bottom, top = (mu * whole(cone.inverse) for cone in (point.near, point.far))
    return SquarePoint(gram, point.w, point.s, P, bottom, top)


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
    def near(self) -> Before:
        """What I − P and Z₁ change by."""
        return Change(0.0, self.z), self.bottom

    @property
    def far(self) -> Before:
        """What s P − I and Z₂ change by."""
        return Change(self.t, self.t - self.z), self.top


def _direction(at: SquarePoint) -> _Step:
    """Return the direction of Mehrotra's predictor and corrector."""
    solve = _system(at)
    step = solve(0.0, None)
    primal, dual = _lengths(at, step, exact=False)
    now = at.near.product + at.far.product
    after = at.near.after(step.near, primal, dual) + at.far.after(
        step.far, primal, dual
    )
    share = min(1.0, max((after / now) ** 3, 1e-3)) if after > 0 else 1.0
    return solve(share * now / (2 * len(at.w)), step)


def _system(at: SquarePoint) -> Callable[[float, _Step | None], _Step]:
    """Factorise the linear system; return its solution for a μ and a predictor.

    It says that diag(Z₁) = diag(Z₂) and tr(P Z₂) = 1 after a whole step.
    """
    near, far = at.near, at.far
    shares = far.shares(at.top)
    pushed = _traced(at.top, shares)
    shares += near.shares(at.bottom)
    factor = sl.cho_factor(shares, overwrite_a=True, check_finite=False)
    solved = sl.cho_solve(factor, pushed, check_finite=False)
    rest = pushed @ solved - pushed.sum() - np.trace(at.top) - far.product
    sizes = np.diagonal(near.inverse) - np.diagonal(far.inverse)
    trace = float(np.trace(far.inverse)) + len(at.w)

    def solve(mu: float, before: _Step | None) -> _Step:
        right, one = mu * sizes, at.s - mu * trace
        if before is not None:
            right, one = (
                old + new
                for old, new in zip(
                    (right, one), _second_order(at, before), strict=True
                )
            )
        x = sl.cho_solve(factor, right, check_finite=False)
        t = float((one - pushed @ x) / rest)
        z = x + solved * t
        if not np.isfinite(z).all():
            raise np.linalg.LinAlgError("the linear system is singular")
        first, second = (before.near, before.far) if before else (None, None)
        return _Step(
            z,
            t,
            near.changed(mu, Change(0.0, z), first),
            far.changed(mu, Change(t, t - z), second),
        )

    return solve


def _second_order(at: SquarePoint, step: _Step) -> tuple[np.ndarray, float]:
    """Return what the products of changes add to both sides of the linear system."""
    change, Z = step.far
    shares = at.far.shares(Z)
    right = change.share * np.diagonal(Z) + times(shares, change.along)
    right -= times(at.near.shares(step.bottom), step.z)
    own = float(np.trace(Z) + np.vdot(at.far.slack, Z))
    return right, change.share * own + float(change.along @ _traced(Z, shares))


def _traced(Z: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return r with s tr(P S⁻¹ diag(e) Z) = e · r, as s P = S + I."""
    return np.asarray(np.diagonal(Z) + times(shares, np.ones(len(Z))))


def _lengths(at: SquarePoint, step: _Step, exact: bool) -> tuple[float, float]:
    """Return how far to go in the primal and in the dual variables of a point."""
    pairs = (at.near, *step.near), (at.far, *step.far)
    primal = min(cone.least(change, exact) for cone, change, _ in pairs)
    dual = min(cone.least_dual(Z, exact) for cone, _, Z in pairs)
    return safe(primal), safe(dual)


def _followed(at: SquarePoint, step: _Step, exact: bool) -> SquarePoint:
    """Return the point as far in the direction as is safe."""
    primal, dual = _lengths(at, step, exact)
    grown = 1 + primal * step.z
    if not grown.min() > 0:
        raise np.linalg.LinAlgError("the step left the interior")
    roots = np.sqrt(grown)
    units = roots[:, None] * roots
    bottom, top = dual * step.bottom, dual * step.top
    for new, old in ((bottom, at.bottom), (top, at.top)):
        new += old
        new *= units
    s = at.s * (1 + primal * step.t)
    point = SquarePoint(at.gram, at.w * grown, s, at.P / units, bottom, top)
    for cone in (point.near, point.far):
        cone.factor, cone.dual_factor  # noqa: B018 - raise outside the interior
    return point
