"""What parts of the data count in the loss of the whole, by one rule or another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from condlab.curvature.evaluation._cut import join
from condlab.curvature.evaluation._reduction import ENTRIES, Recorder, Reduction
from condlab.curvature.evaluation._trees import tensors
from condlab.curvature.evaluation.backends import differentiable, gradient_graph
from condlab.curvature.evaluation.losses import Batch, Loss

NEAR = 1e-6  # class weights are sums in float32, which differ by their order


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """The loss of a part of the data: how large it is, and what it is made of."""

    size: int
    value: Tensor
    gradient: Tensor
    final: tuple[Reduction, ...]
    losses: tuple[Reduction, ...]


# the loss, what it was made of last, and all calls of loss functions
Recorded = tuple[Tensor, tuple[Reduction, ...], tuple[Reduction, ...]]


def see(loss: Loss, leaves: dict[str, Tensor], batch: Batch, size: int) -> Seen:
    """Evaluate the loss of a batch and its gradient, and note its means and sums."""
    made: list[Recorded] = []

    def recorded(params: dict[str, Tensor], batch: Batch) -> Tensor:
        made.append(record(loss, params, batch))
        return made[-1][0]

    with differentiable():
        value, parts = gradient_graph(recorded, leaves, batch, again=False)
    gradient = torch.cat([p.detach().reshape(-1) for p in parts])
    _, final, losses = made[-1]
    return Seen(size, value.detach(), gradient, final, losses)


def record(loss: Loss, params: dict[str, Tensor], batch: Batch) -> Recorded:
    """Return the loss, and what it was made of."""
    value, final, losses = _record(loss, params, batch)
    if any(r.empty for r in final):
        final = _without_floors(final, loss, params, batch)
    return value, final, losses


def _record(loss: Loss, params: dict[str, Tensor], batch: Batch) -> Recorded:
    with Recorder() as recorder:
        value = loss(params, batch)
    return value, recorder.behind(value), tuple(recorder.losses)


def _without_floors(
    final: tuple[Reduction, ...], loss: Loss, params: dict[str, Tensor], batch: Batch
) -> tuple[Reduction, ...]:
    """Return the reductions, of which floors of a count of nothing count nothing.

    What the batch counts, twice the batch counts twice; a floor stays what it is.
    """
    twice = join([batch, batch], 0)
    if twice is None:
        raise ValueError(
            "the loss of a batch is 0 over a count, and whether that is a floor cannot "
            "be told as the batch cannot be joined with itself; give weights=[...], "
            "one for each batch, or leave batches out that count nothing"
        )
    with torch.no_grad():
        again = _record(loss, params, twice.whole)[1]
    return tuple(
        replace(r, counts=0 * r.counts) if r.empty and r.total == s.total else r
        for r, s in zip(final, again, strict=True)
    )


@dataclass(frozen=True, slots=True)
class Rule:
    """What parts count: their sizes, one each, or what means are divided by.

    Parameters
    ----------
    name : {"sizes", "sum", "final", "losses"}
        Of means, whether of those that the value is made of, or of all that torch's
        loss functions took.
    """

    name: str

    @property
    def summed(self) -> bool:
        """Return whether the whole is the sum of its parts."""
        return self.name == "sum"

    def means(self, seen: Seen) -> list[Reduction]:
        """Return the means that count."""
        if self.name in ("sizes", "sum"):
            return []
        return [r for r in getattr(seen, self.name) if not r.summed]

    def amounts(self, seen: Seen) -> list[float]:
        """Return what a part counts, by each of the means."""
        if self.name in ("sizes", "sum"):
            return [float(seen.size if self.name == "sizes" else 1)]
        return [r.total for r in self.means(seen)]

    def settled(self, whole: Seen, parts: list[Seen]) -> bool:
        """Return whether parts tell the rule from others that they would obey too.

        Where all but one have no gradient, a sum, a mean over what counts and a
        quotient of a constant look the same, unless a loss function of torch's tells.
        """
        if sum(bool(part.gradient.any()) for part in parts) > 1:
            return True
        if self.summed:
            own = [r for r in whole.final if r.name not in ENTRIES or r.scaled]
            return bool(whole.final) and not own
        told = all(r.name in ENTRIES for r in self.means(whole))
        return told or all(min(self.amounts(part)) > 0 for part in parts)

    def gap(self, whole: Seen, parts: list[Seen]) -> float:
        """Return by how much the gradient misses that of the parts, relatively."""
        shares: list[float] | None = [1.0 for _ in parts]
        if not self.summed:
            if not self._adds_up(whole, parts):
                return float("inf")
            shares = shares_of([self.amounts(part) for part in parts])
        if shares is None:
            return float("inf")
        counted = [
            share * part.gradient
            for share, part in zip(shares, parts, strict=True)
            if share  # others may be nan
        ]
        scale = sum(float(g.norm()) for g in counted)
        gap = float((torch.stack(counted).sum(dim=0) - whole.gradient).norm())
        return gap / scale if scale else gap

    def _adds_up(self, whole: Seen, parts: list[Seen]) -> bool:
        rows, total = [self.amounts(part) for part in parts], self.amounts(whole)
        if any(len(row) != len(total) for row in rows):
            return False
        sums = [sum(column) for column in zip(*rows, strict=True)]
        return all(
            abs(a - b) <= NEAR * abs(b) for a, b in zip(sums, total, strict=True)
        )


def same_weights(whole: Seen, parts: list[Seen]) -> bool:
    """Return whether classes weigh the same in all: not counted batch by batch."""
    rows = [[r.weight for r in seen.losses] for seen in (whole, *parts)]
    return len({len(row) for row in rows}) > 1 or all(
        torch.equal(w, same[0])
        for same in zip(*rows, strict=True)
        for w in same
        if w is not None and same[0] is not None
    )


def rules(seen: Seen) -> list[Rule]:
    """Return what may be promised, the likeliest first."""
    found = []
    if any(not r.summed for r in seen.final):
        found.append(Rule("final"))
    elif seen.final:
        found.append(Rule("sum"))
    if any(not r.summed for r in seen.losses):
        found.append(Rule("losses"))
    return [*found, Rule("sizes"), Rule("sum")]


def shares_of(rows: Sequence[list[float]]) -> list[float] | None:
    """Return the shares of parts, None unless all means agree on them."""
    if len({len(row) for row in rows}) > 1 or not rows[0]:
        return None
    columns = [list(column) for column in zip(*rows, strict=True)]
    if any(not sum(column) > 0 for column in columns):
        return None
    shares = [[a / sum(column) for a in column] for column in columns]
    first = shares[0]
    if any(abs(a - b) > NEAR for s in shares for a, b in zip(s, first, strict=True)):
        return None
    return first


def counter(
    rule: Rule, seen: Seen, loss: Loss, leaves: dict[str, Tensor], batch: Batch
) -> Callable[[Batch], list[Tensor]]:
    """Return a way to what the entries of a batch count, by each mean of a rule.

    Where torch was given a tensor of the batch for its target, as it was `seen`, other
    batches' are counted; otherwise their losses are evaluated for it.
    """
    recounts = [  # nothing else of what was seen is kept: it holds a graph
        (mean.recount, _place(mean, tensors(batch))) for mean in rule.means(seen)
    ]

    def evaluated(batch: Batch) -> list[Tensor]:
        with differentiable():  # the loss may itself differentiate
            _, final, losses = record(loss, leaves, batch)
        found = {"final": final, "losses": losses}[rule.name]
        return [mean.counts for mean in found if not mean.summed]

    def recounted(batch: Batch) -> list[Tensor]:
        held = tensors(batch)
        return [
            recount(held[place])
            for recount, place in recounts
            if recount is not None and place is not None
        ]

    return evaluated if None in [place for _, place in recounts] else recounted


def _place(mean: Reduction, held: list[Tensor]) -> int | None:
    """Return which tensor of a batch a mean's target is, None if it is another."""
    target = mean.target
    if target is None or mean.recount is None or not target.numel():
        return None
    for place, x in enumerate(held):
        same = x.data_ptr() == target.data_ptr() and x.dtype == target.dtype
        integers = not x.is_floating_point() and x.numel() == target.numel()
        if same and (x.shape == target.shape or integers):
            return place
    return None
