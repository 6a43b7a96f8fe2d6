"""Exact derivatives in ball arithmetic, from truncated Taylor series.

A function is evaluated at x + t h with entries that are series in t over the balls, so
it is differentiated as it stands, and no formula for the derivative is trusted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from flint import arb_series

from condlab.theory.balls import Ball, Balls, identity_matrix

Function = Callable[[np.ndarray], Any]


def gradient(f: Function, x: Balls) -> Balls:
    """Return the gradient of f at x.

    Parameters
    ----------
    f : callable
        From an object array, shape (n,), to a scalar, by arithmetic and ``.sqrt()``.
    x : array of balls, shape (n,)
        Where.

    Returns
    -------
    array of balls, shape (n,)
        The partial derivatives.

    Examples
    --------
    >>> from condlab.theory.balls import ball
    >>> print(*gradient(lambda x: x[0] * x[0] * x[1], ball(np.array([3.0, 5.0]))))
    30.0000000000000 9.00000000000000
    """
    directions = identity_matrix(len(x))
    return _array([_coefficient(f, x, h, 1) for h in directions], x.shape)


def hessian(f: Function, x: Balls) -> Balls:
    """Return the matrix of second derivatives of f at x.

    Parameters
    ----------
    f : callable
        From an object array, shape (n,), to a scalar, by arithmetic and ``.sqrt()``.
    x : array of balls, shape (n,)
        Where.

    Returns
    -------
    array of balls, shape (n, n)
        From the second coefficients along e_i and e_i + e_j.

    Examples
    --------
    >>> from condlab.theory.balls import ball
    >>> H = hessian(lambda x: x[0] * x[0] * x[1], ball(np.array([3.0, 5.0])))
    >>> print(*H.ravel())
    10.0000000000000 6.00000000000000 6.00000000000000 0
    """
    n = len(x)
    E = identity_matrix(n)
    H = np.empty((n, n), dtype=object)
    for i in range(n):
        H[i, i] = 2 * _coefficient(f, x, E[i], 2)
    for i in range(n):
        for j in range(i):
            both = _coefficient(f, x, E[i] + E[j], 2)
            H[i, j] = H[j, i] = both - (H[i, i] + H[j, j]) / 2
    return H


def _coefficient(f: Function, x: Balls, h: Balls, order: int) -> Ball:
    line = [arb_series([a, b], order + 1) for a, b in zip(x, h, strict=True)]
    return f(_array(line, x.shape))[order]


def _array(entries: list[Any], shape: tuple[int, ...]) -> np.ndarray:
    out = np.empty(shape, dtype=object)
    out[:] = entries
    return out
