"""Subjects that equilibrate: all largest entries of rows and columns become equal.

The scalings inside OSQP, SCS, Clarabel and HiGHS cannot be read from Python; those of
LAPACK can.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.linalg as la

import condlab
from condlab.audit.asking import Ask, asked
from condlab.audit.catalogue.scalings import unevenness
from condlab.audit.model import Answer, Promise, Subject
from condlab.types import Scaling

MOST = 1 / float(np.finfo(float).smallest_normal)  # LAPACK's BIGNUM


def _geequ(name: str) -> Ask:
    def ask(A: np.ndarray) -> Answer:
        rows, columns, *_, info = asked(getattr(la.lapack, name), A)
        flag = f"info {info}" if info else ""
        if max(rows.max(), columns.max()) >= MOST:
            flag = flag or "a multiplier at its documented bound"
        return Answer(unevenness(A, rows, columns), flag)

    return ask


def _condlab(function: Callable[..., Scaling], **options: object) -> Ask:
    def ask(A: np.ndarray) -> float:
        scaling = asked(function, A, **options)
        m, n = A.shape
        left = np.ones(m) if scaling.left is None else scaling.left
        right = np.ones(n) if scaling.right is None else scaling.right
        return unevenness(A, left, right)

    return ask


def _normalize(A: np.ndarray) -> float:
    """Scale rows, then columns, as two calls of scikit-learn's do."""
    from sklearn.preprocessing import normalize

    rows = asked(normalize, A, norm="max")
    scaled = asked(normalize, rows, norm="max", axis=0)
    m, n = A.shape
    return unevenness(scaled, np.ones(m), np.ones(n))


LAPACKS = Promise(
    "scaled by R and C, the largest entry of each row and column has absolute value "
    "1, with R and C restricted to the range of safe numbers",
    "LAPACK's documentation of xGEEQU",
)
SUBJECTS = (
    Subject(
        "condlab.row_column_scaling",
        "condlab",
        "condlab",
        {"equilibration": _condlab(condlab.row_column_scaling, p="inf")},
        Promise("unit rows, then unit columns, to rounding", "its docstring"),
        "nothing failed",
    ),
    Subject(
        "condlab.ruiz_scaling",
        "condlab",
        "condlab",
        {"equilibration": _condlab(condlab.ruiz_scaling)},
        Promise("all within tol = 1e-8 of 1", "its docstring", relative=1e-7),
        "nothing failed",
    ),
    Subject(
        "scipy.linalg.lapack.dgeequ",
        "scipy",
        "scipy",
        {"equilibration": _geequ("dgeequ")},
        LAPACKS,
        "condlab.row_column_scaling",
    ),
    Subject(
        "scipy.linalg.lapack.dgeequb",
        "scipy",
        "scipy",
        {"equilibration": _geequ("dgeequb")},
        Promise(
            "the same to the radix: entries of at most 1, powers of two",
            "LAPACK's documentation of xGEEQUB",
            above=4.0,
        ),
        "condlab.row_column_scaling",
    ),
    Subject(
        "sklearn.preprocessing.normalize",
        "scikit-learn",
        "sklearn",
        {"equilibration": _normalize},
        Promise(
            'norm="max": each row, then each column, over its largest', "its docstring"
        ),
        "condlab.row_column_scaling",
    ),
)
