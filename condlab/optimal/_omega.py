"""The least mean over geometric mean of squared singular values, or of eigenvalues.

ω(G) = (tr G / n) / det(G)^(1/n) for positive definite G [1]_. Scaling multiplies the
determinant by the squares of the multipliers, whatever they are, so that only the
diagonal of G counts, and by the inequality of the means the best D G D has a constant
one: Jacobi's for a symmetric matrix, unit rows for G = A Aᵀ, unit columns for AᵀA. For
both sides the logarithm is convex in the logarithms of the multipliers; unit rows and
unit columns in turn are descent along one side after the other, each step the best
there is, and have a limit where each nonzero entry lies on a diagonal of nonzeros [2]_.

How far a matrix B with squares P and sums near 1 is from that limit is certain: for all
Q of row and column sums 1, log ω of no scaled B is below log ω(B) − Σ δ_ij²/(n P_ij),
δ = Q − P, by the variational form of log Σ exp and log t ≤ t − 1. Such a Q differs from
P on a spanning tree of the nonzeros alone, there by no more than all sums are off.
"""

from __future__ import annotations

import math

import numpy as np
import scipy.sparse as sp
from scipy.linalg import lu_factor
from scipy.sparse.csgraph import minimum_spanning_tree

from condlab.condition import cond_2
from condlab.condition._inverse import UNIT_ROUNDOFF
from condlab.optimal.one_sided.dense import ROUNDING, Found
from condlab.scaling import (
    column_scaling,
    jacobi_scaling,
    row_column_scaling,
    row_scaling,
)
from condlab.types import Bracket, Scaling

SWEEPS = 10_000
UNIT = 1e-13  # how far sums of squares may be from 1 at the end
FORMULA, ALTERNATION = "formula", "alternation"


def best_omega(A: np.ndarray, side: str) -> tuple[Found, str]:
    """Return the best scaling of a dense matrix with its bracket, and the method.

    References
    ----------
    .. [1] J. E. Dennis and H. Wolkowicz, "Sizing and least-change secant methods", SIAM
       J. Numer. Anal. 30(5), 1993.
    .. [2] R. Sinkhorn and P. Knopp, "Concerning nonnegative matrices and doubly
       stochastic matrices", Pacific J. Math. 21, 1967.
    """
    both = side == "both"
    scaling = _alternated(A) if both else _formula(A, side)
    B = scaling.apply(A)
    found = omega_bracket(B, side)
    # Norms that are off by n u are means that are off by the square of that.
    share = least_share(B) if both else 1 - 8 * UNIT_ROUNDOFF
    lower = max(1.0, found.lower * share)
    left, right = scaling.left, scaling.right
    method = ALTERNATION if both else FORMULA
    return Found(left, right, lower, 0, ROUNDING, found.upper), method


def least_share(B: np.ndarray) -> float:
    """Bound the least ω of D₁ B D₂ over that of a square B from below; 0 is nothing."""
    n = len(B)
    P = np.abs(B) ** 2
    sums = np.concatenate([P.sum(axis=0), P.sum(axis=1)])
    rounding = 2 * n * (n + 16) * UNIT_ROUNDOFF * float(sums.max())
    off = float(np.abs(sums - 1).sum()) + rounding
    i, j = np.nonzero(P)
    if not off < 1:  # below 1 each connected component has as many rows as columns
        return 0.0
    # A tree of least weights has the largest entries; none of the weights is zero.
    weights = 1 + np.log(P.max() / P[i, j])
    tree = minimum_spanning_tree(sp.coo_array((weights, (i, n + j)), (2 * n, 2 * n)))
    i, j = tree.nonzero()
    entries = P[i, j - n] * (1 - 16 * UNIT_ROUNDOFF)
    if not off <= entries.min():
        return 0.0
    return math.exp(-float((off * (off / entries)).sum()) / n) * (1 - UNIT_ROUNDOFF)


def omega_bracket(B: np.ndarray, side: str) -> Bracket:
    """Bracket ω of a symmetric B, or of B Bᵀ or BᵀB, of full rank by assumption.

    The determinant is that of a computed LU factorisation, which is one of B + E with
    |E| ≤ γ |L| |U|; so its logarithm is off by at most n δ / (1 − δ), δ = ‖B⁻¹‖ ‖E‖.
    """
    symmetric = side == "symmetric"
    m, n = B.shape
    gamma = (max(m, n) + 8) * UNIT_ROUNDOFF
    if m != n:
        size = np.abs(B).T @ np.abs(B) if m > n else np.abs(B) @ np.abs(B).T
        M, blur = (B.conj().T @ B if m > n else B @ B.conj().T), gamma * size
    else:
        M, blur = B, 4 * UNIT_ROUNDOFF * np.abs(B)
    order = len(M)
    logs, error = _log_determinant(M, blur)
    mean = np.diagonal(B).real.sum() if symmetric else float((np.abs(B) ** 2).sum())
    powers = 2.0 if m == n and not symmetric else 1.0
    middle = math.log(mean / order) - powers * logs / order if mean > 0 else math.nan
    off = powers * error / order + 4 * gamma * (1 + abs(middle))
    if not math.isfinite(off):
        return Bracket(1.0, math.inf)
    return Bracket(max(1.0, math.exp(middle - off)), math.exp(middle + off))


def _log_determinant(M: np.ndarray, blur: np.ndarray) -> tuple[float, float]:
    """Return log |det M| and what it may be off by, where M is off by `blur`."""
    n = len(M)
    kappa = cond_2(M).upper
    if not math.isfinite(kappa):
        return 0.0, math.inf
    factors = lu_factor(M)[0]
    L, U = np.abs(np.tril(factors, -1)) + np.eye(n), np.abs(np.triu(factors))
    gamma = 4 * (n + 8) * UNIT_ROUNDOFF  # complex products cost more
    E = gamma * (L @ U) + blur
    distance = math.sqrt(n) * kappa / float(np.linalg.norm(M)) * np.linalg.norm(E)
    if not distance < 0.5:
        return 0.0, math.inf
    logs = np.log(np.diagonal(U))
    rounding = (n + 8) * UNIT_ROUNDOFF * float(np.abs(logs).sum())
    return float(logs.sum()), float(n * distance / (1 - distance) + rounding)


def _formula(A: np.ndarray, side: str) -> Scaling:
    if side == "symmetric":
        return jacobi_scaling(A)
    return row_scaling(A) if side == "left" else column_scaling(A)


def _alternated(A: np.ndarray) -> Scaling:
    """Return what makes rows and columns units at once, as nearly as is found."""
    start = row_column_scaling(A, rounding="power-of-two")
    P = np.abs(start.apply(A)) ** 2
    x, y = np.ones(len(A)), np.ones(len(A))
    with np.errstate(all="ignore"):
        for _ in range(SWEEPS):
            x = 1 / (P @ y)
            sums = y * (P.T @ x)
            if not float(np.abs(sums - 1).max()) > UNIT:
                break
            y = 1 / (P.T @ x)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return start
    left, right = np.sqrt(x), np.sqrt(y)
    if (A == A.conj().T).all():  # by convexity their mean is as good
        left = right = np.sqrt(left * start.left) * np.sqrt(right * start.right)
        return Scaling(left, right)
    return Scaling(left, right).compose(start)
