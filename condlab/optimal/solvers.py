"""The scalings that optimisation solvers and LAPACK apply, for comparison by name.

Each follows its source in the order of its passes, the norms, the clamps and what is
done with a line of zeros (its multiplier is 1). They are meant to be compared with
`condlab.optimal_scaling`, not to replace the scalings of `condlab`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from condlab.condition.exact import _dense
from condlab.norms import column_norms, row_norms
from condlab.optimal._lapack import geequ_scaling, geequb_scaling, poequ_scaling
from condlab.optimal._transversals import guarded_sinkhorn_scaling, i_matrix_scaling
from condlab.scaling import ruiz_scaling
from condlab.types import Array, Norm, Scaling

__all__ = ["SOLVER_SCALINGS"]

SMALLEST, LARGEST = 1e-4, 1e4  # OSQP's and SCS's clamps of a sweep's norms


def osqp_scaling(A: Array) -> Scaling:
    """Scale by ten sweeps of Ruiz in the inf-norm, with norms clamped to [1e-4, 1e4].

    Norms below the clamp become 1, as OSQP has it, and each sweep takes square roots.

    Parameters
    ----------
    A : array or sparse array, shape (m, n)
        The constraint matrix alone; OSQP scales the whole KKT matrix.

    Returns
    -------
    Scaling
        Of rows and columns.

    References
    ----------
    .. [1] B. Stellato, G. Banjac, P. Goulart, A. Bemporad and S. Boyd, "OSQP: an
       operator splitting solver for quadratic programs", Math. Program. Comput. 12,
       2020, section 5.1.

    Examples
    --------
    >>> osqp_scaling([[100.0, 0.0], [0.0, 1.0]]).left.round(6)
    array([0.1, 1. ])
    """
    return _sweeps(_dense(A), ["inf"] * 10)


def scs_scaling(A: Array) -> Scaling:
    """Scale by 25 sweeps of Ruiz in the inf-norm and one in the 2-norm, clamped.

    Parameters
    ----------
    A : array or sparse array, shape (m, n)
        The constraint matrix, taken as one cone of linear inequalities.

    Returns
    -------
    Scaling
        Of rows and columns.

    References
    ----------
    .. [1] B. O'Donoghue, "Operator splitting for a homogeneous embedding of the linear
       complementarity problem", SIAM J. Optim. 31, 2021; SCS's NUM_RUIZ_PASSES and
       NUM_L2_PASSES.

    Examples
    --------
    >>> scs_scaling([[100.0, 0.0], [0.0, 1.0]]).right.round(6)
    array([0.1, 1. ])
    """
    norms: list[Norm] = ["inf"] * 25
    return _sweeps(_dense(A), [*norms, 2])


def pdlp_scaling(A: Array) -> Scaling:
    """Scale by ten sweeps of Ruiz, then by Pock and Chambolle's with alpha = 1.

    Parameters
    ----------
    A : array or sparse array, shape (m, n)
        The constraint matrix.

    Returns
    -------
    Scaling
        Of rows and columns; the last pass divides by the roots of the 1-norms.

    References
    ----------
    .. [1] D. Applegate et al., "Practical large-scale linear programming using
       primal-dual hybrid gradient", NeurIPS 2021, section 4.
    .. [2] T. Pock and A. Chambolle, "Diagonal preconditioning for first order
       primal-dual algorithms in convex optimization", ICCV 2011, Lemma 2.

    Examples
    --------
    >>> pdlp_scaling([[4.0, 4.0]]).left.round(6)
    array([0.353553])
    """
    A = _dense(A)
    first = ruiz_scaling(A, p="inf", tol=0.0, max_sweeps=10)
    return _sweep(first.apply(A), 1, clamp=False).compose(first)


def _sweeps(A: np.ndarray, norms: list[Norm]) -> Scaling:
    scaling = Scaling(np.ones(A.shape[0]), np.ones(A.shape[1]))
    for p in norms:
        scaling = _sweep(scaling.apply(A), p, clamp=True).compose(scaling)
    return scaling


def _sweep(A: np.ndarray, p: Norm, *, clamp: bool) -> Scaling:
    """Divide by the roots of the norms; those below the clamp count as 1."""
    parts = []
    for norms in (row_norms(A, p=p), column_norms(A, p=p)):
        least = SMALLEST if clamp else 0.0
        norms = np.where(norms <= least, 1.0, norms)
        parts.append(1 / np.sqrt(np.minimum(norms, LARGEST) if clamp else norms))
    return Scaling(*parts)


SOLVER_SCALINGS: Mapping[str, Callable[[Array], Scaling]] = MappingProxyType(
    {
        "osqp": osqp_scaling,
        "scs": scs_scaling,
        "pdlp": pdlp_scaling,
        "geequ": geequ_scaling,
        "geequb": geequb_scaling,
        "poequ": poequ_scaling,
        "mc64": i_matrix_scaling,
        "guarded-sinkhorn": guarded_sinkhorn_scaling,
    }
)
