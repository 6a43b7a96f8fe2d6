"""Condition numbers of dense matrices in float64, with brackets that hold them."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from condlab.condition._certain import at_least, over
from condlab.condition._inverse import (
    EPS,
    inverse_norm,
    invert,
    norm,
    norm_ends,
    skeel_norm,
)
from condlab.condition._pseudoinverse import pseudoinverse_norm
from condlab.condition._verified import Ends, quotient, triangle
from condlab.types import ConditionEstimate, ConditionNorm, MatrixNorm

TRIANGLE = "qr+cholesky"  # of the proof
GRADED = "equilibrated lu+residual"
BLURRED = 1e-3  # a κ known no better than this is looked for in another way


def by_singular_values(
    A: np.ndarray, p: Literal[2, "fro"], sigma: np.ndarray | None = None
) -> ConditionEstimate:
    """Return κ₂ or κ_F of an A with a peak near 1, with a proven bracket.

    The singular values are where the proofs begin; they are not trusted.
    """
    sigma = np.linalg.svd(A, compute_uv=False) if sigma is None else sigma
    tall = A if A.shape[0] >= A.shape[1] else np.ascontiguousarray(A.conj().T)
    if not tall.any():
        return undecided(p, _least(p, tall), TRIANGLE)
    sizes = np.abs(tall)
    size = norm_ends(tall, p, float(sigma[0]), sizes)
    # Proofs start a little below what rounding may have lifted.
    smallest = float(sigma[-1] - EPS * sigma[0])
    inverse, value = _by_triangle(tall, sizes, p, smallest), _ratio(sigma, p)
    found = _proved(size, inverse, p, TRIANGLE, tall, value)
    for (middle, *ends), method in _other_proofs(tall, p, found):
        value = norm(tall, p) * middle
        found = _both(found, _proved(size, ends, p, method, tall, value))
    if math.isinf(found.upper):
        least = at_least(size[0], _above_smallest(tall)) * (1 - 4 * EPS)
        lower = max(found.lower, least)
        found = undecided(p, min(lower, sys.float_info.max), found.method)
    return found


def _by_triangle(
    A: np.ndarray, sizes: np.ndarray, p: MatrixNorm, smallest: float
) -> Ends:
    """Bound ‖A⁺‖ by the triangular factor of A, for sizes = |A|."""
    found = triangle(A, sizes)
    if found is None:
        return 0.0, math.inf
    X, least, most = found
    low, high = norm_ends(X, p, over(1.0, smallest))
    return low / most * (1 - 2 * EPS), high / least * (1 + 2 * EPS)


def _other_proofs(
    A: np.ndarray, p: MatrixNorm, found: ConditionEstimate
) -> Iterator[tuple[tuple[float, float, float], str]]:
    """Return ‖A⁺‖ and bounds of it, in ways that cost more, unless κ is known well."""
    if found.upper <= found.lower * (1 + BLURRED):
        return
    if A.shape[0] > A.shape[1]:
        yield pseudoinverse_norm(A, p), "qr"
        return
    inverse = invert(A)
    rho = math.inf if inverse is None else inverse.rho(p)
    if inverse is not None and rho < 1:
        size = norm(inverse.X, p)
        low, high = norm_ends(inverse.X, p, size)
        low, high = low / (1 + rho) * (1 - 2 * EPS), high / (1 - rho) * (1 + 2 * EPS)
        yield (size, low, high), "lu+residual"
    if not rho < BLURRED:
        yield inverse_norm(A, p), GRADED


def _proved(
    size: Ends,
    inverse: Sequence[float],
    p: ConditionNorm,
    method: str,
    A: np.ndarray,
    value: float,
) -> ConditionEstimate:
    """Return κ from bounds of ‖A‖ and ‖A⁺‖ and a value."""
    lower = max(_least(p, A), size[0] * inverse[0] * (1 - 4 * EPS))
    upper = size[1] * inverse[1] * (1 + 4 * EPS)
    if math.isinf(upper):
        return undecided(p, min(lower, sys.float_info.max), method)
    upper = max(upper, lower)
    return ConditionEstimate(min(max(value, lower), upper), lower, upper, p, method)


def _least(p: ConditionNorm, A: np.ndarray) -> float:
    return float(min(A.shape)) if p == "fro" else 1.0


def _both(a: ConditionEstimate, b: ConditionEstimate) -> ConditionEstimate:
    """Return what two proofs say together, with the value of the narrower one."""
    better, lower = narrower(a, b), max(a.lower, b.lower)
    return replace(better, value=max(better.value, lower), lower=lower)


def _above_smallest(A: np.ndarray) -> float:
    """Bound the smallest singular value of a tall A from above."""
    try:
        v = np.linalg.svd(A, full_matrices=False)[2][-1].conj()
    except np.linalg.LinAlgError:
        return math.inf
    return quotient(A, np.abs(A), v)[1]


def _times_norm(
    A: np.ndarray, p: MatrixNorm, inverse: tuple[float, float, float], method: str
) -> ConditionEstimate:
    """Return κ from ‖A⁻¹‖ and its bounds in the 1- or ∞-norm."""
    size, slack = norm(A, p), (3 * max(A.shape) + 16) * EPS
    ends = tuple(size * bound for bound in inverse)
    return _between(ends, slack, 1.0, p, method)


def _between(
    ends: tuple[float, ...], slack: float, least: float, p: ConditionNorm, method: str
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


def _ratio(sigma: np.ndarray, p: ConditionNorm) -> float:
    """Return κ of a matrix that has these singular values."""
    top, bottom = float(sigma[0]), float(sigma[-1])
    if bottom == 0:
        return math.inf if top > 0 else 1.0
    if p == 2:
        return top / bottom
    # Both sums are at least 1 and at most n, whatever the range of the values.
    above = math.sqrt(float(np.sum((sigma / top) ** 2)))
    below = math.sqrt(float(np.sum((bottom / sigma) ** 2)))
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
    kappa: float, rho: float, terms: int, p: ConditionNorm, least: float
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


def undecided(
    p: ConditionNorm, lower: float, method: str = "lu+residual"
) -> ConditionEstimate:
    """Return what is known of a matrix that cannot be told from a singular one."""
    return ConditionEstimate(math.inf, lower, math.inf, p, method)
