"""Approximate eigenpairs and singular triplets, with residuals from new products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from condlab.lanczos.recurrence import (
    Bidiagonalisation,
    Product,
    Tridiagonalisation,
    norm,
    product_of,
    products,
)
from condlab.types import Array

if TYPE_CHECKING:  # a tenth of `import condlab`, so it waits
    from scipy.sparse.linalg import LinearOperator


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


def ritz_pairs(A: Array | LinearOperator | Product, T: Tridiagonalisation) -> RitzPairs:
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
    >>> from condlab.lanczos import lanczos
    >>> A = np.diag([1.0, 2.0, 9.0])
    >>> pairs = ritz_pairs(A, lanczos(A, np.ones(3), 2))
    >>> bool(abs(pairs.values[1] - 9.0) <= pairs.residuals[1])
    True
    """
    values, S = np.linalg.eigh(T.matrix)
    Y = T.basis @ S
    Y /= _column_norms(Y)
    product = product_of(A)
    AY = np.column_stack([product(y) for y in Y.T])
    return RitzPairs(values, Y, _column_norms(AY - Y * values))


def singular_triplets(
    A: Array | LinearOperator, G: Bidiagonalisation
) -> SingularTriplets:
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
    >>> from condlab.lanczos import golub_kahan
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


def _column_norms(X: np.ndarray) -> np.ndarray:
    return np.array([norm(x) for x in X.T])
