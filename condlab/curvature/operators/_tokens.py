"""Gradients of the single terms that a loss function of torch's is the mean of."""

from __future__ import annotations

import torch
from torch import Tensor

from condlab.curvature.evaluation._reduction import ENTRIES, Recorder, Reduction
from condlab.curvature.evaluation.backends import differentiable
from condlab.curvature.evaluation.losses import Batch
from condlab.curvature.operators._point import Point
from condlab.curvature.operators._samples import (
    Rows,
    counting,
    gradient_of,
    near,
    per_place,
)


def token_rows(point: Point) -> tuple[Rows, int]:
    """Return a way to the gradients of tokens, and how many the first batch has.

    A token is a place that torch's loss function scores.
    """

    def rows(batch: Batch) -> tuple[Tensor, Tensor]:
        parts, shares = counting(*_terms(point, batch))
        return parts / shares[:, None], shares

    terms, _ = _terms(point, point.data.first)
    if not near(terms.sum(dim=0), gradient_of(point, point.data.first)):
        raise ValueError(
            "the loss of a batch must be the mean over its tokens, but its gradient is "
            'not the sum of theirs; use per="sample", or leave out what is no part of '
            "the mean, such as a penalty on the parameters"
        )
    return rows, len(terms)


def _terms(point: Point, batch: Batch) -> tuple[Tensor, Tensor]:
    """Return each token's part of the gradient, and of the mean; 1 in a sum."""
    with differentiable():
        with Recorder() as recorder:
            value = point.loss(point.leaves, batch)
        scored, z = _scored(recorder.behind(value))
        (slope,) = torch.autograd.grad(value, z, retain_graph=True)
        axis = _features(scored, z)
        places = slope.movedim(axis, -1)
        count = places.shape[:-1].numel()
        flat = places.reshape(count, -1)
        terms = []
        for i in range(count):
            one = torch.zeros_like(flat)
            one[i] = flat[i]
            found = torch.autograd.grad(
                z,
                list(point.leaves.values()),
                grad_outputs=one.view(places.shape).movedim(-1, axis),
                retain_graph=True,
                materialize_grads=True,
            )
            terms.append(torch.cat([g.reshape(-1) for g in found]).detach())
    counts = per_place(scored.counts, count)
    shares = torch.ones_like(counts) if scored.summed else counts / counts.sum()
    return torch.stack(terms), shares.to(point.flat.dtype).to(point.flat.device)


def _scored(found: tuple[Reduction, ...]) -> tuple[Reduction, Tensor]:
    """Return the one call of a loss function that a loss is, and what it scored."""
    known = [r for r in found if r.name in ENTRIES]
    z = known[0].inputs if len(known) == 1 else None
    if z is not None and z.requires_grad:
        return known[0], z
    raise ValueError(
        "tokens are told apart where the loss is one call of a loss function of "
        f"torch.nn.functional with outputs and targets, got {len(known)} such calls; "
        'use per="sample", or compute the loss by one, such as cross_entropy'
    )


def _features(scored: Reduction, z: Tensor) -> int:
    """Return the axis of what one token is scored by: its classes or its features."""
    if scored.name in ("cross_entropy", "nll_loss"):
        return min(1, z.ndim - 1)
    return z.ndim - 1
