"""Batches that are read again for every product, with their weights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from condlab.curvature.losses import batch_size

Fingerprint = tuple[tuple[tuple[int, ...], float], ...]


class Data:
    """Batches with weights that sum to one; a batch counts by its size by default.

    A list is read as it is. Anything else, such as a data loader, is read anew each
    time, and must give the same batches in the same order.
    """

    def __init__(
        self, batches: Iterable[Any], weights: Sequence[float] | None = None
    ) -> None:
        _require_batches(batches)
        self._batches = batches
        fixed = isinstance(batches, (list, tuple))
        sizes, prints = [], []
        for batch in batches:
            sizes.append(batch_size(batch) if weights is None else 1)
            prints.append(() if fixed else fingerprint(batch))
        if not sizes:
            raise ValueError("at least one batch is needed, got none")
        self._prints = None if fixed else prints
        self.weights = _normalised(sizes if weights is None else weights, len(sizes))
        self.first = next(iter(batches))
        if not fixed:
            self._require_same(0, self.first)

    def __len__(self) -> int:
        return len(self.weights)

    def __iter__(self) -> Iterator[tuple[int, Any, float]]:
        count = 0
        for i, batch in enumerate(self._batches):
            self._require_same(i, batch)
            yield i, batch, self.weights[i]
            count += 1
        if count < len(self):
            raise ValueError(_CHANGED.format(f"{count} batches, {len(self)} before"))

    def _require_same(self, i: int, batch: Any) -> None:
        if self._prints is None:
            return
        if i >= len(self) or fingerprint(batch) != self._prints[i]:
            raise ValueError(_CHANGED.format(f"another batch {i}"))


_CHANGED = (
    "the batches must be the same each time they are read, got {} on reading them "
    "again; turn off shuffling and random augmentation, or give list(batches)"
)


def fingerprint(batch: Any) -> Fingerprint:
    """Return shapes and sums that tell one batch from another."""
    leaves = [leaf for leaf in tree_leaves(batch) if isinstance(leaf, Tensor)]
    return tuple((tuple(leaf.shape), _weighted_sum(leaf)) for leaf in leaves)


def _weighted_sum(x: Tensor) -> float:
    """Return a sum that a change of order changes too."""
    flat = x.detach().reshape(-1).to(torch.float64)
    places = torch.arange(1, len(flat) + 1, dtype=torch.float64, device=x.device)
    return float(flat @ places.sqrt())


def _require_batches(batches: Any) -> None:
    if isinstance(batches, Tensor) or (
        isinstance(batches, tuple) and all(isinstance(b, Tensor) for b in batches)
    ):
        raise ValueError(
            f"batches must be a list of batches, got one {type(batches).__name__} of "
            "tensors; a single batch is [batch]"
        )
    if not isinstance(batches, Iterable) or isinstance(batches, Iterator):
        raise ValueError(  # noqa: TRY004
            "batches must be a list, or a data loader that can be read again, got "
            f"{type(batches).__name__}; give list(batches)"
        )


def _normalised(weights: Sequence[float], count: int) -> tuple[float, ...]:
    values = [float(w) for w in weights]
    if len(values) != count:
        raise ValueError(
            f"one weight a batch is needed, got {len(values)} for {count} batches"
        )
    if not all(math.isfinite(w) and w >= 0 for w in values) or sum(values) == 0:
        raise ValueError(
            f"weights must be finite, not negative and not all 0, got {values}"
        )
    total = math.fsum(values)
    return tuple(w / total for w in values)
