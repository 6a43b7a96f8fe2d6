"""Steps of SciPy's Krylov methods, counted until the unscaled system is solved."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.sparse.linalg import cg, gmres, lsqr, minres

from condlab.diagnosis._problem import Problem
from condlab.types import ScaledSystem, Scaling

MOST_GMRES = 300  # steps without restarts, which keep as many vectors


class Goal(NamedTuple):
    """The norm of b − A x, divided by a unit, that ends an iteration."""

    unit: float
    enough: float


Count = Callable[[Problem, ScaledSystem, Goal], float]


class _Solved(Exception):
    """Raise out of a callback once the residual is small enough."""


def cg_steps(problem: Problem, scaling: Scaling) -> dict[str, float]:
    """Count the steps of conjugate gradients."""
    return _most(problem, scaling, _shown(cg, rtol=0.0, atol=0.0))


def minres_steps(problem: Problem, scaling: Scaling) -> dict[str, float]:
    """Count the steps of MINRES."""
    return _most(problem, scaling, _shown(minres, rtol=0.0))


def gmres_steps(problem: Problem, scaling: Scaling) -> dict[str, float]:
    """Count the steps of GMRES without restarts, up to 300."""
    return _most(problem, scaling, _gmres)


def lsqr_steps(problem: Problem, scaling: Scaling) -> dict[str, float]:
    """Count the steps of LSQR."""
    return _most(problem, scaling, _lsqr)


def _most(problem: Problem, scaling: Scaling, count: Count) -> dict[str, float]:
    """Return the most steps of two solutions, all of ones and of random signs."""
    most = 0.0
    for b in problem.b.T[[0, -1]]:
        with np.errstate(all="ignore"):  # what leaves the range is not solved
            unit = float(np.abs(b).max()) or 1.0
            enough = problem.tol * float(np.linalg.norm(b / unit))
            system = scaling.system(problem.A, b)
            most = max(most, count(problem, system, Goal(unit, enough)))
        if math.isinf(most):
            break
    return {"steps": most}


def _is_solved(system: ScaledSystem, y: np.ndarray, goal: Goal) -> bool:
    """Tell whether y solves the system in its own units."""
    residual = system.recover(y).residual / goal.unit
    return bool(np.linalg.norm(residual) <= goal.enough)


def _shown(method: Callable[..., object], **options: float) -> Count:
    """Return what counts the steps of a method that shows each of its iterates."""

    def count(problem: Problem, system: ScaledSystem, goal: Goal) -> float:
        steps = 0

        def look(y: np.ndarray) -> None:
            nonlocal steps
            steps += 1
            if _is_solved(system, y, goal):
                raise _Solved

        most = problem.max_steps
        try:
            method(system.A, system.b, maxiter=most, callback=look, **options)
        except _Solved:
            return float(steps)
        return math.inf

    return count


def _gmres(problem: Problem, system: ScaledSystem, goal: Goal) -> float:
    most = min(problem.max_steps, problem.A.shape[0], MOST_GMRES)
    inner: list[float] = []

    def run(k: int, rtol: float = 0.0) -> np.ndarray:
        options = {"restart": k, "maxiter": 1, "rtol": rtol, "atol": 0.0}
        shown = {"callback": inner.append, "callback_type": "pr_norm"}
        return np.asarray(gmres(system.A, system.b, **options, **shown)[0])

    run(most, problem.tol)
    guess = len(inner)
    return _first(lambda k: _is_solved(system, run(k), goal), guess, most)


def _lsqr(problem: Problem, system: ScaledSystem, goal: Goal) -> float:
    def run(k: int, tol: float = 0.0) -> tuple[np.ndarray, int]:
        tols = {"atol": 0.0, "btol": tol, "conlim": 0.0}
        x, _, steps, *_ = lsqr(system.A, system.b, iter_lim=k, **tols)
        return x, int(steps)

    guess = run(problem.max_steps, problem.tol)[1]
    return _first(
        lambda k: _is_solved(system, run(k)[0], goal), guess, problem.max_steps
    )


def _first(reached: Callable[[int], bool], guess: int, most: int) -> float:
    """Return a k that reaches where k − 1 does not, looked for around a guess; or inf.

    The residual of the scaled system falls from step to step, and that of the unscaled
    one, up to what scaling does to norms, with it.
    """
    guess = max(1, min(guess, most))
    low, high, stride = 0, most + 1, 1
    if reached(guess):
        high = guess
        while high - stride > 0 and reached(high - stride):
            high, stride = high - stride, 2 * stride
        low = max(0, high - stride)
    else:
        low = guess
        while low < most:
            ahead = min(most, low + stride)
            if reached(ahead):
                high = ahead
                break
            low, stride = ahead, 2 * stride
        else:
            return math.inf
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return float(high)
