"""A point of the interior-point method: a scaling and what it proves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from condlab.condition._inverse import EPS
from condlab.optimal.one_sided._lengths import cholesky, times_lower


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

    def sizes(self, Z: np.ndarray) -> np.ndarray:
        """Return diag(M V Z Vᵀ Mᵀ)."""
        return np.vecdot(self.left @ Z, self.left)

    @property
    def reached(self) -> float:
        """What κ is at most, with the rounding of the decomposition."""
        return self.kappa * (1 + (len(self.w) + 8) * EPS * self.kappa)

    @cached_property
    def bound(self) -> float:
        """A lower bound of every κ, without rounding."""
        near, far = (np.vecdot(C, C) for C in self.images)
        traces = np.trace(self.bottom), np.trace(self.top)
        square = float(np.min(far / near) * traces[0] / traces[1])
        if len(self.w) == len(self.sigma):
            square = max(square, self._damped(far) / traces[0])
        return max(1.0, math.sqrt(max(square, 0.0)))

    def _damped(self, near: np.ndarray) -> float:
        """Return the bound on the side of the rows, times the trace of Z₁.

        There a single row that is not yet in its place need not spoil the whole bound:
        the factor of Z₂ is damped in that row, as the certificate has it.
        """
        other = times_lower(self.U / self.sigma, self.factors[0])
        far = np.vecdot(other, other)
        ratio = far.sum() / near.sum()
        damped = np.sqrt(np.minimum(far / (ratio * near), 1.0))
        moved = self.left.T @ (damped[:, None] * self.images[1])
        return float(np.vdot(moved, moved) * ratio)
