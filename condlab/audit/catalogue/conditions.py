"""Condition numbers of dense matrices: graded, singular, tiny, huge, of many dtypes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from condlab import gallery
from condlab.audit import exact
from condlab.audit.model import Problem

Make = Callable[[], np.ndarray]

RATIONALS = "exact inverse in rationals"
DESCARTES = (
    "extreme roots of the characteristic polynomial of A'A in rationals, by "
    "Descartes' rule of signs"
)
WAYS: dict[str, tuple[Callable[[np.ndarray], float], str]] = {
    "cond_1": (exact.kappa_1, RATIONALS),
    "cond_2": (exact.kappa_2, DESCARTES),
    "cond_inf": (exact.kappa_inf, RATIONALS),
}


def counterexample() -> np.ndarray:
    """Return I + phi c c', whose inverse Hager's estimator takes to have norm 1.

    In exact arithmetic: c is orthogonal to the ones, to e_1 and to the vector of
    alternating signs that LAPACK tries last; rounding may rescue the estimate.
    phi = -5090/2^20 makes 1 + phi c'c = 36/2^20.
    """
    c = np.array([0, 11, -2, -9])
    return np.eye(4) - np.outer(c, c) * (5090 / 2**20)


def _growth(n: int) -> np.ndarray:
    """Return Wilkinson's matrix, on which partial pivoting grows by 2^(n-1)."""
    A = np.eye(n) - np.tril(np.ones((n, n)), -1)
    A[:, -1] = 1
    return A


def _steps(n: int) -> np.ndarray:
    """Return a graded matrix: entry (i, j) is near 16^-max(i, j)."""
    top = np.maximum.outer(np.arange(n), np.arange(n))
    return (2.0 + np.eye(n)) * 16.0**-top


def _phases() -> np.ndarray:
    """Return Pascal's matrix between diagonals of units: the moduli stay integers."""
    turns = 1j ** np.arange(6)
    return turns[:, None] * gallery.pascal(6) * turns[::-1]


def _kinds(
    name: str,
    make: Make,
    source: str,
    real: Make | None = None,
    only: tuple[str, ...] = ("cond_1", "cond_2", "cond_inf"),
) -> list[Problem]:
    """Return the problems of one matrix; `real` has the same condition numbers."""
    return [_problem(kind, name, make, real or make, source) for kind in only]


def _problem(kind: str, name: str, make: Make, real: Make, source: str) -> Problem:
    find, way = WAYS[kind]
    return Problem(kind, name, make, lambda: find(real()), way, source)


def _one(kind: str, name: str, make: Make, truth: float, why: str) -> Problem:
    return Problem(kind, name, make, lambda: truth, "closed form", why)


FAMILIES: tuple[tuple[str, Make, str], ...] = (
    ("hilbert 6", lambda: gallery.hilbert(6), "Higham 2002, section 28.1"),
    ("hilbert 12", lambda: gallery.hilbert(12), "Higham 2002: near the limit"),
    ("unit triangle 10", lambda: gallery.unit_triangle(10), "Wilkinson 1961"),
    ("pascal 8, int64", lambda: gallery.pascal(8).astype(np.int64), "integers"),
    ("uint8", lambda: np.array([[200, 100], [100, 200]], np.uint8), "small integers"),
    ("bool", lambda: np.array([[True, True], [False, True]]), "truth values"),
    ("frank 8", lambda: gallery.frank(8), "Frank 1958"),
    ("graded 8", lambda: _steps(8), "rows and columns shrink together"),
    (
        "rows in other units",
        lambda: np.diag(10.0 ** np.arange(-9, 9, 3)) @ gallery.min_ij(6),
        "bad only for its units",
    ),
    ("singular 2", lambda: np.array([[1.0, 2.0], [2.0, 4.0]]), "exactly singular"),
    ("singular 3", lambda: np.arange(1.0, 10.0).reshape(3, 3), "LU hides it"),
    ("zero", lambda: np.zeros((2, 2)), "nothing to divide by"),
    ("tiny", lambda: np.array([[2.0, 1.0], [1.0, 2.0]]) * 1e-300, "underflow"),
    ("subnormal", lambda: np.array([[2.0, 1.0], [1.0, 2.0]]) * 2e-320, "subnormal"),
    ("huge", lambda: np.array([[2.0, 1.0], [1.0, 2.0]]) * 1e300, "overflow"),
    (
        "huge sums",
        lambda: np.array([[1.0, -1.0], [1.0, 1.0]]) * 1e308,
        "a row overflows",
    ),
    ("1e-150 to 1e150", lambda: np.diag([1e-150, 1.0, 1e150]), "wide range"),
    (
        "small determinant",
        lambda: 1e-10 * np.eye(12),
        "det 1e-120, perfectly conditioned",
    ),
    (
        "nonnormal 2",
        lambda: np.array([[1.0, 2.0**26], [0.0, 1.0]]),
        "equal eigenvalues",
    ),
    (
        "float32, one unit",
        lambda: np.array([[1, 1], [1, 1 + 2**-23]], np.float32),
        "singular to float32's rounding, and not singular",
    ),
    ("float32 hilbert 5", lambda: gallery.hilbert(5).astype(np.float32), "float32"),
    ("Higham's counterexample", counterexample, "Higham 1988, section 4: I + t C"),
    ("Wilkinson's growth 20", lambda: _growth(20), "Wilkinson 1963: growth 2^19"),
)
RECTANGLES: tuple[tuple[str, Make, str], ...] = (
    ("tall", lambda: np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 4.0]]), "a line's fit"),
    ("wide", lambda: np.array([[1.0, 1.0, 1.0], [0.0, 1e-9, 2e-9]]), "nearly parallel"),
    (
        "tall, nearly dependent",
        lambda: np.stack([np.ones(12), 1 + np.arange(12) * 2.0**-45], axis=1),
        "kappa near 1e14",
    ),
)

PROBLEMS: tuple[Problem, ...] = (
    *(p for family in FAMILIES for p in _kinds(*family)),
    *_kinds("complex pascal 6", _phases, "complex", lambda: gallery.pascal(6)),
    *(p for family in RECTANGLES for p in _kinds(*family, only=("cond_2",))),
    _one(
        "cond_1",
        "Wilkinson's growth 60",
        lambda: _growth(60),
        60.0,
        "Wilkinson 1963: partial pivoting grows by 2^59; the inverse has column sums "
        "of 1",
    ),
)
