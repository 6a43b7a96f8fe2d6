"""Diagonal scalings: equilibration by rows, columns or both, and Jacobi's.

Each function returns a `Scaling` of reciprocal norms. A line of zeros is left alone
(scale 1) unless ``strict=True``; there is no threshold, so a matrix and its multiple
by 1e-200 have the same equilibrated form.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import scipy.sparse as sp

from condlab import _arrays
from condlab.errors import NotPositiveDefiniteError, SingularMatrixError
from condlab.norms import column_norms, row_norms
from condlab.types import Array, Norm, Scaling

Rounding = Literal["power-of-two"] | None


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
        With `left` of shape (m,) and no `right`.

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
    norms = row_norms(A, p=p)
    return Scaling(left=_reciprocal(norms, rounding, strict, "row"))


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
        With `right` of shape (n,) and no `left`.

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
    norms = column_norms(A, p=p)
    return Scaling(right=_reciprocal(norms, rounding, strict, "column"))


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
        With `left` of shape (m,) and `right` of shape (n,).

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
    rows = row_scaling(A, p=p, rounding=rounding, strict=strict)
    columns = column_scaling(rows.apply(A), p=p, rounding=rounding, strict=strict)
    return columns.compose(rows)


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
    scaling, scaled = Scaling(), A
    for _ in range(max_sweeps):
        rows, columns = row_norms(scaled, p=p), column_norms(scaled, p=p)
        if _unit(rows, tol) and _unit(columns, tol):
            break
        sweep = Scaling(_root_reciprocal(rows), _root_reciprocal(columns))
        scaling = sweep.compose(scaling)
        scaled = scaling.apply(A)
    if scaling.left is None:  # already equilibrated
        return Scaling(rows * 0 + 1, columns * 0 + 1)
    return scaling


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
    diagonal = _diagonal(A)
    _check_diagonal(diagonal, symmetric=symmetric)
    if not symmetric:
        return Scaling(left=1 / diagonal)
    root = diagonal**-0.5
    return Scaling(left=root, right=root)


def _diagonal(A: Array) -> Array:
    if sp.issparse(A) or _arrays.is_torch(A):
        diagonal = A.diagonal()
    else:
        diagonal = _arrays.namespace(A).linalg.diagonal(A)
    if "complex" in str(diagonal.dtype):
        raise ValueError(
            f"Jacobi scaling needs a real matrix, got dtype {diagonal.dtype}; "
            "scale its real and imaginary parts by hand or use row_scaling"
        )
    return diagonal


def _check_diagonal(diagonal: Array, *, symmetric: bool) -> None:
    bad = diagonal <= 0 if symmetric else diagonal == 0
    i = _first(bad)
    if i is None:
        return
    came = f"got {float(diagonal[i])!r} at index {i}"
    if symmetric:
        raise NotPositiveDefiniteError(
            f"symmetric Jacobi scaling needs a positive diagonal, {came}; use "
            "ruiz_scaling, or symmetric=False where the diagonal is not zero"
        )
    raise SingularMatrixError(
        f"Jacobi scaling needs a nonzero diagonal, {came}; "
        "permute the rows first or use row_scaling"
    )


def _first(bad: Array) -> int | None:
    """Return the first index where `bad` holds, or None."""
    if not _arrays.any_true(bad):
        return None
    return int(np.argmax(_arrays.to_numpy(bad)))


def _reciprocal(norms: Array, rounding: Rounding, strict: bool, line: str) -> Array:
    if rounding not in (None, "power-of-two"):
        raise ValueError(f'rounding must be None or "power-of-two", got {rounding!r}')
    zero = norms == 0
    if strict and (i := _first(zero)) is not None:
        raise SingularMatrixError(
            f"strict scaling needs every {line} to have a nonzero entry, "
            f"got zeros only in {line} {i}; drop it or use strict=False"
        )
    xp = _arrays.namespace(norms)
    one = xp.ones_like(norms)
    norms = xp.where(zero, one, norms)
    if rounding == "power-of-two":
        norms = _arrays.power_of_two(norms)
    kind = xp.finfo(norms.dtype)
    # As LAPACK does: the reciprocal of a subnormal norm stays finite.
    return one / xp.clip(norms, float(kind.smallest_normal) / 2, float(kind.max))


def _root_reciprocal(norms: Array) -> Array:
    xp = _arrays.namespace(norms)
    one = xp.ones_like(norms)
    return one / xp.sqrt(xp.where(norms == 0, one, norms))


def _unit(norms: Array, tol: float) -> bool:
    xp = _arrays.namespace(norms)
    far = (norms != 0) & (xp.abs(norms - 1) > tol)
    return not _arrays.any_true(far, unseen=True)
