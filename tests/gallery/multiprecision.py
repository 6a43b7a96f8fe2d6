"""Condition numbers and inverses in mpmath's arithmetic."""

from __future__ import annotations

from math import inf

import numpy as np
import scipy.sparse as sp

from tests.optional import mpmath

EPS = np.finfo(float).eps


def dense(A):
    return A.toarray() if sp.issparse(A) else A


def singular_values(A):
    """Singular values of the float matrix as it stands, to 40 digits."""
    with mpmath.workdps(40):
        values = mpmath.svd_r(mpmath.matrix(dense(A).tolist()), compute_uv=False)
        return sorted(values)


def exact_kappa(A):
    values = singular_values(A)
    return float(values[-1] / values[0]) if values[0] > 1e-30 * values[-1] else inf
