"""Derivatives of formulas on balls, as coefficients of power series."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from flint import arb_series, ctx

from condlab.theory import balls


def along(w: balls.Balls, direction: balls.Balls) -> np.ndarray:
    """Return w + t d as an array of power series in t."""
    out = np.empty(w.shape, dtype=object)
    for index in np.ndindex(w.shape):
        terms: list[Any] = [w[index], direction[index]]
        out[index] = arb_series(terms)
    return out


def coefficients(
    f: Callable[[np.ndarray], Any], w: balls.Balls, direction: balls.Balls, order: int
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


def gradient(f: Callable[[np.ndarray], Any], w: balls.Balls) -> balls.Balls:
    """Return the gradient of f at w, of the shape of w."""
    out = np.empty(w.shape, dtype=object)
    for index in np.ndindex(w.shape):
        axis = np.zeros(w.shape)
        axis[index] = 1
        out[index] = coefficients(f, w, balls.ball(axis), order=1)[1]
    return out
