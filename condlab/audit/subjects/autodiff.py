"""Subjects that differentiate twice: Hessians, their diagonals and top eigenvalues."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from condlab.audit.catalogue.formulas import Formula
from condlab.audit.catalogue.layers import ModelLoss
from condlab.audit.model import Answer, Promise, Subject
from condlab.audit.subjects import _ops

SEED = 0


def _torch_func(formula: Formula) -> np.ndarray:
    import torch

    ops, t = _ops.torch_ops(), torch.tensor(formula.point, dtype=torch.float64)
    H = torch.func.hessian(lambda x: formula.of(ops, x))(t)
    return H.detach().numpy()


def _torch_autograd(formula: Formula) -> np.ndarray:
    import torch

    ops, t = _ops.torch_ops(), torch.tensor(formula.point, dtype=torch.float64)
    H = torch.autograd.functional.hessian(lambda x: formula.of(ops, x), t)
    return H.numpy()


def _torch_vectorized(formula: Formula) -> np.ndarray:
    import torch

    ops, t = _ops.torch_ops(), torch.tensor(formula.point, dtype=torch.float64)
    H = torch.autograd.functional.hessian(
        lambda x: formula.of(ops, x),
        t,
        vectorize=True,
        outer_jacobian_strategy="forward-mode",
    )
    return H.detach().numpy()


def _jax(formula: Formula) -> np.ndarray:
    import jax

    with jax.enable_x64(True):
        ops, t = _ops.jax_ops(), jax.numpy.asarray(formula.point)
        return np.asarray(jax.hessian(lambda x: formula.of(ops, x))(t))


def _numdifftools(formula: Formula) -> np.ndarray:
    import numdifftools

    ops = _ops.numpy_ops()
    H = numdifftools.Hessian(lambda x: float(formula.of(ops, x)))
    return np.asarray(H(np.array(formula.point)))


def _condlab_formula(formula: Formula) -> Answer:
    import torch

    from condlab.curvature import HessianOperator

    ops, t = _ops.torch_ops(), torch.tensor(formula.point, dtype=torch.float64)
    H = HessianOperator(
        lambda params, _: formula.of(ops, params["t"]), {"t": t}, [None], weights=[1.0]
    )
    return Answer(H.dense().numpy(), error=H.noise)


def _condlab(loss: ModelLoss) -> np.ndarray:
    from condlab.curvature import HessianOperator, make_loss

    params = {k: p.detach() for k, p in loss.module.named_parameters()}
    batches = [(loss.x, loss.y)]
    H = HessianOperator(make_loss(loss.module, loss.criterion), params, batches)
    return H.dense().numpy()


def _condlab_top(loss: ModelLoss) -> float:
    return _top(_condlab(loss))


def _top(H: np.ndarray) -> float:
    return float(max(np.linalg.eigvalsh((H + H.T) / 2), key=abs))


def _functional(differentiate: Callable[..., Any]) -> Callable[[ModelLoss], np.ndarray]:
    def ask(loss: ModelLoss) -> np.ndarray:
        import torch

        named = {k: p.detach() for k, p in loss.module.named_parameters()}
        shapes = [p.shape for p in named.values()]
        sizes = [p.numel() for p in named.values()]
        flat = torch.cat([p.flatten() for p in named.values()])

        def value(x: Any) -> Any:
            parts = zip(named, x.split(sizes), shapes, strict=True)
            params = {k: part.reshape(shape) for k, part, shape in parts}
            out = torch.func.functional_call(loss.module, params, (loss.x,))
            return loss.criterion(out, loss.y)

        return differentiate(value, flat).detach().numpy()

    return ask


def _func_hessian(value: Any, flat: Any) -> Any:
    import torch

    return torch.func.hessian(value)(flat)


def _autograd_hessian(value: Any, flat: Any) -> Any:
    import torch

    return torch.autograd.functional.hessian(value, flat)


def _batches(loss: ModelLoss, size: int) -> list[tuple[Any, Any]]:
    return list(zip(loss.x.split(size), loss.y.split(size), strict=True))


def _columns(operator: Any, n: int) -> np.ndarray:
    import torch

    columns = [operator @ e for e in torch.eye(n, dtype=torch.float64)]
    return torch.stack(columns, dim=1).detach().numpy()


def _size(loss: ModelLoss) -> int:
    return sum(p.numel() for p in loss.module.parameters())


def _curvlinops(size: int) -> Callable[[ModelLoss], np.ndarray]:
    def ask(loss: ModelLoss) -> np.ndarray:
        from curvlinops import HessianLinearOperator

        params = list(loss.module.parameters())
        data = _batches(loss, size)
        H = HessianLinearOperator(loss.module, loss.criterion, params, data)
        return _columns(H, _size(loss))

    return ask


def _eigenthings_operator(loss: ModelLoss, **options: Any) -> Any:
    from hessian_eigenthings import HessianOperator
    from hessian_eigenthings.loss_fns import supervised_loss

    data = [(loss.x, loss.y)]
    return HessianOperator(
        loss.module, data, supervised_loss(loss.criterion), **options
    )


def _eigenthings(**options: Any) -> Callable[[ModelLoss], np.ndarray]:
    def ask(loss: ModelLoss) -> np.ndarray:
        return _columns(_eigenthings_operator(loss, **options), _size(loss))

    return ask


def _eigenthings_top(loss: ModelLoss) -> Answer:
    from hessian_eigenthings import lanczos

    k = min(5, _size(loss) - 1)
    found = lanczos(_eigenthings_operator(loss), k=k, seed=SEED)
    flag = "" if bool(found.converged[0]) else "not converged"
    return Answer(float(found.eigenvalues[0]), flag)


def _pyhessian_top(loss: ModelLoss) -> float:
    import torch
    from pyhessian import hessian

    torch.manual_seed(SEED)
    data = (loss.x, loss.y)
    found = hessian(loss.module, loss.criterion, data=data, cuda=False)
    return float(found.eigenvalues()[0][0])


def _backpack(loss: ModelLoss) -> np.ndarray:
    import torch
    from backpack import backpack, extend
    from backpack.extensions import DiagHessian

    if loss.x.is_floating_point():  # else a hook of torch warns, whatever the loss
        loss.x.requires_grad_()
    module, criterion = extend(loss.module), extend(loss.criterion)
    with backpack(DiagHessian()):
        criterion(module(loss.x), loss.y).backward()
    parts = [p.diag_h.flatten() for p in loss.module.parameters()]
    return torch.cat(parts).detach().numpy()


def _diagonal(ask: Callable[[ModelLoss], np.ndarray]) -> Callable[[ModelLoss], Any]:
    return lambda loss: np.diag(ask(loss)).copy()


TWICE = Promise(
    "second derivatives; taken to mean twelve digits", "its docstring", relative=1e-12
)
INSTEAD = "condlab.curvature.HessianOperator, which tries several ways and compares"
_func, _auto = _functional(_func_hessian), _functional(_autograd_hessian)
SUBJECTS = (
    Subject(
        "condlab.curvature.HessianOperator",
        "condlab",
        "torch",
        {
            "hessian": _condlab_formula,
            "hessian_layer": _condlab,
            "hessian_diag": _diagonal(_condlab),
            "hessian_top": _condlab_top,
        },
        Promise(
            "products that differences of the gradient agree with; taken to mean "
            "twelve digits and its `noise`",
            "its docstring",
            relative=1e-12,
        ),
        "nothing failed",
    ),
    Subject(
        "torch.func.hessian",
        "torch",
        "torch",
        {
            "hessian": _torch_func,
            "hessian_layer": _func,
            "hessian_diag": _diagonal(_func),
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
            "hessian_diag": _diagonal(_auto),
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
        {"hessian_layer": _curvlinops(3), "hessian_diag": _diagonal(_curvlinops(3))},
        TWICE,
        INSTEAD,
    ),
    Subject(
        "curvlinops.HessianLinearOperator, two batches",
        "curvlinops-for-pytorch",
        "curvlinops",
        {"hessian_layer": _curvlinops(2)},
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
        {"hessian_layer": _eigenthings(), "hessian_top": _eigenthings_top},
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
        {"hessian_layer": _eigenthings(microbatch_size=2)},
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
        {"hessian_layer": _eigenthings(method="finite_difference")},
        Promise("errors of eps^2; 1e-6 in float64", "its docstring", relative=1e-6),
        'method="autograd"',
    ),
    Subject(
        "pyhessian.hessian.eigenvalues",
        "PyHessian",
        "pyhessian",
        {"hessian_top": _pyhessian_top},
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
        {"hessian_diag": _backpack},
        Promise("the exact diagonal, or an error", "its docstring", relative=1e-12),
        INSTEAD,
    ),
)
