"""Lanczos and Golub-Kahan: short recurrences kept orthogonal by brute force.

Every new vector is orthogonalised against all earlier ones by classical Gram-Schmidt,
two matrix-vector products with the basis a pass, and again where a pass took more than
its share. An invariant subspace ends the recurrence; nothing is divided by a norm that
is only rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg

EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, eq=False)
class Tridiagonalisation:
    """A Q = Q T + coupling · next · e_k', with Q'Q = I and T real and tridiagonal.

    Parameters
    ----------
    basis : array, shape (n, k)
        Q.
    alpha : array, shape (k,)
        Diagonal of T.
    beta : array, shape (k - 1,)
        Off-diagonal of T, positive.
    coupling : float
        Norm of what is left over; 0 where `invariant`.
    next : array, shape (n,)
        Unit vector of what is left over; zeros where `invariant`.
    invariant : bool
        Whether the columns of Q span an invariant subspace of A, up to rounding.
    """

    basis: np.ndarray
    alpha: np.ndarray
    beta: np.ndarray
    coupling: float
    next: np.ndarray
    invariant: bool

    @property
    def matrix(self) -> np.ndarray:
        """T as a dense array, shape (k, k)."""
        return np.diag(self.alpha) + np.diag(self.beta, 1) + np.diag(self.beta, -1)


@dataclass(frozen=True, slots=True, eq=False)
class Bidiagonalisation:
    """A V = U B and A'U = V B' + coupling · next · e_k', with B upper bidiagonal.

    Parameters
    ----------
    left, right : array, shape (m, j) and (n, k)
        U and V with orthonormal columns; j = k, or j = k - 1 where A maps a
        combination of the columns of V to zero.
    alpha : array, shape (j,)
        Diagonal of B, positive.
    beta : array, shape (k - 1,)
        Superdiagonal of B, positive.
    coupling : float
        Norm of what is left over; 0 where `invariant`.
    next : array, shape (n,)
        Unit vector of what is left over; zeros where `invariant`.
    invariant : bool
        Whether U and V span a pair of singular subspaces of A, up to rounding.
    """

    left: np.ndarray
    right: np.ndarray
    alpha: np.ndarray
    beta: np.ndarray
    coupling: float
    next: np.ndarray
    invariant: bool

    @property
    def matrix(self) -> np.ndarray:
        """B as a dense array, shape (j, k)."""
        B = np.zeros((len(self.alpha), len(self.beta) + 1))
        np.fill_diagonal(B, self.alpha)
        np.fill_diagonal(B[:, 1:], self.beta)
        return B


@dataclass(frozen=True, slots=True, eq=False)
class RitzPairs:
    """Approximate eigenpairs; an eigenvalue lies within each residual of its value.

    Parameters
    ----------
    values : array, shape (k,)
        Ascending.
    vectors : array, shape (n, k)
        Of unit length.
    residuals : array, shape (k,)
        ‖A y − θ y‖ from new products, good down to their own rounding.
    """

    values: np.ndarray
    vectors: np.ndarray
    residuals: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class SingularTriplets:
    """Approximate singular triplets with the residuals of the two products.

    Parameters
    ----------
    values : array, shape (k,)
        Descending.
    left, right : array, shape (m, k) and (n, k)
        Of unit length.
    residuals : array, shape (k,)
        √((‖A v − σ u‖² + ‖A'u − σ v‖²)/2) from new products. An eigenvalue of
        [[0, A], [A', 0]], which is ± a singular value or 0, lies this near to σ.
    """

    values: np.ndarray
    left: np.ndarray
    right: np.ndarray
    residuals: np.ndarray


def lanczos(A: Any, start: np.ndarray, num_matvecs: int) -> Tridiagonalisation:
    """Reduce a Hermitian A to tridiagonal form on a Krylov space.

    Parameters
    ----------
    A : array, sparse array, LinearOperator or callable, shape (n, n)
        Hermitian; a callable gets one vector and returns A times it.
    start : array, shape (n,)
        Not zero.
    num_matvecs : int
        The largest number of products; there are fewer if the space is invariant.

    Returns
    -------
    Tridiagonalisation
        With Q orthonormal to n eps, the first column along `start`.

    Raises
    ------
    ValueError
        If `start` is zero or not finite, or `num_matvecs` is below 1.

    References
    ----------
    B. N. Parlett, *The Symmetric Eigenvalue Problem*, SIAM 1998, section 6.9 (twice is
    enough) and chapter 13. J. W. Daniel et al., Math. Comp. 30, 1976: when to stop.

    Examples
    --------
    >>> T = lanczos(np.diag([1.0, 2.0, 3.0]), np.ones(3), 10)
    >>> T.invariant, np.linalg.eigvalsh(T.matrix).round(12)
    (True, array([1., 2., 3.]))
    """
    product = A if _is_function(A) else lambda x: A @ x
    q = _unit(start, num_matvecs)
    n = len(q)
    steps = min(num_matvecs, n)
    w = product(q)
    Q = np.empty((n, steps), dtype=np.result_type(q, w), order="F")
    alpha, beta = np.zeros(steps), np.zeros(steps)
    scale = 0.0
    for j in range(steps):
        Q[:, j] = q
        alpha[j] = np.vdot(q, w).real
        w, beta[j], scale = _orthogonalise(Q[:, : j + 1], w, scale)
        invariant = j + 1 == n or beta[j] == 0
        if invariant or j + 1 == steps:
            break
        q = w
        w = product(q)
    k = j + 1
    coupling = 0.0 if invariant else float(beta[j])
    rest = np.zeros_like(w) if invariant else w
    return Tridiagonalisation(Q[:, :k], alpha[:k], beta[:j], coupling, rest, invariant)


def golub_kahan(A: Any, start: np.ndarray, num_matvecs: int) -> Bidiagonalisation:
    """Reduce A to upper bidiagonal form on a pair of Krylov spaces.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (m, n)
        A LinearOperator needs `rmatvec`.
    start : array, shape (n,)
        Not zero.
    num_matvecs : int
        The largest number of products with A, and with its adjoint.

    Returns
    -------
    Bidiagonalisation
        With U and V orthonormal to n eps, the first column of V along `start`.

    Raises
    ------
    ValueError
        If `start` is zero or not finite, or `num_matvecs` is below 1.

    References
    ----------
    G. Golub and W. Kahan, "Calculating the singular values and pseudo-inverse of a
    matrix", SIAM J. Numer. Anal. B 2(2), 1965.

    Examples
    --------
    >>> G = golub_kahan(np.diag([1.0, 2.0, 3.0])[:, :2], np.ones(2), 10)
    >>> G.invariant, np.linalg.svd(G.matrix)[1].round(12)
    (True, array([2., 1.]))
    """
    *_, last = golub_kahan_steps(A, start, num_matvecs)
    return last


def golub_kahan_steps(
    A: Any, start: np.ndarray, num_matvecs: int
) -> Iterator[Bidiagonalisation]:
    """Yield the bidiagonalisation after every step, for callers that may stop early."""
    multiply, adjoint = products(A)
    v = _unit(start, num_matvecs)
    m, n = A.shape
    steps = min(num_matvecs, n)
    u = multiply(v)
    dtype = np.result_type(v, u)
    U = np.empty((m, min(steps, m)), dtype=dtype, order="F")
    V = np.empty((n, steps), dtype=dtype, order="F")
    alpha, beta = np.zeros(steps), np.zeros(steps)
    nothing = np.zeros(n, dtype=dtype)
    scale = 0.0
    for j in range(steps):
        V[:, j] = v
        u, alpha[j], scale = _orthogonalise(U[:, :j], u, scale)
        if alpha[j] == 0 or j == m:
            yield Bidiagonalisation(
                U[:, :j], V[:, : j + 1], alpha[:j], beta[:j], 0.0, nothing, True
            )
            return
        U[:, j] = u
        v, beta[j], scale = _orthogonalise(V[:, : j + 1], adjoint(u), scale)
        invariant = j + 1 == n or beta[j] == 0
        coupling, rest = (0.0, nothing) if invariant else (float(beta[j]), v)
        k = j + 1
        yield Bidiagonalisation(
            U[:, :k], V[:, :k], alpha[:k], beta[:j], coupling, rest, invariant
        )
        if invariant:
            return
        if k < steps:
            u = multiply(v)


def ritz_pairs(A: Any, T: Tridiagonalisation) -> RitzPairs:
    """Return the Ritz pairs of a Lanczos run with residuals from new products.

    Parameters
    ----------
    A : array, sparse array, LinearOperator or callable, shape (n, n)
        What `lanczos` was given.
    T : Tridiagonalisation
        What it returned, with k columns; k more products are made.

    Returns
    -------
    RitzPairs
        The recurrence's own residuals, coupling times the last entry of each
        eigenvector of T, can be as small as 1e-30 where the truth is 1e-6.

    References
    ----------
    B. N. Parlett, *The Symmetric Eigenvalue Problem*, SIAM 1998, theorem 4.5.1.

    Examples
    --------
    >>> A = np.diag([1.0, 2.0, 9.0])
    >>> pairs = ritz_pairs(A, lanczos(A, np.ones(3), 2))
    >>> bool(abs(pairs.values[1] - 9.0) <= pairs.residuals[1])
    True
    """
    values, S = np.linalg.eigh(T.matrix)
    Y = T.basis @ S
    Y /= _column_norms(Y)
    product = A if _is_function(A) else lambda x: A @ x
    AY = np.column_stack([product(y) for y in Y.T])
    return RitzPairs(values, Y, _column_norms(AY - Y * values))


def singular_triplets(A: Any, G: Bidiagonalisation) -> SingularTriplets:
    """Return the singular triplets of a Golub-Kahan run, residuals from new products.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (m, n)
        What `golub_kahan` was given.
    G : Bidiagonalisation
        What it returned, with j columns in U; j more products of both kinds are made.

    Returns
    -------
    SingularTriplets
        As many as U has columns: none at all for a zero matrix.

    References
    ----------
    G. Golub and W. Kahan, SIAM J. Numer. Anal. B 2(2), 1965.

    Examples
    --------
    >>> A = np.diag([1.0, 2.0, 9.0])
    >>> singular_triplets(A, golub_kahan(A, np.ones(3), 3)).values.round(12)
    array([9., 2., 1.])
    """
    multiply, adjoint = products(A)
    P, values, Wh = np.linalg.svd(G.matrix, full_matrices=False)
    U, V = G.left @ P, G.right @ Wh.T
    if not len(values):
        return SingularTriplets(values, U, V, values)
    U, V = U / _column_norms(U), V / _column_norms(V)
    AV = np.column_stack([multiply(v) for v in V.T])
    AU = np.column_stack([adjoint(u) for u in U.T])
    residuals = np.hypot(_column_norms(AV - U * values), _column_norms(AU - V * values))
    return SingularTriplets(values, U, V, residuals / np.sqrt(2))


def products(A: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Return x -> A x and y -> A'y (the adjoint)."""
    if hasattr(A, "rmatvec"):
        return A.matvec, A.rmatvec
    adjoint = A.conj().T
    return lambda x: A @ x, lambda y: adjoint @ y


def norm(x: np.ndarray) -> float:
    """Return the 2-norm of a vector by BLAS, which does not overflow or underflow."""
    return float(scipy.linalg.norm(x, check_finite=False))


def _is_function(A: Any) -> bool:
    return callable(A) and not hasattr(A, "shape")


def _unit(start: np.ndarray, num_matvecs: int) -> np.ndarray:
    if num_matvecs < 1:
        raise ValueError(f"num_matvecs must be at least 1, got {num_matvecs}")
    start = np.asarray(start)
    start = start.astype(np.result_type(start, np.float64))
    size = norm(start)
    if not np.isfinite(size) or size == 0:
        raise ValueError(
            f"the start must be a finite vector that is not zero, got norm {size}; "
            "draw it from a generator"
        )
    return start / size


def _orthogonalise(
    Q: np.ndarray, w: np.ndarray, scale: float
) -> tuple[np.ndarray, float, float]:
    """Return w made orthogonal to Q and unit, its norm before that, and the scale.

    The scale is the largest product seen, a lower bound of ‖A‖₂. What is left of w
    below 10 √n eps times it is the product's rounding: the norm is given as 0.
    """
    scale = max(scale, norm(w))
    # The recurrence itself needs only the last two columns; taking them out first
    # leaves so little that one pass over all the others is nearly always enough.
    w = _without(Q[:, -2:], w)
    for _ in range(2):
        before = norm(w)
        w = _without(Q, w)
        size = norm(w)
        if size > before / np.sqrt(2):
            break
    if size <= 10 * np.sqrt(len(w)) * EPS * scale:
        return w, 0.0, scale
    return w / size, size, scale


def _without(Q: np.ndarray, w: np.ndarray) -> np.ndarray:
    return w - Q @ (Q.T @ w.conj()).conj()  # never copies the conjugate of Q


def _column_norms(X: np.ndarray) -> np.ndarray:
    return np.array([norm(x) for x in X.T])
