"""A point of the interior-point method: a scaling and what it proves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from condlab.condition._inverse import EPS
from condlab.optimal.one_sided._lengths import cholesky, times_lower

ROOM = 1.05  # of the squared singular values at first, beyond either end
PUSH = 1.4  # of the dual variables at first, over the central path's


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
    def factors(self) -> tuple[np.ndarray, np.ndarray]:
        """The Cholesky factors of both dual variables."""
        return cholesky(self.bottom), cholesky(self.top)

    @cached_property
    def images(self) -> tuple[np.ndarray, np.ndarray]:
        """M V times the factors."""
        first, second = self.factors
        return times_lower(self.left, first), times_lower(self.left, second)

    @cached_property
    def row_factors(self) -> tuple[np.ndarray, np.ndarray]:
        """Factors F₁ and F₂ of dual variables on the side of the rows of a square M.

        M V Z Vᵀ Mᵀ is U σ Z σ Uᵀ. For Z₁ large σ would spoil the trace that must be
        small, so they are damped by σ⁻², which is 1 where it matters.
        """
        return self.images[1], times_lower(self.U / self.sigma, self.factors[0])

    def sizes(self, Z: np.ndarray) -> np.ndarray:
        """Return diag(M V Z Vᵀ Mᵀ)."""
        return np.vecdot(self.left @ Z, self.left)

    @property
    def reached(self) -> float:
        """What κ is at most, with the rounding of the decomposition."""
        return self.kappa * (1 + (len(self.w) + 8) * EPS * self.kappa)

    @property
    def ceiling(self) -> float:
        """What `bound` is at most: with means in the place of least ratios.

        It takes no product of matrices.
        """
        squares, z1, z2 = self.sigma**2, np.diagonal(self.bottom), np.diagonal(self.top)
        square = (squares @ z2) / (squares @ z1) * (z1.sum() / z2.sum())
        if len(self.w) == len(self.sigma):
            far, near = (z1 / squares).sum(), squares @ z2
            square = max(square, far / near * (squares**2 @ z2) / z1.sum())
        return max(1.0, math.sqrt(square))

    @cached_property
    def rough(self) -> float:
        """A lower bound of every κ, without rounding, from what a step needs anyway."""
        near, far = (np.vecdot(C, C) for C in self.images)
        traces = np.trace(self.bottom), np.trace(self.top)
        square = float(np.min(far / near) * traces[0] / traces[1])
        return max(1.0, math.sqrt(max(square, 0.0)))

    @cached_property
    def bound(self) -> float:
        """The best lower bound of every κ that the point is known to give."""
        if len(self.w) != len(self.sigma):
            return self.rough
        return max(self.rough, math.sqrt(self._damped()))

    def _damped(self) -> float:
        """Return the square of the bound on the side of the rows.

        There a single row that is not yet in its place need not spoil the whole bound:
        the factor of Z₂ is damped in that row, as the certificate has it.
        """
        near, far = (np.vecdot(F, F) for F in self.row_factors)
        ratio = far.sum() / near.sum()
        damped = np.sqrt(np.minimum(far / (ratio * near), 1.0))
        moved = self.left.T @ (damped[:, None] * self.images[1])
        return float(np.vdot(moved, moved) * ratio / np.trace(self.bottom))
