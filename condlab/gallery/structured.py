"""Badly scaled matrices whose cure is known."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from condlab.gallery._size import require_size


def graded(n: int, *, ratio: float = 0.5) -> np.ndarray:
    """Return D T D with D = diag(ratio^i), T tridiagonal, unit diagonal, (n, n).

    T has 1/4 beside the diagonal, so Jacobi scaling gives back T; by Forsythe and
    Straus (T has Property A) no symmetric diagonal scaling is better, and its
    condition number is (2 + c) / (2 - c) with c = cos(pi / (n + 1)), below 3.

    References
    ----------
    G. E. Forsythe and E. G. Straus, "On best conditioned matrices", Proc. Amer. Math.
    Soc. 6, 1955, 340-345.

    Examples
    --------
    >>> graded(3)
    array([[1.     , 0.125  , 0.     ],
           [0.125  , 0.25   , 0.03125],
           [0.     , 0.03125, 0.0625 ]])
    """
    n = require_size("graded", n)
    multipliers = ratio ** np.arange(n)
    return np.outer(multipliers, multipliers) * _quarter_tridiagonal(n)


def _quarter_tridiagonal(n: int) -> np.ndarray:
    return np.eye(n) + 0.25 * (np.eye(n, k=1) + np.eye(n, k=-1))


def arrow(n: int) -> np.ndarray:
    """Return the arrow matrix: the identity with n in the corner and ones beside it.

    Symmetric positive definite with determinant 1; its eigenvalues are 1 and the
    roots of x^2 - (n + 1) x + 1, so kappa_2 is near n^2. Jacobi scaling is the best
    symmetric one (a star has Property A) and reaches (1 + r) / (1 - r), near 4 n,
    with r^2 = 1 - 1/n.

    References
    ----------
    G. E. Forsythe and E. G. Straus, "On best conditioned matrices", Proc. Amer. Math.
    Soc. 6, 1955, 340-345.

    Examples
    --------
    >>> arrow(3)
    array([[3., 1., 1.],
           [1., 1., 0.],
           [1., 0., 1.]])
    """
    n = require_size("arrow", n)
    A = np.eye(n)
    A[0, :] = A[:, 0] = 1.0
    A[0, 0] = n
    return A


def arrow_kappa_2(n: int) -> float:
    """Return kappa_2 of `arrow`; its two extreme eigenvalues have product 1.

    Examples
    --------
    >>> arrow_kappa_2(1)
    1.0
    """
    return float(((n + 1 + np.sqrt((n + 1) ** 2 - 4)) / 2) ** 2)


_WATHEN_ELEMENT = (
    np.array(
        [
            [6, -6, 2, -8, 3, -8, 2, -6],
            [-6, 32, -6, 20, -8, 16, -8, 20],
            [2, -6, 6, -6, 2, -8, 3, -8],
            [-8, 20, -6, 32, -6, 20, -8, 16],
            [3, -8, 2, -6, 6, -6, 2, -8],
            [-8, 16, -8, 20, -6, 32, -6, 20],
            [2, -8, 3, -8, 2, -6, 6, -6],
            [-6, 20, -8, 16, -8, 20, -6, 32],
        ]
    )
    / 45.0
)


def wathen(nx: int, ny: int, *, rng: np.random.Generator) -> sp.csr_array:
    """Return Wathen's finite element mass matrix with random density, sparse.

    Eight-node serendipity elements on an nx x ny grid, each with a density drawn
    uniformly from (0, 100]. Whatever the densities, the eigenvalues of D^-1 A, D the
    diagonal, lie in [1/4, 9/2], so kappa_2 after Jacobi scaling is at most 18.

    Parameters
    ----------
    nx, ny : int
        Elements in each direction.
    rng : numpy.random.Generator
        The source of the densities.

    Returns
    -------
    csr_array, shape (n, n) with n = 3 nx ny + 2 nx + 2 ny + 1

    References
    ----------
    A. J. Wathen, "Realistic eigenvalue bounds for the Galerkin mass matrix",
    IMA J. Numer. Anal. 7, 1987, 449-457.

    Examples
    --------
    >>> import numpy as np
    >>> wathen(2, 1, rng=np.random.default_rng(0)).shape
    (13, 13)
    """
    nx, ny = require_size("wathen", nx), require_size("wathen", ny)
    density = 100.0 * (1.0 - rng.random(nx * ny))  # never zero
    nodes = _serendipity_nodes(nx, ny)
    rows = np.repeat(nodes, 8, axis=1)
    columns = np.tile(nodes, (1, 8))
    values = density[:, None] * _WATHEN_ELEMENT.ravel()
    order = 3 * nx * ny + 2 * nx + 2 * ny + 1
    coordinates = (rows.ravel(), columns.ravel())
    return sp.coo_array((values.ravel(), coordinates), shape=(order, order)).tocsr()


def _serendipity_nodes(nx: int, ny: int) -> np.ndarray:
    """Return the eight nodes of each element, anticlockwise from its top right."""
    j, i = (k.ravel() for k in np.mgrid[0:ny, 0:nx])
    bottom = j * (3 * nx + 2) + 2 * i
    middle = j * (3 * nx + 2) + 2 * nx + 1 + i
    top = (j + 1) * (3 * nx + 2) + 2 * i
    around = (top + 2, top + 1, top, middle, bottom, bottom + 1, bottom + 2, middle + 1)
    return np.stack(around, axis=1)
