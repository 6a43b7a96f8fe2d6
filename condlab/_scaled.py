"""diag(left) A diag(right), right wherever the product itself is in range.

Of three factors two can leave the range of floats though all three together do not:
1e10 · 1e300 · 1e-310 is 1. So the plain product is looked at, and where it may have
lost something on the way it is formed again from significands and exponents.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from condlab import _arrays, _entries
from condlab._typing import Array

if TYPE_CHECKING:
    from torch import Tensor


def apply(A: Array, left: Array | None, right: Array | None) -> Array:
    """Return diag(left) A diag(right) in the container and the precision of A.

    The multipliers may be of another library or precision, as those of a matrix that
    was made dense and double on the way.
    """
    if sp.issparse(A):
        dtype = _entries.float_dtype(A.dtype)
        left, right = (
            None if d is None else _arrays.to_numpy(d) for d in (left, right)
        )
        B = scaled(A, left, right)
        return B if B.dtype == dtype or B.dtype.kind != dtype.kind else B.astype(dtype)
    given, A = A, _arrays.promote(_arrays.plain(A))
    B = scaled(A, _arrays.beside(left, A), _arrays.beside(right, A))
    if B.dtype != A.dtype and _arrays.is_complex(B) == _arrays.is_complex(A):
        B = (
            B.to(A.dtype)
            if _arrays.is_torch(A)
            else _arrays.namespace(A).astype(B, A.dtype)
        )
    if isinstance(given, np.ndarray) and type(given) is not np.ndarray:
        return given.__array_wrap__(B)
    return B


def scaled(A: Array, left: Array | None, right: Array | None) -> Array:
    """Return diag(left) A diag(right) in the container of A, without writing to it."""
    if not (_arrays.is_torch(A) or sp.issparse(A) or hasattr(A, "__array_namespace__")):
        A = np.asarray(A)
    if sp.issparse(A) and A.format not in ("csr", "csc", "coo"):
        return scaled(A.tocsr(), left, right).asformat(A.format)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        B = _arrays.scale(A, left, right)
    if left is None or right is None or 0 in A.shape:
        return B  # one product is right by itself
    return shifted(A, left, right, like=B) if _lossy(A, B, left, right) else B


def shifted(
    A: Array, left: Array, right: Array, columns: int | np.ndarray = 0, *, like: Array
) -> Array:
    """Return diag(left) A diag(right) 2^columns with one rounding at the end.

    `columns` is an integer or a vector of them, beyond the range of floats if need be;
    `like` is a matrix of the container and dtype that is asked for.
    """
    if sp.issparse(A):
        i, j = _arrays.coordinates(A)
        B = A.astype(like.dtype, copy=True)
        shift = np.broadcast_to(columns, A.shape[1])[j]
        B.data = _numpy(A.data, left[i], right[j], shift, like.dtype)
        return B
    if _arrays.is_torch(A):
        torch = _arrays.namespace(A)
        wide = like.dtype.itemsize < 4  # half precision has no room on the way
        dtype = torch.float32 if wide else like.dtype
        a, x, y = (z.to(dtype) for z in (A, left[:, None], right[None, :]))
        shift = torch.as_tensor(columns, device=A.device)
        return _torch(a, x, y, shift).to(like.dtype)
    a, x, y = (np.asarray(z) for z in (A, left, right))
    product = _numpy(a, x[:, None], y[None, :], columns, np.asarray(like).dtype)
    return product if _arrays.is_numpy(A) else _arrays.namespace(A).asarray(product)


def powers(exponents: np.ndarray, like: Array) -> Array:
    """Return 2^exponents as a vector of the container and dtype of `like`."""
    found = np.ldexp(1.0, exponents)
    if _arrays.is_torch(like):
        return like.new_tensor(found)
    return _arrays.namespace(like).asarray(found, dtype=like.dtype)


def _lossy(A: Array, B: Array, left: Array, right: Array) -> bool:
    """Tell whether an entry may have left the range on the way to B."""
    orders = [(left, right)]
    if sp.issparse(A):  # either side may have been multiplied first
        orders, A, B = [(left, right), (right, left)], A.data, B.data
    ends = [(_seen("min", first), _seen("max", second)) for first, second in orders]
    # What underflows on the way to something smaller is no loss.
    high = max((high for low, high in ends if not (low >= 1 or high <= 1)), default=0.0)
    xp = _arrays.namespace(B)
    kind = xp.finfo(xp.abs(B[..., :1]).dtype)
    # An entry that was a normal number on the way ends no smaller than this.
    enough = float(kind.smallest_normal) * high
    A, B = (x.detach() if _arrays.is_torch(x) else x for x in (A, B))
    if _arrays.is_numpy(B) or (_arrays.is_torch(B) and B.device.type == "cpu"):
        try:
            return not _all_normal(A, B, enough, kind.max)
        except RuntimeError:  # under torch.vmap values cannot be looked at
            return True
    sizes = xp.abs(B)
    if _arrays.any_true(~(xp.max(sizes) <= kind.max), unseen=True):
        return True
    if not _arrays.any_true(xp.min(sizes) < enough):
        return False
    return _arrays.any_true((sizes < enough) & (A != 0))


def _all_normal(A: Array, B: Array, low: float, high: float) -> bool:
    """Tell whether |B| is in a range or 0 with A, in pieces that stay in cache."""
    xp = _arrays.namespace(B)
    step = max(1, (1 << 15) // math.prod(B.shape[1:]))
    for k in range(0, len(B), step):
        sizes = xp.abs(B[k : k + step])
        if not sizes.max() <= high:
            return False
        if sizes.min() < low and ((sizes < low) & (A[k : k + step] != 0)).any():
            return False
    return True


def _seen(extreme: str, d: Array) -> float:
    """Return the min or max of |d|; nan under torch.vmap, where values are hidden."""
    xp = _arrays.namespace(d)
    d = d.detach() if _arrays.is_torch(d) else d
    try:
        return float(getattr(xp, extreme)(xp.abs(d)))
    except RuntimeError:
        return math.nan


def _numpy(
    A: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    shift: int | np.ndarray,
    dtype: np.dtype,
) -> np.ndarray:
    """Return A x y 2^shift of arrays that broadcast; x and y are real."""
    if np.iscomplexobj(A):
        real = np.zeros(0, dtype).real.dtype
        parts = (_numpy(part, x, y, shift, real) for part in (A.real, A.imag))
        product = np.empty(np.broadcast_shapes(A.shape, x.shape, y.shape), dtype)
        product.real, product.imag = parts
        return product
    pairs = [np.frexp(z.astype(dtype, copy=False)) for z in (A, x, y)]
    (a, p), (b, q), (c, r) = pairs
    exponents = p + q + r + shift
    with np.errstate(over="ignore", under="ignore"):
        return np.ldexp(a * b * c, np.clip(exponents, -9999, 9999))


def _torch(A: Tensor, x: Tensor, y: Tensor, shift: Tensor) -> Tensor:
    """As `_numpy`, of tensors; the powers of two are constants of the derivative."""
    torch = _arrays.namespace(A)
    if A.is_complex():
        x, y = x.real, y.real
        return torch.complex(_torch(A.real, x, y, shift), _torch(A.imag, x, y, shift))
    (a, p), (b, q), (c, r) = (_significand(z) for z in (A, x, y))
    # Beyond the limit there is nothing but 0 and inf; two steps do not round twice.
    limit = 1200 if A.dtype == torch.float64 else 160
    exponent = (p + q + r + shift).clamp(-limit, limit)
    half = torch.div(exponent, 2, rounding_mode="floor")
    return a * b * c * _power(half, A) * _power(exponent - half, A)


def _significand(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return x divided by a power of two, in [1, 2) or 0, and its exponent."""
    exponent = x.detach().frexp().exponent.to(_arrays.namespace(x).int64) - 1
    # The quotient is exact, even where the power of two is a subnormal number.
    return x / _power(exponent, x), exponent


def _power(exponent: Tensor, like: Tensor) -> Tensor:
    torch = _arrays.namespace(like)
    one = torch.ones_like(exponent, dtype=torch.float64)
    return torch.ldexp(one, exponent).to(like.dtype)
