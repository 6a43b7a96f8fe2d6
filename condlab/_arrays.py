"""The only place that looks at which library an array is from.

Dense arrays of any library go through its array-API namespace; SciPy's sparse
containers, which that standard does not cover, have one branch here.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import scipy.sparse as sp

Array = Any


def is_torch(x: Any) -> bool:
    """Tell whether x is a torch tensor, without importing torch."""
    torch = sys.modules.get("torch")  # whoever holds a tensor has imported it
    return torch is not None and isinstance(x, torch.Tensor)


def is_numpy(x: Any) -> bool:
    """Tell whether x is a NumPy array, whose values may be looked at freely."""
    return isinstance(x, np.ndarray)


def namespace(x: Array) -> Any:
    """Return the array-API namespace of a dense array."""
    return sys.modules["torch"] if is_torch(x) else x.__array_namespace__()


def as_float(A: Any, *, ndim: int = 2, check_finite: bool = True) -> Array:
    """Return A as a finite floating-point array in its own container.

    Integers and booleans become float64, half precision becomes float32, everything
    else keeps its type. Nested lists become NumPy arrays. Where the caller will see
    nan and inf anyway, `check_finite=False` saves one read of the matrix.

    Raises
    ------
    TypeError
        If the entries are not numbers.
    ValueError
        If the number of dimensions is not `ndim`, or an entry is not finite.
    """
    if sp.issparse(A):
        return _sparse_as_float(A)  # its data are few: always checked
    if not (is_torch(A) or hasattr(A, "__array_namespace__")):
        A = np.asarray(A)
    if A.ndim != ndim:
        kind = "a matrix (2-D)" if ndim == 2 else f"{ndim}-D"
        raise ValueError(
            f"an array that is {kind} is needed, got shape {tuple(A.shape)}"
        )
    A = _promote(A)
    if check_finite:
        require_finite(A)
    return A


def _promote(A: Array) -> Array:
    xp = namespace(A)
    if is_torch(A):
        if A.dtype in (xp.float16, xp.bfloat16):
            return A.to(xp.float32)
        return A if A.is_floating_point() or A.is_complex() else A.to(xp.float64)
    if is_numpy(A):
        return A.astype(_float_dtype(A.dtype), copy=False)
    numeric = xp.isdtype(A.dtype, ("real floating", "complex floating"))
    return A if numeric else xp.astype(A, xp.float64)


def _float_dtype(dtype: np.dtype) -> np.dtype:
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


def _sparse_as_float(A: Any) -> Any:
    if A.format not in ("csr", "csc", "coo"):
        A = A.tocsr()
    if A.ndim != 2:
        raise ValueError(f"a matrix (2-D) is needed, got shape {A.shape}")
    dtype = _float_dtype(A.dtype)
    A = A if A.dtype == dtype else A.astype(dtype)
    if not _sum_is_finite(A.data) and not np.isfinite(A.data).all():
        entry = int(np.argmin(np.isfinite(A.data)))
        row, column = (int(i[entry]) for i in A.tocoo().coords)
        raise ValueError(_not_finite(A.data[entry], (row, column)))
    if not A.has_canonical_format:
        A = A.copy()  # the caller's duplicates stay as they are
        A.sum_duplicates()
    return A


def require_finite(A: Array) -> None:
    """Raise ValueError naming the first entry of a dense array that is not finite."""
    xp = namespace(A)
    if is_numpy(A) and A.size and _sum_is_finite(A):
        return
    finite = xp.isfinite(A)
    if not any_true(~finite):
        return
    index = tuple(int(i) for i in np.argwhere(~to_numpy(finite))[0])
    raise ValueError(_not_finite(A[index], index))


def any_true(condition: Array, *, unseen: bool = False) -> bool:
    """Tell whether a condition holds anywhere; `unseen` where values are hidden."""
    try:
        return bool(namespace(condition).any(condition))
    except RuntimeError:  # under torch.vmap values cannot be looked at
        return unseen


def _sum_is_finite(A: np.ndarray) -> bool:
    """Tell from one fast read that no entry is nan or inf; False decides nothing."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(A.sum()))


def _not_finite(value: Any, index: tuple[int, ...]) -> str:
    return (
        f"every entry must be finite, got {value} at index {index}; "
        "remove or replace it first"
    )


def coordinates(A: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the row and the column index of each stored entry of a sparse matrix."""
    if A.format == "coo":
        return A.coords
    major = np.repeat(np.arange(len(A.indptr) - 1), np.diff(A.indptr))
    return (major, A.indices) if A.format == "csr" else (A.indices, major)


def scale(A: Array, left: Array | None, right: Array | None) -> Array:
    """Return diag(left) A diag(right) without writing to A."""
    if sp.issparse(A):
        return _scale_sparse(A, left, right)
    if left is None:
        return A * 1.0 if right is None else A * right[None, :]
    scaled = A * left[:, None]
    if right is None:
        return scaled
    if is_numpy(scaled):  # ours, so a second array is not needed
        return np.multiply(scaled, right[None, :], out=scaled)
    return scaled * right[None, :]


def _scale_sparse(A: Any, left: np.ndarray | None, right: np.ndarray | None) -> Any:
    if A.format not in ("csr", "csc", "coo"):
        return _scale_sparse(A.tocsr(), left, right).asformat(A.format)
    parts = [d.dtype for d in (left, right) if d is not None]
    dtype = np.result_type(A.data, *parts)
    if A.format == "coo":
        data = A.data.astype(dtype)  # a copy
        for multipliers, index in zip((left, right), A.coords, strict=True):
            if multipliers is not None:
                data *= multipliers[index]
        return type(A)((data, A.coords), shape=A.shape)
    major, minor = (left, right) if A.format == "csr" else (right, left)
    data = A.data if major is None else _scale_lines(A, major, dtype)
    if minor is not None:
        data = data * minor[A.indices]
    if data is A.data:
        data = data.astype(dtype)  # a copy
    return type(A)((data, A.indices.copy(), A.indptr.copy()), shape=A.shape)


def _scale_lines(A: Any, multipliers: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return the entries, each compressed line scaled; in pieces that stay in cache."""
    scaled = np.empty(A.data.shape, dtype)
    step = 1 << 12
    for start in range(0, len(multipliers), step):
        pointers = A.indptr[start : start + step + 1]
        factors = np.repeat(multipliers[start : start + step], np.diff(pointers))
        piece = slice(pointers[0], pointers[-1])
        np.multiply(A.data[piece], factors, out=scaled[piece])
    return scaled


def power_of_two(x: Array) -> Array:
    """Return the power of two nearest to positive x on the logarithmic scale."""
    xp = namespace(x)
    if is_torch(x):
        x = x.detach()
        mantissa, exponent = xp.frexp(x)
        exponent = exponent - (mantissa < 0.5**0.5).to(exponent.dtype)
        return xp.ldexp(xp.ones_like(x, dtype=xp.float64), exponent).to(x.dtype)
    x = np.asarray(x)
    mantissa, exponent = np.frexp(x)
    exponent = exponent - (mantissa < np.sqrt(0.5))
    return np.ldexp(np.ones_like(x), exponent)


def to_numpy(A: Array) -> np.ndarray:
    """Return a dense matrix as a NumPy array, sharing memory where it can."""
    if sp.issparse(A):
        return A.toarray()
    return A.detach().cpu().numpy() if is_torch(A) else np.asarray(A)
