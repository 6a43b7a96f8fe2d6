"""What the functions of this package ask of an operator."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class Operator(Protocol):
    """Matrix known by its products: an operator of curvature, a tensor, a `LinearMap`.

    One may have more, which is looked for by name: a ``device`` other than the CPU,
    the ``noise`` of its products, the ``ranks`` of several processes.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (m, n); most functions need both to be the same."""

    @property
    def dtype(self) -> torch.dtype:
        """Return that of the vectors it takes and gives."""

    def __matmul__(self, V: Tensor, /) -> Tensor:
        """Return the product with a matrix, shape (n, k)."""
