"""Gradients of a batch's samples, and what each counts in its loss."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.func import grad, vmap

from condlab.curvature.evaluation._reduction import ENTRIES
from condlab.curvature.evaluation._rules import Rule, Seen, counter, rules, see
from condlab.curvature.evaluation._trees import map_tensors, take_apart
from condlab.curvature.evaluation.backends import differentiable, gradient_graph
from condlab.curvature.evaluation.losses import Batch, batch_size
from condlab.curvature.operators._point import Point
from condlab.machine.precision import wide

Shares = Callable[[Batch], Tensor]
Rows = Callable[[Batch], tuple[Tensor, Tensor]]  # of a batch: R and w, for R' diag(w) R


def sample_rows(point: Point) -> tuple[Rows, int]:
    """Return a way to the gradients of samples, and how many the first batch has.

    They are taken all at once if it works.
    """
    first = point.data.first
    _require_samples(first)

    def one_by_one(batch: Batch) -> Tensor:
        size = batch_size(batch)
        return torch.stack([_alone(point, batch, i, size) for i in range(size)])

    slow, gradients = one_by_one(first), one_by_one
    shares = _shares(point, slow)
    some = shares(first) > 0
    try:
        fast = _at_once(point, first)
    except (RuntimeError, NotImplementedError):  # torch cannot batch some layer
        pass
    else:
        if near(fast[some], slow[some]):
            gradients = lambda batch: _at_once(point, batch)  # noqa: E731

    def rows(batch: Batch) -> tuple[Tensor, Tensor]:
        return counting(gradients(batch), shares(batch))

    return rows, len(slow)


def counting(G: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return rows and weights without those of weight 0, which may be nan."""
    kept = weights > 0
    return (G, weights) if kept.all() else (G[kept], weights[kept])


def near(a: Tensor, b: Tensor) -> bool:
    """Return whether gradients agree to half their digits."""
    return bool((a - b).norm() <= 10 * torch.finfo(a.dtype).eps ** 0.5 * b.norm())


def gradient_of(point: Point, batch: Batch) -> Tensor:
    """Return the gradient of a batch's loss, shape (n,)."""
    with differentiable():
        parts = gradient_graph(point.loss, point.leaves, batch, again=False)[1]
    return torch.cat([p.reshape(-1) for p in parts])


def _alone(point: Point, batch: Batch, i: int, size: int) -> Tensor:
    def pick(x: Tensor) -> Tensor:
        return x[i : i + 1] if _runs(x, size) else x

    return gradient_of(point, map_tensors(pick, batch))


def _at_once(point: Point, batch: Batch) -> Tensor:
    leaves, rebuild = take_apart(batch)
    size = batch_size(batch)
    own = {
        k: x for k, x in enumerate(leaves) if isinstance(x, Tensor) and _runs(x, size)
    }

    def one(params: dict[str, Tensor], sample: list[Tensor]) -> Tensor:
        parts = list(leaves)
        for k, x in zip(own, sample, strict=True):
            parts[k] = x.unsqueeze(0)
        return point.loss(params, rebuild(parts))

    with differentiable():
        each = vmap(grad(one), in_dims=(None, 0))(point.params, list(own.values()))
    joined = torch.cat([each[n].flatten(1) for n in point.flat.shapes], dim=1)
    return joined.detach()


def _runs(x: Tensor, size: int) -> bool:
    """Return whether a tensor runs over samples; others, such as masks, are shared."""
    return x.ndim > 0 and len(x) == size


def _shares(point: Point, G: Tensor) -> Shares:
    """Return a way to what samples count, by the rule that their gradients obey."""
    first = point.data.first
    expected = gradient_of(point, first)
    seen = see(point.loss, point.leaves, first, len(G))
    told = bool(seen.final) and all(r.name in ENTRIES for r in seen.final)
    gaps = []
    for rule in rules(seen):
        if rule.summed and not told:  # what is one's own is to be a mean
            continue
        shares = _by(rule, seen, point)
        try:
            own, weights = counting(G, shares(first))
        except ValueError:
            continue
        gaps.append((weights @ own - expected).norm())
        size = (weights[:, None] * own).norm()
        if gaps[-1] <= 10 * torch.finfo(G.dtype).eps ** 0.5 * size:
            return shares
    raise ValueError(
        "the loss of a batch must be the mean over its samples, but its gradient "
        f"differs from the mean of theirs by {float(min(gaps)):.1e}; use a mean "
        "reduction, and nothing that couples samples"
    )


def _by(rule: Rule, seen: Seen, point: Point) -> Shares:
    count = None
    if rule.name in ("final", "losses"):
        count = counter(rule, seen, point.loss, point.leaves, point.data.first)

    def shares(batch: Batch) -> Tensor:
        size = batch_size(batch)
        counts = [torch.ones(size)] if count is None else count(batch)
        found = [per_place(wide(c), size) for c in counts]
        if rule.summed:
            return torch.ones(size, dtype=point.flat.dtype, device=point.flat.device)
        means = torch.stack([c / c.sum() for c in found])
        if not means.allclose(means[:1]):
            raise ValueError("means over different things weigh samples differently")
        return means[0].to(point.flat.dtype).to(point.flat.device)

    return shares


def per_place(counts: Tensor, places: int) -> Tensor:
    """Return what each sample or token counts, from what its entries do."""
    if not places or len(counts) % places:
        raise ValueError(
            f"a loss function was given {len(counts)} entries, no multiple of the "
            f"{places} samples or tokens of the batch"
        )
    return counts.reshape(places, -1).sum(dim=1)


def _require_samples(batch: Batch) -> None:
    """Raise ValueError unless tensors run over the samples, or have one for all."""
    leaves = take_apart(batch)[0]
    arrays = [x for x in leaves if isinstance(x, (Tensor, np.ndarray)) and x.ndim]
    lengths = {len(x) if isinstance(x, Tensor) else "of an array" for x in arrays}
    if len(lengths - {1}) > 1 or not lengths or "of an array" in lengths:
        raise ValueError(
            "all of a batch must be tensors that run over the samples, got lengths "
            f"{sorted(map(str, lengths))}"
        )
