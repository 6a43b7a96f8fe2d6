"""What is asked of a symmetric operator: a shape, a type, and products."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class Operator(Protocol):
    """Operator of shape (n, n) on vectors and matrices of torch, such as a tensor."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The numbers of rows and columns."""

    @property
    def dtype(self) -> torch.dtype:
        """The type of its vectors."""

    def __matmul__(self, X: Tensor, /) -> Tensor:
        """Return the product with X."""


class PlacedOperator(Operator, Protocol):
    """Operator that says where it takes its vectors."""

    @property
    def device(self) -> torch.device:
        """Where its vectors are."""
