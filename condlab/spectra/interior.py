"""Upper bounds of the smallest |eigenvalue|: no vector can look smaller than it is.

For every unit vector w, |H w| is at least the smallest |eigenvalue| of H, so that the
product with a good w is a certificate, however w was come by.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from condlab.spectra._products import Products
from condlab.spectra._recurrences import Minres, Multiply

SOLVED = 1e-10  # residual over |H| |y| at which MINRES ends and its solution is reused


def singular(images: Iterable[Tensor], k: int) -> tuple[Tensor, Tensor]:
    """Return the singular values of long images, ascending, and right vectors.

    Parameters
    ----------
    images : iterable of Tensor, each of k rows
        Parts of the rows, side by side.
    k : int
        How many rows there are.

    Returns
    -------
    values : Tensor, shape (k,)
        Ascending, float64, on the CPU.
    coefficients : Tensor, shape (k, k)
        Right singular vectors of the transpose, one a row.

    Examples
    --------
    >>> values, _ = singular([torch.tensor([[0.0, 3.0, 4.0], [2.0, 0.0, 0.0]])], 2)
    >>> values
    tensor([2., 5.], dtype=torch.float64)
    """
    R = torch.zeros((0, k))
    for part in images:
        R = torch.linalg.qr(torch.cat([R.to(part), part.T]), mode="r")[1]
    _, values, rows = torch.linalg.svd(R.cpu().double(), full_matrices=True)
    short = len(rows) - len(values)  # fewer columns than rows
    return torch.cat([values, values.new_zeros(short)]).flip(0), rows.flip(0)


def inverse_iteration(
    H: Products, start: Tensor, locked: Tensor, num_matvecs: int
) -> float:
    """Return the least |H w| found by solving with MINRES, in five vectors of memory.

    Parameters
    ----------
    H : Products
        Of a symmetric operator.
    start : Tensor, shape (n,)
        The better, the fewer products are needed.
    locked : Tensor, shape (r, n)
        Orthonormal rows, to which w stays orthogonal.
    num_matvecs : int
        Products at most; one solution has nearly all of them if it needs them.

    Returns
    -------
    float
        In the scaled units of `Products`; inf with fewer than two products.

    References
    ----------
    .. [1] C. C. Paige and M. A. Saunders, "Solution of sparse indefinite systems of
       linear equations", SIAM J. Numer. Anal. 12(4), 1975.

    Examples
    --------
    >>> H = Products(torch.diag(torch.tensor([-4.0, 0.25, 1.0], dtype=torch.float64)))
    >>> none = torch.zeros((0, 3), dtype=torch.float64)
    >>> bound = inverse_iteration(H, torch.ones(3, dtype=torch.float64), none, 20)
    >>> round(H.scale * bound, 3)
    0.25
    """

    def beyond(X: Tensor) -> Tensor:
        return X - locked.T @ (locked @ X)

    def product(V: Tensor) -> Tensor:
        return beyond(H @ beyond(V))

    w, least, stop = start[:, None], math.inf, H.count + num_matvecs
    while (left := stop - H.count) >= 2:
        y = beyond(_solution(product, w, left - 1))
        size = float(y.norm())
        if not 0 < size < math.inf:
            break
        w = y / size
        least = min(least, float(beyond(H @ w).norm()))
    return least


def _solution(product: Multiply, b: Tensor, most: int) -> Tensor:
    """Return what MINRES makes of b until its residual is rounding, of |H| |x|."""
    run = Minres(b)
    for _ in range(most):
        stuck = bool(run.step(product))
        if stuck or bool(run.residual <= SOLVED * run.peak * run.X.norm(dim=0)):
            break
    return run.X
