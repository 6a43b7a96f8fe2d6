"""Subjects that compute or estimate the condition number of a matrix."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from operator import methodcaller
from typing import TYPE_CHECKING

import numpy as np
import scipy.linalg as la
import scipy.sparse as sp
import scipy.sparse.linalg as spla

import condlab
from condlab.audit.asking import Ask, asked
from condlab.audit.model import Answer, Promise, Subject
from condlab.types import Array, ConditionEstimate

if TYPE_CHECKING:
    from flint import acb_mat, arb, arb_mat

ORDERS = {"cond_1": 1, "cond_2": 2, "cond_inf": np.inf}


def _condlab(p: float) -> Ask:
    return lambda A: asked(condlab.cond, A, p)


def _numpy(p: float) -> Ask:
    return lambda A: asked(np.linalg.cond, A, p)


def _torch(p: float) -> Ask:
    def ask(A: np.ndarray) -> float:
        import torch

        return float(asked(torch.linalg.cond, torch.tensor(A), p))

    return ask


def _jax(p: float) -> Ask:
    def ask(A: np.ndarray) -> float:
        import jax

        with jax.enable_x64(True):
            return float(asked(jax.numpy.linalg.cond, A, p))

    return ask


def _mpmath(p: int | str) -> Ask:
    def ask(A: np.ndarray) -> float:
        import mpmath

        M = mpmath.matrix(A.tolist())
        return float(asked(mpmath.cond, M, lambda X: mpmath.mnorm(X, p)))

    return ask


def _flint(rows: bool) -> Ask:
    def ask(A: np.ndarray) -> Answer:
        import flint

        entries = (A if rows else A.T).tolist()
        M = flint.acb_mat(entries) if np.iscomplexobj(A) else flint.arb_mat(entries)
        kappa = _row_sum(M) * _row_sum(asked(methodcaller("inv"), M))
        ends = (float(kappa.lower()), float(kappa.upper()))
        flag = (
            "" if kappa.is_finite() and kappa.rel_accuracy_bits() > 8 else "wide ball"
        )
        return Answer(float(kappa.mid()), flag, *ends)

    return ask


def _row_sum(M: arb_mat | acb_mat) -> arb:
    import flint

    sums = [sum((abs(x) for x in row), flint.arb(0)) for row in M.tolist()]
    return functools.reduce(lambda x, y: x.max(y), sums)


def _gecon(norm: str) -> Ask:
    def ask(A: np.ndarray) -> Answer:
        A = A if A.dtype.kind in "fc" else A.astype(float)
        size = la.norm(A, 1 if norm == "1" else np.inf)
        factor, estimate = la.get_lapack_funcs(("getrf", "gecon"), (A,))
        lu, _, info = asked(factor, A)
        rcond, info_too = asked(estimate, lu, size, norm=norm)
        flag = f"getrf info {info}" if info else f"info {info_too}" if info_too else ""
        return Answer(1 / rcond if rcond else math.inf, flag)

    return ask


def _pyamg(name: str) -> Ask:
    def ask(A: np.ndarray) -> float:
        from pyamg.util import linalg

        np.random.seed(0)  # noqa: NPY002  (pyamg draws from NumPy's global state)
        return float(asked(getattr(linalg, name), A))

    return ask


def _estimate(function: Callable[[Array], ConditionEstimate]) -> Ask:
    """Return what asks for sparse input; integers are refused, and made floats."""
    return lambda A: asked(
        function, sp.csc_array(A) if A.dtype.kind in "fc" else A.astype(float)
    )


def _onenormest(A: sp.csc_array) -> float:
    solve = asked(spla.splu, A)
    inverse = spla.LinearOperator(
        A.shape,
        matvec=solve.solve,
        rmatvec=lambda x: solve.solve(x, "T"),
        dtype=A.dtype,
    )
    np.random.seed(0)  # noqa: NPY002  (it draws from NumPy's global state)
    return float(spla.norm(A, 1) * asked(spla.onenormest, inverse))


EXACT = Promise(source="its docstring: norm(A) * norm(inv(A)), or sigma_1 / sigma_n")
SUBJECTS = (
    Subject(
        "condlab.cond",
        "condlab",
        "condlab",
        {kind: _condlab(p) for kind, p in ORDERS.items()},
        Promise(
            "the number, and an interval that certainly holds it",
            "its docstring",
        ),
        "nothing failed",
    ),
    Subject(
        "condlab.estimate_cond_1",
        "condlab",
        "condlab",
        {
            "cond_1_sparse": lambda A: asked(condlab.estimate_cond_1, A),
            "cond_1": _estimate(condlab.estimate_cond_1),
        },
        Promise(
            "nearly always within a factor of 3, and a certain lower bound",
            "its docstring",
            below=3.0,
            above=1.0,
        ),
        "condlab.cond_1, where the matrix fits in memory",
    ),
    Subject(
        "condlab.estimate_cond_2",
        "condlab",
        "condlab",
        {"cond_2": _estimate(condlab.estimate_cond_2)},
        Promise(
            "an estimate, and a certain lower bound",
            "its docstring",
            below=1.01,
            above=1.01,
        ),
        "condlab.cond_2, where the matrix fits in memory",
    ),
    Subject(
        "numpy.linalg.cond",
        "numpy",
        "numpy",
        {kind: _numpy(p) for kind, p in ORDERS.items()},
        EXACT,
        "condlab.cond, or p=2 of the matrix divided by its largest entry",
    ),
    Subject(
        "torch.linalg.cond",
        "torch",
        "torch",
        {kind: _torch(p) for kind, p in ORDERS.items()},
        EXACT,
        "condlab.cond",
    ),
    Subject(
        "jax.numpy.linalg.cond",
        "jax",
        "jax",
        {kind: _jax(p) for kind, p in ORDERS.items()},
        EXACT,
        "condlab.cond; with jax_enable_x64, as here",
    ),
    Subject(
        "mpmath.cond",
        "mpmath",
        "mpmath",
        {"cond_1": _mpmath(1), "cond_inf": _mpmath("inf")},
        Promise(source="its docstring: ||A|| * ||A**-1||, at 15 digits by default"),
        "more digits: mpmath.mp.dps = 60",
    ),
    Subject(
        "flint.arb_mat.inv",
        "python-flint",
        "flint",
        {"cond_1": _flint(rows=False), "cond_inf": _flint(rows=True)},
        Promise(
            "a ball that certainly holds the number; ZeroDivisionError where the "
            "inverse cannot be enclosed",
            "its docstring",
        ),
        "more bits: flint.ctx.prec = 300",
    ),
    Subject(
        "scipy.linalg.lapack.gecon",
        "scipy",
        "scipy",
        {"cond_1": _gecon("1"), "cond_inf": _gecon("I")},
        Promise(
            "an estimate of the reciprocal, seldom off by more than a factor of 10",
            "LAPACK Users' Guide, 3rd ed., section 4.4.1",
            below=10.0,
            above=10.0,
        ),
        "the inverse itself, by condlab.cond",
    ),
    Subject(
        "pyamg.util.linalg.cond",
        "pyamg",
        "pyamg",
        {"cond_2": _pyamg("cond")},
        Promise(source="its docstring: 2-norm condition number through use of the SVD"),
        "condlab.cond",
    ),
    Subject(
        "pyamg.util.linalg.condest",
        "pyamg",
        "pyamg",
        {"cond_2": _pyamg("condest")},
        Promise(
            "an estimate of cond(A); taken to mean the right power of ten",
            "its docstring",
            below=10.0,
            above=10.0,
        ),
        "condlab.estimate_cond_2, whose lower bound is certain",
    ),
    Subject(
        "scipy.sparse.linalg.onenormest",
        "scipy",
        "scipy",
        {"cond_1_sparse": _onenormest},
        Promise(
            "of the inverse by splu: a lower bound, almost invariably within a factor "
            "of 3",
            "its docstring",
            below=3.0,
        ),
        "condlab.estimate_cond_1, which looks at the residual of the solve",
    ),
)
