"""Bounds of large matrices that need no factorisation of the whole.

A principal submatrix of D A D is D's part times that of A times D's part, and its
eigenvalues lie between those of the whole. So no scaling brings κ of the whole below
the best κ of a part. Where extreme eigenvectors live on small parts by the thousand, as
those of finite element matrices do, a part knows what a few vectors cannot.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse.csgraph import breadth_first_order

from condlab import _arrays, norms
from condlab.condition import estimate_cond_2
from condlab.condition._certain import norm_bound
from condlab.condition._inverse import EPS
from condlab.optimal._progress import Clock
from condlab.optimal.one_sided import dense
from condlab.types import Scaling, Sparse

PRODUCTS = 50  # with a matrix that is not factorised
ORDER = 400  # of a part; the dense method takes seconds


def from_patch(A: Sparse, centre: int, rtol: float, clock: Clock) -> float:
    """Bound the best κ of D A D by that of the rows and columns around one."""
    nearest = breadth_first_order(A, centre, return_predecessors=False)[:ORDER]
    part = np.sort(nearest)
    try:
        return dense.symmetric(A[part][:, part].toarray(), rtol, clock).lower
    except np.linalg.LinAlgError:  # definite, but not certainly so
        return 1.0


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
