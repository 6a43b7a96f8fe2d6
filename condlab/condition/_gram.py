"""Singular values of wide matrices from their Gram matrices, with a proven error.

Eigenvalues of the Gram matrix A A' cost a fraction of a singular value decomposition,
and lose what is below sqrt(ε) of the largest singular value. How much is lost is
bounded here, so that one knows where they will do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from condlab.condition._inverse import EPS, UNIT_ROUNDOFF
from condlab.condition._verified import eigenvalue_bound, quotient
from condlab.types import Bracket, ConditionEstimate

BLOCK = 512  # columns multiplied at a time: sums are shorter, and so are their errors
SHARP = 1e-6  # the relative width of κ at which the Gram matrix will do
FLOOR = 1e-100  # squares of shorter lines may leave the range of floats


@dataclass(frozen=True, slots=True, eq=False)
class Squares:
    """A Gram matrix G near A A' of a real matrix A with few rows.

    Parameters
    ----------
    G : array, shape (m, m)
        Symmetric.
    unit : float
        Entry (i, j) is within `unit` times |a_i| |a_j| of the inner product of rows.
    """

    G: np.ndarray
    unit: float

    @property
    def norms(self) -> np.ndarray:
        """Return the norms of the rows of A, good to half of `unit` and a rounding."""
        return np.sqrt(np.diagonal(self.G))

    def equilibrated(self) -> Squares:
        """Return the Gram matrix of A with each row divided by its computed norm.

        Where a row is too short for that, nothing is promised: `unit` is inf.
        """
        norms = self.norms
        unit = self.unit + 2 * EPS if norms.min() >= FLOOR else math.inf
        d = 1 / np.where(norms >= FLOOR, norms, 1.0)
        return Squares(d[:, None] * self.G * d, unit)

    def eigenvalues(self) -> tuple[np.ndarray, float]:
        """Return the squared singular values of A, descending, and how far off.

        The Frobenius norm of the error of G is at most `unit` times the sum of the
        squared row norms, which is the trace up to `unit`. How far the ends are from
        G's own is proved by Cholesky factors from outside and by vectors from inside.
        Weyl's theorem adds the two.
        """
        values = np.linalg.eigvalsh(self.G)[::-1]
        trace = float(np.trace(self.G)) * (1 + 2 * self.unit + len(self.G) * EPS)
        first, last = float(values[0]), float(values[-1])
        sizes, off = np.abs(self.G), 0.0
        for sign, end in ((1, first), (-1, last)):
            outside, x = eigenvalue_bound(sign * self.G, sign * end, first)
            inside = quotient(self.G, sizes, x)[sign < 0]
            off = max(off, outside - sign * end, sign * (end - inside))
        return values, (self.unit * trace + off) * (1 + 1e-6)


@dataclass(frozen=True, slots=True, eq=False)
class Spectral:
    """Singular values, descending, with κ₂ and what is certain of it.

    Parameters
    ----------
    sigma : array, shape (min(m, n),)
        As computed.
    kappa : ConditionEstimate
        Of the matrix.
    least : Bracket
        Of the smallest singular value.
    """

    sigma: np.ndarray
    kappa: ConditionEstimate
    least: Bracket


def squares(blocks: Iterable[np.ndarray], m: int, n: int) -> Squares:
    """Return the Gram matrix of the columns in `blocks`, at most `BLOCK` in each.

    An entry is a sum of inner products of length at most `BLOCK`, in any order, whose
    factors may have been rounded twice each: |error| ≤ γ_k |a_i|'|a_j| with k = BLOCK +
    the number of blocks + 4 (Higham 2002, section 3.1).
    """
    G = np.zeros((m, m))
    for B in blocks:
        G += B @ B.T  # NumPy sees the transpose and calls dsyrk: exactly symmetric
    k = min(n, BLOCK) + math.ceil(n / BLOCK) + 4
    return Squares(G, k * UNIT_ROUNDOFF / (1 - k * UNIT_ROUNDOFF))


def by_gram(given: Squares) -> Spectral | None:
    """Return the singular values with κ₂, or None where rounding blurs the smallest."""
    if not np.isfinite(given.G).all() or given.norms.min() < FLOOR:
        return None
    values, delta = given.eigenvalues()
    first, last = float(values[0]), float(values[-1])
    if not delta <= SHARP * last:
        return None
    slack = 8 * EPS  # of the divisions and roots
    lower = max(1.0, math.sqrt((first - delta) / (last + delta)) * (1 - slack))
    upper = math.sqrt((first + delta) / (last - delta)) * (1 + slack)
    value = min(max(math.sqrt(first / last), lower), upper)
    least = Bracket(
        math.sqrt(last - delta) * (1 - slack), math.sqrt(last + delta) * (1 + slack)
    )
    return Spectral(
        np.sqrt(values), ConditionEstimate(value, lower, upper, 2, "gram"), least
    )
