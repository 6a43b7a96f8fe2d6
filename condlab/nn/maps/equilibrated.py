"""The map from stored to equilibrated weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Literal

import torch
from torch import Tensor, nn

from condlab.nn.layout import Layout
from condlab.nn.maps.owned import OwnedWeight
from condlab.nn.maps.unit import unit_lines
from condlab.nn.selection import Site, chain, sites

Method = Literal["row", "column", "row_column", "jacobi", "ruiz"]
Gain = Literal["row", "scalar"]


def conditioning_of(site: Site) -> Conditioning | None:
    """Return the parametrization that conditions a weight, or None."""
    maps = chain(site.module, site.tensor)
    return next((p for p in maps if isinstance(p, Conditioning)), None)


@contextlib.contextmanager
def pinned(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Keep frozen divisors as the first evaluation finds them, while the context lasts.

    A frozen scaling is a constant of the function that is differentiated, and so must
    be one in differences of it.
    """
    frozen = [m for m in modules if isinstance(m, Conditioning) and m.frozen]
    for module in frozen:
        module._pinned = []
    try:
        yield
    finally:
        for module in frozen:
            module._pinned = None


class Conditioning(OwnedWeight):
    """The map from a stored weight to the effective one, as `condition` registers it.

    Parameters
    ----------
    W : Tensor
        The weight as it is now.
    layout : Layout
        How it is seen as matrices.
    method, frozen, every, gain, sweeps
        As of `condition`; `gain` may be None.
    """

    def __init__(
        self,
        W: Tensor,
        layout: Layout,
        *,
        method: Method = "row",
        frozen: bool = False,
        every: int | None = 1,
        gain: Gain | None = None,
        sweeps: int = 5,
    ) -> None:
        super().__init__(layout)
        self.method, self.sweeps = method, sweeps
        self.frozen, self.every = frozen, every
        ones = torch.ones(layout.row_shape(W) if gain == "row" else (), dtype=W.dtype)
        self.gain = nn.Parameter(ones.to(W.device)) if gain else None
        self._steps = 0
        self._pinned: list[tuple[Tensor | None, Tensor | None]] | None = None
        self._stored = frozen and every != 1
        _, left, right = self._scale(W) if self._stored else (None, None, None)
        self.left: Tensor | None
        self.right: Tensor | None
        self.register_buffer("left", left)
        self.register_buffer("right", right)

    def extra_repr(self) -> str:
        """Return the options that are not at their defaults."""
        parts = [f"method={self.method!r}"]
        if self.frozen:
            parts.append(f"frozen=True, every={self.every}")
        return ", ".join(parts)

    def effective(self, W: Tensor) -> Tensor:
        """Return the effective weight, computed anew but for stored divisors."""
        B = self.layout.split(W)
        if self._stored:
            V = _divide(B, self.left, self.right)
        elif self.frozen:
            V = _divide(B, *self._divisors(W.detach()))
        else:
            V = self._scale(W)[0]
        return self.layout.merge(V if self.gain is None else V * self.gain)

    def repeatable(self) -> bool:
        """Tell whether the scaling is a function of the weight and the buffers."""
        return self._pinned is None

    def _divisors(self, W: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Return the divisors at W, or those that are pinned."""
        if self._pinned is None:
            return self._scale(W)[1:]
        if not self._pinned:
            self._pinned.append(self._scale(W)[1:])
        return self._pinned[0]

    def _scale(self, W: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Return the split weight scaled, and the divisors of rows and columns."""
        B = self.layout.split(W)
        rows, columns = self.layout.row_axes(W), self.layout.column_axes
        if self.method == "row":
            return (*self._unit_rows(W), None)
        if self.method == "column":
            V, right = unit_lines(B, columns)
            return V, None, right
        if self.method == "row_column":
            V, left = self._unit_rows(W)
            V, right = unit_lines(V, columns)
            return V, left, right
        if self.method == "jacobi":
            left = _or_one(self._diagonal(W))
            return B / left, left, None
        return _ruiz(B, rows, columns, self.sweeps)

    def _unit_rows(self, W: Tensor) -> tuple[Tensor, Tensor]:
        """Return the split weight with unit rows, and the rows' divisors."""
        split = self.layout.split
        if self.layout.output_axis == 1:
            return unit_lines(split(W), self.layout.row_axes(W))
        # Rows do not care for groups, and whole rows are what is fast.
        V, left = unit_lines(W, tuple(range(1 + self.layout.stacked, W.ndim)))
        return split(V), split(left)

    def _diagonal(self, W: Tensor) -> Tensor:
        """Return the diagonals of the matrices, shaped to divide the split weight."""
        diagonal = self.layout.matrices(W).diagonal(dim1=1, dim2=2)
        return diagonal.reshape(self.layout.row_shape(W))

    def follows_steps(self) -> bool:
        """Tell whether steps of optimisers move a stored scaling."""
        return self._stored and self.every is not None

    def step(self) -> None:
        """Count a step of the optimiser; at every k-th, scale anew."""
        self._steps += 1
        if self.every is not None and self._steps % self.every == 0:
            self.refresh()

    @torch.no_grad()
    def refresh(self) -> None:
        """Compute a stored scaling anew from the stored weight as it is now."""
        W = self.arriving() if self._stored else None
        if W is None:
            return
        _, left, right = self._scale(W)
        for stored, new in ((self.left, left), (self.right, right)):
            if stored is not None and new is not None:
                stored.copy_(new)


def _ruiz(
    B: Tensor, rows: tuple[int, ...], columns: tuple[int, ...], sweeps: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Divide by the roots of row and column peaks, both of the same iterate."""
    left = right = B.new_ones([1] * B.ndim)
    V = B
    for _ in range(sweeps):
        size = V.abs()
        left = left * _or_one(size.amax(rows, keepdim=True)).sqrt()
        right = right * _or_one(size.amax(columns, keepdim=True)).sqrt()
        V = B / left / right
    return V, left, right


def _or_one(divisor: Tensor) -> Tensor:
    return torch.where(divisor == 0, 1, divisor)


def _divide(B: Tensor, left: Tensor | None, right: Tensor | None) -> Tensor:
    V = B if left is None else B / left
    return (V if right is None else V / right).to(B.dtype)


def zero_line(module: nn.Module) -> str:
    """Return in words which line of zeros is scaled to length one, if there is one.

    There the effective weight has no limit, so that the loss has no derivative.
    """
    axes = {"row": (2, "row"), "row_column": (2, "row"), "column": (1, "column")}
    for site in sites(module):
        made = conditioning_of(site)
        if made is None or made.frozen or made.method not in axes:
            continue
        axis, kind = axes[made.method]
        zero = (site.layout.matrices(site.raw.detach()) == 0).all(axis).reshape(-1)
        if bool(zero.any()):
            return (
                f"{kind} {int(zero.nonzero()[0])} of {site.name} is zero and "
                "conditioned: moved from there it jumps to length one, so the loss has "
                "no derivative; fill it beforehand"
            )
    return ""


def is_square(site: Site) -> bool:
    """Tell whether each of a weight's matrices has as many rows as columns."""
    _, m, n = site.layout.matrices(site.weight.detach()).shape
    return m == n
