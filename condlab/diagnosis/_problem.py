"""The system that scalings are tried on: its solution is known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from condlab.types import Array


@dataclass(frozen=True, slots=True)
class Problem:
    """A x = b with known solutions, and when a method has solved it.

    Parameters
    ----------
    A : array or sparse array, shape (m, n)
        In double precision; sparse ones are csr.
    solutions : array, shape (n, k)
        Of entries ±1, the first column of ones.
    b : array, shape (m, k)
        A times these, each entry rounded once.
    tol : float
        ‖b − A x‖ ≤ tol ‖b‖ ends an iteration.
    max_steps : int
        The most steps.
    programme : Programme, optional
        Where A is the constraints of one.
    """

    A: Array
    solutions: np.ndarray
    b: np.ndarray
    tol: float
    max_steps: int
    programme: object = None


RIGHT_SIDES = 5


def problem(A: Array, tol: float, max_steps: int) -> Problem:
    """Return systems whose solutions are signs, so that b is exact to rounding."""
    rng = np.random.default_rng(0)
    signs = rng.choice([-1.0, 1.0], (A.shape[1], RIGHT_SIDES))
    signs[:, 0] = 1.0
    return solved_by(A, signs, tol, max_steps)


def solved_by(A: Array, signs: np.ndarray, tol: float, max_steps: int) -> Problem:
    """Return systems with these solutions, shape (n, k), of entries ±1."""
    return Problem(A, signs, _products(A, signs), tol, max_steps)


def _products(A: Array, signs: np.ndarray) -> np.ndarray:
    if np.iscomplexobj(A):
        return _products(A.real, signs) + 1j * _products(A.imag, signs)
    rows = sp.csr_array(A)
    found = np.empty((A.shape[0], signs.shape[1]))
    for i, (start, end) in enumerate(zip(rows.indptr, rows.indptr[1:], strict=False)):
        terms = rows.data[start:end, None] * signs[rows.indices[start:end]]
        found[i] = [_sum(column) for column in terms.T]
    return found


def _sum(terms: np.ndarray) -> float:
    try:
        return math.fsum(terms)
    except OverflowError:
        return math.inf
