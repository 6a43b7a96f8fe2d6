"""What is left of a matrix in the range of a narrow floating-point format."""

from __future__ import annotations

import math

import numpy as np
import scipy.sparse as sp

from condlab.condition.affordable import is_large, kappa
from condlab.diagnosis._problem import Problem
from condlab.types import Array, Scaling

FLOAT16 = (11, -14, 15)  # digits, least and largest exponent, IEEE 754
BFLOAT16 = (8, -126, 127)


def float16_losses(problem: Problem, scaling: Scaling) -> dict[str, float]:
    """Return what rounding to IEEE's half precision loses."""
    return _losses(problem, scaling, FLOAT16)


def bfloat16_losses(problem: Problem, scaling: Scaling) -> dict[str, float]:
    """Return what rounding to bfloat16 loses."""
    return _losses(problem, scaling, BFLOAT16)


def _losses(
    problem: Problem, scaling: Scaling, kind: tuple[int, int, int]
) -> dict[str, float]:
    B = scaling.apply(problem.A)
    entries = B.data if sp.issparse(B) else B[B != 0]
    near = rounded(entries, *kind)
    count = max(1, int((entries != 0).sum()))
    over = int((~np.isfinite(near)).sum())
    under = int(((near == 0) & (entries != 0)).sum())
    return {
        "lost": 1.0 if over else under / count,  # one inf makes all the rest useless
        "overflow": over / count,
        "underflow": under / count,
        "kappa_2 when rounded": math.inf if over else _kappa(B, kind),
    }


def _kappa(B: Array, kind: tuple[int, int, int]) -> float:
    if not sp.issparse(B):
        return kappa(rounded(B, *kind), 2, False).value
    C = B.copy()
    C.data = rounded(B.data, *kind)
    return kappa(C, 2, is_large(C)).value


def rounded(x: np.ndarray, digits: int, low: int, high: int) -> np.ndarray:
    """Return x rounded to nearest even in a binary format, inf beyond its range.

    Examples
    --------
    >>> rounded(np.array([1 / 3, 1e5, 1e-8]), *FLOAT16)
    array([0.33325195,        inf, 0.        ])
    """
    if np.iscomplexobj(x):
        near = np.empty_like(x)
        near.real, near.imag = (
            rounded(part, digits, low, high) for part in (x.real, x.imag)
        )
        return near
    exponents = np.maximum(np.frexp(x)[1] - 1, low) - (digits - 1)
    with np.errstate(over="ignore", under="ignore"):
        near = np.ldexp(np.rint(np.ldexp(x, -exponents)), exponents)
    largest = (2.0 - 2.0 ** (1 - digits)) * 2.0**high
    return np.where(np.abs(near) > largest, np.copysign(np.inf, x), near)
