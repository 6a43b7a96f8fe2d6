"""Banded and Toeplitz matrices, among them those of differential equations."""

from __future__ import annotations

import numpy as np
import scipy.linalg
import scipy.sparse as sp

from condlab.gallery._size import require_size


def prolate(n: int, *, width: float = 0.25) -> np.ndarray:
    """Return the prolate matrix, a Toeplitz matrix of sinc values, shape (n, n).

    Symmetric positive definite; the eigenvalues lie in (0, 1) and cluster at both
    ends, so kappa_2 grows exponentially while every diagonal entry is 2 width.

    Parameters
    ----------
    n : int
        The order.
    width : float
        Half the bandwidth, strictly between 0 and 1/2.

    References
    ----------
    J. M. Varah, "The prolate matrix", Linear Algebra Appl. 187, 1993, 269-278.

    Examples
    --------
    >>> prolate(2).round(4)
    array([[0.5   , 0.3183],
           [0.3183, 0.5   ]])
    """
    n = require_size("prolate", n)
    if not 0 < width < 0.5:
        raise ValueError(f"width must lie strictly in (0, 1/2), got {width}")
    return scipy.linalg.toeplitz(2 * width * np.sinc(2 * width * np.arange(n)))


def grcar(n: int) -> np.ndarray:
    """Return Grcar's Toeplitz matrix, shape (n, n).

    -1 below the diagonal, 1 on it and on three diagonals above. Its eigenvalues are
    sensitive while kappa_2 stays below 4 for every n: the two are different questions.

    References
    ----------
    J. F. Grcar, "Operator coefficient methods for linear equations", Sandia National
    Laboratories SAND89-8691, 1989.

    Examples
    --------
    >>> grcar(3)
    array([[ 1.,  1.,  1.],
           [-1.,  1.,  1.],
           [ 0., -1.,  1.]])
    """
    n = require_size("grcar", n)
    ones = np.ones((n, n))
    return np.triu(np.tril(ones, 3)) - np.tril(np.triu(ones, -1), -1)


def clement(n: int) -> np.ndarray:
    """Return Clement's symmetric tridiagonal matrix with zero diagonal, (n, n).

    Its eigenvalues are n-1, n-3, ..., 1-n: kappa_2 = n - 1 for even n, and the
    matrix is singular for odd n.

    References
    ----------
    P. A. Clement, "A class of triple-diagonal matrices for test purposes",
    SIAM Review 1, 1959, 50-52.

    Examples
    --------
    >>> import numpy as np
    >>> np.linalg.eigvalsh(clement(4)).round(12)
    array([-3., -1.,  1.,  3.])
    """
    n = require_size("clement", n)
    beside = np.sqrt(np.arange(1.0, n) * np.arange(n - 1.0, 0, -1))
    return np.diag(beside, 1) + np.diag(beside, -1)


def tridiagonal_toeplitz(
    n: int, *, lower: float = -1.0, diagonal: float = 2.0, upper: float = -1.0
) -> sp.csr_array:
    """Return the tridiagonal Toeplitz matrix, sparse, shape (n, n).

    Its eigenvalues are diagonal + 2 sqrt(lower upper) cos(k pi / (n + 1)). The
    defaults give minus the second difference, with kappa_2 = cot^2(pi / (2n + 2)).

    References
    ----------
    J. Todd, Basic Numerical Mathematics, vol. 2, 1977, chapter on test matrices.

    Examples
    --------
    >>> tridiagonal_toeplitz(3).toarray()
    array([[ 2., -1.,  0.],
           [-1.,  2., -1.],
           [ 0., -1.,  2.]])
    """
    n = require_size("tridiagonal-toeplitz", n)
    bands = [lower, diagonal, upper] if n > 1 else [diagonal]
    offsets = [-1, 0, 1] if n > 1 else [0]
    return sp.diags_array(bands, offsets=offsets, shape=(n, n), format="csr")


def laplacian_kappa_2(n: int) -> float:
    """Return kappa_2 of the second difference with n points a side, in 1-D or 2-D.

    Examples
    --------
    >>> round(laplacian_kappa_2(2), 12)
    3.0
    """
    return float(np.tan(np.pi / (2 * n + 2)) ** -2)


def laplacian_2d(n: int) -> sp.csr_array:
    """Return the five-point Laplacian on an n x n grid, sparse, shape (n^2, n^2).

    Its eigenvalues are the sums of two of `tridiagonal_toeplitz`, so kappa_2 is the
    same. The diagonal is constant and the graph bipartite: no diagonal scaling helps.

    References
    ----------
    R. J. LeVeque, Finite Difference Methods for Ordinary and Partial Differential
    Equations, 2007, section 3.4.

    Examples
    --------
    >>> laplacian_2d(2).toarray()
    array([[ 4., -1., -1.,  0.],
           [-1.,  4.,  0., -1.],
           [-1.,  0.,  4., -1.],
           [ 0., -1., -1.,  4.]])
    """
    line = tridiagonal_toeplitz(require_size("laplacian-2d", n))
    return sp.csr_array(sp.kronsum(line, line))
