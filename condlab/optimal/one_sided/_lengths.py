"""How far a step may go: the least eigenvalue of a change, relative to its matrix."""

from __future__ import annotations

import numpy as np
import scipy.linalg as sl

from condlab.condition._inverse import EPS

SHORTEN = 0.95  # of the way to the boundary
NEAR, ENOUGH, MOST_RITZ = 0.05, 12, 40  # how near a Ritz value is; vectors
DENSE = 150  # order up to which all eigenvalues are as quick as the least


def least_eigenvalue(A: np.ndarray, half: np.ndarray | None = None) -> float:
    """Return the least eigenvalue of A, or of half A halfᵀ, or less than it.

    Of a large one it is the least Ritz value less its residual, which is as near as
    the length of a step needs it (Toh, Comput. Optim. Appl. 21, 2002). Lanczos may yet
    miss the least one: whoever takes the step must look where it leads.
    """
    n = len(A)
    if n <= DENSE:
        return float(np.linalg.eigvalsh(A if half is None else half @ A @ half.T)[0])
    basis = np.zeros((MOST_RITZ + 1, n))
    start = np.random.default_rng(n).standard_normal(n)
    basis[0] = start / np.linalg.norm(start)
    alpha, beta = np.zeros(MOST_RITZ), np.zeros(MOST_RITZ)
    for k in range(MOST_RITZ):
        v = basis[k]
        u = A @ v if half is None else half @ (A @ (half.T @ v))
        alpha[k] = u @ v
        for _ in range(2):
            u -= basis[: k + 1].T @ (basis[: k + 1] @ u)
        beta[k] = np.linalg.norm(u)
        values, vectors = sl.eigh_tridiagonal(alpha[: k + 1], beta[:k])
        least, residual = float(values[0]), float(beta[k] * abs(vectors[-1, 0]))
        settled = residual <= NEAR * abs(least) or least - residual > -SHORTEN
        ended = beta[k] <= n * EPS * np.abs(alpha[: k + 1]).max()  # nothing is left
        if ended or (k >= ENOUGH and settled):
            break
        basis[k + 1] = u / beta[k]
    return least - residual


def inverse_of(root: np.ndarray) -> np.ndarray:
    """Return the inverse of a Cholesky factor.

    Its products take the place of triangular solves, which OpenBLAS spreads over
    threads even for matrices of order 8: 0.8 ms of waiting each.
    """
    inverse, info = sl.lapack.dtrtri(root, lower=1)
    if info:
        raise np.linalg.LinAlgError("a dual variable is singular")
    return inverse
