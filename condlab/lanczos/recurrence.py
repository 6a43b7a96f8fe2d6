"""Lanczos and Golub-Kahan: short recurrences kept orthogonal by brute force.

Every new vector is orthogonalised against all earlier ones by classical Gram-Schmidt,
two matrix-vector products with the basis a pass, and again where a pass took more than
its share. An invariant subspace ends the recurrence; nothing is divided by a norm that
is only rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.linalg

from condlab.types import Array

if TYPE_CHECKING:  # a tenth of `import condlab`, so it waits
    from scipy.sparse.linalg import LinearOperator

Product = Callable[[np.ndarray], np.ndarray]
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


def lanczos(
    A: Array | LinearOperator | Product, start: np.ndarray, num_matvecs: int
) -> Tridiagonalisation:
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
    product = product_of(A)
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


def golub_kahan(
    A: Array | LinearOperator, start: np.ndarray, num_matvecs: int
) -> Bidiagonalisation:
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
    A: Array | LinearOperator, start: np.ndarray, num_matvecs: int
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


def product_of(A: Array | LinearOperator | Product) -> Product:
    """Return x -> A x; a callable without a shape is that already."""
    return A if callable(A) and not hasattr(A, "shape") else lambda x: A @ x


def products(A: Array | LinearOperator) -> tuple[Product, Product]:
    """Return x -> A x and y -> A'y (the adjoint)."""
    if hasattr(A, "rmatvec"):
        return A.matvec, A.rmatvec
    adjoint = A.conj().T
    return lambda x: A @ x, lambda y: adjoint @ y


def norm(x: np.ndarray) -> float:
    """Return the 2-norm of a vector by BLAS, which does not overflow or underflow."""
    return float(scipy.linalg.norm(x, check_finite=False))


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
