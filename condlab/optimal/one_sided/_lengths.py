"""How far a direction may be followed before a positive definite matrix is singular.

The answer is the least eigenvalue of F⁻¹ ΔZ F⁻ᵀ, Z = F Fᵀ. Small matrices are
decomposed; of larger ones Lanczos' method knows it after some twenty products, which
take less time than to form the matrix. Its residual is taken off: the lengths are
rather too small than too large, as K.-C. Toh has it (SIAM J. Optim. 14, 2003).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.linalg as sl
from scipy.linalg import blas

SMALL = 150  # order up to which a decomposition takes less time
PRODUCTS = 60
CLOSE = 1e-3  # residual; a larger one is met on the way, at other eigenvalues
SHORTEN = 0.9  # of the way to the boundary

Product = Callable[[np.ndarray], np.ndarray]


def cholesky(Z: np.ndarray) -> np.ndarray:
    """Return the lower factor of a symmetric Z, or raise LinAlgError."""
    factor, info = sl.lapack.dpotrf(Z.T, lower=0)
    if info:
        raise np.linalg.LinAlgError("a matrix is not positive definite")
    return factor.T


def times_lower(A: np.ndarray, L: np.ndarray) -> np.ndarray:
    """Return A L for a lower triangular L, in half the time of a product."""
    return blas.dtrmm(1.0, L.T, A.T, side=0, lower=0).T


def times_upper(A: np.ndarray, L: np.ndarray) -> np.ndarray:
    """Return A Lᵀ for a lower triangular L."""
    return blas.dtrmm(1.0, L.T, A.T, side=0, lower=0, trans_a=1).T


def safe(least: float) -> float:
    """Return how far to go at most 1, for the least eigenvalue of the change."""
    return min(1.0, SHORTEN / max(-least, SHORTEN))


def least_scaled(change: np.ndarray, roots: np.ndarray, exact: bool) -> float:
    """Return the least eigenvalue of diag(roots) change diag(roots), or a bit less."""
    if exact or len(change) <= SMALL:
        return float(np.linalg.eigvalsh(roots[:, None] * change * roots)[0])
    return _lanczos(lambda v: roots * _symmetric_product(change, roots * v), len(roots))


def least_in_factor(change: np.ndarray, L: np.ndarray, exact: bool) -> float:
    """Return the least eigenvalue of L⁻¹ change L⁻ᵀ, or a bit less."""
    if exact or len(change) <= SMALL:
        inverse = _inverted(L)
        moved = inverse @ change @ inverse.T
        return float(np.linalg.eigvalsh((moved + moved.T) / 2)[0])

    def product(v: np.ndarray) -> np.ndarray:
        solved = blas.dtrsv(L.T, v, lower=0)
        return blas.dtrsv(L.T, _symmetric_product(change, solved), lower=0, trans=1)

    return _lanczos(product, len(L))


def least_along(e: np.ndarray, L: np.ndarray, exact: bool) -> float:
    """Return the least eigenvalue of L⁻¹ diag(e) L⁻ᵀ, or a bit less."""
    if exact or len(e) <= SMALL:
        inverse = _inverted(L)
        return float(np.linalg.eigvalsh((inverse * e) @ inverse.T)[0])

    def product(v: np.ndarray) -> np.ndarray:
        solved = e * blas.dtrsv(L.T, v, lower=0)
        return blas.dtrsv(L.T, solved, lower=0, trans=1, overwrite_x=1)

    return _lanczos(product, len(L))


def greatest(A: np.ndarray) -> float:
    """Return the greatest eigenvalue of a symmetric A, or a bit more."""
    if len(A) <= SMALL:
        return float(np.linalg.eigvalsh(A)[-1])
    return -_lanczos(lambda v: -_symmetric_product(A, v), len(A))


def _inverted(L: np.ndarray) -> np.ndarray:
    """Return L⁻¹.

    Products with it take the place of triangular solves, which OpenBLAS spreads over
    threads even for matrices of order 8: 0.8 ms of waiting each.
    """
    inverse, info = sl.lapack.dtrtri(L, lower=1)
    if info:
        raise np.linalg.LinAlgError("a factor is singular")
    return np.asarray(inverse)


def _symmetric_product(A: np.ndarray, v: np.ndarray) -> np.ndarray:
    return blas.dsymv(1.0, A.T, v)


def _lanczos(product: Product, order: int) -> float:
    """Return the least Ritz value less its residual, once that is small."""
    Q = np.zeros((PRODUCTS + 1, order))
    Q[0] = np.random.default_rng(0).standard_normal(order)
    Q[0] /= np.linalg.norm(Q[0])
    diagonal, beside = np.zeros(PRODUCTS), np.zeros(PRODUCTS)
    found = 0.0
    for k in range(PRODUCTS):
        r = product(Q[k])
        diagonal[k] = Q[k] @ r
        for _ in range(2):  # twice is enough
            r = r - (Q[: k + 1] @ r) @ Q[: k + 1]
        beside[k] = np.linalg.norm(r)
        values, vectors, _ = sl.lapack.dstev(diagonal[: k + 1], beside[: max(k, 1)])
        residual = abs(beside[k] * vectors[-1, 0])
        found = float(values[0] - residual)
        if residual <= CLOSE * max(1.0, abs(found)) or beside[k] == 0:
            break
        Q[k + 1] = r / beside[k]
    return found
