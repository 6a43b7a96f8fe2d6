"""Which distribution a criterion is the likelihood of, read off its Hessian.

In the outputs z, that of a cross-entropy of logits is c (diag(p) - p p') at each place,
with p the softmax of z and c what the place counts, and that of squared errors is a
diagonal that does not depend on z. Class weights, ignored targets, label smoothing and
reductions are all in c, and no name of a class is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from condlab.curvature.evaluation.backends import gradient_graph, pull_back

Criterion = Callable[[Tensor], Tensor]  # of the outputs alone
FAR = 100.0  # times the outputs: Huber's and others' curvature is another there


@dataclass(frozen=True, slots=True)
class Likelihood:
    """A categorical distribution along an axis, or a normal one.

    Parameters
    ----------
    axis : int or None
        Of the classes; None for squared errors.
    counts : Tensor
        c, or the diagonal; it broadcasts to the outputs.
    """

    axis: int | None
    counts: Tensor

    def residuals(
        self, z: Tensor, num_samples: int, generator: torch.Generator
    ) -> Tensor:
        """Return gradients for sampled targets, shape (num_samples, *z.shape).

        They are drawn on the CPU: a seed means the same targets on every device.
        """
        root = self.counts.clamp(min=0).sqrt()
        if self.axis is None:
            draws = torch.randn(
                (num_samples, *z.shape), generator=generator, dtype=torch.float64
            )
            return draws.to(z) * root
        p = z.softmax(dim=self.axis)
        last = p.movedim(self.axis, -1)
        rows = last.cpu().double().reshape(-1, last.shape[-1])
        targets = torch.multinomial(rows, num_samples, True, generator=generator)
        one_hot = torch.zeros((num_samples, *rows.shape), dtype=z.dtype)
        one_hot.scatter_(2, targets.T[:, :, None], 1)
        hot = one_hot.view(num_samples, *last.shape).movedim(-1, self.axis % z.ndim + 1)
        return (p - hot.to(z)) * root

    def curve(self, residuals: Tensor, u: Tensor) -> Tensor:
        """Return the mean over samples of s s'u, the places of z apart.

        A place is all but the classes, and a sample, the first axis, where there are
        none.
        """
        axes = tuple(range(2, residuals.ndim))
        if self.axis is not None:
            axes = (self.axis % u.ndim + 1,)
        along = residuals * u
        shares = along.sum(dim=axes, keepdim=True) if axes else along
        return (residuals * shares).mean(dim=0)


def likelihood(criterion: Criterion, z: Tensor) -> Likelihood:
    """Return the distribution of which a criterion is the negative log-likelihood.

    Raises
    ------
    ValueError
        If it is neither a categorical nor a normal one.
    """
    generator = torch.Generator().manual_seed(4)

    def normal() -> Tensor:
        return torch.randn(z.shape, generator=generator, dtype=torch.float64).to(z)

    size = 1 + float(z.abs().max()) if z.numel() else 1.0
    near, far = z + normal(), z + FAR * size * normal()
    probes = [normal(), normal()]
    diagonal = curvature(criterion, z, torch.ones_like(z))
    if all(
        _close(curvature(criterion, at, v), diagonal * v)
        for at in (z, near, far)
        for v in probes
    ):
        if bool(diagonal.any()) and bool((diagonal >= 0).all()):
            return Likelihood(None, diagonal)
        raise ValueError(UNKNOWN)
    image = curvature(criterion, z, probes[0])
    for axis in dict.fromkeys([min(1, z.ndim - 1), z.ndim - 1, *range(z.ndim)]):
        y = _categorical(z, axis, probes[0])
        squares = y.square().sum(dim=axis, keepdim=True)
        counts = (image * y).sum(dim=axis, keepdim=True) / squares.clamp(
            min=torch.finfo(z.dtype).tiny
        )
        if all(
            _close(curvature(criterion, at, v), counts * _categorical(at, axis, v))
            for at in (z, near)
            for v in probes
        ):
            return Likelihood(axis, counts)
    raise ValueError(UNKNOWN)


UNKNOWN = (
    "targets can be sampled for a cross-entropy of logits and for squared errors, and "
    "the Hessian of this criterion in the outputs is that of neither; use "
    "gauss_newton, or empirical_fisher with the given targets"
)


def curvature(criterion: Criterion, z: Tensor, v: Tensor) -> Tensor:
    """Return the Hessian of a criterion at z times v."""
    free = {"z": z.detach().requires_grad_()}
    _, slope = gradient_graph(lambda p, _: criterion(p["z"]), free, None)
    return pull_back(slope, free, v.reshape(-1)).view_as(z)


def _categorical(z: Tensor, axis: int, v: Tensor) -> Tensor:
    p = z.softmax(dim=axis)
    return p * (v - (p * v).sum(dim=axis, keepdim=True))


def _close(found: Tensor, expected: Tensor) -> bool:
    gap = (found - expected).norm()
    return bool(gap <= 10 * torch.finfo(found.dtype).eps ** 0.5 * expected.norm())
