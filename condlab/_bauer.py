"""The numbers in Bauer's formulas, bracketed by a computed inverse and its residual."""

from __future__ import annotations

import math
import sys
from typing import Literal

import numpy as np

from condlab import _arrays
from condlab.condition._inverse import (
    EPS,
    divided_by_peak,
    equilibrated,
    invert,
    norm,
    skeel_norm,
)
from condlab.scaling import ruiz_scaling
from condlab.types import Bracket, Scaling

SQUARINGS = 48  # n^(1 / 2^48) is 1 to 13 digits
NEGLIGIBLE = 2.0**-1000  # of a peak of 1; products below it may be rounded


def one_sided(A: np.ndarray, p: Literal[1, "inf"]) -> Bracket:
    """Bracket ‖ |A⁻¹| |A| ‖_p for p = 1 or "inf"."""
    A = divided_by_peak(A, axis=1)  # |A⁻¹||A| does not depend on the units of rows
    inverse, slack = invert(A), (2 * len(A) + 16) * EPS
    if inverse is not None and inverse.left[p != 1] < 1:
        found, rho = norm(np.abs(inverse.X) @ np.abs(A), p), inverse.left[p != 1]
        low, high = found / (1 + rho), found / (1 - rho)
    else:
        _, low, high = skeel_norm(A, p)
    low = min(low, sys.float_info.max)
    return Bracket(max(1.0, low * (1 - slack)), high * (1 + slack))


def two_sided(A: np.ndarray) -> Bracket:
    """Bracket the spectral radius of |A⁻¹| |A|."""
    A = equilibrated(A)[0]
    sweep = ruiz_scaling(A, p="inf", tol=0.5)
    units = [_arrays.power_of_two(d) for d in (sweep.left, sweep.right)]
    A = Scaling(*units).apply(A)
    inverse = invert(A)
    if inverse is None or inverse.left[1] >= 1:
        return Bracket(1.0, math.inf)
    T = np.abs(inverse.X) @ np.abs(A)
    n, rho = len(T), inverse.left[1]
    gamma = (n + 16) * EPS
    moved = rho / (1 - rho) * (1 + gamma) * T.max(axis=0)
    lower = _root_of_power(np.maximum(T * (1 - gamma) - moved, 0.0), "trace")
    upper = _root_of_power(T * (1 + gamma) + moved, "norm")
    # Each squaring has relative error gamma; the root of the power keeps one of them.
    wide = 2 * gamma + (64 + abs(math.log2(upper))) * EPS
    return Bracket(max(1.0, lower * (1 - wide)), max(1.0, upper * (1 + wide)))


def _root_of_power(T: np.ndarray, bound: Literal["trace", "norm"]) -> float:
    """Return (tr T^k / n)^(1/k), from below, or ‖T^k‖∞^(1/k), from above."""
    exponent = 0  # an exact integer: T^k is M times its power of two
    M = T
    for step in range(SQUARINGS + 1):
        M = M @ M if step else M
        peak = int(np.frexp(M.max())[1])
        M, exponent = np.ldexp(M, -peak), 2 * exponent * bool(step) + peak
        M = M + NEGLIGIBLE if bound == "norm" else np.where(M < NEGLIGIBLE, 0.0, M)
    size = M.sum(axis=1).max() if bound == "norm" else M.trace() / len(M)
    if size == 0:
        return 0.0
    k = 2**SQUARINGS
    return 2.0 ** (exponent / k + math.log2(size) / k)
