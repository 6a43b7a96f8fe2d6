"""Scalings of matrices that have diagonals without zeros, as MC64 and Sinkhorn ask."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import maximum_bipartite_matching, structural_rank

from condlab.condition.exact import _dense
from condlab.errors import SingularMatrixError
from condlab.scaling import ruiz_scaling
from condlab.types import Array, Scaling


def i_matrix_scaling(A: Array) -> Scaling:
    """Scale so that some diagonal is 1 in modulus and no entry is larger, as MC64 does.

    The multipliers are the dual solution of the assignment of largest product, found as
    a linear programme.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        Real or complex, structurally nonsingular.

    Returns
    -------
    Scaling
        Of rows and columns.

    Raises
    ------
    SingularMatrixError
        If A is structurally singular.

    References
    ----------
    .. [1] M. Olschowka and A. Neumaier, "A new pivoting strategy for Gaussian
       elimination", Linear Algebra Appl. 240, 1996.
    .. [2] I. S. Duff and J. Koster, "On algorithms for permuting large entries to the
       diagonal of a sparse matrix", SIAM J. Matrix Anal. Appl. 22, 2001.

    Examples
    --------
    >>> A = np.array([[1.0, 100.0], [10.0, 1.0]])
    >>> abs(i_matrix_scaling(A).apply(A)).round(6)[0]
    array([0.001, 1.   ])
    """
    A = _dense(A, square="an I-matrix")
    n = len(A)
    if structural_rank(sp.csr_array(A != 0)) < n:
        raise SingularMatrixError(
            "an I-matrix needs a diagonal without zeros, and no permutation has one"
        )
    i, j = np.nonzero(A)
    rows = np.concatenate([np.arange(len(i))] * 2)
    entries = sp.csr_array(
        (np.ones(2 * len(i)), (rows, np.concatenate([i, n + j]))), shape=(len(i), 2 * n)
    )
    from scipy.optimize import linprog  # heavy, and needed by no other scaling

    # u_i + v_j <= -log |a_ij|, with the sum as large as the assignment allows.
    found = linprog(
        -np.ones(2 * n), entries, -np.log(np.abs(A[i, j])), bounds=(None, None)
    )
    return Scaling(np.exp(found.x[:n]), np.exp(found.x[n:]))


def guarded_sinkhorn_scaling(A: Array, *, max_sweeps: int = 200) -> Scaling:
    """Scale by Ruiz sweeps in the 2-norm, if they have a limit; otherwise refuse.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        With total support: every nonzero entry lies on a diagonal without zeros.
    max_sweeps : int
        The most sweeps.

    Returns
    -------
    Scaling
        Of rows and columns.

    Raises
    ------
    SingularMatrixError
        If A has no total support: the sweeps would creep or diverge.

    References
    ----------
    .. [1] R. Sinkhorn and P. Knopp, "Concerning nonnegative matrices and doubly
       stochastic matrices", Pacific J. Math. 21, 1967.

    Examples
    --------
    >>> guarded_sinkhorn_scaling([[1.0, 1.0], [0.0, 1.0]])
    Traceback (most recent call last):
    condlab.errors.SingularMatrixError: 2-norm sweeps have a limit only with total
    support, and entry (0, 1) lies on no diagonal without zeros; use the inf-norm
    """
    A = _dense(A, square="total support")
    outside = _without_support(A)
    if outside is not None:
        raise SingularMatrixError(
            "2-norm sweeps have a limit only with total support, and entry "
            f"{outside} lies on no diagonal without zeros; use the inf-norm"
        )
    return ruiz_scaling(A, p=2, max_sweeps=max_sweeps)


def _without_support(A: np.ndarray) -> tuple[int, int] | None:
    """Return a nonzero entry that is on no diagonal of nonzeros, or None.

    With one such diagonal moved to the main one, an entry has support if and only if
    its row and its column are in one strongly connected component.
    """
    pattern = sp.csr_array(A != 0)
    columns = maximum_bipartite_matching(pattern, perm_type="column")
    i, j = np.nonzero(A)
    if (columns < 0).any():
        return (int(i[0]), int(j[0])) if len(i) else (0, 0)
    _, labels = sp.csgraph.connected_components(
        pattern[:, columns], directed=True, connection="strong"
    )
    position = np.argsort(columns)
    outside = np.flatnonzero(labels[i] != labels[position[j]])
    return (int(i[outside[0]]), int(j[outside[0]])) if len(outside) else None
