"""Rows over several processes, each of which keeps some columns of all of them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import torch
from torch import Tensor

from condlab.machine.ranks import ALONE, Ranks
from condlab.spectra.storage.rows import DiskRows, Rows


class SharedRows(Rows):
    """Rows of which each process keeps some columns, in memory or on disk.

    Each gives and takes whole rows; what is written for one process here is of its
    columns, and sums and rows are of all.
    """

    def __init__(self, own: Rows, length: int, ranks: Ranks) -> None:
        self.own, self._ranks, self._columns = own, ranks, ranks.columns(length)
        self.count, self.length = own.count, length
        self.dtype, self.device = own.dtype, own.device

    def __getitem__(self, places: slice) -> Tensor:
        """Return some rows, of all processes' columns."""
        return self._ranks.side_by_side(self.own[places], self.length)

    def __setitem__(self, places: slice, rows: Tensor) -> None:
        self.own[places] = rows[:, self._columns]

    def columns(self, first: int, last: int, k: int) -> Tensor:
        """Return own columns first to last of the first k rows."""
        return self.own.columns(first, last, k)

    def widths(self, k: int) -> Iterator[tuple[int, int]]:
        """Yield first and last of own columns, to read the first k rows in parts."""
        return self.own.widths(k)

    def combined(self, coefficients: Tensor) -> Tensor:
        """Return combinations of the first rows, shape (m, length), from (m, k)."""
        return self._ranks.side_by_side(self.own.combined(coefficients), self.length)

    def products(self, B: Tensor, k: int) -> Tensor:
        """Return the first k rows times B', shape (k, m), of B of shape (m, length)."""
        return self._ranks.total(self.own.products(B[:, self._columns], k))

    def remove(self, B: Tensor, k: int) -> Tensor:
        """Return B, shape (m, length), less what the first k orthonormal rows span."""
        return self.separate(B, k)[0]

    def separate(self, B: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Return what `remove` does, and `products` of B."""
        C = self.products(B, k)
        left = B[:, self._columns] - self.own.combined(C.T)
        return self._ranks.side_by_side(left, self.length), C

    def replace(self, S: Tensor) -> None:
        """Put combinations of the first k rows, coefficients (m, k), in their place."""
        self.own.replace(S)


def room_for(
    count: int,
    length: int,
    dtype: torch.dtype,
    device: torch.device,
    folder: str | os.PathLike[str] | None,
    ranks: Ranks = ALONE,
) -> Rows:
    """Return room for rows: in memory, or in a file that goes with them.

    Several processes keep some columns each.
    """
    if ranks.count > 1:
        part = ranks.columns(length)
        width = part.stop - part.start
        own = ranks.together(lambda: room_for(count, width, dtype, device, folder))
        return SharedRows(own, length, ranks)
    if folder is None:
        return Rows(count, length, dtype, device)
    return DiskRows(count, length, dtype, device, folder)
