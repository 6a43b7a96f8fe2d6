"""The best scaling of matrices that fit into memory as dense arrays.

Everything happens in units of the middle of the floats, and the condition number that
is reached is that of the very multipliers that are returned.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import structural_rank

from condlab._rank import is_singular
from condlab.condition import cond_2
from condlab.optimal import _closed
from condlab.optimal._progress import Clock
from condlab.optimal._units import Units, middle_units
from condlab.optimal.one_sided import dense
from condlab.optimal.one_sided.components import Solver, best_components, components
from condlab.optimal.one_sided.deficient import best_on_range
from condlab.optimal.one_sided.dense import (
    ROUNDING,
    SINGULAR,
    TIME,
    Found,
    judged,
    reach,
)
from condlab.optimal.two_sided.blocks import best_blocks
from condlab.types import Array, Bracket, MatrixNorm, Scaling

INTERIOR = "interior-point"


def best_dense(
    A: np.ndarray, side: str, p: MatrixNorm, rtol: float, clock: Clock
) -> tuple[Found, str]:
    """Return the best scaling of a real A with its bounds, and the method."""
    alike = side in ("symmetric", "both") and _is_symmetric(A)
    units = middle_units(A, "symmetric" if alike else side)
    B = units.apply(A)
    found, method = _best(B, side, p, rtol, clock)
    exact = B is A or bool((units.undo(B) == A).all())
    if found.stopped == SINGULAR and (exact or is_singular(A)):
        if not exact or p != 2:
            return found, SINGULAR
        return _on_range(B, units, found, side, rtol, clock)
    scaling = Scaling(found.left, found.right)
    floats = units.have_floats(scaling)
    scaling = units.compose(scaling)
    found = replace(found, left=scaling.left, right=scaling.right)
    if not exact:  # what is certain is so of another matrix
        least = float(min(A.shape)) if p == "fro" else 1.0
        found = replace(found, lower=least, upper=None, stopped=ROUNDING)
    if not floats:
        found = replace(found, upper=None)
    if found.upper is None and not clock.affords("judge"):
        found = replace(found, upper=math.inf, stopped=TIME)
    return judged(A, found, p), method


def _on_range(
    B: np.ndarray, units: Units, found: Found, side: str, rtol: float, clock: Clock
) -> tuple[Found, str]:
    """Return what was found of a certainly singular B, with the best on its range."""

    def solve(C: np.ndarray) -> Found:
        return _two_sides(C, rtol, clock)[0]

    answer = best_on_range(B, side, rtol, clock, solve)
    if answer is None:
        return found, SINGULAR
    best, method = answer
    scaling = Scaling(best.left, best.right)
    upper = reach(best) if units.have_floats(scaling) else math.inf
    scaling = units.compose(scaling)
    found = replace(
        found,
        left=scaling.left,
        right=scaling.right,
        iterations=best.iterations,
        rank=best.rank,
        on_range=Bracket(best.lower, upper),
    )
    return found, method


def _best(
    A: np.ndarray, side: str, p: MatrixNorm, rtol: float, clock: Clock
) -> tuple[Found, str]:
    if p == 2 and side in ("left", "right"):
        return turned(lambda B: one_side(B, "left", rtol, clock), A, side), INTERIOR
    if p == 2 and _is_symmetric(A) and (np.diagonal(A) > 0).all():
        try:
            return one_side(A, "symmetric", rtol, clock), INTERIOR
        except np.linalg.LinAlgError:  # not definite, or not certainly so
            pass
    clock.calibrate(A.shape)
    if _looks_singular(A, clock) and is_singular(A):
        left = None if side == "right" else np.ones(A.shape[0])
        right = None if side == "left" else np.ones(A.shape[1])
        return Found(left, right, math.inf, 0, SINGULAR, math.inf), SINGULAR
    if p != 2:
        return _by_formula(A, side, p), "formula"
    return _two_sides(A, rtol, clock)


def one_side(A: np.ndarray, side: str, rtol: float, clock: Clock) -> Found:
    """Scale the rows of a dense A, or both sides alike, component by component."""
    search = dense.symmetric if side == "symmetric" else dense.left

    def solve(B: np.ndarray) -> Found:
        return search(B, rtol, clock)

    parts = components(A, side)
    if len(parts) < 2:
        return solve(A)
    return best_components(A, parts, side, rtol, clock, solve)


def _looks_singular(A: np.ndarray, clock: Clock) -> bool:
    """Tell whether A may be singular, which takes less time than to prove it."""
    if not A.all() and structural_rank(sp.csr_array(A)) < min(A.shape):
        return True
    if not clock.affords("judge"):
        return False
    return math.isinf(cond_2(middle_units(A, "both").apply(A)).upper)


def _by_formula(A: np.ndarray, side: str, p: Literal[1, "inf", "fro"]) -> Found:
    if p == "fro":
        return turned(_closed.rows_frobenius, A, side)
    if side == "both":
        return _closed.both(A, p)
    dual: Literal[1, "inf"] = p if side == "left" else 1 if p == "inf" else "inf"
    return turned(lambda B: _closed.rows(B, dual), A, side)


def turned(solve: Solver, A: Array, side: str) -> Found:
    """Scale the columns as the rows of the transpose."""
    if side != "right":
        return solve(A)
    found = solve(A.T.copy())
    return replace(found, left=found.right, right=found.left)


def _is_symmetric(A: np.ndarray) -> bool:
    return A.shape[0] == A.shape[1] and bool((A == A.T).all())


def _two_sides(A: np.ndarray, rtol: float, clock: Clock) -> tuple[Found, str]:
    if A.shape[0] < A.shape[1]:
        found, method = _two_sides(A.T.copy(), rtol, clock)
        return replace(found, left=found.right, right=found.left), method
    found, count = best_blocks(A, rtol, clock)
    method = "barrier" if count == 1 else f"barrier in {count} blocks"
    if not _is_symmetric(A):
        return found, method
    middle = np.sqrt(np.asarray(found.left)) * np.sqrt(np.asarray(found.right))
    return replace(found, left=middle, right=middle, upper=None), method
