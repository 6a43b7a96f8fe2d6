"""Rank by exact arithmetic, for matrices that rounding cannot tell from singular."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

EXACT_ORDER = 32  # exact elimination of larger matrices takes more than a second


def is_singular(A: np.ndarray) -> bool:
    """Tell whether A certainly has less than full rank; False decides nothing."""
    from scipy.sparse.csgraph import structural_rank  # a tenth of `import condlab`

    least = min(A.shape)
    if structural_rank(sp.csr_array(A != 0)) < least:
        return True
    return least <= EXACT_ORDER and _exact_rank(A) < least * (1 + np.iscomplexobj(A))


def exact_rank(A: np.ndarray) -> int | None:
    """Return the rank of a real A, None where exact arithmetic takes long."""
    return _exact_rank(A) if min(A.shape) <= EXACT_ORDER else None


def _exact_rank(A: np.ndarray) -> int:
    """Return the rank, twice for a complex A, by Bareiss's elimination in integers."""
    if np.iscomplexobj(A):
        A = np.block([[A.real, -A.imag], [A.imag, A.real]])
    A = A if A.shape[0] <= A.shape[1] else A.T
    M = np.array([_integers(row) for row in A], dtype=object)
    rank, divisor = 0, 1
    for j in range(M.shape[1]):
        pivots = np.flatnonzero(M[rank:, j])
        if pivots.size == 0:
            continue
        M[[rank, rank + pivots[0]]] = M[[rank + pivots[0], rank]]
        pivot, rest = M[rank, j], M[rank + 1 :]
        M[rank + 1 :] = (pivot * rest - np.outer(rest[:, j], M[rank])) // divisor
        rank, divisor = rank + 1, pivot
        if rank == len(M):
            break
    return rank


def _integers(row: np.ndarray) -> list[int]:
    """Return a multiple of a row of floats in Python's integers."""
    ratios = [float(x).as_integer_ratio() for x in row]
    common = max(ratio[1] for ratio in ratios)  # all are powers of two
    return [numerator * (common // divisor) for numerator, divisor in ratios]
