"""Proven bounds of ‖A‖₂ and ‖A⁺‖₂: of floats as they are, with all rounding bounded.

Nothing is assumed of what LAPACK returns. ‖A‖² ≤ s is proved as Rump does, by a
Cholesky factor of sI − A'A that exists in floats: in whatever order it is summed,
L L' is within γ |L| |L'| of that matrix, hence within γ times its trace in the 2-norm
(Higham 2002, theorem 10.3). And A⁺ = X (A X)⁺ for any nonsingular X, so that ‖A⁺‖ is
between ‖X‖/σ_1(AX) and ‖X‖/σ_n(AX); with X near R⁻¹ the matrix A X is nearly
orthonormal, and (A X)'(A X) shows how nearly. Graded columns cost no digits, as they
do not in R. From below both norms are Rayleigh quotients.
"""

from __future__ import annotations

import math

import numpy as np
import scipy.linalg as sl

UNIT_ROUNDOFF = float(np.finfo(np.float64).eps) / 2
BLOCK = 512  # terms summed at a time: sums are shorter, and so are their errors
TINY = 2.0**-900  # more than all that underflow can lose
MIDDLE = (2.0**-60, 2.0**60)  # peaks of matrices whose squares are middling, too
SLACKS = (8.0, 1e3, 1e6, 1e10)  # of s above the estimate, in roundings a column
STEPS = 2  # of inverse iteration
ROUNDED = 1 + 1e-12  # covers the few operations of a bound itself
Ends = tuple[float, float]


def norm_bounds(
    A: np.ndarray, estimate: float = math.inf, sizes: np.ndarray | None = None
) -> Ends:
    """Bound ‖A‖₂ from below and above.

    Parameters
    ----------
    A : array, shape (m, n)
        Real or complex, of any range.
    estimate : float
        Of the norm; the better it is, the closer are the bounds.
    sizes : array, shape (m, n), optional
        |A|, where the caller has it.

    Returns
    -------
    low, high : float
        The second is inf where the norm exceeds all floats.

    References
    ----------
    .. [1] S. M. Rump, "Verification of positive definiteness", BIT 46, 2006.
    .. [2] N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., SIAM
       2002, sections 3.1 and 10.1.
    """
    sizes = np.abs(A) if sizes is None else sizes
    peak, exponent = float(sizes.max()), 0
    if peak == 0:
        return 0.0, 0.0
    if not MIDDLE[0] <= peak <= MIDDLE[1]:
        exponent = int(np.frexp(peak)[1])
        A, estimate = times_power(A, -exponent), math.ldexp(estimate, -exponent)
        sizes = np.abs(A)
    if A.shape[0] < A.shape[1]:
        A, sizes = np.ascontiguousarray(A.conj().T), sizes.T
    H = _gram(A)
    error = _gram_error(A, sizes)
    near, trace = estimate * estimate, float(np.trace(H).real)
    if not trace / len(H) / 2 <= near <= 2 * trace:
        near = float(np.linalg.eigvalsh(H, UPLO="U")[-1])
    top, x = eigenvalue_bound(H, near, near)
    high = math.sqrt(top + error) * (1 + 8 * UNIT_ROUNDOFF)
    low = max(quotient(A, sizes, x)[0], float(sizes.max()) * (1 - 4 * UNIT_ROUNDOFF))
    if exponent == 0:
        return low, high
    with np.errstate(over="ignore", under="ignore"):
        low, high = np.ldexp([low, high], exponent)
    return float(np.nextafter(low, 0.0)), float(np.nextafter(high, math.inf))


def triangle(
    A: np.ndarray, sizes: np.ndarray
) -> tuple[np.ndarray, float, float] | None:
    """Return X near R⁻¹ of A = Q R, m ≥ n, and bounds of the singular values of A X.

    `sizes` is |A|. None stands for no bounds. With a peak of A near 1, X has middling
    columns.
    """
    geqrf, trtri = sl.lapack.get_lapack_funcs(("geqrf", "trtri"), (A,))
    n = A.shape[1]
    with np.errstate(all="ignore"):
        X, info = trtri(geqrf(A, lwork=64 * n)[0][:n], overwrite_c=1)
        X = np.tril(X.T).T  # stays in the order of LAPACK
        if info or not np.isfinite(X).all():
            return None
        least, most = _nearly_orthonormal(A, sizes, X)
    return (X, least, most) if least > 0 else None


def times_power(A: np.ndarray, exponent: int) -> np.ndarray:
    """Return 2^exponent A, rounded only where entries leave the range of floats."""
    A = np.ascontiguousarray(A)
    with np.errstate(over="ignore", under="ignore"):
        return np.ldexp(A.view(np.float64), exponent).view(A.dtype)


def gamma(terms: int, A: np.ndarray) -> float:
    """Return γ of so many terms, with four roundings to spare.

    A complex product has an error of √2 γ of twice the length.
    """
    k = 1.5 * (2 * terms + 6) if np.iscomplexobj(A) else terms + 4
    return k * UNIT_ROUNDOFF / (1 - k * UNIT_ROUNDOFF) * ROUNDED


def _blocks(terms: int) -> int:
    """Return how many roundings a term meets in sums by blocks."""
    return min(terms, BLOCK) + math.ceil(terms / BLOCK)


def quotient(A: np.ndarray, sizes: np.ndarray, x: np.ndarray) -> Ends:
    """Bound ‖Ax‖/‖x‖ from below and above, for `sizes` = |A| with a peak near 1."""
    x = x / np.abs(x).max()
    noise = gamma(A.shape[1], A) * float(np.linalg.norm(sizes @ np.abs(x)))
    noise = noise * ROUNDED + len(A) * TINY
    slack = 2 * (sum(A.shape) + 16) * UNIT_ROUNDOFF
    size, length = float(np.linalg.norm(A @ x)), float(np.linalg.norm(x))
    low, high = max(size - noise, 0.0) / length, (size + noise) / length
    return low * (1 - slack), high * (1 + slack)


def _nearly_orthonormal(A: np.ndarray, sizes: np.ndarray, X: np.ndarray) -> Ends:
    """Bound the singular values of A X, for an upper triangular X; 0 if unknown."""
    (product,) = sl.blas.get_blas_funcs(("trmm",), (A, X))
    W = product(1.0, X, A, side=1)
    H = _gram(W)
    error = _gram_error(W, _sizes_instead(W))
    H[np.diag_indices(len(H))] -= 1
    rho = _sums_bound(_sizes_instead(H)) + error + 4 * UNIT_ROUNDOFF
    others = np.abs(X)
    rows = float((sizes @ others.sum(axis=1)).max())
    columns = float((sizes.sum(axis=0) @ others).max())
    lost = gamma(len(X), A) * math.sqrt(rows) * math.sqrt(columns) * ROUNDED
    lost += A.size * TINY * (1 + float(others.max()))
    if not (rho < 1 and lost < 1):
        return 0.0, math.inf
    slack = 8 * UNIT_ROUNDOFF
    least = math.sqrt(1 - rho) * (1 - slack) - lost
    return max(least, 0.0) * (1 - slack), (math.sqrt(1 + rho) + lost) * (1 + slack)


def _gram(A: np.ndarray) -> np.ndarray:
    """Return H near the conjugate of A'A, whose lower triangle is of zeros."""
    H = _square(A[:BLOCK])
    for k in range(BLOCK, len(A), BLOCK):
        H += _square(A[k : k + BLOCK])
    return H


def _gram_error(A: np.ndarray, sizes: np.ndarray) -> float:
    """Bound how far in the 2-norm `_gram` is from what it computes, for sizes = |A|."""
    bound = float((sizes.T @ sizes.sum(axis=1)).max()) * ROUNDED  # of ‖ |A|' |A| ‖₂
    return gamma(_blocks(len(A)), A) * bound + A.size * TINY


def _sizes_instead(A: np.ndarray) -> np.ndarray:
    """Return |A|, in the place of a real A: new memory takes longer than the work."""
    sizes: np.ndarray = np.abs(A) if np.iscomplexobj(A) else np.abs(A, out=A)
    return sizes


def _square(A: np.ndarray) -> np.ndarray:
    """Return the upper triangle of the conjugate of A'A."""
    if np.iscomplexobj(A):
        return np.asarray(sl.blas.zherk(1.0, A.T))
    if A.flags.f_contiguous:  # the BLAS copies what lies the other way
        return np.asarray(sl.blas.dsyrk(1.0, A, trans=1))
    return np.asarray(sl.blas.dsyrk(1.0, A.T))


def _sums_bound(sizes: np.ndarray) -> float:
    """Bound the 2-norm of a Hermitian matrix with an upper triangle of these sizes."""
    return float((sizes.sum(axis=0) + sizes.sum(axis=1)).max()) * ROUNDED


def eigenvalue_bound(
    H: np.ndarray, estimate: float, size: float
) -> tuple[float, np.ndarray]:
    """Bound the largest eigenvalue of H from above; return a vector of its conjugate.

    By a Cholesky factor of sI − H, or by sums of absolute values. H may have only its
    upper triangle; `size` is that of its eigenvalues.
    """
    n, x = len(H), np.random.default_rng(0).standard_normal(len(H))  # no eigenvector
    (factor,) = sl.lapack.get_lapack_funcs(("potrf",), (H,))
    for slack in SLACKS:
        s = estimate + slack * n * UNIT_ROUNDOFF * size
        M = -H
        M[np.diag_indices(n)] += s
        U, info = factor(M, overwrite_a=1)
        if info:
            continue
        moved = gamma(n, H) / (1 - gamma(n, H)) * float(n * s - np.trace(H).real)
        # The last term is the rounding of the diagonal, and of all this.
        moved = moved * ROUNDED + 16 * UNIT_ROUNDOFF * (abs(s) + size)
        for _ in range(STEPS):
            x = sl.cho_solve((U, False), x / np.abs(x).max(), check_finite=False)
        return s + moved, x.conj()
    return _sums_bound(np.abs(np.triu(H))), x
