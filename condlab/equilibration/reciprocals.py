"""Reciprocals of the norms of lines, as near to them as the range of floats allows."""

from __future__ import annotations

from typing import Literal

import numpy as np
import scipy.sparse as sp

from condlab import _arrays
from condlab._scaled import powers, shifted
from condlab.errors import NotPositiveDefiniteError, SingularMatrixError
from condlab.norms import column_norms, row_norms
from condlab.types import Array, Norm, Scaling

Rounding = Literal["power-of-two"] | None
SPARE = 64  # a norm of finite entries is below 2^SPARE times the largest float


def reciprocal_norms(
    A: Array, axis: int, p: Norm, rounding: Rounding, strict: bool
) -> Array:
    """Return 1 / norm of every row (axis 1) or column; 1 for a line of zeros."""
    if rounding not in (None, "power-of-two"):
        raise ValueError(f'rounding must be None or "power-of-two", got {rounding!r}')
    measure = row_norms if axis == 1 else column_norms
    norms = measure(A, p=p)
    if strict and (i := first_true(norms == 0)) is not None:
        line = "row" if axis == 1 else "column"
        raise SingularMatrixError(
            f"strict scaling needs every {line} to have a nonzero entry, "
            f"got zeros only in {line} {i}; drop it or use strict=False"
        )
    xp = _arrays.namespace(norms)
    found = reciprocal(_rounded(norms, rounding))
    # The power of two nearest to the largest floats is no float itself.
    most = float(xp.finfo(norms.dtype).max) * (1.0 if rounding is None else 0.5**0.5)
    if _arrays.is_numpy(norms) and not norms.max(initial=0.0) > most:
        return found
    beyond = norms > most
    if not _arrays.any_true(beyond):
        return found
    # The norm has no float, its reciprocal has one.
    unit = powers(np.full(norms.shape, -SPARE), norms)
    sides = (unit, None) if axis == 1 else (None, unit)
    smaller = _rounded(measure(Scaling(*sides).apply(A), p=p), rounding)
    return xp.where(beyond, reciprocal(smaller) * unit, found)


def vanishing_columns(A: Array, B: Array, p: Norm) -> bool:
    """Tell whether B = diag(d) A has columns too small to have kept all digits."""
    norms = column_norms(B, p=p)
    if not _arrays.any_true(norms < _faint(norms)):
        return False
    present = column_norms(A, p="inf") > 0
    return _arrays.any_true((norms < _faint(norms)) & present)


def shared_multipliers(
    A: Array, left: Array, B: Array, p: Norm, rounding: Rounding
) -> tuple[Array, Array]:
    """Return multipliers for B = diag(left) A with columns that nearly vanish.

    Their norms are taken of columns that powers of two brought back into range first.
    What the right multipliers have beyond the range, the left ones take over.
    """
    norms = column_norms(B, p=p)
    ones = _arrays.namespace(norms).ones_like(norms)
    present = _seen(column_norms(A, p="inf")) > 0
    kind = np.finfo(_seen(norms).dtype)
    step = -int(np.log2(_faint(norms)))
    shift = np.zeros(len(present), dtype=int)
    while (faint := present & (_seen(norms) < _faint(norms))).any():
        shift[faint] += step
        norms = column_norms(shifted(A, left, ones, columns=shift, like=B), p=p)
    found = reciprocal(_rounded(norms, rounding))
    exponents = np.frexp(_seen(found))[1] + shift
    spare = kind.maxexp // 16  # for further passes
    too_large = exponents[present].max() - kind.maxexp
    too_large += spare if too_large > 0 else 0
    room_left = kind.maxexp - np.frexp(_seen(left))[1].max()
    room_right = exponents[present].min() - (kind.minexp + 1)
    shared = max(0, min(too_large, room_left, room_right))
    most = kind.maxexp - np.frexp(_seen(found))[1]
    shift = np.where(present, np.minimum(shift - shared, most), 0)
    half = shift // 2
    right = found * powers(half, found) * powers(shift - half, found)
    rows = np.where(_seen(row_norms(B, p="inf")) > 0, shared, 0)
    return left * powers(rows, left), right


def missing_room(A: Array, left: Array) -> int:
    """Return by how many powers of two A must grow for its rows to have reciprocals.

    Zero where they have, and where the largest entries leave no room.
    """
    kind = _arrays.namespace(left).finfo(left.dtype)
    if not _arrays.any_true(left >= 2 / float(kind.smallest_normal)):
        return 0
    sizes = _seen(row_norms(A, p=1))
    kind = np.finfo(sizes.dtype)
    room = kind.maxexp - int(np.frexp(sizes)[1].max()) - 1
    return int(max(0, min(kind.nmant + 2, room)))


def grown(A: Array, exponent: int, like: Array) -> Array:
    """Return 2^exponent A, exactly."""
    return Scaling(powers(np.full(like.shape, exponent), like)).apply(A)


def shared(A: Array, scaling: Scaling, exponent: int) -> Scaling:
    """Return a scaling of 2^exponent A as one of A, with 1 for lines of zeros.

    The right multipliers take the power of two as far as they have room, the left ones
    the rest.
    """
    left, right = scaling.left, scaling.right
    rows, columns = (_seen(f(A, p="inf")) > 0 for f in (row_norms, column_norms))
    largest = int(np.frexp(_seen(right))[1][columns].max())
    taken = max(0, min(exponent, np.finfo(_seen(right).dtype).maxexp - largest))
    right = right * powers(np.where(columns, taken, 0), right)
    with np.errstate(over="ignore"):
        left = left * powers(np.where(rows, exponent - taken, 0), left)
    return Scaling(clipped(left), right)


def reciprocal(x: Array) -> Array:
    """Return 1/x of nonzero x and 1 for 0; that of a subnormal x stays finite."""
    xp = _arrays.namespace(x)
    kind = xp.finfo(x.dtype)
    least, most = float(kind.smallest_normal) / 2, float(kind.max)  # as LAPACK does
    if _arrays.is_numpy(x) and x.size and x.max() <= most:
        if x.min() >= least:
            return 1 / x  # nearly always: one new array instead of six
        with np.errstate(divide="ignore", over="ignore"):
            found = 1 / x
        found[x == 0] = 1
        if found.min() > 0 and found.max() <= 1 / least:
            return found
    one = xp.ones_like(x)
    x = xp.where(x == 0, one, x)
    size = xp.clip(xp.abs(x), least, most)
    return xp.sign(x) / size


def root_reciprocal(norms: Array) -> Array:
    """Return 1/√x, and 1 for 0."""
    xp = _arrays.namespace(norms)
    if _arrays.is_numpy(norms) and norms.all():  # nearly always: one array, not four
        roots = np.sqrt(norms)
        return np.divide(1, roots, out=roots)
    one = xp.ones_like(norms)
    return one / xp.sqrt(xp.where(norms == 0, one, norms))


def in_range(multipliers: Array) -> bool:
    """Tell whether all multipliers are normal numbers; hidden ones count as such."""
    return not _arrays.any_true(multipliers != clipped(multipliers))


def clipped(multipliers: Array) -> Array:
    """Return positive multipliers, those that left the range at its nearer end."""
    xp = _arrays.namespace(multipliers)
    kind = xp.finfo(multipliers.dtype)
    return xp.clip(multipliers, float(kind.smallest_normal), float(kind.max))


def are_unit(norms: Array, tol: float) -> bool:
    """Tell whether all norms but zeros are within `tol` of 1."""
    xp = _arrays.namespace(norms)
    if _arrays.is_numpy(norms) and norms.size and (least := norms.min()) > 0:
        return bool(norms.max() - 1 <= tol and 1 - least <= tol)
    far = (norms != 0) & (xp.abs(norms - 1) > tol)
    return not _arrays.any_true(far, unseen=True)


def first_true(condition: Array) -> int | None:
    """Return the first index where a condition holds, or None."""
    if not _arrays.any_true(condition):
        return None
    return int(np.argmax(_arrays.to_numpy(condition)))


def diagonal_of(A: Array) -> Array:
    """Return the diagonal of a real matrix."""
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


def check_diagonal(diagonal: Array, *, symmetric: bool) -> None:
    """Raise unless the diagonal is positive, or if not `symmetric` nonzero."""
    bad = diagonal <= 0 if symmetric else diagonal == 0
    i = first_true(bad)
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


def _rounded(norms: Array, rounding: Rounding) -> Array:
    if rounding is None:
        return norms
    xp = _arrays.namespace(norms)
    zero = norms == 0
    nearest = _arrays.power_of_two(xp.where(zero, xp.ones_like(norms), norms))
    return xp.where(zero, norms, nearest)


def _faint(norms: Array) -> float:
    """Return the size below which the norm of a rounded column lacks digits."""
    kind = _arrays.namespace(norms).finfo(norms.dtype)
    return float(kind.smallest_normal) / float(kind.eps)


def _seen(x: Array) -> np.ndarray:
    return _arrays.to_numpy(x)
