"""Upper bounds of the smallest |eigenvalue|: no vector can look smaller than it is.

For every unit vector w, |H w| is at least the smallest |eigenvalue| of H, so that the
product with a good w is a certificate, however w was come by.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from scipy.linalg import lapack
from torch import Tensor

from condlab.spectra._products import Products
from condlab.spectra.inverse._recurrences import Minres, Multiply

STEPS = 4  # of inverse iteration, to a combination that is a start for more
BLOCK = 8  # columns that LAPACK reflects together: more do more work for few rows
SOLVED = 1e-10  # residual over |H| |y| at which MINRES ends and its solution is reused


def singular(images: Iterable[Tensor], k: int) -> tuple[Tensor, Tensor]:
    """Return the singular values of long images, ascending, and a short combination.

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
    combination : Tensor, shape (k,)
        Of the rows, of unit length, that is nearly as short as the first value.

    Examples
    --------
    >>> values, _ = singular([torch.tensor([[0.0, 3.0, 4.0], [2.0, 0.0, 0.0]])], 2)
    >>> values
    tensor([2., 5.], dtype=torch.float64)
    """
    R, columns = triangle(images, k)
    R = R.cpu().double()
    values = torch.linalg.svdvals(R)
    values[columns:] = 0  # there are no more than columns
    return values.flip(0), _least(R)


def triangle(images: Iterable[Tensor], k: int) -> tuple[Tensor, int]:
    """Return the triangular factor of the transpose of long images, and their length.

    That of several processes' factors, each transposed, is the factor of all.
    """
    R, columns, room = torch.zeros((k, k)), 0, torch.empty(0)
    for part in images:
        if room.dtype != part.dtype or room.numel() < part.numel():
            room = torch.empty(part.numel(), dtype=part.dtype)
        R, columns = _factored(R.to(part), part, room), columns + part.shape[1]
    return R, columns


def _least(R: Tensor) -> Tensor:
    """Return a unit vector that a triangular matrix makes nearly as short as it can.

    By inverse iteration, in two vectors of memory where all of them take k squared.
    """
    k = R.shape[1]
    d = R.diagonal()
    least = torch.finfo(R.dtype).eps * float(d.abs().max()) or 1.0
    d[d.abs() < least] = least
    x = torch.randn((k, 1), generator=torch.Generator().manual_seed(5)).to(R)
    for _ in range(STEPS):
        x = torch.linalg.solve_triangular(R.T, x / x.norm(), upper=False)
        x = torch.linalg.solve_triangular(R, x / x.norm(), upper=True)
    x = x[:, 0] / x.norm()
    if not bool(x.isfinite().all()):
        return torch.linalg.svd(R)[2][-1]
    return x


def _factored(R: Tensor, part: Tensor, room: Tensor) -> Tensor:
    """Return the triangular factor of R above the transpose of a part, over R."""
    if part.device.type != "cpu":
        return torch.linalg.qr(torch.cat([R, part.T]), mode="r")[1]
    # at the cost of part alone; transposed, rows are the columns that LAPACK wants
    part = room[: part.numel()].view(part.shape).copy_(part)
    above = R.T.contiguous().numpy().T  # no copy but of the first, of zeros
    (update,) = lapack.get_lapack_funcs(("tpqrt",), (above,))
    block = min(BLOCK, len(R))
    found = update(0, block, above, part.numpy().T, overwrite_a=True, overwrite_b=True)
    return torch.from_numpy(found[0])


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
