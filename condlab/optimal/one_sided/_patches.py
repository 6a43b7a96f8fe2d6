"""Bounds of large matrices that need no factorisation of the whole.

A principal submatrix of D A D is D's part times that of A times D's part, and its
eigenvalues lie between those of the whole; so do the singular values of some rows of a
square D A (of a tall one they need not). So no scaling brings κ of the whole below the
best κ of a part. Where extreme eigenvectors live on small parts by the thousand, as
those of finite element matrices do, a part knows what a few vectors cannot.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import breadth_first_order

from condlab import _arrays, norms
from condlab.condition import estimate_cond_2
from condlab.condition._certain import norm_bound
from condlab.condition._inverse import EPS
from condlab.optimal._progress import Clock
from condlab.optimal.one_sided import dense
from condlab.types import Scaling, Sparse

PRODUCTS = 50  # with a matrix that is not factorised
SMALL, ORDER = 100, 400  # of parts; the dense method takes a tenth and two seconds
FRACTION = 4  # of the whole a part is a fourth at most
WIDEST = 8  # columns of a part, in its rows


def most_coupled(A: Sparse, x: np.ndarray, symmetric: bool) -> int:
    """Return the row of equilibrated A whose entries or correlations are largest.

    Of rows of norm 1 the largest entry stands for the correlations.
    """
    d = np.exp(x)
    B = Scaling(d, d if symmetric else None).apply(A)
    return int(np.argmax(B.power(2 if symmetric else 4).sum(axis=1)))


def from_parts(
    A: Sparse,
    symmetric: bool,
    centres: Iterable[int],
    rtol: float,
    clock: Clock,
) -> float:
    """Bound the best κ from below by parts of A: small ones, and the best made larger.

    The parts are the rows nearest to each centre, with all columns that they reach
    where only rows are scaled.
    """
    found = {c: _from_part(A, symmetric, c, SMALL, rtol, clock) for c in set(centres)}
    best = max(found, key=found.__getitem__)
    if clock.over():
        return found[best]
    return max(found[best], _from_part(A, symmetric, best, ORDER, rtol, clock))


def _from_part(
    A: Sparse, symmetric: bool, centre: int, order: int, rtol: float, clock: Clock
) -> float:
    n = A.shape[0]
    order = min(order, max(1, n // FRACTION))
    try:
        if symmetric:
            part = np.sort(_nearest(A, centre)[:order])
            lower = dense.symmetric(A[part][:, part].toarray(), rtol, clock).lower
        else:
            graph = sp.csr_array(sp.block_array([[None, A], [A.T, None]]))
            nearest = _nearest(graph, centre)
            B = A[np.sort(nearest[nearest < n][:order])]
            columns = np.unique(B.indices)
            if len(columns) > WIDEST * order:
                return 1.0
            lower = dense.left(B[:, columns].toarray(), rtol, clock).lower
    except np.linalg.LinAlgError:  # definite or of full rank, but not certainly so
        return 1.0
    return lower if math.isfinite(lower) else 1.0


def _nearest(graph: Sparse, centre: int) -> np.ndarray:
    order: np.ndarray = breadth_first_order(graph, centre, return_predecessors=False)
    return order


def from_products(
    A: Sparse, x: np.ndarray, symmetric: bool, rng: np.random.Generator
) -> float:
    """Bound the best κ from below as van der Sluis does, from products alone.

    Where the largest multiplier is 1, the norm of D B is at least the least row norm,
    that of D B D at least the least diagonal entry, and the inverse does not shrink.
    """
    exact = _arrays.power_of_two(np.exp(x))
    B = Scaling(exact, exact if symmetric else None).apply(A)
    low = estimate_cond_2(B, num_matvecs=PRODUCTS, rng=rng, fill_limit=0).lower
    least = float(np.min(B.diagonal() if symmetric else norms.row_norms(B)))
    return max(1.0, low * least / norm_bound(B) * (1 - (A.shape[1] + 8) * EPS))
