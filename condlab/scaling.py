"""Diagonal scalings: equilibration by rows, columns or both, and Jacobi's.

Each function returns a `Scaling` of reciprocal norms. A line of zeros is left alone
(scale 1) unless ``strict=True``; there is no threshold, so a matrix and its multiple
by 1e-200 have the same equilibrated form.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from condlab import _arrays
from condlab.equilibration import leaders
from condlab.equilibration.reciprocals import (
    Rounding,
    are_unit,
    check_diagonal,
    clipped,
    diagonal_of,
    grown,
    in_range,
    missing_room,
    reciprocal,
    reciprocal_norms,
    root_reciprocal,
    shared,
    shared_multipliers,
    vanishing_columns,
)
from condlab.norms import column_norms, row_norms
from condlab.types import Array, Norm, Scaling


def row_scaling(
    A: Array, *, p: Norm = 2, rounding: Rounding = None, strict: bool = False
) -> Scaling:
    """Scale every row to unit p-norm.

    Parameters
    ----------
    A : array, shape (m, n)
        NumPy, SciPy sparse or torch.
    p : {1, 2, "inf"}
        The vector norm.
    rounding : {None, "power-of-two"}
        Round the multipliers to powers of two, which makes applying them exact and
        leaves norms in [2^-1/2, 2^1/2].
    strict : bool
        Raise on a row of zeros instead of leaving it alone.

    Returns
    -------
    Scaling
        With `left` of shape (m,) and no `right`. The reciprocal of a norm below
        2^-1023 has no float64: such a row gets the largest multiplier that has one,
        and stays short. `row_column_scaling` can share it between two sides.

    Raises
    ------
    SingularMatrixError
        If `strict` and a row is zero.
    ValueError
        If an entry is not finite, A is not 2-D, or an option is not of its list.

    References
    ----------
    .. [1] A. van der Sluis, "Condition numbers and equilibration of matrices",
       Numerische Mathematik 14, 1969, Theorem 3.1.

    Examples
    --------
    >>> import numpy as np
    >>> A = np.array([[3.0, 4.0], [0.0, 0.5]])
    >>> row_scaling(A).apply(A)
    array([[0.6, 0.8],
           [0. , 1. ]])
    """
    return Scaling(left=reciprocal_norms(A, 1, p, rounding, strict))


def column_scaling(
    A: Array, *, p: Norm = 2, rounding: Rounding = None, strict: bool = False
) -> Scaling:
    """Scale every column to unit p-norm.

    Parameters
    ----------
    A : array, shape (m, n)
        NumPy, SciPy sparse or torch.
    p, rounding, strict
        As for `row_scaling`, of the columns.

    Returns
    -------
    Scaling
        With `right` of shape (n,) and no `left`; of columns below 2^-1023 as there.

    Raises
    ------
    SingularMatrixError
        If `strict` and a column is zero.
    ValueError
        If an entry is not finite, A is not 2-D, or an option is not of its list.

    References
    ----------
    .. [1] A. van der Sluis, "Condition numbers and equilibration of matrices",
       Numerische Mathematik 14, 1969, Theorem 3.5.

    Examples
    --------
    >>> import numpy as np
    >>> column_scaling(np.array([[3.0, 0.0], [4.0, 2.0]])).right
    array([0.2, 0.5])
    """
    return Scaling(right=reciprocal_norms(A, 0, p, rounding, strict))


def row_column_scaling(
    A: Array, *, p: Norm = 2, rounding: Rounding = None, strict: bool = False
) -> Scaling:
    """Scale the rows to unit p-norm, then the columns of what that gives.

    The second pass undoes part of the first: only the columns end with unit norms.

    Parameters
    ----------
    A : array, shape (m, n)
        NumPy, SciPy sparse or torch.
    p, rounding, strict
        As for `row_scaling`, of both passes.

    Returns
    -------
    Scaling
        With `left` of shape (m,) and `right` of shape (n,). Where a pass needs
        multipliers beyond the range of floats, the two sides share a power of two,
        which D₁ A D₂ does not see; if even that is too little, the lines stay as near
        to unit norm as the range allows.

    Raises
    ------
    SingularMatrixError
        If `strict` and a row or column is zero.
    ValueError
        If an entry is not finite, A is not 2-D, or an option is not of its list.

    References
    ----------
    .. [1] E. Anderson et al., "LAPACK Users' Guide", 1999, routine GEEQU, which does
       the same in the inf-norm.

    Examples
    --------
    >>> import numpy as np
    >>> A = np.array([[2.0, 4.0], [8.0, 8.0]])
    >>> row_column_scaling(A, p="inf").apply(A)
    array([[0.5, 1. ],
           [1. , 1. ]])
    """
    left = reciprocal_norms(A, 1, p, rounding, strict)
    if room := missing_room(A, left):
        B = grown(A, room, like=left)
        found = row_column_scaling(B, p=p, rounding=rounding, strict=strict)
        return shared(A, found, room)
    B = Scaling(left).apply(A)
    if vanishing_columns(A, B, p):
        return Scaling(*shared_multipliers(A, left, B, p, rounding))
    return Scaling(left, reciprocal_norms(B, 0, p, rounding, strict))


def ruiz_scaling(
    A: Array, *, p: Norm = "inf", tol: float = 1e-8, max_sweeps: int = 60
) -> Scaling:
    """Scale rows and columns together until all have unit p-norm.

    Every sweep divides each row and each column by the square root of its norm. In
    the inf-norm the distance to unit norms halves with each sweep for every matrix
    without zero lines [1]_; in the 1- and 2-norm a limit exists only for matrices
    with total support, and the sweeps may end far from it.

    Parameters
    ----------
    A : array, shape (m, n)
        NumPy, SciPy sparse or torch. Under torch.vmap, where values cannot be looked
        at, all sweeps are made.
    p : {1, 2, "inf"}
        The vector norm.
    tol : float
        Stop once every norm of a nonzero line is within `tol` of 1.
    max_sweeps : int
        Stop after so many sweeps in any case.

    Returns
    -------
    Scaling
        With `left` of shape (m,) and `right` of shape (n,).

    Raises
    ------
    ValueError
        If an entry is not finite, A is not 2-D, or p is not a norm of the list.

    References
    ----------
    .. [1] P. A. Knight, D. Ruiz and B. Ucar, "A symmetry preserving algorithm for
       matrix scaling", SIAM J. Matrix Anal. Appl. 35, 2014, Theorem 2.3.

    Examples
    --------
    >>> import numpy as np
    >>> A = np.array([[1.0, 1e6], [1e-6, 1.0]])
    >>> ruiz_scaling(A).apply(A).round(6)
    array([[1., 1.],
           [1., 1.]])
    """
    scaling = _sweeps(A, p, tol, max_sweeps)
    if in_range(scaling.left) and in_range(scaling.right):
        return scaling
    # Sides that share the range unevenly may reach what equal ones cannot.
    start = row_column_scaling(A, p="inf", rounding="power-of-two")
    with np.errstate(over="ignore", under="ignore"):
        scaling = _sweeps(start.apply(A), p, tol, max_sweeps).compose(start)
    return Scaling(clipped(scaling.left), clipped(scaling.right))


def _sweeps(A: Array, p: Norm, tol: float, max_sweeps: int) -> Scaling:
    """Return what Ruiz's sweeps give; multipliers may leave the range of floats."""
    scaling, scaled = Scaling(), A
    if p == "inf" and sp.issparse(A) and max_sweeps > 0:
        found = _over_leaders(leaders.of_sparse(A), scaling, tol, 0, max_sweeps)
        if found is not None:
            return found
    for done in range(max_sweeps):
        rows, columns = row_norms(scaled, p=p), column_norms(scaled, p=p)
        if are_unit(rows, tol) and are_unit(columns, tol):
            break
        if p == "inf" and done in leaders.PRUNED and _arrays.is_numpy(scaled):
            left = max_sweeps - done
            few = leaders.of_dense(_arrays.as_float(A), scaled, rows, columns, left)
            found = _over_leaders(few, scaling, tol, done, max_sweeps)
            if found is not None:
                return found
        sweep = Scaling(root_reciprocal(rows), root_reciprocal(columns))
        with np.errstate(over="ignore", under="ignore"):
            scaling = sweep.compose(scaling)
        if not (in_range(scaling.left) and in_range(scaling.right)):
            break
        scaled = scaling.apply(A)
    if scaling.left is None:  # already equilibrated
        return Scaling(rows * 0 + 1, columns * 0 + 1)
    return scaling


def _over_leaders(
    few: leaders.Leaders | None,
    scaling: Scaling,
    tol: float,
    first: int,
    last: int,
) -> Scaling | None:
    """Return what the sweeps that are left make of a scaling, where few entries do."""
    if few is None:
        return None
    found = leaders.sweeps(few, scaling.left, scaling.right, tol, first, last)
    return None if found is None else Scaling(*found)


def jacobi_scaling(A: Array, *, symmetric: bool = True) -> Scaling:
    """Scale a square matrix to unit diagonal.

    Parameters
    ----------
    A : array, shape (n, n)
        Real; NumPy, SciPy sparse or torch.
    symmetric : bool
        True for D^-1/2 A D^-1/2, which keeps a symmetric matrix symmetric and needs
        a positive diagonal D; False for Jacobi's D^-1 A, which needs a nonzero one.

    Returns
    -------
    Scaling
        With `left` of shape (n,) and, if `symmetric`, an equal `right`.

    Raises
    ------
    NotPositiveDefiniteError
        If `symmetric` and a diagonal entry is not positive.
    SingularMatrixError
        If not `symmetric` and a diagonal entry is zero.
    ValueError
        If A is complex, not square or has an entry that is not finite.

    References
    ----------
    .. [1] G. E. Forsythe and E. G. Straus, "On best conditioned matrices",
       Proc. Amer. Math. Soc. 6, 1955.

    Examples
    --------
    >>> import numpy as np
    >>> A = np.array([[4.0, 2.0], [2.0, 16.0]])
    >>> jacobi_scaling(A).apply(A)
    array([[1.  , 0.25],
           [0.25, 1.  ]])
    """
    A = _arrays.as_float(A)
    if A.shape[0] != A.shape[1]:
        raise ValueError(
            f"Jacobi scaling needs a square matrix, got shape {tuple(A.shape)}; "
            "for a rectangular one use row_scaling or column_scaling"
        )
    diagonal = diagonal_of(A)
    check_diagonal(diagonal, symmetric=symmetric)
    if not symmetric:
        return Scaling(left=reciprocal(diagonal))
    root = diagonal**-0.5
    return Scaling(left=root, right=root)
