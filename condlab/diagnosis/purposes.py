"""What a matrix is scaled for, and how a scaling is measured for it.

Each purpose is run, not predicted: elimination with its errors, SciPy's Krylov methods
until the system that was asked about, not the scaled one, has the residual asked for,
and the rounding of all entries to a narrow format.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import scipy.sparse as sp

from condlab.diagnosis import _elimination, _formats, _krylov, _programmes
from condlab.diagnosis._problem import Problem
from condlab.scaling import jacobi_scaling
from condlab.types import Array, Scaling

FEWER_STEPS = 0.9  # of those without scaling, for advice to take one
A_DIGIT = 0.1  # of the error without scaling, which varies with the right-hand side
FEWER_LOST = 0.9
DEFINITE_BYTES = 2**27  # up to which a Cholesky factorisation decides

Measure = Callable[[Problem, Scaling], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a matrix is scaled for.

    Parameters
    ----------
    does : str
        What is run, in words.
    measure : callable
        measure(problem, scaling) gives numbers by name, of which less is better.
    margin : float
        The first number must fall to this share of what it is without scaling.
    refuses : callable
        refuses(problem) says in words what the purpose needs and lacks, "" for nothing.
    alike : bool
        Whether both sides must be scaled alike, so that A stays symmetric.
    solves : bool
        Whether a rectangular system must keep what its solution minimises.
    """

    does: str
    measure: Measure
    margin: float
    refuses: Callable[[Problem], str]
    alike: bool = False
    solves: bool = False

    def unfit(self, scaling: Scaling, shape: tuple[int, ...]) -> str:
        """Return why a scaling is no candidate, "" where it is one."""
        left, right = scaling.left, scaling.right
        if self.alike and not _is_alike(left, right):
            return "it does not scale both sides alike, and A would not stay symmetric"
        m, n = shape
        if self.solves and m > n and left is not None:
            return "scaled rows change what least squares minimise"
        if self.solves and m < n and right is not None:
            return "scaled columns change which solution is the shortest"
        return ""


def _is_alike(left: Array | None, right: Array | None) -> bool:
    if left is None or right is None:
        return left is right
    return bool(np.allclose(left, right, rtol=1e-8, atol=0))


def _square(problem: Problem) -> str:
    m, n = problem.A.shape
    return "" if m == n else f"it needs a square matrix, got shape ({m}, {n})"


def _symmetric(problem: Problem) -> str:
    if why := _square(problem):
        return why
    A = problem.A
    differs = abs(A - A.conj().T)
    if (differs.max() if min(A.shape) else 0) == 0:
        return ""
    return "it needs a symmetric matrix"


def _definite(problem: Problem) -> str:
    if why := _symmetric(problem):
        return why
    A = problem.A
    why = "it needs a positive definite matrix"
    diagonal = A.diagonal()
    if not (diagonal.imag == 0).all() or not (diagonal.real > 0).all():
        return why
    if A.shape[0] ** 2 * 8 > DEFINITE_BYTES:
        return ""  # the method itself will tell
    try:
        B = A if np.iscomplexobj(A) else jacobi_scaling(A).apply(A)
        np.linalg.cholesky(B.toarray() if sp.issparse(B) else B)
    except np.linalg.LinAlgError:
        return f"{why}, as far as rounding tells"
    return ""


def _real(problem: Problem) -> str:
    return "it needs a real matrix" if np.iscomplexobj(problem.A) else ""


def _any(_: Problem) -> str:
    return ""


def _programme(problem: Problem) -> str:
    why = "it needs a linear or quadratic programme, the name of an MPS file"
    return why if problem.programme is None else ""


PURPOSES: Mapping[str, Purpose] = MappingProxyType(
    {
        "lu": Purpose(
            "elimination with partial pivoting, SuperLU where A is sparse",
            _elimination.errors, A_DIGIT, _square,
        ),
        "cg": Purpose(
            "steps of conjugate gradients",
            _krylov.cg_steps, FEWER_STEPS, _definite, alike=True,
        ),
        "minres": Purpose(
            "steps of MINRES",
            _krylov.minres_steps, FEWER_STEPS,
            lambda problem: _symmetric(problem) or _real(problem), alike=True,
        ),
        "gmres": Purpose(
            "steps of GMRES without restarts",
            _krylov.gmres_steps, FEWER_STEPS, _square,
        ),
        "lsqr": Purpose(
            "steps of LSQR", _krylov.lsqr_steps, FEWER_STEPS, _real, solves=True,
        ),
        "float16": Purpose(
            "entries lost when rounded to float16",
            _formats.float16_losses, FEWER_LOST, _any,
        ),
        "bfloat16": Purpose(
            "entries lost when rounded to bfloat16",
            _formats.bfloat16_losses, FEWER_LOST, _any,
        ),
        "lp": Purpose(
            "iterations of HiGHS, without scaling or presolving of its own",
            _programmes.iterations, FEWER_STEPS, _programme,
        ),
    }
)  # fmt: skip


def fell(purpose: Purpose, before: float, after: float) -> bool:
    """Tell whether a number fell by the margin; what is not finite is the worst."""
    if not math.isfinite(after):
        return False
    return not math.isfinite(before) or (
        after < before and after <= purpose.margin * before
    )
