"""The scalings of LAPACK's expert drivers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import lapack

from condlab.condition.exact import _dense
from condlab.errors import SingularMatrixError
from condlab.scaling import jacobi_scaling
from condlab.types import Array, Scaling


def geequ_scaling(A: Array) -> Scaling:
    """Scale as LAPACK's GEEQU does: rows, then columns, to inf-norm 1.

    Parameters
    ----------
    A : array or sparse array, shape (m, n)
        Real, without lines of zeros.

    Returns
    -------
    Scaling
        Of rows and columns.

    Raises
    ------
    SingularMatrixError
        If a line is zero, which LAPACK refuses.

    References
    ----------
    .. [1] E. Anderson et al., "LAPACK Users' Guide", 3rd ed., SIAM 1999.

    Examples
    --------
    >>> geequ_scaling([[4.0, 2.0], [0.0, 8.0]]).left
    array([0.25 , 0.125])
    """
    return _lapack(lapack.dgeequ, A)


def geequb_scaling(A: Array) -> Scaling:
    """Scale as LAPACK's GEEQUB does: like GEEQU, with powers of two.

    Parameters
    ----------
    A : array or sparse array, shape (m, n)
        Real, without lines of zeros.

    Returns
    -------
    Scaling
        Of rows and columns.

    Raises
    ------
    SingularMatrixError
        If a line is zero, which LAPACK refuses.

    References
    ----------
    .. [1] E. Anderson et al., "LAPACK Users' Guide", 3rd ed., SIAM 1999.

    Examples
    --------
    >>> geequb_scaling([[3.0, 2.0], [0.0, 8.0]]).left
    array([0.5  , 0.125])
    """
    return _lapack(lapack.dgeequb, A)


def poequ_scaling(A: Array) -> Scaling:
    """Scale as LAPACK's POEQU does: a symmetric matrix to unit diagonal.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        Real, with a positive diagonal; nothing else of it is looked at.

    Returns
    -------
    Scaling
        Of rows and columns alike, by the reciprocals of the roots of the diagonal.

    Raises
    ------
    NotPositiveDefiniteError
        If an entry of the diagonal is not positive, which LAPACK refuses.

    References
    ----------
    .. [1] E. Anderson et al., "LAPACK Users' Guide", 3rd ed., SIAM 1999.

    Examples
    --------
    >>> poequ_scaling([[4.0, 2.0], [2.0, 16.0]]).left
    array([0.5 , 0.25])
    """
    return jacobi_scaling(_dense(A, square="POEQU's scaling"))


def _lapack(routine: Callable, A: Array) -> Scaling:
    A = _dense(A)
    if np.iscomplexobj(A):
        raise ValueError("a real matrix is needed here, got complex128")
    left, right, *_, info = routine(A)
    if info:
        line = f"row {info - 1}" if info <= len(A) else f"column {info - len(A) - 1}"
        raise SingularMatrixError(f"LAPACK refuses lines of zeros, such as {line}")
    return Scaling(left, right)
