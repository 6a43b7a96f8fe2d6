"""How libraries of torch are asked for the Hessian of a module's loss."""

from __future__ import annotations

from collections.abc import Callable
from operator import matmul
from typing import TYPE_CHECKING

import numpy as np

from condlab.audit.asking import asked
from condlab.audit.catalogue.model_loss import ModelLoss
from condlab.audit.model import Answer

if TYPE_CHECKING:
    from curvlinops import HessianLinearOperator
    from hessian_eigenthings import HessianOperator as EigenthingsOperator
    from torch import Tensor

    Law = Callable[[Tensor], Tensor]  # the loss, of a flat vector of parameters

SEED = 0


def condlab_matrix(loss: ModelLoss) -> np.ndarray:
    """Return condlab's Hessian."""
    from condlab.curvature import HessianOperator, make_loss

    params = {k: p.detach() for k, p in loss.module.named_parameters()}
    batches = [(loss.x, loss.y)]
    value = make_loss(loss.module, loss.criterion)
    H = asked(HessianOperator, value, params, batches)
    return asked(H.dense).numpy()


def condlab_top(loss: ModelLoss) -> float:
    """Return the eigenvalue of it that is largest in absolute value."""
    return _top(condlab_matrix(loss))


def _top(H: np.ndarray) -> float:
    return float(max(np.linalg.eigvalsh((H + H.T) / 2), key=abs))


def functional(
    differentiate: Callable[[Law, Tensor], Tensor],
) -> Callable[[ModelLoss], np.ndarray]:
    """Return what a function of a flat vector of parameters is differentiated by."""

    def ask(loss: ModelLoss) -> np.ndarray:
        import torch

        named = {k: p.detach() for k, p in loss.module.named_parameters()}
        shapes = [p.shape for p in named.values()]
        sizes = [p.numel() for p in named.values()]
        flat = torch.cat([p.flatten() for p in named.values()])

        def value(x: Tensor) -> Tensor:
            parts = zip(named, x.split(sizes), shapes, strict=True)
            params = {k: part.reshape(shape) for k, part, shape in parts}
            out = torch.func.functional_call(loss.module, params, (loss.x,))
            return loss.criterion(out, loss.y)

        return differentiate(value, flat).detach().numpy()

    return ask


def func_hessian(value: Law, flat: Tensor) -> Tensor:
    """Differentiate by torch.func."""
    import torch

    return asked(torch.func.hessian(value), flat)


def autograd_hessian(value: Law, flat: Tensor) -> Tensor:
    """Differentiate by torch.autograd.functional."""
    import torch

    return asked(torch.autograd.functional.hessian, value, flat)


def _batches(loss: ModelLoss, size: int) -> list[tuple[Tensor, Tensor]]:
    return list(zip(loss.x.split(size), loss.y.split(size), strict=True))


def _columns(
    operator: HessianLinearOperator | EigenthingsOperator, n: int
) -> np.ndarray:
    import torch

    units = torch.eye(n, dtype=torch.float64)
    columns = [asked(matmul, operator, e) for e in units]
    return torch.stack(columns, dim=1).detach().numpy()


def _size(loss: ModelLoss) -> int:
    return sum(p.numel() for p in loss.module.parameters())


def curvlinops_matrix(size: int) -> Callable[[ModelLoss], np.ndarray]:
    """Return what multiplies with all unit vectors, in batches of a size."""

    def ask(loss: ModelLoss) -> np.ndarray:
        from curvlinops import HessianLinearOperator

        params = list(loss.module.parameters())
        data = _batches(loss, size)
        H = asked(HessianLinearOperator, loss.module, loss.criterion, params, data)
        return _columns(H, _size(loss))

    return ask


def _eigenthings_operator(loss: ModelLoss, **options: object) -> EigenthingsOperator:
    from hessian_eigenthings import HessianOperator
    from hessian_eigenthings.loss_fns import supervised_loss

    data, value = [(loss.x, loss.y)], supervised_loss(loss.criterion)
    return asked(HessianOperator, loss.module, data, value, **options)


def eigenthings_matrix(**options: object) -> Callable[[ModelLoss], np.ndarray]:
    """Return what multiplies with all unit vectors."""

    def ask(loss: ModelLoss) -> np.ndarray:
        return _columns(_eigenthings_operator(loss, **options), _size(loss))

    return ask


def eigenthings_top(loss: ModelLoss) -> Answer:
    """Return the largest Ritz value, and whether it has converged."""
    from hessian_eigenthings import lanczos

    k = min(5, _size(loss) - 1)
    found = asked(lanczos, _eigenthings_operator(loss), k=k, seed=SEED)
    flag = "" if bool(found.converged[0]) else "not converged"
    return Answer(float(found.eigenvalues[0]), flag)


def pyhessian_top(loss: ModelLoss) -> float:
    """Return PyHessian's top eigenvalue."""
    import torch
    from pyhessian import hessian

    torch.manual_seed(SEED)
    data = (loss.x, loss.y)
    found = asked(hessian, loss.module, loss.criterion, data=data, cuda=False)
    return float(asked(found.eigenvalues)[0][0])


def backpack_diagonal(loss: ModelLoss) -> np.ndarray:
    """Return BackPACK's diagonal, laid end to end."""
    import torch
    from backpack import backpack, extend
    from backpack.extensions import DiagHessian

    if loss.x.is_floating_point():  # else a hook of torch warns, whatever the loss
        loss.x.requires_grad_()
    module, criterion = (asked(extend, part) for part in (loss.module, loss.criterion))
    with backpack(DiagHessian()):
        asked(lambda: criterion(module(loss.x), loss.y).backward())
    parts = [vars(p)["diag_h"].flatten() for p in loss.module.parameters()]
    return torch.cat(parts).detach().numpy()


def diagonal(
    ask: Callable[[ModelLoss], np.ndarray],
) -> Callable[[ModelLoss], np.ndarray]:
    """Return what takes the diagonal of a matrix."""
    return lambda loss: np.diag(ask(loss)).copy()
