"""The best scaling of matrices of less than full rank, on their row or column space.

There κ is the largest singular value over the least that is not zero. D A has the row
space of A for every D, so that κ of its rows is that of D A V for a basis V. D G D of a
positive semidefinite G = L Lᵀ has the nonzero eigenvalues of (D L)ᵀ D L. Of two sides
at once no such reduction is known but where a connected component has independent
rows or columns; others are scaled one side after the other, without a bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import scipy.linalg as sl
import scipy.sparse as sp
from scipy.sparse.csgraph import structural_rank

from condlab import _arrays
from condlab._rank import exact_rank
from condlab.condition import cond_2
from condlab.condition._inverse import EPS
from condlab.condition._verified import eigenvalue_bound, norm_bounds
from condlab.optimal._progress import Clock
from condlab.optimal._units import applied
from condlab.optimal.certificates.duality import range_bound, scaled_bound
from condlab.optimal.one_sided._point import Point
from condlab.optimal.one_sided.components import components
from condlab.optimal.one_sided.dense import MARGIN, ROUNDING, Found, factor_of, searched
from condlab.scaling import jacobi_scaling, row_column_scaling, row_scaling
from condlab.types import Array, Scaling

Solver = Callable[[np.ndarray], Found]
METHODS = {
    "left": "interior-point on the row space",
    "right": "interior-point on the column space",
    "symmetric": "interior-point on the range",
    "both": "barrier on the row and column space",
}
IN_TURN = "one side after the other on the row and column space"
ROUNDS = 3  # of scaling one side after the other


def best_on_range(
    A: np.ndarray, side: str, rtol: float, clock: Clock, solve: Solver
) -> tuple[Found, str] | None:
    """Return the best scaling of a real A of less than full rank, and the method.

    None where that is not certain, or nothing is known. `solve` scales two sides of
    matrices of full rank.
    """
    i, j = np.asarray(A.any(axis=1)), np.asarray(A.any(axis=0))
    B = A[np.ix_(i, j)]
    rank = _rank(B) if B.size and clock.affords("start", "judge") else None
    found = None if rank is None else _best(B, rank, side, rtol, clock, solve)
    if rank is None or found is None:
        return None
    found = replace(
        found,
        left=None if side == "right" else _filled(i, found.left),
        right=None if side == "left" else _filled(j, found.right),
    )
    method = IN_TURN if found.stopped == IN_TURN else METHODS[side]
    return judged_on_range(A, found, rank), method


def _filled(there: np.ndarray, multipliers: Array | None) -> np.ndarray:
    d = np.ones(len(there))
    d[there] = multipliers
    return d


def _rank(A: np.ndarray) -> int | None:
    """Return the rank if it is certain."""
    rank = exact_rank(A)
    if rank is not None:
        return rank
    most = int(structural_rank(sp.csr_array(A != 0)))
    M = applied(A, row_column_scaling(A, rounding="power-of-two"))
    return most if _least(M, most)[0] > 0 else None


def _best(
    A: np.ndarray, rank: int, side: str, rtol: float, clock: Clock, solve: Solver
) -> Found | None:
    if side == "left":
        return _rows(A, rank, rtol, clock)
    if side == "right":
        found = _rows(A.T.copy(), rank, rtol, clock)
        return replace(found, left=None, right=found.left)
    if side == "symmetric":
        return _alike(A, rank, rtol, clock)
    return _both(A, rtol, clock, solve)


def judged_on_range(A: np.ndarray, found: Found, rank: int) -> Found:
    """Return what was found with what the scaling certainly reaches on the range."""
    M = applied(A, Scaling(found.left, found.right))
    least, size = _least(M, rank)
    if not least > 0:
        return replace(found, rank=rank, upper=math.inf)
    most = norm_bounds(M)[1] * (1 + 2 * EPS * math.sqrt(min(M.shape)))
    upper = most * size / least * (1 + 8 * EPS)
    return replace(found, rank=rank, upper=max(upper, found.lower))


def _least(M: np.ndarray, rank: int) -> tuple[float, float]:
    """Return x and y > 0 with x / y certainly below σ_r, whatever M's last two bits.

    σ_r(M) is at least σ_min(M V) / ‖V‖ for any V of r columns.
    """
    V = np.linalg.svd(M)[2][:rank].T
    S = M @ V
    size = float(np.linalg.norm(M)) * float(np.linalg.norm(V))
    error = (M.shape[1] + 8) * EPS * size
    return norm_bounds(S)[0] / cond_2(S).upper - error, norm_bounds(V)[1]


def _rows(A: np.ndarray, rank: int, rtol: float, clock: Clock) -> Found:
    """Scale the rows of A, none of which is zero, on its row space."""
    units = np.asarray(row_scaling(A, rounding="power-of-two").left)
    if rank == 1:
        return Found(units, None, 1.0, 0)
    B = units[:, None] * A  # exact
    Vt = np.linalg.svd(row_scaling(B).apply(B))[2]
    V, N = Vt[:rank].T, Vt[rank:].T

    def certify(proof: Point) -> float:
        scale = _arrays.power_of_two(proof.d)
        M = scale[:, None] * B
        top, bottom = (factor_of(Z) for Z in (proof.top, proof.bottom))
        F1, F2 = (V @ (proof.V @ F) for F in (top, bottom))
        found = scaled_bound(M, F1, F2, rows=True, columns=False)
        share = _share_outside(M, V, N, F2)
        return max(1.0, found * math.sqrt(max(0.0, 1 - share**2)) * (1 - 2 * EPS))

    found = searched(B @ V, MARGIN * rtol, clock, certify, 1.0)
    if found is None:
        return Found(units, None, 1.0, 0)
    return replace(found, left=units * found.left)


def _share_outside(M: np.ndarray, V: np.ndarray, N: np.ndarray, F: np.ndarray) -> float:
    """Bound the share of the columns of F that M maps to zero, all in all, by 1.

    With [V N] within δ of orthogonal, a unit x with M x = 0 has M V (Vᵀ x) as small as
    M N and δ M are, so that |Vᵀ x| ≤ θ; what is left of x is of N.
    """
    n = len(V)
    rounding = (n + 8) * EPS * n  # of an inner product, in the Frobenius norm
    Q = np.hstack([V, N])
    delta = float(np.linalg.norm(Q.T @ Q - np.eye(n))) + rounding
    size = float(np.linalg.norm(M))
    lost = rounding * size
    S = M @ V
    least = norm_bounds(S)[0] / cond_2(S).upper - lost
    if not (least > 0 and delta < 1):
        return 1.0
    small = (float(np.linalg.norm(M @ N)) + lost) * (1 + delta) + size * delta
    theta = small / least * (1 + delta) + delta
    inside = float(np.linalg.norm(N.T @ F)) / float(np.linalg.norm(F)) + rounding
    return min(1.0, (inside * (1 + delta) + theta) * (1 + rounding))


def _alike(A: np.ndarray, rank: int, rtol: float, clock: Clock) -> Found | None:
    """Scale both sides of a positive semidefinite A alike; None if it is not one."""
    if not (np.diagonal(A) > 0).all():
        return None
    units = _arrays.power_of_two(np.asarray(jacobi_scaling(A).left))
    G = units[:, None] * A * units  # exact
    if not _is_semidefinite(G, rank):
        return None
    if rank == 1:
        return Found(units, units, 1.0, 0)
    values, vectors = np.linalg.eigh(G)
    roots, V = np.sqrt(values[-rank:]), vectors[:, -rank:]

    def certify(proof: Point) -> float:
        scale = _arrays.power_of_two(proof.d)
        X, Y = (
            (V / roots) @ (proof.V @ factor_of(Z)) / scale[:, None]
            for Z in (proof.top, proof.bottom)
        )
        found = range_bound(scale[:, None] * G * scale, X, Y)
        return math.sqrt(found) * (1 - EPS)

    found = searched(V * roots, MARGIN * rtol / 2, clock, certify, 1.0)
    if found is None:
        return Found(units, units, 1.0, 0)
    d = units * found.left
    return replace(
        found, left=d, right=d, lower=max(1.0, found.lower**2 * (1 - 2 * EPS))
    )


def _is_semidefinite(G: np.ndarray, rank: int) -> bool:
    """Tell whether a symmetric G of this rank is certainly positive semidefinite.

    It is if a part of that order is definite: the Schur complement has rank 0.
    """
    pivots = sl.lapack.dpstrf(G)[1][:rank] - 1
    part = G[np.ix_(pivots, pivots)]
    least = float(np.linalg.eigvalsh(part)[0])
    return eigenvalue_bound(-part, -least, float(np.linalg.norm(part)))[0] < 0


def _both(A: np.ndarray, rtol: float, clock: Clock, solve: Solver) -> Found:
    """Scale both sides, component by component."""
    left, right = np.ones(A.shape[0]), np.ones(A.shape[1])
    lower, steps, stopped = 1.0, 0, ROUNDING
    for rows, columns in components(A, "both"):
        B = A[np.ix_(rows, columns)]
        rank = _rank(B) or 1
        full = rank == min(B.shape)
        found = solve(B) if full else _in_turn(B, rank, rtol, clock)
        scaling = Scaling(found.left, found.right)
        sigma = np.linalg.svd(applied(B, scaling), compute_uv=False)[:rank]
        peak = float(np.linalg.norm(scaling.apply(B), 2))
        left[rows] = np.asarray(found.left) * (math.sqrt(sigma[0] / sigma[-1]) / peak)
        right[columns] = found.right
        lower, steps = max(lower, found.lower), steps + found.iterations
        stopped = IN_TURN if found.stopped == IN_TURN else stopped
    return Found(left, right, lower, steps, stopped)


def _in_turn(A: np.ndarray, rank: int, rtol: float, clock: Clock) -> Found:
    """Scale one side after the other, of a component; nothing bounds the best."""
    left, right, steps = np.ones(A.shape[0]), np.ones(A.shape[1]), 0
    if rank == 1:
        return Found(left, right, 1.0, 0)
    for _ in range(ROUNDS):
        for side in ("left", "right"):
            if clock.over():
                break
            M = applied(A, Scaling(left, right))
            found = _rows(M if side == "left" else M.T.copy(), rank, rtol, clock)
            d, steps = np.asarray(found.left), steps + found.iterations
            d = d / math.sqrt(d.max() * d.min())
            left, right = (left * d, right) if side == "left" else (left, right * d)
    return Found(left, right, 1.0, steps, IN_TURN)
