"""Subjects that differentiate twice: Hessians, their diagonals and top eigenvalues."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from condlab.audit.asking import asked
from condlab.audit.catalogue.formulas import Formula
from condlab.audit.model import Answer, Promise, Subject
from condlab.audit.subjects import _ops
from condlab.audit.subjects._networks import (
    autograd_hessian,
    backpack_diagonal,
    condlab_matrix,
    condlab_top,
    curvlinops_matrix,
    diagonal,
    eigenthings_matrix,
    eigenthings_top,
    func_hessian,
    functional,
    pyhessian_top,
)

if TYPE_CHECKING:
    from torch import Tensor


def _torch_func(formula: Formula) -> np.ndarray:
    import torch

    value, t = _in_torch(formula)
    return asked(torch.func.hessian(value), t).detach().numpy()


def _torch_autograd(formula: Formula) -> np.ndarray:
    import torch

    value, t = _in_torch(formula)
    return asked(torch.autograd.functional.hessian, value, t).numpy()


def _torch_vectorized(formula: Formula) -> np.ndarray:
    import torch

    value, t = _in_torch(formula)
    options = {"vectorize": True, "outer_jacobian_strategy": "forward-mode"}
    H = asked(torch.autograd.functional.hessian, value, t, **options)
    return H.detach().numpy()


def _in_torch(formula: Formula) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    import torch

    ops = _ops.torch_ops()
    t = torch.tensor(formula.point, dtype=torch.float64)
    return lambda x: formula.of(ops, x), t


def _jax(formula: Formula) -> np.ndarray:
    import jax

    with jax.enable_x64(True):
        ops, t = _ops.jax_ops(), jax.numpy.asarray(formula.point)
        return np.asarray(asked(jax.hessian(lambda x: formula.of(ops, x)), t))


def _numdifftools(formula: Formula) -> np.ndarray:
    import numdifftools

    ops = _ops.numpy_ops()
    H = numdifftools.Hessian(lambda x: float(formula.of(ops, x)))
    return np.asarray(asked(H, np.array(formula.point)))


def _condlab_formula(formula: Formula) -> Answer:
    from condlab.curvature import HessianOperator

    value, t = _in_torch(formula)
    H = asked(
        HessianOperator,
        lambda params, _: value(params["t"]),
        {"t": t},
        [None],
        weights=[1.0],
    )
    return Answer(asked(H.dense).numpy(), error=H.noise)


TWICE = Promise(
    "second derivatives; taken to mean twelve digits", "its docstring", relative=1e-12
)
INSTEAD = "condlab.curvature.HessianOperator, which tries several ways and compares"
_func, _auto = functional(func_hessian), functional(autograd_hessian)
SUBJECTS = (
    Subject(
        "condlab.curvature.HessianOperator",
        "condlab",
        "torch",
        {
            "hessian": _condlab_formula,
            "hessian_layer": condlab_matrix,
            "hessian_diag": diagonal(condlab_matrix),
            "hessian_top": condlab_top,
        },
        Promise(
            "products that differences of the gradient agree with; taken to mean "
            "twelve digits and its `noise`",
            "its docstring",
            relative=1e-12,
        ),
        "the same loss, written without the operation that the message names",
    ),
    Subject(
        "torch.func.hessian",
        "torch",
        "torch",
        {
            "hessian": _torch_func,
            "hessian_layer": _func,
            "hessian_diag": diagonal(_func),
        },
        TWICE,
        INSTEAD,
    ),
    Subject(
        "torch.autograd.functional.hessian",
        "torch",
        "torch",
        {
            "hessian": _torch_autograd,
            "hessian_layer": _auto,
            "hessian_diag": diagonal(_auto),
        },
        TWICE,
        INSTEAD,
    ),
    Subject(
        "torch.autograd.functional.hessian, vectorize",
        "torch",
        "torch",
        {"hessian": _torch_vectorized},
        TWICE,
        INSTEAD,
    ),
    Subject("jax.hessian", "jax", "jax", {"hessian": _jax}, TWICE, INSTEAD),
    Subject(
        "numdifftools.Hessian",
        "numdifftools",
        "numdifftools",
        {"hessian": _numdifftools},
        Promise(
            "adaptive differences; taken to mean 1e-6",
            "its documentation",
            relative=1e-6,
        ),
        "automatic differentiation",
    ),
    Subject(
        "curvlinops.HessianLinearOperator",
        "curvlinops-for-pytorch",
        "curvlinops",
        {
            "hessian_layer": curvlinops_matrix(3),
            "hessian_diag": diagonal(curvlinops_matrix(3)),
        },
        TWICE,
        INSTEAD,
    ),
    Subject(
        "curvlinops.HessianLinearOperator, two batches",
        "curvlinops-for-pytorch",
        "curvlinops",
        {"hessian_layer": curvlinops_matrix(2)},
        Promise(
            "the Hessian of the mean over all samples, whatever the batches",
            "its docstring: c = 1/N over all data",
            relative=1e-12,
        ),
        "one batch, where the criterion does not divide by the number of samples",
    ),
    Subject(
        "hessian_eigenthings.HessianOperator",
        "hessian-eigenthings",
        "hessian_eigenthings",
        {"hessian_layer": eigenthings_matrix(), "hessian_top": eigenthings_top},
        TWICE,
        INSTEAD,
        {
            "hessian_top": Promise(
                "converged says that the residual is below 1e-4 |lambda|",
                "its docstring",
                relative=1e-4,
            )
        },
    ),
    Subject(
        "hessian_eigenthings.HessianOperator, microbatches",
        "hessian-eigenthings",
        "hessian_eigenthings",
        {"hessian_layer": eigenthings_matrix(microbatch_size=2)},
        Promise(
            "the same product in less memory",
            "its documentation, how-to on memory",
            relative=1e-12,
        ),
        "a microbatch_size that divides the batch",
    ),
    Subject(
        "hessian_eigenthings.HessianOperator, finite differences",
        "hessian-eigenthings",
        "hessian_eigenthings",
        {"hessian_layer": eigenthings_matrix(method="finite_difference")},
        Promise("errors of eps^2; 1e-6 in float64", "its docstring", relative=1e-6),
        'method="autograd"',
    ),
    Subject(
        "pyhessian.hessian.eigenvalues",
        "PyHessian",
        "pyhessian",
        {"hessian_top": pyhessian_top},
        Promise(
            "the top eigenvalue by at most 100 power iterations, to a change of 0.1 % "
            "in one; taken to mean 10 %",
            "its docstring",
            relative=0.1,
        ),
        "condlab.spectra.spectrum of the same Hessian",
    ),
    Subject(
        "backpack.extensions.DiagHessian",
        "backpack-for-pytorch",
        "backpack",
        {"hessian_diag": backpack_diagonal},
        Promise("the exact diagonal, or an error", "its docstring", relative=1e-12),
        INSTEAD,
    ),
)
