"""Norms of the rows and columns of a matrix, safe from overflow and underflow.

Dense arrays of every library share one formula: divide a line by its peak, take the
norm, multiply back. NumPy arrays, whose values may be looked at, are first summed
directly in one read; only lines whose sum left the safe range take the formula.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import scipy.sparse as sp

from condlab import _arrays, _entries
from condlab.types import Array, Norm, Sparse

NORMS: tuple[Norm, ...] = (1, 2, "inf")
LINES = 1 << 12  # lines, or entries, of a sparse matrix worked on together
ENTRIES = 1 << 16
SHORT = 16  # entries of a line, which SciPy sums sooner than NumPy and as well


def row_norms(A: Array, *, p: Norm = 2) -> Array:
    """Return the p-norm of every row.

    Parameters
    ----------
    A : array, shape (m, n)
        NumPy, SciPy sparse or torch; real or complex.
    p : {1, 2, "inf"}
        The vector norm.

    Returns
    -------
    array, shape (m,)
        In A's precision: a torch tensor for a torch tensor, otherwise NumPy.

    Raises
    ------
    ValueError
        If an entry is not finite, A is not 2-D or p is not a norm of the list.

    Examples
    --------
    >>> import numpy as np
    >>> row_norms(np.array([[3e200, 4e200], [0.0, 0.0]]))
    array([5.e+200, 0.e+000])
    """
    return _norms(A, axis=1, p=p)


def column_norms(A: Array, *, p: Norm = 2) -> Array:
    """Return the p-norm of every column.

    Parameters
    ----------
    A : array, shape (m, n)
        NumPy, SciPy sparse or torch; real or complex.
    p : {1, 2, "inf"}
        The vector norm.

    Returns
    -------
    array, shape (n,)
        In A's precision: a torch tensor for a torch tensor, otherwise NumPy.

    Raises
    ------
    ValueError
        If an entry is not finite, A is not 2-D or p is not a norm of the list.

    Examples
    --------
    >>> import numpy as np
    >>> column_norms(np.array([[1.0, -2.0], [3.0, 2.0]]), p=1)
    array([4., 4.])
    """
    return _norms(A, axis=0, p=p)


def _norms(A: Array, *, axis: int, p: Norm) -> Array:
    if p not in NORMS:
        raise ValueError(f'p must be 1, 2 or "inf", got {p!r}')
    A = _arrays.as_float(A, check_finite=False)
    if sp.issparse(A):
        return _sparse(A, axis, p)
    if _arrays.is_numpy(A):
        return _numpy(A, axis, p)
    _arrays.require_finite(A)
    return safe_norms(A, axis=axis, p=p)


def safe_norms(A: Array, *, axis: int, p: Norm) -> Array:
    """Return the norms along an axis of a dense array, without looking at values.

    The peak of a line is a constant of the derivative: the norm does not depend on
    it. A zero line has norm zero and a zero derivative.
    """
    xp = _arrays.namespace(A)
    if A.shape[axis] == 0:
        return xp.abs(xp.sum(A, axis=axis))
    size = xp.abs(A)
    peak = xp.amax(size, axis) if _arrays.is_torch(A) else xp.max(size, axis=axis)
    if p == "inf":
        return peak
    if _arrays.is_torch(A):
        peak = peak.detach()
    zero = peak == 0
    # The double where keeps nan out of the derivative of the branch not taken.
    divisor = xp.where(zero, xp.ones_like(peak), peak)
    unit = (
        size / xp.unsqueeze(divisor, axis)
        if _arrays.is_torch(A)
        else (size / xp.expand_dims(divisor, axis=axis))
    )
    if p == 1:
        return peak * xp.sum(unit, axis=axis)
    squares = xp.sum(unit * unit, axis=axis)
    return peak * xp.sqrt(xp.where(zero, xp.ones_like(squares), squares))


def _numpy(A: np.ndarray, axis: int, p: Norm) -> np.ndarray:
    columns_first = A.flags.f_contiguous and not A.flags.c_contiguous
    B, along = (A.T, 1 - axis) if columns_first else (A, axis)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        norms, trusted = _one_read(B, along, p)
        if trusted.all():
            return norms
        lines = B[~trusted] if along == 1 else B[:, ~trusted]
        if not np.isfinite(lines).all():
            _arrays.require_finite(A)
        norms[~trusted] = safe_norms(lines, axis=along, p=p)
    return norms


def _one_read(A: np.ndarray, axis: int, p: Norm) -> tuple[np.ndarray, np.ndarray]:
    """Return the norms by direct sums, and which of them no overflow has touched."""
    if 0 in A.shape:
        norms = np.zeros(A.shape[1 - axis], dtype=A.real.dtype)
        return norms, np.ones(norms.shape, dtype=bool)
    if p == "inf" and np.isrealobj(A):
        norms = np.maximum(A.max(axis=axis), -A.min(axis=axis))
    elif p == "inf":
        norms = np.abs(A).max(axis=axis)
    elif p == 1:
        norms = np.linalg.norm(A, ord=1, axis=axis)
    else:
        return _root_of_squares(A, axis)
    return norms, np.isfinite(norms)


def _root_of_squares(A: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    if np.iscomplexobj(A):
        squares = np.square(A.real) + np.square(A.imag)
        sums = squares.sum(axis=axis)
    elif axis == 1:
        sums = np.vecdot(A, A)
    else:
        sums = np.einsum("ij,ij->j", A, A)
    return np.sqrt(sums), _squares_are_safe(sums, A.shape[axis])


def _squares_are_safe(sums: np.ndarray, count: int) -> np.ndarray:
    """Tell which sums of `count` squares lost nothing to underflow or overflow."""
    kind = np.finfo(sums.dtype)
    # Each square below the smallest normal number loses at most that much.
    return (sums > count * kind.tiny / kind.eps) & (sums <= kind.max)


def _sparse(A: Sparse, axis: int, p: Norm) -> np.ndarray:
    if p == "inf":
        with np.errstate(over="ignore", invalid="ignore"):
            norms = _reduced(A, axis, np.maximum, np.abs)
        if not np.isfinite(norms).all():
            _entries.require_finite_data(A)
        return norms
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        if p == 1:
            norms = _reduced(A, axis, np.add, np.abs)
            safe = np.isfinite(norms)
        else:
            sums, safe = _sums_of_squares(A, axis)
            norms = np.sqrt(sums, out=sums)
    if safe.all():
        return norms
    # Lines of zeros are among the others, and ask for no second look at the rest.
    index = _lines(A, axis)
    chosen = np.flatnonzero(~safe[index])
    norms[~safe] = 0
    if len(chosen):
        _entries.require_finite_data(A)
        _rescue(norms, index[chosen], np.abs(A.data[chosen]), p)
    return norms


def _rescue(norms: np.ndarray, index: np.ndarray, sizes: np.ndarray, p: Norm) -> None:
    """Put the norms of the lines of some entries by dividing them by their peaks."""
    peaks = np.zeros_like(norms)
    np.maximum.at(peaks, index, sizes)
    filled = np.flatnonzero(peaks)
    unit = np.divide(sizes, peaks[index], where=sizes != 0, out=np.zeros_like(sizes))
    sums = np.bincount(index, unit if p == 1 else unit * unit, len(norms))
    with np.errstate(over="ignore"):
        norms[filled] = (peaks * (sums if p == 1 else np.sqrt(sums)))[filled]


def _squares(x: np.ndarray) -> np.ndarray:
    return x.real * x.real + x.imag * x.imag if np.iscomplexobj(x) else x * x


def _sums_of_squares(A: Sparse, axis: int) -> tuple[np.ndarray, np.ndarray | np.bool_]:
    """Return the sums along lines, and which of them, or if all, can be trusted."""
    least = [math.inf]

    def squares(x: np.ndarray) -> np.ndarray:
        found = _squares(x)
        least.append(found.min(initial=math.inf))
        return found

    along = A.format == ("csr" if axis == 1 else "csc")
    large = along and A.dtype.kind == "f" and len(A.data) > ENTRIES
    if large and (sums := _by_products(A)) is not None:
        ends = np.array([sums.min(), sums.max()])
        if _squares_are_safe(ends, A.shape[axis]).all():  # no array on the way
            return sums, np.True_
        safe = _squares_are_safe(sums, A.shape[axis])
        return sums, safe | (np.diff(A.indptr) == 0)
    sums = _reduced(A, axis, np.add, squares)
    if min(least) >= np.finfo(sums.dtype).tiny:  # no entry's square lost a digit
        return sums, np.isfinite(sums)
    return sums, _squares_are_safe(sums, A.shape[axis])


def _by_products(A: Sparse) -> np.ndarray | None:
    """Return the sums of squares of compressed lines if none is long, in pieces.

    With each entry in a column of its own they are a product with the entries.
    """
    lines = len(A.indptr) - 1
    if len(A.data) > SHORT * lines:
        return None
    out, step = np.empty(lines, A.dtype), 2 * ENTRIES * lines // len(A.data)
    places = np.arange(0, dtype=A.indptr.dtype)
    for start in range(0, lines, step):
        pointers = A.indptr[start : start + step + 1]
        if np.diff(pointers).max() > SHORT:
            return None
        x = A.data[pointers[0] : pointers[-1]]
        if len(x) > len(places):
            # SciPy copies what is less than half of an array.
            places = np.arange(len(x) + len(x) // 4, dtype=A.indptr.dtype)
        own = (x, places[: len(x)], pointers - pointers[0])
        out[start : start + step] = sp.csr_array(own, (len(pointers) - 1, len(x))) @ x
    return out


def _reduced(
    A: Sparse, axis: int, combine: np.ufunc, entry: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Combine a function of the entries along lines, in pieces that stay in cache."""
    out = np.zeros(A.shape[1 - axis], dtype=A.data.real.dtype)
    if A.format == ("csr" if axis == 1 else "csc"):
        for start in range(0, len(out), LINES):
            pointers = A.indptr[start : start + LINES + 1]
            filled = pointers[1:] > pointers[:-1]
            values = entry(A.data[pointers[0] : pointers[-1]])
            first = (pointers[:-1] - pointers[0])[filled]
            if len(first):
                out[start : start + LINES][filled] = combine.reduceat(values, first)
        return out
    index = _lines(A, axis)
    for start in range(0, len(A.data), ENTRIES):
        piece = slice(start, start + ENTRIES)
        combine.at(out, index[piece], entry(A.data[piece]))
    return out


def _lines(A: Sparse, axis: int) -> np.ndarray:
    """Return the line of each stored entry, along an axis."""
    if A.format == ("csr" if axis == 0 else "csc"):
        return np.asarray(A.indices)
    return _arrays.coordinates(A)[1 - axis]
