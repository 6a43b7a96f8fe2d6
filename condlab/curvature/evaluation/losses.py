"""Losses as pure functions of the parameters, and the check that they are."""

from __future__ import annotations

import contextlib
import inspect
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.func import functional_call

from condlab.curvature.evaluation._trees import Structure, tensors

Params = Mapping[str, Tensor]
Batch = Structure  # what it is, is between a loss and its caller
Loss = Callable[[dict[str, Tensor], Batch], Tensor]
Criterion = Callable[[Structure, Structure], Tensor]  # of outputs and targets


@dataclass(frozen=True, slots=True)
class ModelLoss:
    """Loss of a model's outputs: the two halves that a Gauss-Newton matrix needs.

    Parameters
    ----------
    outputs : callable
        ``outputs(params, batch)`` gives a tensor, or a structure of tensors: a tuple, a
        mapping, a dataclass.
    criterion : callable
        ``criterion(outputs, batch)`` gives a scalar, a mean or a sum over the batch.
    module : torch.nn.Module or None
        Where the outputs come from, so that what it changes can be seen.

    Examples
    --------
    >>> loss = ModelLoss(lambda p, x: x @ p["w"], lambda z, x: z.square().mean())
    >>> loss({"w": torch.ones(2)}, torch.tensor([[1.0, 2.0]]))
    tensor(9.)
    """

    outputs: Callable[[dict[str, Tensor], Batch], Structure]
    criterion: Callable[[Structure, Batch], Tensor]
    module: nn.Module | None = None

    def __call__(self, params: dict[str, Tensor], batch: Batch) -> Tensor:
        """Return the loss of a batch, a scalar."""
        return self.criterion(self.outputs(params, batch), batch)


def make_loss(module: nn.Module, criterion: Criterion) -> ModelLoss:
    """Return ``loss(params, batch)`` of a module and a criterion.

    Parameters
    ----------
    module : torch.nn.Module
        Not changed. Parameters that `params` does not name keep the values that the
        module has when the loss is computed. Put it in eval mode first where it has
        dropout or batch normalisation.
    criterion : callable
        ``criterion(outputs, targets)``, a mean or a sum over a batch, such as
        ``torch.nn.CrossEntropyLoss()`` or, for a model whose outputs are a structure,
        ``lambda out, y: cross_entropy(out.logits, y)``.

    Returns
    -------
    ModelLoss
        A batch is a pair of inputs and targets; inputs are a tensor, a tuple of
        positional or a mapping of keyword arguments, or a mapping that the module takes
        whole; targets are what the criterion takes.

    Examples
    --------
    >>> loss = make_loss(nn.Linear(2, 1, bias=False), nn.MSELoss())
    >>> batch = torch.tensor([[1.0, 2.0]]), torch.tensor([[5.0]])
    >>> loss({"weight": torch.ones(1, 2)}, batch)
    tensor(4.)
    """
    _require_open(module)

    def outputs(params: dict[str, Tensor], batch: Batch) -> Structure:
        args, kwargs = _arguments(module, _pair(batch)[0])
        return _call(module, params, args, kwargs)

    def scored(predictions: Structure, batch: Batch) -> Tensor:
        return criterion(predictions, _pair(batch)[1])

    return ModelLoss(outputs, scored, module)


def _require_open(module: nn.Module) -> None:
    """Raise ValueError if torch cannot call a module with other parameters."""
    if isinstance(module, nn.DataParallel):
        raise ValueError(  # noqa: TRY004
            "the module must take other parameters than its own, and nn.DataParallel "
            "copies its own to each device; pass the module within, module.module"
        )
    if isinstance(module, torch.jit.ScriptModule):
        raise ValueError(  # noqa: TRY004
            "the module must take other parameters than its own, and one compiled by "
            "torch.jit does not; pass the module that it was made of"
        )


def _arguments(
    module: nn.Module, inputs: Structure
) -> tuple[tuple[object, ...], dict[str, object]]:
    """Return positional and keyword arguments; a mapping is one or the other."""
    if not isinstance(inputs, Mapping):
        return (inputs if isinstance(inputs, tuple) else (inputs,)), {}
    by_name = all(isinstance(key, str) for key in inputs)
    if not (by_name and _takes(module, (), dict(inputs))) and _takes(
        module, (inputs,), {}
    ):
        return (inputs,), {}  # the model looks its inputs up in the mapping itself
    return (), dict(inputs)


def _takes(
    module: nn.Module, args: tuple[object, ...], kwargs: dict[str, object]
) -> bool:
    with contextlib.suppress(TypeError, ValueError):  # compiled code may not tell
        inspect.signature(module.forward).bind(*args, **kwargs)
        return True
    return False


def _call(
    module: nn.Module,
    params: dict[str, Tensor],
    args: tuple[object, ...],
    kwargs: dict[str, object],
) -> Structure:
    """Return what a module gives with other parameters in the place of its own."""
    return functional_call(module, params, args, kwargs)


def _pair(batch: Batch) -> tuple[Structure, Structure]:
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
    return moved(loss, lambda params: {**held, **params})


def moved(loss: Loss, move: Callable[[Params], dict[str, Tensor]]) -> Loss:
    """Return the loss as a function of what moves to its parameters."""
    if isinstance(loss, ModelLoss):
        inner = loss.outputs
        return replace(loss, outputs=lambda p, batch: inner(move(p), batch))
    return lambda p, batch: loss(move(p), batch)


def batch_size(batch: Batch, axis: int = 0) -> int:
    """Return how many samples a batch has along an axis.

    It is the length that most of its tensors share, and of lengths that are as frequent
    the largest: a mask that holds for all samples has an axis of length 1. On another
    axis, that of recurrent networks, it is the length of the first tensor that has it.
    """
    found = [x.shape[axis] for x in tensors(batch) if x.ndim > axis]
    if found:
        lengths = Counter(found)
        return found[0] if axis else max(found, key=lambda n: (lengths[n], n))
    raise ValueError(
        "the size of a batch is read off its tensors, and it has none; give "
        "weights=[...], one for each batch"
    )
