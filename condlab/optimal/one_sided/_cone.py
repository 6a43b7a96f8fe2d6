"""A matrix that must stay positive semidefinite, with its dual variable.

It is a multiple of itself and a diagonal that it changes by, so that changes of the
dual variable take one product of matrices each, of which one is symmetric.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import blas, lapack

from condlab.optimal.one_sided._lengths import cholesky, least_along, least_in_factor

Triangle = np.ndarray  # a symmetric matrix, below whose diagonal there are zeros


@dataclass(frozen=True)
class Change:
    """What a slack S changes by, τ S + diag(e)."""

    share: float
    along: np.ndarray


Before = tuple[Change, np.ndarray]  # what S and Z change by


@dataclass(frozen=True)
class Cone:
    """A slack S ≥ 0 with its dual variable Z ≥ 0."""

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
        return inverse_of(self.factor)

    @cached_property
    def product(self) -> float:
        """The inner product of both."""
        return float(np.vdot(self.slack, self.dual))

    def shares(self, Z: np.ndarray) -> Triangle:
        """Return S⁻¹ times Z, entry by entry: diag(S⁻¹ diag(e) Z) is this times e."""
        return np.asarray(self.inverse * Z.T)

    def changed(self, mu: float, change: Change, before: Before | None) -> np.ndarray:
        """Return ΔZ with ΔZ + S⁻¹ ΔS Z = μ S⁻¹ − Z − S⁻¹ ΔS₀ ΔZ₀, all symmetrised.

        What `before` changes are ΔS₀ and ΔZ₀.
        """
        moved = change.along[:, None] * self.dual
        if before is not None:
            moved += before[0].along[:, None] * before[1]
        half = blas.dsymm(-0.5, self.inverse, moved.T, side=1)
        if mu:
            half += mu * self.inverse
            half[np.diag_indices_from(half)] -= mu / 2 * np.diagonal(self.inverse)
        found: np.ndarray = half + half.T
        found -= np.multiply(self.dual, 1 + change.share, out=moved)
        if before is not None and before[0].share:
            found -= np.multiply(before[1], before[0].share, out=moved)
        return found

    def least(self, change: Change, exact: bool) -> float:
        """Return the least eigenvalue of the change of S, in units of S."""
        return change.share + least_along(change.along, self.factor, exact)

    def least_dual(self, change: np.ndarray, exact: bool) -> float:
        """Return that of the change of Z, in units of Z."""
        return least_in_factor(change, self.dual_factor, exact)

    def after(self, change: Before, primal: float, dual: float) -> float:
        """Return the inner product after steps of these lengths."""
        (moved, Z), diagonal = change, np.diagonal(self.dual)
        sizes = diagonal + dual * np.diagonal(Z)
        product = self.product + dual * float(np.vdot(self.slack, Z))
        return product * (1 + primal * moved.share) + primal * float(
            moved.along @ sizes
        )


def inverse_of(L: np.ndarray) -> Triangle:
    """Return the inverse of L Lᵀ."""
    found, info = lapack.dpotri(L.T, lower=0)
    if info:
        raise np.linalg.LinAlgError("a matrix is singular")
    return np.asarray(found)


def whole(A: Triangle) -> np.ndarray:
    """Return the matrix with both its halves."""
    found: np.ndarray = A + A.T
    found[np.diag_indices_from(found)] /= 2
    return found


def times(A: Triangle, v: np.ndarray) -> np.ndarray:
    """Return the whole matrix times v."""
    return np.asarray(blas.dsymv(1.0, A, v))
