"""The search along the central path for the best rows, until it is proved good enough.

A square matrix is searched on the side of the rows first, where a step takes a third of
the time, unless squaring loses too many digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from condlab.condition._inverse import EPS
from condlab.optimal._progress import Clock
from condlab.optimal.one_sided import _interior, _square
from condlab.optimal.one_sided._point import Point
from condlab.optimal.one_sided._square import SquarePoint

MOST_STEPS = 100
PATIENCE = 4  # certificates in a row that are no better
SQUARABLE = 1e3  # κ up to which the Gram matrix keeps ten digits of λ_min
MANY = 100  # order from which the side of the rows takes less time
KEPT = 1e-3  # of the gap asked for, which λ_min may lose to squaring
SQUARE = ("square step", "square proof")  # a step, and all that follows the last one

_Some = TypeVar("_Some", Point, SquarePoint)


@dataclass(frozen=True, slots=True)
class Search:
    """The best point, the greatest certified bound, the steps, and why they ended."""

    best: Point | SquarePoint
    lower: float
    steps: int
    in_time: bool


def best_rows(
    B: np.ndarray,
    rtol: float,
    clock: Clock,
    certify: Callable[[Point], float],
    lower: float,
    of_square: Callable[[SquarePoint], float] | None = None,
) -> Search:
    """Follow the central path until a certificate is within `rtol` of the κ reached.

    B has full column rank and no row of zeros, shape (m, n), m ≥ n; `certify` returns
    the bound that a point proves, its repair and all rounding included, and `lower`
    is one that is known before. With `of_square`, which does the same for the points
    of a square B on the side of the rows, these are tried first: they take less time,
    and where squaring loses too many digits the others go on. LinAlgError is raised
    where B looks singular.
    """
    digits = math.sqrt(KEPT * rtol / EPS)
    first: Search | None = None
    if of_square is not None and len(B) >= MANY:
        first = _on_rows(B, rtol, clock, of_square, lower, digits)
    if first is not None:
        done = first.best.reached <= first.lower * (1 + rtol)
        if done or not (first.in_time and clock.affords("start", "judge")):
            return first
    squarable = max(SQUARABLE, digits)

    def move(point: Point) -> Point:
        return _interior.moved(point, squarable)

    second = _path(_interior.start(B, squarable), move, rtol, clock, certify, lower)
    if first is None:
        return second
    best = min(first.best, second.best, key=lambda found: found.reached)
    lower, steps = max(first.lower, second.lower), first.steps + second.steps
    return replace(second, best=best, lower=lower, steps=steps)


def _on_rows(
    B: np.ndarray,
    rtol: float,
    clock: Clock,
    certify: Callable[[SquarePoint], float],
    lower: float,
    digits: float,
) -> Search | None:
    """Return the search on the side of the rows, None where that is not possible."""
    try:
        point = _square.start(B, digits)
    except np.linalg.LinAlgError:
        return None
    return _path(point, _square.moved, rtol, clock, certify, lower, SQUARE)


def _path(
    point: _Some,
    move: Callable[[_Some], _Some],
    rtol: float,
    clock: Clock,
    certify: Callable[[_Some], float],
    lower: float,
    phases: tuple[str, str] = ("step", "judge"),
) -> Search:
    """Return the best of the points from the first on, each moved to the next."""
    best, proof = point, None
    steps, idle, in_time, seen = 0, 0, True, lower
    while True:
        best = min(best, point, key=lambda found: found.kappa)
        if close := best.reached <= point.ceiling * (1 + rtol):
            proof = _better(proof, point)
        if close and best.reached <= point.bound * (1 + rtol):
            found = certify(point)
            idle = 0 if found > lower * (1 + rtol / 100) else idle + 1
            lower = max(lower, found)
        if best.reached <= lower * (1 + rtol):
            return Search(best, lower, steps, in_time)
        in_time = not clock.over() and clock.affords(*phases)
        if not in_time or steps == MOST_STEPS or idle > PATIENCE:
            break
        seen = max(seen, point.bound if close else point.rough)
        clock.say(f"gap {best.kappa / seen - 1:.2g}")
        try:
            with clock.phase(phases[0]):
                point = move(point)
        except np.linalg.LinAlgError:  # lost to rounding
            break
        steps += 1
    proved = certify(_better(proof, point))
    return Search(best, max(lower, proved), steps, in_time)


def _better(proof: _Some | None, point: _Some) -> _Some:
    """Return the one that proves more."""
    if proof is None:
        return point
    return max(proof, point, key=lambda found: found.bound)
