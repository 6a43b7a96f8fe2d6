"""Ruiz's sweeps in the inf-norm, over the entries that can still be a line's largest.

After the first sweep no norm is above 1, and a line of norm R has at least the norm √R
after the next one, and so on: from now on an entry grows by 1/(R C) at most, R and C
being the norms of its row and column, and no norm falls. So an entry below
R C min(R, C) is never again the largest of its row or column, and may be left out:
what is left, few entries of each line, gives the same norms as all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from condlab import _arrays
from condlab.equilibration.reciprocals import are_unit, in_range, root_reciprocal
from condlab.types import Sparse

PRUNED = (1, 2, 4, 8, 16)  # sweeps before which entries are looked through
FEW = 8  # a dense matrix is left for its entries once one in so many is left
ROUNDINGS = 40  # of half a unit each, by which a sweep can lift an entry
TILE = 1 << 18  # entries of a dense matrix looked through together
PIECE = 1 << 15  # entries of a sparse one, which stay in cache


@dataclass(frozen=True, eq=False)
class Leaders:
    """Some entries of a matrix: their rows, columns and absolute values."""

    shape: tuple[int, int]
    rows: np.ndarray
    columns: np.ndarray
    sizes: np.ndarray

    def scaled(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the entries, scaled from both sides."""
        scaled = np.empty_like(self.sizes)
        for piece, part in self._pieces(scaled):
            # Places are in range; other modes than "clip" make a copy.
            left.take(self.rows[piece], out=part, mode="clip")
            part *= self.sizes[piece]
            part *= right.take(self.columns[piece], mode="clip")
        return scaled

    def _pieces(self, x: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Go through an array of all entries."""
        for start in range(0, len(x), PIECE):
            piece = slice(start, start + PIECE)
            yield piece, x[piece]

    def norms(self, scaled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the largest scaled entry of each row and column, 1 where is none."""
        found = []
        for count, index in zip(self.shape, (self.rows, self.columns), strict=True):
            norms = np.zeros(count, scaled.dtype)
            np.maximum.at(norms, index, scaled)
            if not norms.all():
                norms[norms == 0] = 1
            found.append(norms)
        return found[0], found[1]

    def pruned(
        self, scaled: np.ndarray, R: np.ndarray, C: np.ndarray, left: int
    ) -> Leaders:
        """Return those that can be the largest of a line in the sweeps left."""
        keep = np.empty(len(scaled), bool)
        for piece, part in self._pieces(keep):
            ends = R.take(self.rows[piece]), C.take(self.columns[piece])
            np.greater_equal(scaled[piece], least(*ends, left), out=part)
        kept = (x[keep] for x in (self.rows, self.columns, self.sizes))
        return Leaders(self.shape, *kept)


def least(R: np.ndarray, C: np.ndarray, left: int) -> np.ndarray:
    """Return below what an entry can no longer be the largest of its row or column.

    A sweep rounds multipliers three times and an entry twice, so that it takes entries
    for 10 roundings u more or less than they are, and norms are at most 1 + 10 u. A
    norm R then becomes at least √R (1 − 16 u), and stays above R (1 − 42 u); in k
    sweeps an entry grows by at most (1 + 10 u)² (1 + 38 k u) / (R C). All in all
    38 k + 66 and four of this product, which 40 (k + 2) covers, moduli of complex
    entries included.
    """
    rounded = ROUNDINGS / 2 * (left + 2) * float(np.finfo(R.dtype).eps)
    return max(0.0, 1 - rounded) * R * C * np.minimum(R, C)


def of_sparse(A: Sparse) -> Leaders | None:
    """Return all nonzero entries of a sparse matrix in the middle of the range."""
    A = _arrays.as_float(A)
    sizes, (rows, columns) = np.abs(A.data), _arrays.coordinates(A)
    if not sizes.all():
        there = sizes > 0
        sizes, rows, columns = sizes[there], rows[there], columns[there]
    return _in_middle(Leaders(A.shape, rows, columns, sizes))


def of_dense(
    A: np.ndarray, scaled: np.ndarray, R: np.ndarray, C: np.ndarray, left: int
) -> Leaders | None:
    """Return what matters of a scaled matrix in the sweeps left, where it is little."""
    most, found = A.size // FEW, []
    step = max(1, TILE // A.shape[1])
    for start in range(0, len(A), step):
        rows = slice(start, start + step)
        sizes = np.abs(scaled[rows])
        i, j = np.nonzero((sizes >= least(R[rows, None], C, left)) & (sizes > 0))
        found.append((i + start, j))
        most -= len(i)
        if most < 0:
            return None
    i, j = (np.concatenate(part) for part in zip(*found, strict=True))
    return _in_middle(Leaders(A.shape, i, j, np.abs(A[i, j])))


def _in_middle(leaders: Leaders) -> Leaders | None:
    """Return them unless a product of three factors could leave the range of floats."""
    return leaders if _between(leaders.sizes, 1 / 2) else None


def _between(x: np.ndarray, power: float) -> bool:
    kind = np.finfo(x.dtype)
    low, high = float(kind.tiny) ** power, float(kind.max) ** power
    return not x.size or bool(low <= x.min() and x.max() <= high)


def sweeps(
    leaders: Leaders,
    left: np.ndarray | None,
    right: np.ndarray | None,
    tol: float,
    first: int,
    last: int,
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the multipliers that sweeps `first` to `last` make of some.

    None where they left the middle of the range, in which products are safe.
    """
    dtype = leaders.sizes.dtype
    left = np.ones(leaders.shape[0], dtype) if left is None else left
    right = np.ones(leaders.shape[1], dtype) if right is None else right
    for sweep in range(first, last):
        if not (_between(left, 1 / 4) and _between(right, 1 / 4)):
            return None
        scaled = leaders.scaled(left, right)
        R, C = leaders.norms(scaled)
        if are_unit(R, tol) and are_unit(C, tol):
            break
        if sweep in PRUNED:
            leaders = leaders.pruned(scaled, R, C, last - sweep)
        left, right = left * root_reciprocal(R), right * root_reciprocal(C)
    return (left, right) if in_range(left) and in_range(right) else None
