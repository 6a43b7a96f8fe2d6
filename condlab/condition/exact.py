"""Condition numbers, exact up to a stated rounding; estimates for large matrices.

The exact ones are for matrices that fit in memory as dense arrays. Everything is
computed in float64 or complex128; float32 and integers are promoted first, which
changes no entry. Each matrix is first divided by a power of two near its largest
entry, so that 1e308 and 1e-308 are as good as 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp

from condlab import _arrays
from condlab.condition import _stacks
from condlab.condition._brackets import by_inverse, by_singular_values, skeel
from condlab.condition._inverse import divided_by_peak
from condlab.condition._stacked_inverses import by_inverses
from condlab.types import Array, ConditionEstimate, ConditionEstimates, ConditionNorm

__all__ = [
    "cond",
    "cond_1",
    "cond_2",
    "cond_fro",
    "cond_inf",
    "cond_skeel",
]

DENSE_BYTES = 2**28  # larger sparse matrices are not made dense behind one's back


def cond(
    A: Array, p: ConditionNorm | float | None = 2
) -> ConditionEstimate | ConditionEstimates:
    """Compute the condition number κ_p of a matrix, or of each matrix of a stack.

    Parameters
    ----------
    A : array, sparse array or tensor, shape (..., m, n)
        Real or complex, finite; square for p of 1, inf and "skeel".
    p : {2, 1, inf, "inf", "fro", "skeel", None}
        The norm, as in `numpy.linalg.cond`; None is 2.

    Returns
    -------
    ConditionEstimate or ConditionEstimates
        Of one matrix as by `cond_2`, `cond_1`, `cond_inf`, `cond_fro` or `cond_skeel`;
        of a stack arrays of shape (...), in the library of A.

    Raises
    ------
    ValueError
        If p is none of these, or A is not as that function needs it.

    References
    ----------
    N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., SIAM 2002,
    chapters 3 and 14.

    Examples
    --------
    >>> import numpy as np
    >>> cond([[3, 0], [0, 4]]).value
    1.3333333333333333
    >>> cond(np.stack([np.eye(2), np.diag([1.0, 8.0])]), "inf").value
    array([1., 8.])
    """
    name = _named(p)
    one = CONDITION_NUMBERS[name]
    if sp.issparse(A) or np.ndim(A := _arrays.plain(A)) <= 2:
        return one(A)
    given, A = A, _stack(A)
    flat = A.reshape(-1, *A.shape[-2:])
    flat = np.ascontiguousarray(flat)
    square = A.shape[-2] == A.shape[-1]
    if not len(flat) or not (square or name == 2):
        ends = _stacks.one_by_one(flat, one)
    elif name == 2:
        ends = _stacks.spectral(divided_by_peak(flat, axis=(1, 2)))
    else:  # of Skeel's each row may have its own unit
        unit = divided_by_peak(flat, axis=2 if name == "skeel" else (1, 2))
        ends = by_inverses(unit, name, one)
    value, lower, upper = (
        _arrays.beside(end.reshape(A.shape[:-2]), given) for end in ends
    )
    return ConditionEstimates(value, lower, upper, name)


def _named(p: ConditionNorm | float | None) -> ConditionNorm:
    wanted = "inf" if p == np.inf else 2 if p is None else p
    for name in CONDITION_NUMBERS:
        if name == wanted:
            return name
    raise ValueError(
        f"p must be one of {', '.join(map(repr, CONDITION_NUMBERS))}, got {p!r}; "
        "condition numbers of the smallest singular value or the nuclear norm have "
        "no certain bracket here"
    )


def cond_1(A: Array) -> ConditionEstimate:
    """Compute κ₁(A) = ‖A‖₁ ‖A⁻¹‖₁ from one LU factorisation.

    Parameters
    ----------
    A : array, sparse array or tensor, shape (n, n)
        Real or complex, finite.

    Returns
    -------
    ConditionEstimate
        The bracket follows from the recomputed residuals R = I − AX and I − XA of the
        computed inverse X, their own rounding included:
        ‖X‖/(1 + ‖R‖) ≤ ‖A⁻¹‖ ≤ ‖X‖/(1 − ‖R‖). Where neither residual is below 1,
        that of the equilibrated matrix decides, entry by entry (method "equilibrated
        lu+residual"). If it cannot, the matrix cannot be told from a singular one:
        ``value`` and ``upper`` are inf.

    Raises
    ------
    ValueError
        If A is not square, is empty, holds nan or inf, or is too large to be dense.

    References
    ----------
    N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., SIAM
    2002: (3.13) for the rounding of a product, chapter 14 for residuals of inverses.

    Examples
    --------
    >>> cond_1([[1, 2], [0, 1]]).value
    9.0
    """
    return by_inverse(divided_by_peak(_dense(A, square="κ₁")), 1)


def cond_inf(A: Array) -> ConditionEstimate:
    """Compute κ∞(A) = ‖A‖∞ ‖A⁻¹‖∞ from one LU factorisation.

    Parameters
    ----------
    A : array, sparse array or tensor, shape (n, n)
        Real or complex, finite.

    Returns
    -------
    ConditionEstimate
        With the bracket that `cond_1` describes.

    Raises
    ------
    ValueError
        If A is not square, is empty, holds nan or inf, or is too large to be dense.

    References
    ----------
    N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., SIAM
    2002, chapters 3 and 14.

    Examples
    --------
    >>> cond_inf([[1, 2], [0, 1]]).value
    9.0
    """
    return by_inverse(divided_by_peak(_dense(A, square="κ∞")), "inf")


def cond_skeel(A: Array) -> ConditionEstimate:
    """Compute Skeel's condition number ‖ |A⁻¹| |A| ‖∞, which row scaling cannot change.

    Parameters
    ----------
    A : array, sparse array or tensor, shape (n, n)
        Real or complex, finite.

    Returns
    -------
    ConditionEstimate
        The least κ∞ that row scaling can reach (Bauer). The bracket is that of
        `cond_1` with the left residual I − XA.

    Raises
    ------
    ValueError
        If A is not square, is empty, holds nan or inf, or is too large to be dense.

    References
    ----------
    R. D. Skeel, "Scaling for numerical stability in Gaussian elimination", J. ACM
    26(3), 1979. N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd
    ed., SIAM 2002, section 7.2.

    Examples
    --------
    >>> cond_skeel([[1, 0], [0, 1e-12]]).value
    1.0
    """
    A = _dense(A, square="Skeel's condition number")
    A = divided_by_peak(A, axis=1)  # free: here each row may have its own unit
    return skeel(A)


def cond_2(A: Array) -> ConditionEstimate:
    """Compute κ₂(A) = σ_1/σ_min(m, n) from the singular values.

    Parameters
    ----------
    A : array, sparse array or tensor, shape (m, n)
        Of any shape, real or complex, finite.

    Returns
    -------
    ConditionEstimate
        The value is LAPACK's; the bracket is proved, and assumes nothing of LAPACK.
        ‖A‖₂² ≤ s where sI − A'A has a Cholesky factor, its rounding bounded [1]_. With
        A = Q R and X near R⁻¹, ‖A⁺‖₂ is ‖X‖₂ up to what A X lacks of orthonormal
        columns, so that graded columns keep their digits; from below both norms are
        Rayleigh quotients (method "qr+cholesky"). Where that tells too little, the
        residual of the inverse decides if A is square ("lu+residual"), in units in
        which rows and columns have peaks near 1 if need be ("equilibrated
        lu+residual"); if A is tall or wide, its pivoted factor R with what W = A X
        lacks taken out in wide numbers ("qr"). If nothing can, ``value`` and ``upper``
        are inf.

    Raises
    ------
    ValueError
        If A is empty, holds nan or inf, or is too large to be dense.

    References
    ----------
    .. [1] S. M. Rump, "Verification of positive definiteness", BIT 46, 2006.
    .. [2] N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., SIAM
       2002, sections 3.1 and 10.1.

    Examples
    --------
    >>> cond_2([[3, 0], [0, 4], [0, 0]]).value
    1.3333333333333333
    """
    return by_singular_values(divided_by_peak(_dense(A)), 2)


def cond_fro(A: Array) -> ConditionEstimate:
    """Compute ‖A‖_F ‖A⁺‖_F from the singular values; A has full rank.

    Parameters
    ----------
    A : array, sparse array or tensor, shape (m, n)
        Of any shape, real or complex, finite.

    Returns
    -------
    ConditionEstimate
        At least min(m, n); inf where the rank cannot be told from a lower one. The
        bracket is proved as that of `cond_2`.

    Raises
    ------
    ValueError
        If A is empty, holds nan or inf, or is too large to be dense.

    References
    ----------
    N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., SIAM 2002,
    sections 3.1 and 14.1.

    Examples
    --------
    >>> round(cond_fro([[1, 0], [0, 1]]).value, 12)
    2.0
    """
    return by_singular_values(divided_by_peak(_dense(A)), "fro")


CONDITION_NUMBERS: dict[ConditionNorm, Callable[[Array], ConditionEstimate]] = {
    2: cond_2,
    1: cond_1,
    "inf": cond_inf,
    "fro": cond_fro,
    "skeel": cond_skeel,
}


def _stack(A: Array) -> np.ndarray:
    """Return a stack of matrices in double precision."""
    A = _arrays.to_numpy(_arrays.as_float(A, ndim=A.ndim))
    if 0 in A.shape[-2:]:
        _dense(np.empty(A.shape[-2:]))  # says what is wrong
    return A.astype(np.complex128 if np.iscomplexobj(A) else np.float64, copy=False)


def _dense(A: Array, square: str | None = None) -> np.ndarray:
    """Return A in double precision, or say why it cannot have a condition number."""
    A = _arrays.as_float(A)
    m, n = A.shape
    if m == 0 or n == 0:
        raise ValueError(
            f"a condition number needs at least one row and one column, got shape "
            f"({m}, {n}); leave empty matrices out"
        )
    if square and m != n:
        raise ValueError(
            f"{square} needs a square matrix, got shape ({m}, {n}). For a rectangular "
            "matrix use cond_2, which is defined by singular values."
        )
    if sp.issparse(A) and m * n * 8 > DENSE_BYTES:
        raise ValueError(
            f"an exact condition number needs the dense matrix, and shape ({m}, {n}) "
            f"takes {m * n * 8 / 2**30:.1f} GiB; use estimate_cond_1 or estimate_cond_2"
        )
    dense = _arrays.to_numpy(A)
    dtype = np.complex128 if np.iscomplexobj(dense) else np.float64
    return np.ascontiguousarray(dense, dtype=dtype)
