"""Ways in which one parameter moves under a family of motions.

Each is an affine field A W + b, a sum over generators with given coefficients, and
knows the transpose of its linear part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from condlab.nn.layout import Layout


class Term(Protocol):
    """The part of a family that moves one parameter, linear in the coefficients."""

    @property
    def name(self) -> str:
        """Return the name of the parameter."""

    def field(self, c: Tensor, W: Tensor) -> Tensor:
        """Return the sum of c_i (A_i W + b_i)."""

    def adjoint(self, c: Tensor, G: Tensor) -> Tensor:
        """Return the sum of c_i A_i' G."""


STILL = -1


@dataclass(frozen=True, slots=True, eq=False)
class Shift:
    """Entries with the same number move together, by the coefficient of that number.

    Those numbered `STILL` do not move. `factors`, shaped to multiply the parameter, say
    how far each moves: that of a weight which is divided by constants is not one.
    """

    name: str
    numbers: Tensor
    factors: Tensor | None = None

    def field(self, c: Tensor, W: Tensor) -> Tensor:  # noqa: ARG002
        """Return the coefficients where they belong."""
        numbers = self.numbers.to(c.device)
        moved = torch.where(numbers == STILL, 0, c[numbers])
        return moved if self.factors is None else moved * self.factors.to(c)

    def adjoint(self, c: Tensor, G: Tensor) -> Tensor:  # noqa: ARG002
        """Return zero: a shift does not depend on the point."""
        return torch.zeros_like(G)


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Entries with the same number grow together, or shrink where the sign is -1."""

    name: str
    numbers: Tensor
    sign: int = 1

    def field(self, c: Tensor, W: Tensor) -> Tensor:
        """Return the entries times their coefficients."""
        return self.sign * c[self.numbers.to(c.device)] * W

    def adjoint(self, c: Tensor, G: Tensor) -> Tensor:
        """Return the same: a scaling is its own transpose."""
        return self.field(c, G)


@dataclass(frozen=True, slots=True, eq=False)
class Mix:
    """Within each head, C X on the left of some rows, or -C'X, or -X C of columns.

    `part` is the slice of rows that the heads share out; None takes the columns. What
    has as many entries as rows, such as a bias, is one column.
    """

    name: str
    heads: int
    part: slice | None
    inverse: bool = False

    def field(self, c: Tensor, W: Tensor) -> Tensor:
        """Return C X, or -C'X or -X C."""
        return self._apply(self._matrices(c), W)

    def adjoint(self, c: Tensor, G: Tensor) -> Tensor:
        """Return C'G, or -C G or -G C'."""
        return self._apply(self._matrices(c).mT, G)

    def _matrices(self, c: Tensor) -> Tensor:
        d = round((len(c) // self.heads) ** 0.5)
        return c.view(self.heads, d, d)

    def _apply(self, C: Tensor, W: Tensor) -> Tensor:
        if self.part is None:
            X = W.unflatten(1, (self.heads, -1))
            return -torch.einsum("ohd,hde->ohe", X, C).flatten(1)
        rows = W if W.ndim < 3 else W.reshape(-1)
        X = rows[self.part].reshape(self.heads, C.shape[1], -1)
        moved = torch.zeros_like(rows)
        mixed = -C.mT @ X if self.inverse else C @ X
        moved[self.part] = mixed.reshape(rows[self.part].shape)
        return moved.view_as(W)


def line_numbers(
    W: Tensor, layout: Layout | None = None, *, columns: bool = False
) -> Tensor:
    """Return for each entry of a weight the number of its row, or of its column.

    Examples
    --------
    >>> line_numbers(torch.zeros(2, 3))
    tensor([[0, 0, 0],
            [1, 1, 1]])
    """
    layout = layout or Layout()
    B = layout.split(W)
    along = layout.column_axes if columns else layout.row_axes(W)
    return layout.merge(numbered(B.shape, along))


def numbered(shape: Sequence[int], along: Sequence[int]) -> Tensor:
    """Return the numbers of the lines that run along some axes, for each entry."""
    lines = [1 if axis in along else n for axis, n in enumerate(shape)]
    return torch.arange(torch.Size(lines).numel()).reshape(lines).expand(*shape)
