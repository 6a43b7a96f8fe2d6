"""Who is to blame for a condition number, and which scaling helps what is done next."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from condlab import _arrays
from condlab.comparison import (
    OMEGA,
    OPTIMAL,
    SCALINGS,
    OptimalOptions,
    ScalingComparison,
    compare_scalings,
)
from condlab.condition.affordable import is_large
from condlab.diagnosis._problem import Problem, problem
from condlab.diagnosis._programmes import is_programme, read_programme
from condlab.diagnosis.advice import advise
from condlab.diagnosis.culprits import (
    MATTERS,
    Culprit,
    find_culprits,
    find_large_culprits,
)
from condlab.diagnosis.purposes import PURPOSES
from condlab.diagnosis.record import Diagnosis, natural_side
from condlab.types import Array

LP = "lp"
SOLVERS = ["osqp", "scs", "pdlp"]  # whose scalings are made for programmes
MOST_STEPS = 10_000
RTOL = 0.05  # the gap at which the optimal scaling is good enough to judge by


def diagnose(
    A: Array | str | Path,
    *,
    purpose: str | Sequence[str] | None = None,
    tol: float = 1e-8,
    max_steps: int | None = None,
    time_limit: float = 10.0,
    progress: Callable[[str], object] = lambda _: None,
) -> Diagnosis:
    """Name the lines that a condition number comes from, and the scaling that helps.

    Parameters
    ----------
    A : array, sparse array or tensor, shape (m, n), or the name of an MPS file
        Finite; real or complex. Of a linear or quadratic programme it is the
        constraints, if HiGHS is installed, which reads the file.
    purpose : str or sequence of str, optional
        What A is scaled for: "lu", "cg", "minres", "gmres", "lsqr", "float16" or
        "bfloat16"; all that A allows by default, and () for none. A programme is scaled
        for "lp", the iterations of HiGHS.
    tol : float
        The residual ‖b − A x‖ / ‖b‖, in the units of A, at which iterations end.
    max_steps : int, optional
        The most steps of an iteration (default: 10 n, at most 10,000; of GMRES at most
        300).
    time_limit : float
        Seconds for the search of the best scaling there is; 0 leaves it out.
    progress : callable
        Told in words what is done next.

    Returns
    -------
    Diagnosis
        Of a large sparse matrix from estimates.

    Raises
    ------
    ValueError
        If A is not a finite matrix that has condition numbers, or one purpose is asked
        for that it does not allow.

    Notes
    -----
    A line is to blame for its *size* where κ₂ of the best scaled matrix would be ten
    times larger with this one line in its own units. What they are comes from a fit
    of log |a_ij| ≈ r_i + c_j [1]_, which a line times t moves by log t in its own term
    and in no other. A line is *nearly dependent* where κ₂ of the scaled matrix falls
    to a tenth without it.

    Advice is measured, never derived from κ: each scaling solves systems with known
    solutions of entries ±1, and the worst of these counts. The best is taken if it
    lowers steps by a tenth, the forward error to a tenth while the backward error does
    not rise, or the share of entries that leave a format's range by a tenth, where one
    that overflows loses them all; otherwise the advice is "none".
    Rectangular systems are scaled on the side that keeps what they minimise.

    References
    ----------
    .. [1] A. R. Curtis and J. K. Reid, "On the automatic scaling of matrices for
       Gaussian elimination", IMA J. Appl. Math. 10(1), 1972.

    Examples
    --------
    >>> A = [[3.0, 1.0, 1.0], [1.0, 3.0, 1.0], [1e6, 1e6, 3e6]]
    >>> print(diagnose(A, purpose="float16"))
    to blame  why                   kappa if left alone  without it  dual weight
    row 2     1.00e+06 x too large  1.658e+06            2.121       0.42
    kappa_2 is 1.658e+06; the best scaling found is row, with 2.500
    no D1 A D2 has less than 2.477
    float16: take row, entries lost 100 % -> 0 %; kappa_2 1.658e+06 -> 2.500
    """
    programme = read_programme(A) if is_programme(A) else None
    purposes = _required(purpose, programme is not None, tol, max_steps, time_limit)
    A = _in_double(A if programme is None else programme.A)
    most = min(10 * max(A.shape), MOST_STEPS) if max_steps is None else max_steps
    system = replace(problem(A, tol, most), programme=programme)
    undefined = {
        name: why for name in purposes if (why := PURPOSES[name].refuses(system))
    }
    if isinstance(purpose, str) and undefined:
        why = undefined[purpose]
        raise ValueError(f"{purpose} is no purpose of this matrix: {why}")
    rows = _compared(system, time_limit, progress)
    found = Diagnosis((int(A.shape[0]), int(A.shape[1])), rows, ())
    progress("rows and columns to blame")
    found = replace(found, culprits=_culprits(A, found))
    advice = tuple(
        advise(name, system, rows, progress)
        for name in purposes
        if name not in undefined
    )
    return replace(found, advice=advice, undefined=undefined)


def _required(
    purpose: str | Sequence[str] | None,
    is_programme: bool,
    tol: float,
    max_steps: int | None,
    time_limit: float,
) -> Sequence[str]:
    """Return the purposes, or say what is wrong with an option."""
    if not time_limit >= 0:
        raise ValueError(f"time_limit is a number of seconds, got {time_limit!r}")
    if not 0 < tol < 1:
        raise ValueError(f"tol is a relative residual, such as 1e-8, got {tol!r}")
    if max_steps is not None and not (isinstance(max_steps, int) and max_steps >= 1):
        raise ValueError(
            f"max_steps must be a whole number, 1 at least, got {max_steps}"
        )
    if purpose is None:
        return [LP] if is_programme else [name for name in PURPOSES if name != LP]
    asked = list(dict.fromkeys([purpose] if isinstance(purpose, str) else purpose))
    if unknown := [name for name in asked if name not in PURPOSES]:
        raise ValueError(f"purposes are {', '.join(PURPOSES)}, and not {unknown[0]!r}")
    return asked


def _in_double(A: Array) -> Array:
    """Return A as a csr or NumPy array of double precision, finite."""
    if isinstance(A, str | Path):
        raise TypeError(
            f"a matrix or the name of an MPS file is needed, got {str(A)!r}; read "
            "other files by condlab.io.read_matrix"
        )
    A = _arrays.as_float(A)
    A = sp.csr_array(A) if sp.issparse(A) else _arrays.to_numpy(A)
    return A.astype(np.complex128 if np.iscomplexobj(A) else np.float64)


def _culprits(A: Array, found: Diagnosis) -> tuple[Culprit, ...]:
    before, best = found.scalings[0].kappa.value, found.best
    now = best.kappa.value
    if not is_large(A):
        return find_culprits(A, best.scaling if math.isfinite(now) else None, before)
    return find_large_culprits(A, best.scaling, now) if before >= MATTERS * now else ()


def _compared(
    system: Problem, time_limit: float, progress: Callable[[str], object]
) -> ScalingComparison:
    """Return κ₂ under every scaling, the optimal one where there is time for it."""
    A, names = system.A, [*SCALINGS]
    if system.programme is not None:
        names += SOLVERS
    if A.shape[0] == A.shape[1] and not is_large(A):
        names.append(OMEGA)  # of rectangles it is the scaling of rows or columns
    if time_limit > 0 and not is_large(A):
        names.append(OPTIMAL)
    options: OptimalOptions = {
        "side": natural_side(A.shape),
        "rtol": RTOL,
        "time_limit": time_limit,
    }
    return compare_scalings(A, scalings=names, optimal=options, progress=progress)
