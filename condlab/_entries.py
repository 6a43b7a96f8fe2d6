"""What the entries of a matrix may be: finite floats, and what they hold exactly.

What is certain of a matrix is certain of its entries, so an entry that would have to
be rounded on the way in is refused instead.
"""

from __future__ import annotations

import numbers

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike

from condlab._typing import Sparse

CONSECUTIVE = 2.0**53  # float64 holds every integer below, and rounds the next to it


def first_rounded(A: np.ndarray) -> int | None:
    """Return the flat index of the first integer that float64 cannot hold, or None."""
    if A.dtype.itemsize < 8 or A.size == 0:
        return None
    if max(-int(A.min()), int(A.max())) < CONSECUTIVE:
        return None
    entries = np.ravel(A)
    far = np.flatnonzero(np.abs(entries.astype(np.float64)) >= CONSECUTIVE)
    # Between powers of two the floats are the multiples of their spacing.
    spacing = np.spacing(np.abs(entries[far].astype(np.float64)))
    rounded = np.flatnonzero(entries[far] % spacing.astype(A.dtype))
    return int(far[rounded[0]]) if rounded.size else None


def require_exact(A: np.ndarray) -> None:
    """Raise ValueError naming the first integer that float64 cannot hold."""
    at = first_rounded(A)
    if at is not None:
        raise ValueError(rounded(A.flat[at], _index(at, A.shape)))


def rounded(value: object, index: tuple[int, ...]) -> str:
    """Return why an entry is refused that float64 cannot hold."""
    return inexact(f"{value!s:.60} at index {index}")


def inexact(came: str) -> str:
    """Return why a number is refused that float64 cannot hold."""
    return (
        f"every entry must be a float64 as it is, got {came}, which would be rounded; "
        "divide by a common factor first, or round it yourself with .astype(float)"
    )


def from_objects(A: np.ndarray) -> np.ndarray:
    """Return an array of Python's numbers as float64 or complex128, none rounded.

    Raises
    ------
    TypeError
        If an entry is not a number.
    ValueError
        If float64 cannot hold one, such as ``2**53 + 1`` or ``Fraction(1, 3)``.
    """
    entries = [_float(x, _index(at, A.shape)) for at, x in enumerate(A.flat)]
    real = not any(isinstance(x, complex) for x in entries)
    return np.array(entries, dtype=float if real else complex).reshape(A.shape)


def _float(x: object, index: tuple[int, ...]) -> float | complex:
    if not isinstance(x, numbers.Number | np.bool_):
        raise TypeError(
            f"a matrix of real or complex numbers is needed, got {type(x).__name__} "
            f"at index {index}; convert it to float64 first"
        )
    try:
        value = complex(x) if _is_complex(x) else float(x)  # type: ignore[arg-type]
    except (OverflowError, ValueError):  # 10**400, and a Decimal that signals
        raise ValueError(rounded(x, index)) from None
    if value == x or value != value:  # Python compares numbers of all types exactly
        return value
    raise ValueError(rounded(x, index))


def _is_complex(x: object) -> bool:
    return isinstance(x, numbers.Complex) and not isinstance(x, numbers.Real)


def _index(at: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(at, shape))


def from_nested(A: ArrayLike) -> np.ndarray:
    """Return nested lists, or what offers ``__array__``, as a NumPy array.

    NumPy makes integers beside floats floats; none of them may be rounded by that.
    """
    try:
        B = np.asarray(A)
    except ValueError as error:
        if "inhomogeneous" in str(error):
            error = ValueError("a matrix needs rows of equal length; pad them first")
        raise error from None
    wide = B.dtype.kind in "fc" and B.dtype.itemsize > 2  # half ends at 65504
    if wide and (np.abs(B) >= CONSECUTIVE).any():
        from_objects(_as_objects(A))
    return B


def _as_objects(A: ArrayLike) -> np.ndarray:
    """Return every entry as it was given; a data frame has its own way to say so."""
    if hasattr(A, "to_numpy"):
        try:
            return A.to_numpy(dtype=object)
        except TypeError:  # not pandas' signature
            pass
    return np.asarray(A, dtype=object)


def float_dtype(dtype: np.dtype) -> np.dtype:
    """Return the floating-point type for entries of a type, or raise TypeError."""
    dtype = dtype.newbyteorder("=")
    if dtype.kind in "biu":
        return np.dtype(np.float64)
    if dtype == np.float16:
        return np.dtype(np.float32)
    if dtype in (np.float32, np.float64, np.complex64, np.complex128):
        return dtype
    raise TypeError(
        f"a matrix of real or complex numbers is needed, got dtype {dtype}; "
        "convert it to float64 first"
    )


def sparse_as_float(A: Sparse, *, check_finite: bool = True) -> Sparse:
    """Return a sparse matrix of finite floats, no place twice; csr, csc or coo."""
    if A.format not in ("csr", "csc", "coo"):
        A = A.tocsr()
    if A.ndim != 2:
        raise ValueError(f"a matrix (2-D) is needed, got shape {A.shape}")
    dtype = float_dtype(A.dtype)
    given_twice = not A.has_canonical_format
    if check_finite or given_twice or A.dtype.kind not in "fc":
        require_finite_data(A)
    if A.dtype.kind in "iu":
        _require_exact_data(A, given_twice)
    A = A if A.dtype == dtype else A.astype(dtype)
    if not given_twice:
        return A
    A = A.copy()  # the caller's duplicates stay as they are
    with np.errstate(over="ignore", invalid="ignore"):
        A.sum_duplicates()
    require_finite_data(A, "got entries given twice that add up to")
    return A


def require_finite_data(A: Sparse, came: str = "got") -> None:
    """Raise ValueError naming the first entry of a sparse matrix that is not finite."""
    if sum_is_finite(A.data) or np.isfinite(A.data).all():
        return
    entry = int(np.argmin(np.isfinite(A.data)))
    raise ValueError(not_finite(A.data[entry], _place(A, entry), came))


def _require_exact_data(A: Sparse, given_twice: bool) -> None:
    entry = first_rounded(A.data)
    if entry is not None:
        raise ValueError(rounded(A.data[entry], _place(A, entry)))
    if not given_twice:
        return
    sizes = np.abs(A.data.astype(np.float64))  # their sums bound those on the way
    places = A.tocoo().coords
    sums, counts = (
        sp.csr_array(sp.coo_array((x, places), shape=A.shape)).data
        for x in (sizes, np.ones_like(sizes))
    )
    twice = sums[counts > 1]
    if twice.max(initial=0.0) >= CONSECUTIVE:
        raise ValueError(
            "integers given twice at one place add up to more than float64 counts, "
            f"{twice.max():.4g}; add them first with A.sum_duplicates()"
        )


def _place(A: Sparse, entry: int) -> tuple[int, ...]:
    """Return the row and column of a stored entry of a sparse matrix."""
    return tuple(int(i[entry]) for i in A.tocoo().coords)


def sum_is_finite(A: np.ndarray) -> bool:
    """Tell from one fast read that no entry is nan or inf; False decides nothing."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(A.sum()))


def not_finite(value: object, index: tuple[int, ...], came: str = "got") -> str:
    """Return why an entry is refused that is not finite."""
    return (
        f"every entry must be finite, {came} {value} at index {index}; "
        "remove or replace it first"
    )
