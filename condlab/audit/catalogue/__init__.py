"""Problems whose answers are certain, by kind."""

from __future__ import annotations

from types import MappingProxyType

from condlab.audit.catalogue import (
    conditions,
    eigenvalues,
    estimates,
    formulas,
    layers,
    matrix_formulas,
    scalings,
    traces,
)
from condlab.audit.model import Problem

__all__ = ["KINDS", "cases", "problems"]

KINDS = MappingProxyType(
    {
        "cond_1": "the 1-norm condition number of a square matrix",
        "cond_2": "the 2-norm condition number of a matrix",
        "cond_inf": "the condition number of a square matrix in the largest row sum",
        "cond_1_sparse": "the 1-norm condition number of a sparse matrix",
        "lambda_max": "the largest eigenvalue of a symmetric matrix",
        "lambda_abs": "the eigenvalue of largest absolute value, with its sign",
        "lambda_min": "the smallest eigenvalue of a symmetric positive definite matrix",
        "sigma_max": "the largest singular value",
        "sigma_min": "the smallest singular value",
        "trace": "the trace of a symmetric matrix",
        "density": "the fraction of eigenvalues below zero",
        "equilibration": "the ratio of the largest to the smallest of all largest "
        "entries of rows and columns, after scaling",
        "hessian": "the matrix of second derivatives of a formula",
        "hessian_layer": "the Hessian of a loss of a torch module in its parameters",
        "hessian_diag": "the diagonal of that Hessian",
        "hessian_top": "the eigenvalue of that Hessian of largest absolute value",
    }
)


def problems(kind: str | None = None) -> tuple[Problem, ...]:
    """Return the problems of a kind, or all of them.

    Parameters
    ----------
    kind : str, optional
        One of `KINDS`.

    Returns
    -------
    tuple of Problem
        Always the same ones. Those whose inputs are torch modules need torch, when
        their input or truth is asked for.

    Raises
    ------
    ValueError
        If there is no such kind.

    Examples
    --------
    >>> problems("cond_2")[0].truth > 1e7
    True
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(
            f"a kind of problem must be one of {', '.join(KINDS)}, got {kind!r}"
        )
    return tuple(p for p in _ALL if kind in (None, p.kind))


def cases(kind: str) -> tuple[str, list[Problem]]:
    """Return what ``pytest.mark.parametrize`` takes, for tests of one's own function.

    Parameters
    ----------
    kind : str
        One of `KINDS`.

    Returns
    -------
    tuple of str and list of Problem
        The name of the argument, "problem", and its values.

    Raises
    ------
    ValueError
        If there is no such kind.

    Examples
    --------
    >>> import numpy as np, pytest
    >>> @pytest.mark.parametrize(*cases("cond_2"))
    ... def test_my_condition_number(problem):
    ...     assert problem.accepts(np.linalg.cond(problem.input()))
    >>> cases("cond_2")[0]
    'problem'
    """
    return "problem", list(problems(kind))


_ALL: tuple[Problem, ...] = (
    *conditions.PROBLEMS,
    *estimates.PROBLEMS,
    *eigenvalues.PROBLEMS,
    *traces.PROBLEMS,
    *scalings.PROBLEMS,
    *formulas.PROBLEMS,
    *matrix_formulas.PROBLEMS,
    *layers.PROBLEMS,
)
