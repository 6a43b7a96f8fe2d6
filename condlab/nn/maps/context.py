"""What torch hands a custom function from its forward pass to its derivatives."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Context(Protocol):
    """Tensors that are kept; what else is kept, a function's own context names."""

    @property
    def saved_tensors(self) -> tuple[Tensor, ...]:
        """Return what was saved, in that order."""

    def save_for_backward(self, *tensors: Tensor) -> None:
        """Keep tensors for ``backward``."""

    def save_for_forward(self, *tensors: Tensor) -> None:
        """Keep tensors for ``jvp``."""

    def set_materialize_grads(self, value: bool) -> None:
        """Choose between zeros and None for gradients that are not there."""
