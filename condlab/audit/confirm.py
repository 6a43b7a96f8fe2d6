"""Confirm truths by an arithmetic that has no part in how they were found.

Condition numbers and spectra: python-flint, inverses of rational matrices and roots of
their characteristic polynomials as balls. Formulas: differences in 50 digits of mpmath.
Losses of modules: differences of torch's value of the loss, to six digits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from condlab.audit.catalogue.formulas import Formula
from condlab.audit.catalogue.model_loss import ModelLoss
from condlab.audit.model import Problem
from condlab.errors import missing_extra

if TYPE_CHECKING:
    from flint import acb, arb, fmpq, fmpq_mat
    from torch import Tensor

DIGITS = 50
STEP = 1e-3  # of differences of float64 values, by Richardson's rule to h^4
CLOSE = {"hessian_layer": 1e-6, "hessian_diag": 1e-6, "hessian_top": 1e-6}
EXACT = 1e-12


def confirm(problem: Problem) -> float:
    """Return how far a truth is off what another arithmetic finds, relative.

    Parameters
    ----------
    problem : Problem
        Of `condlab.audit.problems`.

    Returns
    -------
    float
        Zero where both are infinite.

    Raises
    ------
    MissingExtraError
        If python-flint, mpmath or torch is needed and missing.

    Examples
    --------
    >>> from condlab.audit import problems
    >>> confirm(problems("cond_2")[0]) < 1e-12
    True
    """
    try:
        found = _found(problem)
    except ModuleNotFoundError as error:
        package = str(error.name)
        raise missing_extra(package, "audit", "confirming a truth") from error
    truth = np.asarray(problem.truth, float)
    if np.array_equal(found, truth):
        return 0.0
    size = max(float(np.abs(truth).max()), problem.scale * np.finfo(float).eps)
    return float(np.abs(found - truth).max() / size)


def is_confirmed(problem: Problem) -> bool:
    """Tell whether both agree, to the digits that the other arithmetic has."""
    return confirm(problem) <= CLOSE.get(problem.kind, EXACT)


def _found(problem: Problem) -> np.ndarray:
    given, kind = problem.input(), problem.kind
    if isinstance(given, Formula):
        return _by_mpmath(given)
    if isinstance(given, ModelLoss):
        H = _by_differences(given)
        if kind == "hessian_top":
            return np.asarray(max(np.linalg.eigvalsh(H), key=abs))
        return np.diag(H) if kind == "hessian_diag" else H
    A = given.toarray() if hasattr(given, "toarray") else np.asarray(given)
    return np.asarray(_by_flint(kind, A), float)


def _by_flint(kind: str, A: np.ndarray) -> float:
    if np.iscomplexobj(A):  # [[X, -Y], [Y, X]] has each singular value twice
        if kind != "cond_2":
            return _complex_kappa(A.T if kind == "cond_inf" else A)
        A = np.block([[A.real, -A.imag], [A.imag, A.real]])
    M = _rational(A)
    if kind in ("cond_1", "cond_1_sparse", "cond_inf"):
        M = M.transpose() if kind == "cond_inf" else M
        return _kappa_1(M)
    if kind == "trace":
        return float(sum((M[i, i] for i in range(M.nrows())), start=M[0, 0] * 0))
    if kind == "equilibration":
        return 1.0  # what the word means
    if kind.startswith(("cond_2", "sigma")):
        wide = M.nrows() < M.ncols()
        M = M * M.transpose() if wide else M.transpose() * M
    roots = _roots(M)
    if kind == "density":
        return sum(root < 0 for root in roots) / len(roots)
    if kind == "cond_2":
        return float((roots[-1] / roots[0]).sqrt()) if roots[0] > 0 else float("inf")
    return float(
        {
            "lambda_max": roots[-1],
            "lambda_min": roots[0],
            "lambda_abs": max(roots, key=lambda root: float(abs(root))),
            "sigma_max": abs(roots[-1]).sqrt(),
            "sigma_min": abs(roots[0]).sqrt(),
        }[kind]
    )


def _rational(A: np.ndarray) -> fmpq_mat:
    from flint import fmpq, fmpq_mat

    ratios = [float(x).as_integer_ratio() for x in A.ravel().tolist()]
    m, n = A.shape
    return fmpq_mat(m, n, [fmpq(p, q) for p, q in ratios])


def _kappa_1(M: fmpq_mat) -> float:
    try:
        inverse = M.inv()
    except ZeroDivisionError:
        return float("inf")
    kappa = _norm_1(M) * _norm_1(inverse)
    return int(kappa.p) / int(kappa.q)


def _norm_1(M: fmpq_mat) -> fmpq:
    columns = ([M[i, j] for i in range(M.nrows())] for j in range(M.ncols()))
    return max(sum((abs(x) for x in c[1:]), start=abs(c[0])) for c in columns)


def _complex_kappa(A: np.ndarray) -> float:
    from flint import acb_mat, arb, ctx

    ctx.prec, before = 300, ctx.prec
    try:
        M = acb_mat(A.tolist())
        sizes = [
            [
                sum((abs(x) for x in column), start=arb(0))
                for column in zip(*X.tolist(), strict=True)
            ]
            for X in (M, M.inv())
        ]
        return float(max(sizes[0], key=float) * max(sizes[1], key=float))
    finally:
        ctx.prec = before


def _roots(M: fmpq_mat) -> list[arb]:
    """Return real eigenvalues of a rational matrix, ascending, as balls."""
    from flint import ctx, fmpz_poly

    p = M.charpoly()
    ctx.prec, before = 200, ctx.prec
    try:
        # A list, whatever its annotation says.
        found = fmpz_poly(p.numer().coeffs()).complex_roots()
        roots = cast("list[tuple[acb, int]]", found)
        balls = [root.real for root, times in roots for _ in range(times)]
    finally:
        ctx.prec = before
    return sorted(balls, key=float)


def _by_mpmath(formula: Formula) -> np.ndarray:
    import mpmath

    from condlab.audit.subjects._ops import mpmath_ops

    with mpmath.workdps(DIGITS):
        ops, h = mpmath_ops(), mpmath.mpf(10) ** (-DIGITS // 4)
        point = [mpmath.mpf(x) for x in formula.point]

        def value(*steps: tuple[int, int]) -> mpmath.mpf:
            moved = list(point)
            for i, sign in steps:
                moved[i] += sign * h
            return formula.of(ops, np.array(moved))

        n = len(point)
        H = np.empty((n, n))
        for i in range(n):
            for j in range(n):
                corners = (
                    a * b * value((i, a), (j, b)) for a in (1, -1) for b in (1, -1)
                )
                H[i, j] = float(mpmath.fsum(corners) / (4 * h * h))
        return H


def _by_differences(loss: ModelLoss) -> np.ndarray:
    """Return the Hessian by differences of the loss, free of any derivative."""
    import torch

    flat = torch.nn.utils.parameters_to_vector(loss.module.parameters()).detach()
    fixed = _padding(loss)

    def value(x: Tensor) -> float:
        x = torch.where(fixed, flat, x)
        torch.nn.utils.vector_to_parameters(x, loss.module.parameters())
        with torch.no_grad():
            return float(loss.criterion(loss.module(loss.x), loss.y))

    def second(i: int, j: int, h: float) -> float:
        corners = [
            a * b * value(flat + a * h * unit[i] + b * h * unit[j])
            for a in (1, -1)
            for b in (1, -1)
        ]
        return float(np.sum(corners)) / (4 * h * h)

    n, unit = len(flat), torch.eye(len(flat), dtype=flat.dtype)
    H = np.array(
        [
            [(4 * second(i, j, STEP) - second(i, j, 2 * STEP)) / 3 for j in range(n)]
            for i in range(n)
        ]
    )
    return (H + H.T) / 2


def _padding(loss: ModelLoss) -> Tensor:
    """Return which parameters are constants: rows of embeddings that pad."""
    import torch
    from torch import nn

    fixed = {
        id(layer.weight): layer.padding_idx
        for layer in loss.module.modules()
        if isinstance(layer, nn.Embedding) and layer.padding_idx is not None
    }
    masks = []
    for p in loss.module.parameters():
        mask = torch.zeros(p.shape, dtype=torch.bool)
        if id(p) in fixed:
            mask[fixed[id(p)]] = True
        masks.append(mask.flatten())
    return torch.cat(masks)
