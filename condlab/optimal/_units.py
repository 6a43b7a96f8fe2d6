"""Exact powers of two that bring a matrix of any range to the middle of the floats.

The exponents are added as integers, so that no product of two multipliers over- or
underflows on the way, and neither does that of a multiplier and an entry.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from condlab import _arrays
from condlab.types import Scaling

SWEEPS = 40  # of the symmetric iteration, which halves its distance in each
LOWEST = -(10**6)  # stands for the exponent of zero
MIDDLE = 2.0**100  # and its inverse: products of some such entries are floats
ROOM = 1000  # exponents of multipliers that leave room for products


@dataclass(frozen=True, slots=True)
class Units:
    """Exponents of two of rows and columns, those of a side left alone are zeros."""

    rows: np.ndarray
    columns: np.ndarray

    def apply(self, A: np.ndarray) -> np.ndarray:
        """Return the matrix in these units, shape (m, n)."""
        if not (self.rows.any() or self.columns.any()):
            return A
        return np.ldexp(A, self.rows[:, None] + self.columns)

    def undo(self, B: np.ndarray) -> np.ndarray:
        """Return the matrix of which B is the one in these units, up to underflow."""
        return Units(-self.rows, -self.columns).apply(B)

    def apply_sparse(self, A: sp.csr_array) -> sp.csr_array:
        """Return a csr matrix in these units."""
        i, j = _arrays.coordinates(A)
        data = np.ldexp(A.data, self.rows[i] + self.columns[j])
        return type(A)((data, A.indices, A.indptr), shape=A.shape)

    def have_floats(self, scaling: Scaling) -> bool:
        """Tell whether `compose` returns every multiplier exactly."""
        pairs = (scaling.left, self.rows), (scaling.right, self.columns)
        exponents = [np.frexp(d)[1] + e for d, e in pairs if d is not None]
        return all(int(e.max() - e.min()) <= 2 * ROOM for e in exponents)

    def compose(self, scaling: Scaling) -> Scaling:
        """Return the scaling that changes the units and then applies another.

        Either side may come multiplied by a power of two, which κ does not see, so
        that its multipliers are floats.
        """
        left, right = scaling.left, scaling.right
        return Scaling(
            left if left is None else _shifted(left, self.rows),
            right if right is None else _shifted(right, self.columns),
        )


def middle_units(A: np.ndarray, side: str) -> Units:
    """Return the units of the side in which no entry is far above 1.

    They are 1 where A is all of middle size. Otherwise
    the rows or columns, or both in turn, get peaks in [1/2, 1); on the symmetric side
    Ruiz's iteration for the maximum norm gives about that to rows and columns alike.
    """
    rows, columns = np.zeros(len(A), int), np.zeros(A.shape[1], int)
    sizes = np.abs(A)
    top = float(sizes.max())
    if top <= MIDDLE and sizes.min(where=sizes > 0, initial=top) >= 1 / MIDDLE:
        return Units(rows, columns)  # it is there already
    L = np.where(sizes > 0, np.frexp(A)[1], LOWEST)
    if side == "symmetric":
        rows = columns = _symmetric(L)
    if side in ("left", "both"):
        rows = -_peaks(L, 1)
    if side in ("right", "both"):
        columns = -_peaks(L + rows[:, None], 0)
    return Units(rows, columns)


def sparse_units(A: sp.csr_array, side: str) -> Units:
    """Return units for the rows of a csr matrix, or by its diagonal for both sides."""
    m, n = A.shape
    if side == "symmetric":
        shifts = -(np.frexp(A.diagonal())[1] // 2)
        return Units(shifts, shifts)
    peaks = np.full(m, LOWEST)
    np.maximum.at(peaks, _arrays.coordinates(A)[0], np.frexp(A.data)[1])
    return Units(np.where(peaks > LOWEST, -peaks, 0), np.zeros(n, int))


def applied(A: np.ndarray, scaling: Scaling) -> np.ndarray:
    """Return diag(left) A diag(right), divided by a power of two near its peak.

    Each multiplier costs an entry one rounding, whatever the ranges.
    """
    M, exponents = np.frexp(A)
    for d, shape in ((scaling.left, (-1, 1)), (scaling.right, (1, -1))):
        if d is not None:
            mantissas, powers = np.frexp(np.asarray(d))
            M = M * mantissas.reshape(shape)
            exponents = exponents + powers.reshape(shape)
    peak = np.max(exponents, where=M != 0, initial=LOWEST)
    return np.ldexp(M, exponents - peak)


def _peaks(L: np.ndarray, axis: int) -> np.ndarray:
    peaks = L.max(axis=axis)
    return np.where(peaks > LOWEST // 2, peaks, 0)


def _symmetric(L: np.ndarray) -> np.ndarray:
    shifts = np.zeros(len(L), int)
    for _ in range(SWEEPS):
        peaks = _peaks(L + shifts[:, None] + shifts, 1)
        if np.abs(peaks).max() <= 1:
            break
        shifts = shifts - np.trunc(peaks / 2).astype(int)
    return shifts


def _shifted(d: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    mantissas, exponents = np.frexp(d)
    exponents = exponents + shifts
    low, high = int(exponents.min()), int(exponents.max())
    if low < -ROOM or high > ROOM:
        exponents = np.clip(exponents - (low + high) // 2, -1073, 1024)
    return np.ldexp(mantissas, exponents)
