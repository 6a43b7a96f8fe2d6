"""Losses as pure functions of the parameters, and the check that they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.dropout import _DropoutNd
from torch.utils._pytree import tree_leaves

Params = Mapping[str, Tensor]
Loss = Callable[[dict[str, Tensor], Any], Tensor]


@dataclass(frozen=True, slots=True)
class ModelLoss:
    """Loss of a model's outputs: the two halves that a Gauss-Newton matrix needs.

    Parameters
    ----------
    outputs : callable
        ``outputs(params, batch)`` gives a tensor.
    criterion : callable
        ``criterion(outputs, batch)`` gives a scalar, the mean over the batch.
    module : torch.nn.Module or None
        Where the outputs come from, so that what it changes can be seen.

    Examples
    --------
    >>> loss = ModelLoss(lambda p, x: x @ p["w"], lambda z, x: z.square().mean())
    >>> loss({"w": torch.ones(2)}, torch.tensor([[1.0, 2.0]]))
    tensor(9.)
    """

    outputs: Callable[[dict[str, Tensor], Any], Tensor]
    criterion: Callable[[Tensor, Any], Tensor]
    module: nn.Module | None = None

    def __call__(self, params: dict[str, Tensor], batch: Any) -> Tensor:
        """Return the loss of a batch, a scalar."""
        return self.criterion(self.outputs(params, batch), batch)


def make_loss(
    module: nn.Module, criterion: Callable[[Tensor, Any], Tensor]
) -> ModelLoss:
    """Return ``loss(params, batch)`` of a module and a criterion.

    Parameters
    ----------
    module : torch.nn.Module
        Not changed. Parameters that `params` does not name keep the values that the
        module has when the loss is computed. Put it in eval mode first where it has
        dropout or batch normalisation.
    criterion : callable
        ``criterion(outputs, targets)``, the mean over a batch, such as
        ``torch.nn.CrossEntropyLoss()``.

    Returns
    -------
    ModelLoss
        A batch is a pair of inputs and targets; inputs are a tensor, a tuple of
        positional or a dict of keyword arguments.

    Examples
    --------
    >>> loss = make_loss(nn.Linear(2, 1, bias=False), nn.MSELoss())
    >>> batch = torch.tensor([[1.0, 2.0]]), torch.tensor([[5.0]])
    >>> loss({"weight": torch.ones(1, 2)}, batch)
    tensor(4.)
    """

    def outputs(params: dict[str, Tensor], batch: Any) -> Tensor:
        inputs, _ = _pair(batch)
        if isinstance(inputs, dict):
            return functional_call(module, params, (), inputs)
        args = inputs if isinstance(inputs, tuple) else (inputs,)
        return functional_call(module, params, args)

    def scored(predictions: Tensor, batch: Any) -> Tensor:
        return criterion(predictions, _pair(batch)[1])

    return ModelLoss(outputs, scored, module)


def _pair(batch: Any) -> tuple[Any, Any]:
    if not isinstance(batch, (tuple, list)) or len(batch) != 2:
        kind = type(batch).__name__
        raise ValueError(
            f"a batch must be a pair (inputs, targets), got {kind}; write a loss of "
            "your own as loss(params, batch) for other batches"
        )
    return batch[0], batch[1]


def hold(loss: Loss, held: Params) -> Loss:
    """Return the loss as a function of the parameters that are not held."""
    if not held:
        return loss
    if isinstance(loss, ModelLoss):
        inner = loss.outputs
        return replace(loss, outputs=lambda p, batch: inner({**held, **p}, batch))
    return lambda p, batch: loss({**held, **p}, batch)


def require_deterministic(
    loss: Loss,
    gradient: Callable[[], tuple[Tensor, Tensor]],
) -> None:
    """Raise ValueError unless two evaluations agree and change no buffer.

    `gradient` computes the loss of one batch and its gradient, shape (n,). They may
    differ by the square root of the rounding unit: a GPU adds in no fixed order.
    """
    module = loss.module if isinstance(loss, ModelLoss) else None
    before = _buffers(module)
    (first, g), (second, h) = gradient(), gradient()
    changed = [name for name, old in before.items() if not _same(module, name, old)]
    if changed and module is not None:
        _restore(module, before)
        raise ValueError(
            f"the loss must not change the module, but evaluating it writes to the "
            f"buffer {changed[0]}, as batch normalisation does in training mode; call "
            "module.eval() first"
        )
    tolerance = torch.finfo(g.dtype).eps ** 0.5
    moved = float((g - h).norm()) > tolerance * float(g.norm() + h.norm())
    if moved or abs(float(first - second)) > tolerance * abs(float(first)):
        raise ValueError(
            f"two evaluations of the loss on one batch must agree, got {float(first)} "
            f"and {float(second)} with different gradients{_culprit(module)}"
        )


def _culprit(module: nn.Module | None) -> str:
    layers = module.named_modules() if module is not None else ()
    for name, layer in layers:
        if isinstance(layer, _DropoutNd) and layer.training and layer.p > 0:
            return f": {name or 'the module'} drops units; call module.eval() first"
    return "; fix what it draws at random (dropout, noise, sampling) beforehand"


def _buffers(module: nn.Module | None) -> dict[str, Tensor]:
    if module is None:
        return {}
    return {name: b.detach().clone() for name, b in module.named_buffers()}


def _same(module: nn.Module | None, name: str, old: Tensor) -> bool:
    return module is None or torch.equal(module.get_buffer(name), old)


def _restore(module: nn.Module, before: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, old in before.items():
            module.get_buffer(name).copy_(old)


def batch_size(batch: Any) -> int:
    """Return the length of the first axis of a batch's first tensor."""
    for leaf in tree_leaves(batch):
        if isinstance(leaf, Tensor) and leaf.ndim:
            return len(leaf)
    raise ValueError(
        "the size of a batch is read off its first tensor, and it has none; give "
        "weights=[...], one for each batch"
    )
