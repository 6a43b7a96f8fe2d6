"""Batches that are too large to be tried whole, or for the memory: cut in parts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from torch import Tensor

from condlab.curvature.evaluation._cut import join, some
from condlab.curvature.evaluation._data import Data
from condlab.curvature.evaluation._pure import Modules
from condlab.curvature.evaluation._whole import weighed
from condlab.curvature.evaluation.backends import (
    differentiable,
    gradient_graph,
    graph_bytes,
)
from condlab.curvature.evaluation.losses import Batch, Loss, batch_size

LARGE = 2**30  # parameters times samples, from which it is worth a look
FEW = 8  # samples whose graph tells how large others are
PART = 0.25  # of the memory for graphs, that one part's may take
TRIED = 2**25  # bytes of a graph on which trials take fractions of a second


def prepared(
    batches: Iterable[Batch],
    weights: Sequence[float] | None,
    loss: Loss,
    leaves: dict[str, Tensor],
    memory: float,
) -> Data:
    """Return the data in parts whose graphs fit, with some samples of them to be tried.

    What is tried is whether torch's derivatives are those of the loss, what they take
    and how large their graphs are. For that any samples do. What parts count in the
    whole is for `weighed` to find out.
    """
    if isinstance(batches, Data):
        return batches
    data = Data(batches, weights)
    size, numbers = data.sizes[0], sum(p.numel() for p in leaves.values())
    if size * numbers < LARGE or size <= 2 * FEW:
        return data
    few, modules = data.narrowed(2 * FEW / size), Modules()
    try:
        with modules.watched():
            growth = _growth(loss, leaves, few.sample[1])
            build = partial(gradient_graph, loss, leaves)
            each = bytes_of_first(few, build, leaves) / size
    except Exception:  # a loss may fail in any way on what is no batch of its
        return data
    finally:
        modules.restore()
    if not math.isfinite(growth):
        return data
    most = max(FEW, memory * PART / max(1.0, each))
    if size > most and not data.given:
        data, size = data.in_parts(int(most)), int(most)
    # formulas keep small graphs: then the work is what bounds a trial
    share = max(FEW, min(TRIED / max(1.0, each), LARGE / 4 / numbers)) / size
    return data.narrowed(share, 1 + growth * (1 / share - 1)) if share < 0.5 else data


def bytes_of_first(
    data: Data, build: Callable[[Batch], object], leaves: dict[str, Tensor]
) -> float:
    """Return the bytes of the first batch's graph, from those of what is tried.

    Two sizes tell what is there once, such as transposed weights, from what grows.
    """
    batch = data.sample[1]
    tried = graph_bytes(lambda: build(batch), leaves)
    if data.share == 1:
        return float(tried)
    size = batch_size(batch)
    half = graph_bytes(lambda: build(some(batch, 0, size // 2)), leaves)
    each = (tried - half) / (size - size // 2)
    return tried + each * (data.sizes[0] - size)


def weighed_if_parts(
    data: Data, loss: Loss, leaves: dict[str, Tensor]
) -> tuple[Data, bool]:
    """Return the data, weighed, and whether another batch is the first now.

    Where the loss is not one of its parts', they are put together again.
    """
    try:
        found = weighed(data, loss, leaves)
    except ValueError:
        if data.whole is None:
            raise
        return weighed(data.whole, loss, leaves), True
    return found, found.place != data.place


def _growth(loss: Loss, leaves: dict[str, Tensor], few: Batch) -> float:
    """Return by how much samples that come again add to a loss: 1 in a sum, or 0."""
    twice = join([few, few], 0)
    with differentiable():
        once = float(loss(leaves, few).detach())
        if twice is None or once == 0:
            return 1.0
        return float(loss(leaves, twice.whole).detach()) / once - 1
