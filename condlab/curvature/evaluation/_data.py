"""Batches that are read again for every product, with their weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from condlab.curvature.evaluation._cut import some
from condlab.curvature.evaluation._trees import tensors
from condlab.curvature.evaluation.losses import Batch, batch_size
from condlab.machine.precision import wide

SAMPLE = -1  # the number of what is tried, where that is no whole batch
Fingerprint = tuple[tuple[tuple[int, ...], float], ...]


class Data:
    """Batches that count, with what each counts in the loss of the whole data.

    A list is read as it is. Anything else, such as a data loader, is read anew each
    time, and must give the same batches in the same order. Batches that count nothing
    are passed over.

    Attributes
    ----------
    weights : tuple of float
        They sum to one, but for a loss that is a sum: there each batch counts one.
        By default a batch counts by its size, until `weighed` knows better.
    given : bool
        Whether they were given, and so are right by definition.
    total : float
        Their sum before they were divided by it.
    first : batch
        The first batch that counts.
    gap : float
        By how much gradients were seen to miss what the weights promise, relatively.
    share, times : float
        How much of the first batch is tried: 1, or less where that would take long. And
        how many times that the batch's own loss is: 1, or more if it is a sum.
    whole : Data or None
        The batches that these are parts of.
    """

    def __init__(
        self, batches: Iterable[Batch], weights: Sequence[float] | None = None
    ) -> None:
        _require_batches(batches)
        self._batches = batches
        fixed = isinstance(batches, (list, tuple))
        sizes, prints = [], []
        for batch in batches:
            sizes.append(_size(batch, needed=weights is None))
            prints.append(() if fixed else fingerprint(batch))
        if not sizes:
            raise ValueError("at least one batch is needed, got none")
        self._prints = None if fixed else prints
        self._count, self._sizes = len(sizes), sizes
        self.given, self.looked_at = weights is not None, 0
        self.gap, self.share, self.times = 0.0, 1.0, 1.0
        self.whole: Data | None = None
        self._weigh(sizes if weights is None else weights, summed=False)

    def _weigh(self, amounts: Sequence[float], *, summed: bool) -> None:
        shares = _normalised(amounts, self._count)
        self.total, self.summed = math.fsum(float(a) for a in amounts), summed
        self._places = [i for i, share in enumerate(shares) if share]
        self.weights = tuple(1.0 if summed else shares[i] for i in self._places)
        self.advance(0)

    def reweighted(
        self, amounts: Sequence[float], *, summed: bool, gap: float = 0.0
    ) -> Data:
        """Return the same batches, each counting so much of their mean or sum."""
        made = copy.copy(self)
        counting = iter(amounts)  # what did not count does not begin to
        known = set(self._places)
        made._weigh(
            [next(counting) if i in known else 0.0 for i in range(self._count)],
            summed=summed,
        )
        made.gap = gap
        return made

    def in_parts(self, most: int) -> Data:
        """Return the same samples in batches of so many at most, to be weighed anew."""
        parts = InParts(self._batches, most)
        made = Data(list(parts) if self._prints is None else parts)
        made.whole = self
        return made

    def narrowed(self, share: float, times: float = 1.0) -> Data:
        """Return the same batches, of the first of which only a share is tried."""
        made = copy.copy(self)
        made.share, made.times = share, times
        return made

    @property
    def sample(self) -> tuple[int, Batch]:
        """Return what is tried, with a number: the first batch, or some of it."""
        if self.share == 1:
            return 0, self.first
        samples = round(self.share * self.sizes[self.looked_at])
        return SAMPLE, some(self.first, 0, max(1, samples))

    def advance(self, by: int = 1) -> bool:
        """Let another batch be the first that is looked at, if there is another.

        Where weights were given, all count that are not 0.
        """
        if by and self.given:
            return False
        ahead = self.looked_at + by if by else 0
        self.looked_at = ahead if ahead < len(self) else 0
        self.first = self.batch(self.looked_at)
        return ahead < len(self)

    @property
    def place(self) -> int:
        """Return which of all batches is the first that is looked at."""
        return self._places[self.looked_at]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Return how many samples each batch that counts has."""
        return tuple(self._sizes[i] for i in self._places)

    def batch(self, i: int) -> Batch:
        """Return the i-th batch that counts."""
        if isinstance(self._batches, (list, tuple)):
            return self._batches[self._places[i]]
        return next(batch for k, batch, _ in self if k == i)

    def __len__(self) -> int:
        return len(self.weights)

    def __iter__(self) -> Iterator[tuple[int, Batch, float]]:
        places = {place: k for k, place in enumerate(self._places)}
        count = 0
        for i, batch in enumerate(self._batches):
            self._require_same(i, batch)
            count += 1
            if i in places:
                yield places[i], batch, self.weights[places[i]]
        if count < self._count:
            raise ValueError(_CHANGED.format(f"{count} batches, {self._count} before"))

    def _require_same(self, i: int, batch: Batch) -> None:
        if self._prints is None:
            return
        if i >= self._count or fingerprint(batch) != self._prints[i]:
            raise ValueError(_CHANGED.format(f"another batch {i}"))


@dataclass(frozen=True, slots=True, eq=False)
class InParts:
    """Batches cut along their samples, each time they are read."""

    batches: Iterable[Batch]
    most: int

    def __iter__(self) -> Iterator[Batch]:
        """Yield parts that share the memory of their batch."""
        for batch in self.batches:
            for first in range(0, batch_size(batch), self.most):
                yield some(batch, first, first + self.most)


_CHANGED = (
    "the batches must be the same each time they are read, got {} on reading them "
    "again; turn off shuffling and random augmentation, or give list(batches)"
)


def fingerprint(batch: Batch) -> Fingerprint:
    """Return shapes and sums that tell one batch from another."""
    return tuple((tuple(x.shape), _weighted_sum(x)) for x in tensors(batch))


def _size(batch: Batch, *, needed: bool) -> int:
    try:
        return batch_size(batch)
    except ValueError:
        if needed:
            raise
        return 1


def _weighted_sum(x: Tensor) -> float:
    """Return a sum that a change of order changes too."""
    dense = x.detach() if x.layout == torch.strided else x.detach().to_dense()
    flat = wide(dense.reshape(-1)).nan_to_num()
    places = torch.arange(1, len(flat) + 1, dtype=torch.float64, device=flat.device)
    return float(flat @ places.sqrt())


def _require_batches(batches: object) -> None:
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
