"""The loss of the whole data from those of its batches, however it is cut.

A mean over samples is the mean of the batches' means by their sizes, a mean over
tokens that by their tokens, and a sum is their sum. What a loss is, torch's own
functions tell when it calls them; that it is so, the gradients of a batch and of two
parts of it show.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from condlab.curvature.evaluation._cut import Parts, cut, join, sample_shapes, variety
from condlab.curvature.evaluation._data import Data
from condlab.curvature.evaluation._reduction import ENTRIES
from condlab.curvature.evaluation._rules import (
    Rule,
    Seen,
    counter,
    rules,
    same_weights,
    see,
    shares_of,
)
from condlab.curvature.evaluation._trees import tensors
from condlab.curvature.evaluation.losses import Batch, Loss, ModelLoss, batch_size

ENOUGH = 3  # samples, for parts of a batch that are not as large as each other
TOGETHER = 8  # batches of one sample that are joined


def weighed(data: Data, loss: Loss, leaves: dict[str, Tensor]) -> Data:
    """Return the data with what each batch counts in the loss of them all.

    Weights that were given hold by definition, and one batch is the whole.

    Raises
    ------
    ValueError
        If the loss of a batch is neither a mean nor a sum of those of its parts.
    """
    if data.given or len(data) == 1:
        data.advance(0)
        return data
    refusals = []
    for axis in _axes(loss):
        found = _check_twice(data, axis, loss, leaves)
        if isinstance(found, Obeyed):
            amounts = _amounts(found, data, loss, leaves, axis)
            return data.reweighted(amounts, summed=found.rule.summed, gap=found.gap)
        if found is not None:
            refusals.append(found)
    if refusals:
        raise ValueError(refusals[0])
    seen = see(loss, leaves, data.first, data.sizes[0])
    found = Obeyed(_unchecked(seen), 0.0, data.first, seen)
    amounts = _amounts(found, data, loss, leaves, 0)
    return data.reweighted(amounts, summed=found.rule.summed)


@dataclass(frozen=True, slots=True, eq=False)
class Obeyed:
    """A rule that a batch was seen to obey, and how it was seen."""

    rule: Rule
    gap: float
    batch: Batch
    seen: Seen

    @property
    def told(self) -> bool:
        """Return whether the loss itself tells what it is."""
        return bool(self.seen.final or self.seen.losses)


def _axes(loss: Loss) -> tuple[int, ...]:
    """Return the axes that may run over samples: in recurrent networks the second."""
    module = loss.module if isinstance(loss, ModelLoss) else None
    layers = module.modules() if module is not None else ()
    second = any(getattr(layer, "batch_first", True) is False for layer in layers)
    return (0, 1) if second else (0,)


def _check_twice(
    data: Data, axis: int, loss: Loss, leaves: dict[str, Tensor]
) -> Obeyed | str | None:
    """Check a batch, and a more varied one where all rests on what is seen."""
    found = _check(data, axis, loss, leaves, None)
    if not isinstance(found, Obeyed) or found.told or axis:
        return found
    kinds = [variety(batch) for _, batch, _ in data]
    if max(kinds) <= variety(found.batch):
        return found
    return _check(data, axis, loss, leaves, kinds.index(max(kinds))) or found


def _check(
    data: Data, axis: int, loss: Loss, leaves: dict[str, Tensor], at: int | None
) -> Obeyed | str | None:
    """Return the rule that a batch obeys, why it obeys none, or None: not to be told.

    It costs the gradients of the batch and of its parts.
    """
    open_to_doubt = None
    for parts in _ways_to_part(data, axis, at):
        whole, *pieces = _evaluated(loss, leaves, parts)
        if not pieces:
            continue
        for rule in rules(whole) if same_weights(whole, pieces) else ():
            gap = rule.gap(whole, pieces)
            if gap <= _tolerance(whole):  # nan is not
                break
        else:
            return _refusal(whole, pieces)
        if rule.settled(whole, pieces):
            return Obeyed(rule, gap, parts.whole, whole)
        open_to_doubt = _UNSETTLED
    return open_to_doubt


def _ways_to_part(data: Data, axis: int, at: int | None) -> Iterator[Parts]:
    """Yield wholes and their parts: a batch cut, or several joined.

    Those with gaps in front, whose loss was no number, are not looked at.
    """
    ahead = [*range(data.looked_at, len(data))]
    sizes = [_size(batch, axis) for _, batch, _ in data] if axis else data.sizes
    large = [i for least in (ENOUGH, 2) for i in ahead if sizes[i] >= least]
    i = at if at is not None else large[0] if large else None
    if i is not None:
        batch, other = data.batch(i), data.batch(i - 1 if i else 1)
        for share in (3, 2)[: 1 + (sizes[i] >= 4)]:
            found = cut(batch, other, axis, share)
            if found is not None:
                yield found
    few = ahead if len(ahead) > 1 else [*range(len(data))]
    few = few[: TOGETHER if i is None else 2]
    joined = join([data.batch(k) for k in few], axis)
    if joined is not None:
        yield joined


def _size(batch: Batch, axis: int) -> int:
    return batch_size(batch, axis) if any(x.ndim > axis for x in tensors(batch)) else 0


def _evaluated(loss: Loss, leaves: dict[str, Tensor], parts: Parts) -> list[Seen]:
    """Return the loss of a whole and of its parts, or of the whole alone.

    It is taken beside the point if it can be: at the point itself all gradients may be
    0, as where a network fits its data, and then nothing is told.
    """
    count, first = sum(parts.sizes), None
    with contextlib.suppress(ValueError, RuntimeError):  # outside of what it takes
        at = _beside(leaves)
        first = see(loss, at, parts.whole, count)
    if first is None or not torch.isfinite(first.value):
        at = leaves
        first = see(loss, at, parts.whole, count)
    try:
        found = [
            see(loss, at, piece, size)
            for piece, size in zip(parts.pieces, parts.sizes, strict=True)
        ]
    except Exception:  # a loss may fail in any way on what is no batch of its
        return [first]
    return [first, *found]


def _beside(leaves: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return parameters a tenth of their size away, in fixed random directions."""
    generator, moved = torch.Generator().manual_seed(3), {}
    for name, p in leaves.items():
        step = torch.randn(p.shape, generator=generator, dtype=torch.float64)
        size = float(p.detach().norm()) / max(1, p.numel()) ** 0.5 or 1.0
        step = (0.1 * size * step).to(p.dtype).to(p.device)
        moved[name] = (p.detach() + step).requires_grad_()
    return moved


def _tolerance(whole: Seen) -> float:
    """Return what rounding may do: half the digits of the coarser dtype."""
    dtypes = (whole.value.dtype, whole.gradient.dtype)
    return 10 * max(torch.finfo(dtype).eps for dtype in dtypes) ** 0.5


def _amounts(
    found: Obeyed, data: Data, loss: Loss, leaves: dict[str, Tensor], axis: int
) -> list[float]:
    """Return what each batch counts by the rule that one was seen to obey."""
    rule = found.rule
    if rule.summed:
        return [1.0] * len(data)
    if rule.name == "sizes":
        _require_one_shape(data, axis)
        return [float(batch_size(b, axis)) for _, b, _ in data]
    count = counter(rule, found.seen, loss, leaves, found.batch)
    rows = [[float(c.sum()) for c in count(b)] for _, b, _ in data]
    if shares_of(rows) is None:
        raise ValueError(
            "the loss is made of means that weigh the batches differently, such as "
            f"one over samples and one over tokens: they count {rows}; {_WAY_OUT}"
        )
    return [row[0] for row in rows]


def _require_one_shape(data: Data, axis: int) -> None:
    """Raise ValueError where samples and their entries would be weighed differently."""
    shapes = [sample_shapes(batch, axis) for _, batch, _ in data]
    for found in shapes:
        if found != shapes[0]:
            raise ValueError(
                "samples of one shape are needed to know what batches count in a loss "
                f"of one's own, got targets of {_words(shapes[0])} and {_words(found)},"
                " and it may be a mean over samples or over their entries; " + _WAY_OUT
            )


def _words(shapes: list[torch.Size]) -> str:
    return " with ".join(str(tuple(shape)) for shape in shapes)


def _unchecked(seen: Seen) -> Rule:
    """Return what torch's loss functions say, if the loss is nothing but these."""
    known = [r for r in seen.final if r.name in ENTRIES]
    if not known or len(known) < len(seen.final):
        raise ValueError(
            "batches can be neither cut nor joined along an axis of samples, so what "
            f"each counts in the loss of them all cannot be told; {_WAY_OUT}"
        )
    return rules(seen)[0]


_WAY_OUT = (
    "give weights=[...], one for each batch, such as its number of tokens, or all data "
    "as one batch"
)


_UNSETTLED = (
    "all but one part of the data have no gradient, so whether the loss is a sum or a "
    f"mean over what counts cannot be told; {_WAY_OUT}"
)


def _refusal(whole: Seen, parts: list[Seen]) -> str:
    gap = min(rule.gap(whole, parts) for rule in rules(whole))
    sizes = ", ".join(str(part.size) for part in parts)
    values = ", ".join(f"{float(part.value):.6g}" for part in parts)
    return (
        "the loss of a batch must be the mean or the sum over its samples, so that "
        f"that of all data follows; that of {whole.size} is {float(whole.value):.6g}, "
        f"those of {sizes} of them are {values}, and the gradients differ by {gap:.1e} "
        "from such a combination: do samples see each other, or is it a mean over "
        f"tokens? {_WAY_OUT}"
    )
