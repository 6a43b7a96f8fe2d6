"""The only place that looks at which library an array is from.

Dense arrays of any library go through its array-API namespace; SciPy's sparse
containers, which that standard does not cover, have one branch here.
"""

from __future__ import annotations

import math
import sys
from types import ModuleType

import numpy as np
import scipy.sparse as sp

from condlab import _entries
from condlab._typing import Array, Sparse

TOGETHER = 1 << 16  # entries of a dense matrix whose multipliers stay in cache


def is_torch(x: object) -> bool:
    """Tell whether x is a torch tensor, without importing torch."""
    torch = sys.modules.get("torch")  # whoever holds a tensor has imported it
    return torch is not None and isinstance(x, torch.Tensor)


def is_numpy(x: object) -> bool:
    """Tell whether x is a NumPy array, whose values may be looked at freely."""
    return isinstance(x, np.ndarray)


def namespace(x: Array) -> ModuleType:
    """Return the array-API namespace of a dense array."""
    return sys.modules["torch"] if is_torch(x) else x.__array_namespace__()


def as_float(A: Array, *, ndim: int = 2, check_finite: bool = True) -> Array:
    """Return A as a finite floating-point array in its own container, none rounded.

    Integers and booleans become float64, half precision becomes float32, everything
    else keeps its type. Nested lists, data frames and subclasses of NumPy's arrays
    become NumPy arrays. Where the caller will see nan and inf anyway,
    `check_finite=False` saves one read of the matrix.

    Raises
    ------
    TypeError
        If the entries are not numbers, or a tensor is not dense.
    ValueError
        If the number of dimensions is not `ndim`, or an entry is not finite, masked,
        or an integer that float64 cannot hold.
    """
    if sp.issparse(A):
        return _entries.sparse_as_float(A, check_finite=check_finite)
    A = plain(A)
    if A.ndim != ndim:
        kind = "a matrix (2-D)" if ndim == 2 else f"{ndim}-D"
        raise ValueError(
            f"an array that is {kind} is needed, got shape {tuple(A.shape)}"
        )
    A = promote(A)
    if check_finite:
        require_finite(A)
    return A


def plain(A: Array) -> Array:
    """Return A as a dense array of its library, without a class or mask of its own."""
    if is_torch(A):
        if A.is_quantized:
            raise TypeError(
                "a tensor of floats is needed, got a quantised one; use A.dequantize()"
            )
        if A.layout is not sys.modules["torch"].strided:
            raise TypeError(
                f"a dense tensor is needed, got layout {A.layout}; use A.to_dense(), "
                "or a SciPy sparse array where that is too large"
            )
        return A
    if isinstance(A, np.ndarray):
        if isinstance(A, np.ma.MaskedArray) and np.ma.is_masked(A):
            index = tuple(int(i) for i in np.argwhere(np.ma.getmaskarray(A))[0])
            raise ValueError(
                f"every entry must be known, and the one at index {index} is masked; "
                "fill it first with A.filled(value)"
            )
        return np.asarray(A)  # of np.matrix the product is another one
    return A if hasattr(A, "__array_namespace__") else _entries.from_nested(A)


def promote(A: Array) -> Array:
    if is_numpy(A):
        if A.dtype.kind == "O":
            return _entries.from_objects(A)
        if A.dtype.kind in "iu":
            _entries.require_exact(A)
        return A.astype(_entries.float_dtype(A.dtype), copy=False)
    xp = namespace(A)
    if is_torch(A):
        if A.is_floating_point() or A.is_complex():
            single = xp.float32 if A.is_floating_point() else xp.complex64
            return A.to(single) if A.dtype.itemsize < single.itemsize else A
        B = A.to(xp.float64)
    elif xp.isdtype(A.dtype, ("real floating", "complex floating")):
        return A
    else:
        B = xp.astype(A, xp.float64)
    if any_true(xp.abs(B) >= _entries.CONSECUTIVE):
        _entries.require_exact(to_numpy(A))
    return B


def require_finite(A: Array) -> None:
    """Raise ValueError naming the first entry of a dense array that is not finite."""
    xp = namespace(A)
    if is_numpy(A) and A.size and _entries.sum_is_finite(A):
        return
    finite = xp.isfinite(A)
    if not any_true(~finite):
        return
    index = tuple(int(i) for i in np.argwhere(~to_numpy(finite))[0])
    raise ValueError(_entries.not_finite(A[index], index))


def any_true(condition: Array, *, unseen: bool = False) -> bool:
    """Tell whether a condition holds anywhere; `unseen` where values are hidden."""
    try:
        return bool(namespace(condition).any(condition))
    except RuntimeError:  # under torch.vmap values cannot be looked at
        return unseen


def coordinates(A: Sparse) -> tuple[np.ndarray, np.ndarray]:
    """Return the row and the column index of each stored entry of a sparse matrix."""
    if A.format == "coo":
        return A.coords
    major = np.repeat(np.arange(len(A.indptr) - 1), np.diff(A.indptr))
    return (major, A.indices) if A.format == "csr" else (A.indices, major)


def is_complex(A: Array) -> bool:
    return "complex" in str(A.dtype)


def beside(d: Array | None, A: Array) -> Array | None:
    """Return a vector in the library and on the device of A."""
    if d is None:
        return None
    if is_torch(A):
        torch = sys.modules["torch"]
        return d.to(A.device) if is_torch(d) else torch.tensor(d, device=A.device)
    if is_numpy(A):
        return to_numpy(d)
    return d if type(d) is type(A) else namespace(A).asarray(to_numpy(d))


def scale(A: Array, left: Array | None, right: Array | None) -> Array:
    """Return diag(left) A diag(right) without writing to A."""
    if sp.issparse(A):
        return _scale_sparse(A, left, right)
    if left is None:
        return A * 1.0 if right is None else _scale_columns(A, right)
    scaled = A * left[:, None]
    if right is None:
        return scaled
    if is_numpy(scaled):  # ours, so a second array is not needed
        return np.multiply(scaled, right[None, :], out=scaled)
    return scaled * right[None, :]


def _scale_columns(A: Array, multipliers: Array) -> Array:
    """Return A diag(multipliers); of a large NumPy array many rows at a time.

    NumPy's loop ends with each row, which takes up to a fifth longer.
    """
    large = is_numpy(A) and A.flags.c_contiguous and A.size >= 8 * TOGETHER
    if not large or A.shape[1] > TOGETHER // 4:
        return A * multipliers[None, :]
    scaled = np.empty(A.shape, np.result_type(A, multipliers))
    repeated = np.tile(multipliers, TOGETHER // A.shape[1])
    entries, out = A.reshape(-1), scaled.reshape(-1)
    for start in range(0, A.size, len(repeated)):
        piece = slice(start, start + len(repeated))
        some = repeated[: len(out[piece])]
        np.multiply(entries[piece], some, out=out[piece])
    return scaled


def _scale_sparse(
    A: Sparse, left: np.ndarray | None, right: np.ndarray | None
) -> Sparse:
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
        data = _scale_entries(data, minor, A.indices, dtype)
    if data is A.data:
        data = data.astype(dtype)  # a copy
    return type(A)((data, A.indices.copy(), A.indptr.copy()), shape=A.shape)


def _scale_lines(A: Sparse, multipliers: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return the entries, each compressed line scaled; in pieces that stay in cache."""
    scaled = np.empty(A.data.shape, dtype)
    step = 1 << 14
    for start in range(0, len(multipliers), step):
        pointers = A.indptr[start : start + step + 1]
        factors = np.repeat(multipliers[start : start + step], np.diff(pointers))
        piece = slice(pointers[0], pointers[-1])
        np.multiply(A.data[piece], factors, out=scaled[piece])
    return scaled


def _scale_entries(
    data: np.ndarray, multipliers: np.ndarray, index: np.ndarray, dtype: np.dtype
) -> np.ndarray:
    """Return entries times the multipliers of their lines, in pieces as well."""
    scaled, step = np.empty(data.shape, dtype), 1 << 15
    factors = np.empty(min(step, len(data)), multipliers.dtype)
    for start in range(0, len(data), step):
        piece = slice(start, start + step)
        some = factors[: len(index[piece])]
        multipliers.take(index[piece], out=some, mode="clip")  # "raise" copies `out`
        np.multiply(data[piece], some, out=scaled[piece])
    return scaled


def power_of_two(x: Array) -> Array:
    """Return the power of two nearest to positive x on the logarithmic scale.

    It is at most the largest that is a float.
    """
    xp = namespace(x)
    if is_torch(x):
        x = x.detach()
        mantissa, exponent = xp.frexp(x)
        exponent = exponent - (mantissa < 0.5**0.5).to(exponent.dtype)
        most = round(math.log2(xp.finfo(x.dtype).max)) - 1
        exponent = exponent.clamp(max=most)
        return xp.ldexp(xp.ones_like(x, dtype=xp.float64), exponent).to(x.dtype)
    x = np.asarray(x)
    mantissa, exponent = np.frexp(x)
    exponent = exponent - (mantissa < np.sqrt(0.5))
    most = np.finfo(x.dtype).maxexp - 1
    return np.ldexp(np.ones_like(x), np.minimum(exponent, most))


def to_numpy(A: Array) -> np.ndarray:
    """Return a dense matrix as a NumPy array, sharing memory where it can."""
    if sp.issparse(A):
        return A.toarray()
    if is_torch(A):
        # .conj(), .mH and the like are notes on a tensor, which NumPy cannot read
        return A.detach().cpu().resolve_conj().resolve_neg().numpy()
    return np.asarray(A)
