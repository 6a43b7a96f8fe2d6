"""What the symmetries and gauges of a loss ask of an operator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeGuard, Unpack

from torch import Tensor

from condlab.curvature.evaluation._parameters import Flat
from condlab.curvature.operators._point import Point
from condlab.spectra._operator import Operator, PlacedOperator
from condlab.spectra.assembly import AssemblyOptions


class OverParameters(PlacedOperator, Protocol):
    """Matrix of derivatives at the parameters of a loss, of one process or several."""

    @property
    def params(self) -> dict[str, Tensor]:
        """Return the point where the matrix is taken, detached."""

    @property
    def layout(self) -> Flat:
        """Return names, shapes and places of the parameters within a vector."""

    def flatten(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """Return tensors of the parameters' shapes as one vector, shape (n,)."""

    def unflatten(self, v: Tensor) -> dict[str, Tensor]:
        """Return a vector, shape (n,), as tensors of the parameters' shapes."""

    def gradient(self) -> Tensor:
        """Return the gradient of the loss, shape (n,)."""

    def dense(self, **options: Unpack[AssemblyOptions]) -> Tensor:
        """Return the matrix, shape (n, n)."""


class AtPoint(OverParameters, Protocol):
    """Such a matrix whose loss and batches are in this process."""

    @property
    def point(self) -> Point:
        """Return the loss, the parameters and the batches."""


def is_over_parameters(H: Operator) -> TypeGuard[OverParameters]:
    """Tell whether an operator has a point at all."""
    return hasattr(H, "params")
