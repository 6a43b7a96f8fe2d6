"""Steps of SciPy's Krylov methods, counted until the unscaled system is solved."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.sparse.linalg import cg, gmres, lsqr, minres

from condlab.diagnosis._problem import Problem
from condlab.types import Array, Scaling

MOST_GMRES = 300  # steps without restarts, which keep as many vectors


class _Solved(Exception):
    """Raise out of a callback once the residual is small enough."""


def cg_steps(problem: Problem, scaling: Scaling) -> dict[str, float]:
    """Count the steps of conjugate gradients."""
    return _counted(problem, scaling, cg, rtol=0.0, atol=0.0)


def minres_steps(problem: Problem, scaling: Scaling) -> dict[str, float]:
    """Count the steps of MINRES."""
    return _counted(problem, scaling, minres, rtol=0.0)


def gmres_steps(problem: Problem, scaling: Scaling) -> dict[str, float]:
    """Count the steps of GMRES without restarts, up to 300."""
    system, is_solved = _system(problem, scaling)
    most = min(problem.max_steps, problem.A.shape[0], MOST_GMRES)
    inner: list[float] = []

    def run(k: int, rtol: float = 0.0) -> np.ndarray:
        options = {"restart": k, "maxiter": 1, "rtol": rtol, "atol": 0.0}
        return np.asarray(
            gmres(*system, callback=inner.append, callback_type="pr_norm", **options)[0]
        )

    run(most, problem.tol)
    guess = len(inner)
    return {"steps": _first(lambda k: is_solved(run(k)), guess, most)}


def lsqr_steps(problem: Problem, scaling: Scaling) -> dict[str, float]:
    """Count the steps of LSQR."""
    system, is_solved = _system(problem, scaling)

    def run(k: int, tol: float = 0.0) -> tuple[np.ndarray, int]:
        x, _, steps, *_ = lsqr(*system, atol=0.0, btol=tol, conlim=0.0, iter_lim=k)
        return x, int(steps)

    guess = run(problem.max_steps, problem.tol)[1]
    steps = _first(lambda k: is_solved(run(k)[0]), guess, problem.max_steps)
    return {"steps": steps}


def _system(
    problem: Problem, scaling: Scaling
) -> tuple[tuple[Array, np.ndarray], Callable[[np.ndarray], bool]]:
    """Return the scaled system, and what tells whether a y solves the unscaled."""
    b = problem.b[:, -1]
    system = scaling.system(problem.A, b)
    enough = problem.tol * float(np.linalg.norm(b))

    def is_solved(y: np.ndarray) -> bool:
        with np.errstate(all="ignore"):
            return bool(np.linalg.norm(system.recover(y).residual) <= enough)

    return (system.A, system.b), is_solved


def _counted(
    problem: Problem,
    scaling: Scaling,
    method: Callable[..., object],
    **options: float,
) -> dict[str, float]:
    """Count the steps of a method that shows each of its iterates."""
    system, is_solved = _system(problem, scaling)
    steps = 0

    def look(y: np.ndarray) -> None:
        nonlocal steps
        steps += 1
        if is_solved(y):
            raise _Solved

    try:
        with np.errstate(all="ignore"):
            method(*system, maxiter=problem.max_steps, callback=look, **options)
    except _Solved:
        return {"steps": float(steps)}
    return {"steps": math.inf}


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
