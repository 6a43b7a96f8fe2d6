"""Dense matrices of the textbooks, with their inverses, determinants and norms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import scipy.linalg

from condlab.gallery._size import require_size


def hilbert(n: int) -> np.ndarray:
    """Return the Hilbert matrix with entries 1 / (i + j - 1), shape (n, n).

    Symmetric positive definite and totally positive; its inverse holds the integers
    of `scipy.linalg.invhilbert`, and kappa_2 grows like (1 + sqrt 2)^(4n) / sqrt n.

    References
    ----------
    N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 2002,
    section 28.1.

    Examples
    --------
    >>> hilbert(2)
    array([[1.        , 0.5       ],
           [0.5       , 0.33333333]])
    """
    return scipy.linalg.hilbert(require_size("hilbert", n))


def kahan(n: int, *, theta: float = 1.2) -> np.ndarray:
    """Return Kahan's upper triangular matrix, shape (n, n).

    Row i of the unit triangle with -c above the diagonal is multiplied by s^(i-1),
    with c = cos theta and s = sin theta. Every column has unit 2-norm, so column
    scaling cannot help; the 1-norm of the inverse is ((1 + c) / s)^(n-1).

    Parameters
    ----------
    n : int
        The order.
    theta : float
        Angle in radians, strictly between 0 and pi / 2.

    References
    ----------
    W. Kahan, "Numerical linear algebra", Canad. Math. Bull. 9, 1966, 757-801.

    Examples
    --------
    >>> import numpy as np
    >>> np.linalg.norm(kahan(4), axis=0)
    array([1., 1., 1., 1.])
    """
    n = require_size("kahan", n)
    if not 0 < theta < np.pi / 2:
        raise ValueError(f"theta must lie strictly in (0, pi/2), got {theta}")
    sine, cosine = np.sin(theta), np.cos(theta)
    unit = np.eye(n) - cosine * np.triu(np.ones((n, n)), 1)
    return (sine ** np.arange(n))[:, None] * unit


def unit_triangle(n: int) -> np.ndarray:
    """Return the upper triangle with 1 on and -1 above the diagonal, shape (n, n).

    Its determinant is 1 and no pivot is small, yet kappa_1 = kappa_inf = n 2^(n-1).

    References
    ----------
    J. H. Wilkinson, "Error analysis of direct methods of matrix inversion",
    J. ACM 8, 1961, 281-330.

    Examples
    --------
    >>> unit_triangle(3)
    array([[ 1., -1., -1.],
           [ 0.,  1., -1.],
           [ 0.,  0.,  1.]])
    """
    n = require_size("unit-triangle", n)
    return 2 * np.eye(n) - np.triu(np.ones((n, n)))


def vandermonde(
    n: int,
    *,
    nodes: Literal["equispaced", "chebyshev", "unity"] | Sequence[float] = "equispaced",
) -> np.ndarray:
    """Return the Vandermonde matrix with entries x_i^(j-1).

    The determinant is the product of x_j - x_i over i < j. For non-negative nodes
    the 1-norm of the inverse is max_i prod_{j != i} (1 + x_j) / |x_i - x_j|.

    Parameters
    ----------
    n : int
        The number of columns.
    nodes : {"equispaced", "chebyshev", "unity"} or sequence of numbers
        n equispaced points of [0, 1], the n Chebyshev points of [-1, 1], the n-th
        roots of unity (complex, and kappa_2 = 1), or the nodes themselves.

    Returns
    -------
    array, shape (len(nodes), n)

    References
    ----------
    W. Gautschi, "On inverses of Vandermonde and confluent Vandermonde matrices",
    Numer. Math. 4, 1962, 117-123, Theorem 1; "Norm estimates for inverses of
    Vandermonde matrices", Numer. Math. 23, 1975, 337-347, for Chebyshev nodes.

    Examples
    --------
    >>> vandermonde(3, nodes=[2.0, 3.0, 4.0])
    array([[ 1.,  2.,  4.],
           [ 1.,  3.,  9.],
           [ 1.,  4., 16.]])
    """
    n = require_size("vandermonde", n)
    return np.vander(
        _named_nodes(n, nodes) if isinstance(nodes, str) else np.asarray(nodes),
        n,
        increasing=True,
    )


def _named_nodes(n: int, name: str) -> np.ndarray:
    if name == "equispaced":
        return np.linspace(0.0, 1.0, n)
    if name == "chebyshev":
        return np.cos(np.pi * (2 * np.arange(n) + 1) / (2 * n))
    if name == "unity":
        return np.exp(2j * np.pi * np.arange(n) / n)
    raise ValueError(
        f'nodes must be "equispaced", "chebyshev", "unity" or numbers, got "{name}"'
    )


def lauchli(n: int, *, mu: float = 1e-8) -> np.ndarray:
    """Return Läuchli's matrix: a row of ones above mu I, shape (n + 1, n).

    Its singular values are sqrt(n + mu^2) once and mu otherwise; forming A'A in
    floating point loses them when mu^2 is below the rounding unit.

    References
    ----------
    P. Läuchli, "Jordan-Elimination und Ausgleichung nach kleinsten Quadraten",
    Numer. Math. 3, 1961, 226-240.

    Examples
    --------
    >>> lauchli(2, mu=0.5)
    array([[1. , 1. ],
           [0.5, 0. ],
           [0. , 0.5]])
    """
    n = require_size("lauchli", n)
    return np.vstack([np.ones(n), mu * np.eye(n)])


def frank(n: int) -> np.ndarray:
    """Return Frank's upper Hessenberg matrix of integers, shape (n, n).

    The determinant is 1; the eigenvalues are positive, come in reciprocal pairs, and
    the small ones are very sensitive.

    References
    ----------
    W. L. Frank, "Computing eigenvalues of complex matrices by determinant evaluation
    and by methods of Danilewski and Wielandt", J. SIAM 6, 1958, 378-392.

    Examples
    --------
    >>> frank(3)
    array([[3., 2., 1.],
           [2., 2., 1.],
           [0., 1., 1.]])
    """
    n = require_size("frank", n)
    index = np.arange(n)
    return np.triu(n - np.maximum.outer(index, index).astype(float), -1)


def moler(n: int) -> np.ndarray:
    """Return Moler's matrix U'U with U = `unit_triangle`, shape (n, n).

    Entries are min(i, j) - 2 off the diagonal and i on it. Symmetric positive
    definite with determinant 1 and one small eigenvalue, of order 4^-n.

    References
    ----------
    J. C. Nash, Compact Numerical Methods for Computers, 2nd ed., 1990, appendix 1.

    Examples
    --------
    >>> moler(3)
    array([[ 1., -1., -1.],
           [-1.,  2.,  0.],
           [-1.,  0.,  3.]])
    """
    return min_ij(require_size("moler", n)) - 2 + 2 * np.eye(n)


def lehmer(n: int) -> np.ndarray:
    """Return Lehmer's matrix with entries min(i, j) / max(i, j), shape (n, n).

    Symmetric positive definite and totally non-negative, with a tridiagonal inverse
    and n <= kappa_2 <= 4 n^2.

    References
    ----------
    M. Newman and J. Todd, "The evaluation of matrix inversion programs", J. SIAM 6,
    1958, 466-476.

    Examples
    --------
    >>> lehmer(2)
    array([[1. , 0.5],
           [0.5, 1. ]])
    """
    index = np.arange(1.0, require_size("lehmer", n) + 1)
    return np.minimum.outer(index, index) / np.maximum.outer(index, index)


def pascal(n: int) -> np.ndarray:
    """Return the symmetric Pascal matrix of binomials C(i+j-2, i-1), shape (n, n).

    Symmetric positive definite with determinant 1; its eigenvalues come in
    reciprocal pairs, so kappa_2 is the square of the largest. Past n = 29 the
    binomials exceed 2^53 and are rounded.

    References
    ----------
    N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 2002,
    section 28.4.

    Examples
    --------
    >>> pascal(3)
    array([[1., 1., 1.],
           [1., 2., 3.],
           [1., 3., 6.]])
    """
    return scipy.linalg.pascal(require_size("pascal", n), exact=False)


def min_ij(n: int) -> np.ndarray:
    """Return the matrix with entries min(i, j), shape (n, n).

    Its inverse is the second difference with a 1 in the last corner; its eigenvalues
    are 1 / (4 sin^2((2k - 1) pi / (4n + 2))).

    References
    ----------
    J. Todd, Basic Numerical Mathematics, vol. 2, 1977, chapter on test matrices.

    Examples
    --------
    >>> min_ij(3)
    array([[1., 1., 1.],
           [1., 2., 2.],
           [1., 2., 3.]])
    """
    index = np.arange(1.0, require_size("min-ij", n) + 1)
    return np.minimum.outer(index, index)


def min_ij_kappa_2(n: int) -> float:
    """Return kappa_2 of `min_ij` from its eigenvalues.

    Examples
    --------
    >>> round(min_ij_kappa_2(2), 12) == round(((3 + 5**0.5) / 2) ** 2, 12)
    True
    """
    angle = np.pi / (4 * n + 2)
    return float((np.sin((2 * n - 1) * angle) / np.sin(angle)) ** 2)
