"""Derivatives of formulas on balls, as coefficients of power series.

A function is evaluated at w + t d with entries that are series in t over the balls, so
it is differentiated as it stands, and no formula for the derivative is trusted.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from flint import arb_series, ctx

from condlab.theory import balls

Function = Callable[[np.ndarray], arb_series | balls.Ball]


def along(w: balls.Balls, direction: balls.Balls) -> np.ndarray:
    """Return w + t d as an array of power series in t."""
    out = np.empty(w.shape, dtype=object)
    for index in np.ndindex(w.shape):
        terms: list[balls.Ball] = [w.item(index), direction.item(index)]
        out[index] = arb_series(terms)
    return out


def coefficients(
    f: Function, w: balls.Balls, direction: balls.Balls, order: int
) -> list[balls.Ball]:
    """Return f, its derivative, half its second and so on at w along a direction."""
    before = ctx.cap
    ctx.cap = order + 1
    try:
        value = f(along(w, direction))
        found = value.coeffs() if isinstance(value, arb_series) else [value]
    finally:
        ctx.cap = before
    return [*found, *[balls.arb(0)] * (order + 1 - len(found))]


def gradient(f: Function, w: balls.Balls) -> balls.Balls:
    """Return the gradient of f at w, of the shape of w.

    Examples
    --------
    >>> x = balls.ball(np.array([3.0, 5.0]))
    >>> print(*gradient(lambda x: x[0] * x[0] * x[1], x))
    30.0000000000000 9.00000000000000
    """
    out = np.empty(w.shape, dtype=object)
    for index in np.ndindex(w.shape):
        axis = np.zeros(w.shape)
        axis[index] = 1
        out[index] = coefficients(f, w, balls.ball(axis), order=1)[1]
    return out


def hessian(f: Function, w: balls.Balls) -> balls.Balls:
    """Return the Hessian of f at w, for the entries of w row by row.

    By polarisation of the second derivatives along one and two coordinates.

    Examples
    --------
    >>> x = balls.ball(np.array([3.0, 5.0]))
    >>> print(*hessian(lambda x: x[0] * x[0] * x[1], x).ravel())
    10.0000000000000 6.00000000000000 6.00000000000000 0
    """
    n = w.size
    axes = np.eye(n)

    def half(direction: np.ndarray) -> balls.Ball:
        return coefficients(f, w, balls.ball(direction.reshape(w.shape)), order=2)[2]

    single = [half(axis) for axis in axes]
    H = np.empty((n, n), dtype=object)
    for i in range(n):
        H[i, i] = 2 * single[i]
        for j in range(i):
            H[i, j] = H[j, i] = half(axes[i] + axes[j]) - single[i] - single[j]
    return H
