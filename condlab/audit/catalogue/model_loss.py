"""A module of torch with a criterion and one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class ModelLoss:
    """Module in float64, with a criterion and one batch.

    Parameters
    ----------
    module : torch.nn.Module
    criterion : callable
        ``criterion(module(x), y)`` is the loss, a mean over samples.
    x, y : Tensor
        Inputs and targets.
    """

    module: nn.Module
    criterion: Callable[[Tensor, Tensor], Tensor]
    x: Tensor
    y: Tensor


def with_parameters(module: nn.Module, values: Sequence[float]) -> nn.Module:
    """Return the module in float64 with these parameters, in its own order."""
    import torch

    module = module.double()
    with torch.no_grad():
        torch.nn.utils.vector_to_parameters(
            torch.tensor(values, dtype=torch.float64), module.parameters()
        )
    return module


def tensor(rows: Sequence[object], dtype: str = "float64") -> Tensor:
    """Return rows of numbers as a tensor."""
    import torch

    return torch.tensor(rows, dtype=getattr(torch, dtype))
