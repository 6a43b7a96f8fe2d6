"""Errors of elimination with partial pivoting, in the units of the system."""

from __future__ import annotations

import math
import warnings

import numpy as np
import scipy.linalg as sl
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from condlab.diagnosis._problem import Problem
from condlab.types import Array, Scaling

UNIT_ROUNDOFF = 2.0**-53


def errors(problem: Problem, scaling: Scaling) -> dict[str, float]:
    """Return the largest forward and backward errors over all right-hand sides.

    The forward error is ‖x − x*‖∞ / ‖x*‖∞, the backward error, of which less than a
    unit roundoff counts as that, ‖b − A x‖∞ / (‖A‖∞ ‖x‖∞ + ‖b‖∞) [1]_; both are inf
    where elimination fails.

    References
    ----------
    .. [1] J. L. Rigal and J. Gaches, "On the compatibility of a given solution with the
       data of a linear system", J. ACM 14(3), 1967.
    """
    A, b = problem.A, problem.b
    with np.errstate(all="ignore"):  # what leaves the range is not solved
        system = scaling.system(A, b)
        x, residual = system.recover(_solved(system.A, system.b))
        forward = np.abs(x - problem.solutions).max()
        size = abs(A).sum(axis=1).max() * np.abs(x).max(axis=0) + np.abs(b).max(axis=0)
        backward = (np.abs(residual).max(axis=0) / np.where(size > 0, size, 1)).max()
    return {
        "forward error": float(forward) if math.isfinite(forward) else math.inf,
        "backward error": max(float(backward), UNIT_ROUNDOFF)
        if math.isfinite(backward)
        else math.inf,
    }


def _solved(A: Array, b: np.ndarray) -> np.ndarray:
    """Return A⁻¹ b, inf where a pivot is zero or overflows."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if sp.issparse(A):
                factors = splu(sp.csc_array(A), options={"Equil": False})
                return np.asarray(factors.solve(b.astype(A.dtype)))
            return np.asarray(sl.lu_solve(sl.lu_factor(A), b))
    except (RuntimeError, ValueError, np.linalg.LinAlgError):  # exactly singular
        return np.full((A.shape[1], b.shape[1]), np.inf)
