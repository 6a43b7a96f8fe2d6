"""A module of torch with a criterion and one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


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

    module: Any
    criterion: Any
    x: Any
    y: Any


def with_parameters(module: Any, values: Sequence[float]) -> Any:
    """Return the module in float64 with these parameters, in its own order."""
    import torch

    module = module.double()
    with torch.no_grad():
        torch.nn.utils.vector_to_parameters(
            torch.tensor(values, dtype=torch.float64), module.parameters()
        )
    return module


def tensor(rows: Any, dtype: str = "float64") -> Any:
    """Return rows of numbers as a tensor."""
    import torch

    return torch.tensor(rows, dtype=getattr(torch, dtype))
