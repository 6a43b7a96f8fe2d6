"""One-sided Jacobi for many small matrices at once, entry by entry of all of them.

LAPACK spends more on a call than on the numbers of a matrix of order 3. With equal
entries of all matrices side by side, a rotation is a few operations on long vectors.
"""

from __future__ import annotations

import numpy as np

LARGEST = 4  # columns up to which this is faster than LAPACK, matrix by matrix
SWEEPS = 12  # five or six do, as convergence is quadratic
EPS = float(np.finfo(np.float64).eps)


def side_by_side(A: np.ndarray) -> np.ndarray:
    """Lay out a stack, shape (k, m, n), with equal entries next to each other."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(A, 0, -1)), -1, 0)


def times(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Return each A B, in the sums of the definition where the matrices are small."""
    if max(A.shape[1:]) > LARGEST:
        return A @ B
    C = A[:, :, 0, None] * B[:, None, 0, :]
    for j in range(1, A.shape[2]):
        C += A[:, :, j, None] * B[:, None, j, :]
    return C


def singular_vectors(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return σ and V of each real A = U Σ V', shape (k, m, n), the largest σ first.

    Pairs of columns of A V are rotated until all are orthogonal, which nobody checks
    here: whoever needs it to be certain looks at A V. Small columns keep their digits.

    References
    ----------
    J. Demmel and K. Veselić, "Jacobi's method is more accurate than QR", SIAM J. Matrix
    Anal. Appl. 13, 1992.
    """
    k, m, n = A.shape
    # The columns of A over those of V: both are rotated alike.
    W = np.zeros((n, m + n, k))
    W[:, :m] = A.transpose(2, 1, 0)
    W[range(n), range(m, m + n)] = 1.0
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    for _ in range(SWEEPS):
        with np.errstate(all="ignore"):
            cosines = [_rotate(W, i, j, m) for i, j in pairs]
        if max(cosines, default=0.0) <= m * EPS:
            break
    sigma = np.sqrt(np.square(W[:, :m]).sum(axis=1))
    order = np.argsort(-sigma, axis=0)
    sigma = np.take_along_axis(sigma, order, axis=0)
    V = np.take_along_axis(W[:, m:], order[:, None, :], axis=0)
    return sigma.T, V.transpose(2, 1, 0)


def _rotate(W: np.ndarray, i: int, j: int, m: int) -> float:
    """Make columns i and j orthogonal; return the largest cosine that was there."""
    x, y = W[i, :m], W[j, :m]
    xx, yy, xy = ((a * b).sum(axis=0) for a, b in ((x, x), (y, y), (x, y)))
    cosines = np.abs(xy) / np.sqrt(xx * yy)
    half = (yy - xx) / (2 * xy)
    tangent = np.copysign(1 / (np.abs(half) + np.sqrt(1 + half * half)), half)
    # A column of zeros, or of squares that are, has no angle with another.
    tangent = np.where(np.isfinite(cosines) & (cosines > EPS / 4), tangent, 0.0)
    cosine = 1 / np.sqrt(1 + tangent * tangent)
    x, y = cosine * W[i], cosine * W[j]
    W[i] = x - tangent * y
    W[j] = tangent * x + y
    return float(np.nanmax(cosines, initial=0.0))
