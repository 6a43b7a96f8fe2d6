"""Batches cut into parts along their samples, and joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from condlab.curvature.evaluation._trees import (
    Structure,
    map_tensors,
    take_apart,
    tensors,
)
from condlab.curvature.evaluation.losses import Batch, batch_size


@dataclass(frozen=True, slots=True)
class Parts:
    """A batch and what it is made of, with numbers of samples."""

    whole: Batch
    pieces: list[Batch]
    sizes: list[int]


def some(batch: Batch, first: int, last: int) -> Batch:
    """Return samples first to last of a batch, sharing its memory."""
    size = batch_size(batch)

    def pick(x: Tensor) -> Tensor:
        return x if _along(x, size, 0) is None else x[first:last]

    return map_tensors(pick, batch)


def cut(batch: Batch, other: Batch, axis: int, share: int) -> Parts | None:
    """Return a batch and two parts, one in `share` of its samples and the rest.

    Samples are put in the order of their integers first: so the parts differ in
    classes and in padding, and what counts these differently is seen. What does not
    run over samples must be the same in another batch, or it would belong to both.
    """
    size = batch_size(batch, axis)
    if size < 2 or not _common(batch, other, axis):
        return None
    order, sizes = _order(batch, size, axis), [size // share or 1]
    sizes.append(size - sizes[0])

    def part(places: Tensor) -> Batch:
        def pick(x: Tensor) -> Tensor:
            along = _along(x, size, axis)
            return x if along is None else x.index_select(along, places.to(x.device))

        return map_tensors(pick, batch)

    pieces = [part(places.sort().values) for places in order.split(sizes)]
    return Parts(batch, pieces, sizes)


def join(batches: Sequence[Batch], axis: int) -> Parts | None:
    """Return batches as one, None if they do not fit together."""
    sizes = [batch_size(batch, axis) for batch in batches]
    apart = [take_apart(batch)[0] for batch in batches]
    if any(not _common(batches[0], batch, axis) for batch in batches[1:]):
        return None
    leaves = []
    for same in zip(*apart, strict=True):
        along = [
            _along(x, n, axis) if isinstance(x, Tensor) else None
            for x, n in zip(same, sizes, strict=True)
        ]
        if along[0] is None:
            leaves.append(same[0])
        elif len({_rest(x, along[0]) for x in same}) > 1 or len(set(along)) > 1:
            return None
        else:
            leaves.append(torch.cat(same, dim=along[0]))
    return Parts(take_apart(batches[0])[1](leaves), list(batches), sizes)


def variety(batch: Batch) -> int:
    """Return how many kinds of samples there are, by their integers and weights."""
    size = batch_size(batch)
    lows, sums = _keys(batch, size, 0)
    rows = [lows, sums]
    rows += [x.detach().cpu().double() for x in tensors(batch) if x.shape == (size,)]
    return len(torch.stack(rows).unique(dim=1).T)


def sample_shapes(batch: Batch, axis: int) -> list[torch.Size]:
    """Return the shapes of one sample's targets."""
    size = batch_size(batch, axis)
    found = []
    for x in tensors(_targets_of(batch)):
        along = _along(x, size, axis)
        found.append(x.shape if along is None else _rest(x, along))
    return found


def _targets_of(batch: Batch) -> Structure:
    """Return the half of a pair, or the entries of a mapping, that are to be met."""
    if isinstance(batch, (tuple, list)) and len(batch) == 2:
        return batch[1]
    if isinstance(batch, Mapping):
        named = [batch[k] for k in batch if "label" in str(k) or "target" in str(k)]
        return named or batch
    return batch


def _common(batch: Batch, other: Batch, axis: int) -> bool:
    """Return whether tensors run over samples, and the rest is shared by batches."""
    ours, theirs = take_apart(batch)[0], take_apart(other)[0]
    size, runs = batch_size(batch, axis), 0
    if len(ours) != len(theirs):
        return False
    for x, y in zip(ours, theirs, strict=True):
        if isinstance(x, Tensor) and _along(x, size, axis) is not None:
            runs += 1
        elif isinstance(x, (Tensor, np.ndarray, int, float)) and not _same(x, y):
            return False
    return runs > 0


def _same(x: Tensor | np.ndarray | float, y: Structure) -> bool:
    if isinstance(x, Tensor):
        return isinstance(y, Tensor) and x.shape == y.shape and torch.equal(x, y)
    return bool(np.array_equal(x, y))


def _along(x: Tensor, size: int, axis: int) -> int | None:
    """Return the axis of a tensor that runs over samples, None if there is none."""
    if axis and x.ndim > 2 and x.shape[1] == size:
        return 1
    if x.ndim and len(x) == size:  # targets of whole sequences have no axis of time
        return 0
    return 1 if axis and x.ndim == 2 and x.shape[1] == size else None


def _rest(x: Tensor, axis: int) -> torch.Size:
    return x.shape[:axis] + x.shape[axis + 1 :]


def _order(batch: Batch, size: int, axis: int) -> Tensor:
    """Return the samples by how many of their integers are 0 or below, then by sums."""
    lows, sums = _keys(batch, size, axis)
    by_sum = sums.argsort(stable=True)
    return by_sum[lows[by_sum].argsort(stable=True)]


def _keys(batch: Batch, size: int, axis: int) -> Tensor:
    keys = torch.zeros(2, size, dtype=torch.float64)
    for x in tensors(batch):
        along = _along(x, size, axis)
        if along is None or x.is_floating_point() or x.is_complex():
            continue
        flat = x.detach().movedim(along, 0).reshape(size, -1).cpu().double()
        keys += torch.stack([(flat <= 0).sum(dim=1), flat.sum(dim=1)])
    return keys
