"""Condition numbers of dense matrices in float64, with brackets that hold them."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from condlab.condition._inverse import EPS, inverse_norm, invert, norm, skeel_norm
from condlab.condition._pseudoinverse import pseudoinverse_norm
from condlab.types import ConditionEstimate

GRADED = "equilibrated lu+residual"
BLURRED = 1e-3  # a σ_min known no better than this is looked for in another way


def by_singular_values(
    A: np.ndarray, p: Literal[2, "fro"], sigma: np.ndarray | None = None
) -> ConditionEstimate:
    """Return κ₂ or κ_F from the singular values, or where they blur from an inverse."""
    sigma = np.linalg.svd(A, compute_uv=False) if sigma is None else sigma
    delta = (max(A.shape) + 8) * EPS * sigma[0]
    least = 1.0 if p == 2 else float(len(sigma))
    near, far = np.maximum(sigma - delta, 0.0), sigma + delta
    slack = (len(sigma) + 8) * EPS  # the sums of the Frobenius norm and the divisions
    lower = max(least, _ratio(near, far, p) * (1 - slack))
    found = undecided(p, lower, "svd")
    if sigma[-1] > delta:
        value, upper = _ratio(sigma, sigma, p), _ratio(far, near, p) * (1 + slack)
        found = ConditionEstimate(max(value, lower), lower, upper, p, "svd")
    if delta <= BLURRED * sigma[-1]:
        return found
    if A.shape[0] != A.shape[1]:
        tall = A if A.shape[0] > A.shape[1] else np.ascontiguousarray(A.conj().T)
        return narrower(found, _times_norm(A, p, pseudoinverse_norm(tall, p), "qr"))
    inverse = invert(A) if sigma[-1] <= delta else None
    if inverse is not None:
        size = norm(A, p) * norm(inverse.X, p)
        other = bracketed(size, inverse.rho(p), 3 * len(A), p, lower)
        found = narrower(found, replace(other, method="svd+inverse"))
    if math.isinf(found.upper):
        found = narrower(found, _times_norm(A, p, inverse_norm(A, p), GRADED))
    return found


def _times_norm(
    A: np.ndarray, p: Any, inverse: tuple[float, float, float], method: str
) -> ConditionEstimate:
    """Return κ from ‖A⁻¹‖ or ‖A⁺‖ and its bounds."""
    size, slack = norm(A, p), (3 * max(A.shape) + 16) * EPS
    ends = tuple(size * bound for bound in inverse)
    least = float(min(A.shape)) if p == "fro" else 1.0
    return _between(ends, slack, least, p, method)


def _between(
    ends: tuple[float, ...], slack: float, least: float, p: Any, method: str
) -> ConditionEstimate:
    """Return κ from a value and bounds that are good to `slack`."""
    value, low, high = ends
    lower, upper = max(least, low * (1 - slack)), high * (1 + slack)
    if math.isinf(upper):
        return undecided(p, min(lower, sys.float_info.max), method)
    return ConditionEstimate(min(max(value, lower), upper), lower, upper, p, method)


def narrower(a: ConditionEstimate, b: ConditionEstimate) -> ConditionEstimate:
    """Return the one with the smaller upper end; both are certain."""
    return b if b.upper < a.upper else a


def _ratio(numerators: np.ndarray, denominators: np.ndarray, p: Any) -> float:
    """Return what κ would be with these singular values above and below the line."""
    top, bottom = float(numerators[0]), float(denominators[-1])
    if bottom == 0:
        return math.inf if top > 0 else 1.0
    if p == 2:
        return top / bottom
    # Both sums are at least 1 and at most n, whatever the range of the values.
    above = math.sqrt(float(np.sum((numerators / top) ** 2))) if top > 0 else 0.0
    below = math.sqrt(float(np.sum((bottom / denominators) ** 2)))
    return above * below * (top / bottom)


def by_inverse(A: np.ndarray, p: Literal[1, "inf"]) -> ConditionEstimate:
    """Return κ₁ or κ∞ of a square A from its computed inverse."""
    inverse = invert(A)
    if inverse is None:  # κ₂ ≤ n κ₁ and κ₂ ≤ n κ∞
        found = undecided(p, max(1.0, by_singular_values(A, 2).lower / len(A)))
    else:
        kappa = norm(A, p) * norm(inverse.X, p)
        found = bracketed(kappa, inverse.rho(p), 2 * len(A), p, 1.0)
    if math.isinf(found.upper):
        found = narrower(found, _times_norm(A, p, inverse_norm(A, p), GRADED))
    return found


def skeel(A: np.ndarray) -> ConditionEstimate:
    """Return Skeel's condition number of A with rows whose peaks are near 1."""
    inverse, found = invert(A), undecided("skeel", 1.0)
    if inverse is not None:
        sizes = np.abs(inverse.X) @ np.abs(A).sum(axis=1)
        kappa = float(sizes.max())
        found = bracketed(kappa, inverse.left[1], len(A), "skeel", 1.0)
    if math.isinf(found.upper):
        slack = (3 * len(A) + 16) * EPS
        other = _between(skeel_norm(A, "inf"), slack, 1.0, "skeel", GRADED)
        found = narrower(found, other)
    return found


def bracketed(
    kappa: float, rho: float, terms: int, p: Any, least: float
) -> ConditionEstimate:
    """Return κ with the bracket that ‖I − XA‖ ≤ rho gives; sums had `terms` terms."""
    slack = (terms + 16) * EPS
    if math.isinf(kappa):
        return undecided(p, least)
    lower = max(least, kappa * (1 - slack) / (1 + rho))
    if rho >= 1:
        return undecided(p, lower)
    upper = kappa * (1 + slack) / (1 - rho)
    value = min(max(kappa, lower), upper)
    return ConditionEstimate(value, lower, upper, p, "lu+residual")


def undecided(p: Any, lower: float, method: str = "lu+residual") -> ConditionEstimate:
    """Return what is known of a matrix that cannot be told from a singular one."""
    return ConditionEstimate(math.inf, lower, math.inf, p, method)
