"""Eigenvalues of sparse symmetric matrices that certainly lie on one side of a number.

Lanczos' method bounds an extreme eigenvalue from inside only, and a start vector can
miss it. A Cholesky factor decides: where K − σI = F Fᵀ + E, every eigenvalue of K is at
least σ − ‖E‖. The residual E is computed and its own rounding bounded, so that nothing
is assumed of the factorisation but that its pivots came out positive.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from condlab.condition._fill import fits
from condlab.condition._inverse import EPS
from condlab.optimal._progress import Clock
from condlab.types import Sparse

FILL_LIMIT = 2e7  # entries of the factors
PRODUCTS_LIMIT = 3e10  # multiplications of the residual, a minute's
PRODUCT = 0.25  # of an operation of elimination, in a product of factors
SHARE = 0.2  # of the time that is left, for one factorisation
COUNTING = 1.2e3  # operations in the time of counting the fill of an entry
SLACKS = (3e-6, 1e-4, 1e-2, 0.5)  # how far from the estimates a proof is tried


@dataclass(frozen=True, slots=True)
class Symmetric:
    """A computed sparse matrix, and how far in the 2-norm it is from the exact one."""

    K: sp.csc_array
    noise: float


def congruence(G: Sparse, d: np.ndarray) -> Symmetric:
    """Return diag(d) G diag(d) for a symmetric G."""
    D = sp.diags_array(d)
    K = sp.csc_array(D @ G @ D)
    return Symmetric(K, 4 * EPS * _norm(abs(K)))


def gram(B: Sparse, d: np.ndarray) -> Symmetric:
    """Return D B Bᵀ D for D = diag(d)."""
    M = sp.csr_array(sp.diags_array(d) @ B)
    sizes = abs(M)
    terms = int(np.diff(M.indptr).max()) + 8
    noise = terms * EPS * float((sizes @ (sizes.T @ np.ones(len(d)))).max())
    return Symmetric(sp.csc_array(M @ M.T), noise)


def certain_range(
    S: Symmetric, low: float, high: float, clock: Clock, *, fill: float | None = None
) -> tuple[float, float]:
    """Bound the eigenvalues from below and above, from estimates of the extremes.

    The ends are 0 and inf where nothing can be proved, or there is no time for it.
    `fill` is how many entries factors with pivots on the diagonal are known to have.
    """
    if not (_counted(S, clock) if fill is None else fill <= FILL_LIMIT):
        return 0.0, math.inf
    least, most = 0.0, math.inf
    for slack in SLACKS:
        if least <= 0:
            least = _above(S, low * (1 - slack), 1, clock)
        if math.isinf(most):
            most = -_above(S, high * (1 + slack), -1, clock)
    return max(least, 0.0), most


def _counted(S: Symmetric, clock: Clock) -> bool:
    """Tell whether there is time to count the fill, and then for the factors."""
    limit = fill_limit(S.K.shape[0], clock.work(SHARE), FILL_LIMIT)
    return S.K.nnz * COUNTING <= clock.work(0.5) and fits(S.K, limit)


def fill_limit(n: int, work: float, most: float) -> float:
    """Return how many entries factors may have that take so many operations."""
    return min(most, math.sqrt(2 * n * work))


def _above(S: Symmetric, shift: float, sign: int, clock: Clock) -> float:
    """Return a certain lower bound of the eigenvalues of ±K near ±shift, or -inf."""
    if clock.over():
        return -math.inf
    identity = sp.eye_array(S.K.shape[0], format="csc")
    shifted = sp.csc_array(sign * (S.K - shift * identity))
    factor = _cholesky(shifted, clock)
    if factor is None:
        return -math.inf
    F, order = factor
    sizes = abs(F)
    residual = abs(shifted - sp.csc_array(F @ F.T)[order][:, order])
    terms = int(np.diff(sp.csr_array(F).indptr).max()) + 8
    rounding = terms * EPS * float((sizes @ (sizes.T @ np.ones(F.shape[0]))).max())
    rounding += 2 * EPS * (_norm(abs(S.K)) + abs(shift))
    error = (_norm(residual) + rounding + S.noise) * (1 + 1e-9)
    return sign * shift - error


def _cholesky(S: sp.csc_array, clock: Clock) -> tuple[sp.csc_array, np.ndarray] | None:
    """Return F and an order with S near F Fᵀ in that order, None if not definite."""
    if not (S.diagonal() > 0).all():
        return None
    try:
        lu = splu(
            S,
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
    except RuntimeError:  # a zero pivot
        return None
    pivots = lu.U.diagonal()
    if not ((lu.perm_r == lu.perm_c).all() and (pivots > 0).all()):
        return None
    products = (np.diff(lu.L.indptr).astype(float) ** 2).sum()
    if products > min(PRODUCTS_LIMIT, clock.work(1.0) / PRODUCT):
        return None
    return sp.csc_array(lu.L @ sp.diags_array(np.sqrt(pivots))), lu.perm_c


def _norm(sizes: Sparse) -> float:
    """Bound the 2-norm of a symmetric matrix of these absolute values."""
    return float(sizes.sum(axis=1).max()) * (1 + sizes.shape[0] * EPS)
