"""Losses as pure functions of the parameters, and the check that they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch  # noqa: F401 - the doctests
from torch import Tensor, nn
from torch.func import functional_call
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


def batch_size(batch: Any) -> int:
    """Return the length of the first axis of a batch's first tensor."""
    for leaf in tree_leaves(batch):
        if isinstance(leaf, Tensor) and leaf.ndim:
            return len(leaf)
    raise ValueError(
        "the size of a batch is read off its first tensor, and it has none; give "
        "weights=[...], one for each batch"
    )
