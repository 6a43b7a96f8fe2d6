"""Features brought to one range or one spread, as they were where they were seen first.

A feature is a column. Everything is in double precision and within the range of floats:
each column is divided by a power of two first, and a centre is kept as two numbers, so
that a column whose entries agree in many digits loses none of the others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import scipy.sparse as sp

from condlab import _arrays
from condlab._scaled import shifted
from condlab._typing import Array

Method = Literal["min-max", "z-score", "robust"]


@dataclass(frozen=True, slots=True, eq=False)
class InputNormalisation:
    """What each feature has subtracted, and what it is divided by.

    Parameters
    ----------
    method : {"min-max", "z-score", "robust"}
        As of `normalise_inputs`.
    bounds : (float, float)
        Of "min-max".
    flat : tuple of int
        Features without spread where they were seen: constant, or in "robust" equal in
        the middle half. They are shifted and keep their unit.
    """

    method: Method
    bounds: tuple[float, float]
    flat: tuple[int, ...]
    _exponents: np.ndarray = field(repr=False)
    _centre: np.ndarray = field(repr=False)
    _rest: np.ndarray = field(repr=False)
    _spread: np.ndarray = field(repr=False)

    @property
    def centre(self) -> np.ndarray:
        """Return what is subtracted, shape (d,), rounded to one number each."""
        return np.ldexp(self._centre + self._rest, self._exponents)

    @property
    def spread(self) -> np.ndarray:
        """Return what is divided by, shape (d,): inf where that is beyond floats."""
        with np.errstate(over="ignore"):
            return np.ldexp(self._spread, self._exponents)

    def apply(self, A: Array) -> Array:
        """Return the features normalised, in the container and precision of A.

        Parameters
        ----------
        A : array, shape (m, d)
            These rows or others; NumPy, or torch, through which it can be
            differentiated.

        Raises
        ------
        ValueError
            If there are not d features, or an entry is not finite.
        """
        A = _features(A)
        if A.shape[1] != len(self._centre):
            raise ValueError(
                f"these are the statistics of {len(self._centre)} features, got rows "
                f"of {A.shape[1]}; fit to data of the same features"
            )
        X = _in_dtype(A, "float64")
        rows, features = (_arrays.beside(np.ones(n), X) for n in A.shape)
        centre, rest, spread = (
            _arrays.beside(part, X) for part in (self._centre, self._rest, self._spread)
        )
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            Z = shifted(X, rows, features, -self._exponents, like=X)
            Y = (Z - centre - rest) / spread
            if self.method == "min-max" and self.bounds != (0.0, 1.0):
                Y = _between(Y, *self.bounds)
            return _in_dtype(Y, str(A.dtype).removeprefix("torch."))


def normalise_inputs(
    A: Array,
    *,
    method: Method = "z-score",
    bounds: tuple[float, float] = (0.0, 1.0),
    strict: bool = False,
) -> InputNormalisation:
    """Measure the features of training data, to normalise these and others by.

    ========= ===================================================================
    "min-max" a + (b - a) (x - min) / (max - min), the bounds being a and b
    "z-score" (x - mean) / standard deviation, the variance over all n rows
    "robust"  (x - median) / (third quartile - first), interpolated linearly
    ========= ===================================================================

    Parameters
    ----------
    A : array, shape (n, d)
        A row a sample, a column a feature; NumPy or torch. Not changed.
    method : {"min-max", "z-score", "robust"}
        How.
    bounds : (float, float)
        Where "min-max" puts the least and the largest.
    strict : bool
        Whether a feature without spread raises; otherwise it is only shifted, to zero
        or the lower bound, and listed in the result's ``flat``.

    Returns
    -------
    InputNormalisation
        Its ``apply`` takes the same data, or others.

    Raises
    ------
    TypeError
        If the matrix is sparse, or its entries are no numbers.
    ValueError
        If the method is unknown, the bounds are none, there is no row, an entry is not
        finite or not real, or a feature has no spread and `strict` is set.

    Examples
    --------
    >>> kilometres_and_nanometres = [[1.0, 3e11], [2.0, 1e11], [4.0, 5e11]]
    >>> found = normalise_inputs(kilometres_and_nanometres, method="min-max")
    >>> found.apply([[1.0, 1e11], [2.5, 3e11], [7.0, 5e11]])
    array([[0. , 0. ],
           [0.5, 0.5],
           [2. , 1. ]])
    """
    if method not in get_args(Method):
        raise ValueError(f"method must be one of {get_args(Method)}, got {method!r}")
    low, high = _require_bounds(bounds)
    A = _features(A)
    if not len(A):
        raise ValueError(f"statistics need one row or more, got shape {tuple(A.shape)}")
    # Contiguous along rows, so that NumPy sums them pairwise.
    columns = np.ascontiguousarray(_arrays.to_numpy(_in_dtype(A, "float64")).T)
    measured = _measure(columns, method)
    flat = tuple(int(i) for i in np.flatnonzero(measured[-1] == 0))
    if strict and flat:
        raise ValueError(
            f"every feature needs a spread, and by {method} feature {flat[0]} has "
            "none; leave it out, or use strict=False to have it shifted only"
        )
    return InputNormalisation(method, (low, high), flat, *_in_own_units(*measured))


def _require_bounds(bounds: tuple[float, float]) -> tuple[float, float]:
    """Return the bounds as floats, or raise."""
    try:
        low, high = map(float, bounds)
    except (TypeError, ValueError):
        low = high = math.nan
    if not (low < high and math.isfinite(high - low)):
        raise ValueError(
            f"bounds must be two finite numbers, the lower one first, got {bounds!r}"
        )
    return low, high


def _features(A: Array) -> Array:
    """Return the features as finite floats; raise where there are none."""
    if sp.issparse(A):
        raise TypeError(
            "features must be dense, as what is subtracted leaves few zeros; use "
            "A.toarray(), or scale a sparse matrix with column_scaling"
        )
    A = _arrays.as_float(A)
    if _arrays.is_complex(A):
        raise ValueError(
            f"features must be real, got {A.dtype}; give real and imaginary parts as "
            "features of their own"
        )
    return A


Measured = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _measure(columns: np.ndarray, method: Method) -> Measured:
    """Return exponents, and what is subtracted, in two numbers, and divided by."""
    exponents = np.frexp(np.abs(columns).max(axis=1))[1]
    columns = np.ldexp(columns, -exponents[:, None])
    least = columns.min(axis=1)
    centre, rest, spread = least, np.zeros_like(least), columns.max(axis=1) - least
    if method == "z-score":
        centre = np.where(spread > 0, columns.mean(axis=1), least)
        about = columns - centre[:, None]
        rest = about.mean(axis=1)
        about -= rest[:, None]
        spread = np.sqrt(np.square(about).mean(axis=1))
    elif method == "robust":
        columns = np.sort(columns, axis=1)
        centre = columns[:, (columns.shape[1] - 1) // 2]
        about = columns - centre[:, None]
        low, rest, high = (_quantile(about, quarters) for quarters in (1, 2, 3))
        spread = high - low
    return exponents, centre, rest, spread


def _quantile(columns: np.ndarray, quarters: int) -> np.ndarray:
    """Return a quartile of sorted rows, interpolated linearly."""
    place, part = divmod((columns.shape[1] - 1) * quarters, 4)
    after = min(place + 1, columns.shape[1] - 1)
    return (1 - part / 4) * columns[:, place] + part / 4 * columns[:, after]


def _in_own_units(
    exponents: np.ndarray, centre: np.ndarray, rest: np.ndarray, spread: np.ndarray
) -> Measured:
    """Return the same, features without spread in their own units, over one."""
    shift = np.where(spread > 0, 0, exponents)
    return (
        exponents - shift,
        np.ldexp(centre, shift),
        np.ldexp(rest, shift),
        np.where(spread > 0, spread, 1.0),
    )


def _between(T: Array, low: float, high: float) -> Array:
    """Return a + (b - a) t, which for t in [0, 1] is in [a, b] and meets both ends."""
    xp = _arrays.namespace(T)
    inside = low * (1 - T) + high * T
    inside = xp.where(inside < low, low, xp.where(inside > high, high, inside))
    return xp.where((T >= 0) & (T <= 1), inside, low + (high - low) * T)


def _in_dtype(A: Array, name: str) -> Array:
    xp = _arrays.namespace(A)
    dtype = getattr(xp, name)
    return A.to(dtype) if _arrays.is_torch(A) else xp.astype(A, dtype)
