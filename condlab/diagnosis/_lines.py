"""How far out of line each row and column is, and what one line does to κ.

Lines are set beside each other by a fit of log |a_ij| ≈ r_i + c_j over the nonzero
entries: a line times t moves its own term by log t and no other, whatever else there
is in the matrix. Curtis and Reid fit in least squares; here the sum of moduli is made
small, by a few rounds of weights, so that entries which are rounding errors, 1e-17
beside 1, pull no line.

One line of B = U diag(σ) Vᵀ times t is a change of rank one: with row b it gives
BᵀB + (t² − 1) b bᵀ, whose extreme eigenvalues are zeros of a secular equation.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import lsmr

ROUNDS = 5  # of the fit
SOFT = 0.5  # residuals below it weigh alike
FIT = 1e-8  # relative residual at which a round ends
HALVINGS = 50
LARGEST = 150.0  # of the logarithm of a factor, whose fourth power is a float


def line_factors(A: sp.coo_array) -> tuple[np.ndarray, np.ndarray]:
    """Return how many times too large each row and each column is, beside the others.

    Parameters
    ----------
    A : sparse array, shape (m, n)
        Its explicit zeros count as none.

    Returns
    -------
    tuple of arrays, shapes (m,) and (n,)
        1 for lines in line with the median, and for lines of zeros.

    References
    ----------
    .. [1] A. R. Curtis and J. K. Reid, "On the automatic scaling of matrices for
       Gaussian elimination", IMA J. Appl. Math. 10(1), 1972.

    Examples
    --------
    >>> rows, columns = line_factors(sp.coo_array([[1.0, 1.0], [8.0, 8.0], [1.0, 1.0]]))
    >>> rows.round(6), columns.round(6)
    (array([1., 8., 1.]), array([1., 1.]))
    """
    m, n = A.shape
    kept = A.data != 0
    i, j = A.row[kept], m + A.col[kept]
    if len(i) == 0:
        return np.ones(m), np.ones(n)
    logs = np.log(np.abs(A.data[kept]))
    k = np.arange(len(i))
    ones = np.ones(2 * len(i))
    places = (np.concatenate([k, k]), np.concatenate([i, j]))
    E = sp.csr_array((ones, places), shape=(len(i), m + n))
    x, weights = np.zeros(m + n), np.ones(len(i))
    for _ in range(ROUNDS):
        step = sp.diags_array(weights) @ E, weights * (logs - E @ x)
        x = x + lsmr(*step, atol=FIT, btol=FIT, maxiter=10 * (m + n))[0]
        weights = np.maximum(np.abs(logs - E @ x), SOFT) ** -0.5
    graph = sp.coo_array((np.ones(len(i)), (i, j)), shape=(m + n, m + n))
    parts = connected_components(graph, directed=False)[1]
    used = np.zeros(m + n, bool)
    used[i] = used[j] = True
    rows, columns = np.arange(m + n) < m, np.arange(m + n) >= m
    found = np.zeros(m + n)
    for mine, others in ((rows, columns), (columns, rows)):
        # A row and the columns of its part move against each other without a trace.
        level = _medians(x, parts, others & used)
        moved = (x + level[parts])[mine & used]
        found[mine & used] = moved - np.median(moved)
    found = np.exp(np.clip(found, -LARGEST, LARGEST))
    return found[:m], found[m:]


def _medians(x: np.ndarray, parts: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Return the median over the chosen of each part, 0 for parts without any."""
    found = np.zeros(parts.max() + 1)
    chosen = np.flatnonzero(which)
    order = chosen[np.argsort(parts[chosen], kind="stable")]
    labels, starts = np.unique(parts[order], return_index=True)
    for label, members in zip(labels, np.split(order, starts[1:]), strict=True):
        found[label] = np.median(x[members])
    return found


def kappas_rescaled(
    sigma: np.ndarray, shares: np.ndarray, factors: np.ndarray
) -> np.ndarray:
    """Return κ₂ of a matrix with one line multiplied, for each of its lines.

    Parameters
    ----------
    sigma : array, shape (r,)
        Nonzero singular values, descending.
    shares : array, shape (k, r)
        Squares of the singular vectors on the side of the lines.
    factors : array, shape (k,)
        By what each line is multiplied; positive.

    References
    ----------
    .. [1] G. H. Golub, "Some modified matrix eigenvalue problems", SIAM Review 15(2),
       1973, section 5.

    Examples
    --------
    >>> kappas_rescaled(np.array([2.0, 1.0]), np.eye(2), np.array([3.0, 0.5])).round(6)
    array([6., 4.])
    """
    d = (sigma / sigma[0]) ** 2
    squared = factors**2
    rho, size = squared - 1, (shares * d).sum(axis=1)
    grown, shrunk = np.maximum(rho, 0) * size, np.minimum(rho, 0) * size
    second, last = (d[1], d[-2]) if len(d) > 1 else (0.0, math.inf)
    whole = shares.sum(axis=1) if len(shares) > len(d) else np.ones(len(shares))
    rest = np.maximum(1 - whole, 0.0) + whole * squared

    def rises(at: np.ndarray) -> np.ndarray:
        # The secular function, twice: the first cancels for ρ < 0, the second above.
        up = 1 + rho * _poles(shares * d, d, at)
        down = rest + rho * at * _poles(shares, d, at)
        return (rho == 0) | (np.where(rho > 0, up, -down) < 0)

    up = rho > 0
    high = _zero(rises, np.where(up, d[0], second + 0 * rho), d[0] + grown)
    least = np.minimum(d[-1] + grown, last)
    low = _zero(rises, np.where(up, d[-1], d[-1] + shrunk), np.where(up, least, d[-1]))
    return np.sqrt(high / low)


def kappas_without(sigma: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return κ₂ of a matrix without one line, where each raises the rank by one.

    Parameters
    ----------
    sigma, shares
        As for `kappas_rescaled`; the rows of `shares` sum to 1.
    """
    d = (sigma / sigma[0]) ** 2
    if len(d) < 2:
        return np.ones(len(shares))

    def rises(at: np.ndarray) -> np.ndarray:
        return _poles(shares, d, at) < 0

    ones = np.ones(len(shares))
    high = _zero(rises, d[1] * ones, d[0] * ones)
    low = _zero(rises, d[-1] * ones, d[-2] * ones)
    return np.sqrt(high / low)


def _poles(shares: np.ndarray, d: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return Σ u_k² / (d_k − λ) for each line."""
    return np.where(shares > 0, shares / (d - at[:, None]), 0.0).sum(axis=1)


def _zero(
    rises: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Return zeros between positive bounds, by bisection of their logarithms."""
    low = np.log(np.maximum(low, np.finfo(float).tiny))
    high = np.log(np.maximum(high, np.finfo(float).tiny))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        with np.errstate(divide="ignore", invalid="ignore"):  # at poles
            up = rises(np.exp(middle))
        low, high = np.where(up, middle, low), np.where(up, high, middle)
    return np.exp((low + high) / 2)
