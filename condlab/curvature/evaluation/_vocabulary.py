"""Cross-entropies of many classes, whose derivatives never hold a graph of the logits.

Let z = h W' + b, y be the classes, P the softmax of z, e(y) the rows of the identity
and G = P - e(y). Where the losses of tokens count g, their gradients are

    diag(g) G W,    G' diag(g) h,    G' g    by    h, W, b,

and along (u, V, v), with x = u W' + h V' + 1 v' the derivative of z, that of G is

    D = P * (x - m),    m = sum of P * x    over classes,

and -P s, s = sum of G * x, at the token's own class, where x - m would lose digits if
the token is fitted. Sums leave their own classes out, as they are much larger than the
others or cancel with them, and add them last. So blocks of classes, that stay in cache,
are all that is made besides the logits: torch's own graph passes over several matrices
of their size.

References
----------
.. [1] E. Wijmans et al., "Cut your losses in large-vocabulary language models", ICLR
   2025, Section 4 (blocks of the logits, for the first derivative).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from condlab.nn.maps.context import Context

Parts = tuple[Tensor, Tensor, Tensor | None]  # h, W, b
Along = tuple[Tensor | None, ...]  # u, V, v, None where there is none
BLOCK = 2**22  # bytes of a block of classes: a core's share of the cache
LEAST = 128  # classes of a block: products of narrower matrices are slow
ON_DEVICES = 2**28  # bytes on GPUs, where what counts is the number of calls


@dataclass
class Route:
    """Which way derivatives go: by formulas to h, W and b, or through the logits."""

    through_logits: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Softmax:
    """P, but zero at the tokens' own classes, made anew in blocks of classes.

    Parameters
    ----------
    z, y : Tensor
        The logits, shape (tokens, classes), and each token's class.
    top, scale : Tensor
        P is ``exp(z - top) * scale``, as exact as torch's.
    hit, own : Tensor
        P and G at each token's own class, the latter from the others: 1 - P and 1 + G
        would lose digits.
    """

    z: Tensor
    y: Tensor
    top: Tensor
    scale: Tensor
    hit: Tensor
    own: Tensor

    def blocks(self) -> Iterator[tuple[slice, Tensor, Tensor, Tensor]]:
        """Yield classes, P there until the next block, and which tokens' own are where.

        These are their rows and columns within the block, where P is put to zero.
        """
        tokens, classes = self.z.shape
        width = min(classes, max(LEAST, _room(self.z) // max(1, tokens)))
        edges = torch.arange(0, classes + width, width, device=self.y.device)
        ordered, order = self.y.sort()
        ends = torch.searchsorted(ordered, edges).tolist()
        block = self.z.new_empty(tokens, width)
        for k, start in enumerate(range(0, classes, width)):
            at = slice(start, min(start + width, classes))
            rows = order[ends[k] : ends[k + 1]]
            columns = self.y[rows] - start
            P = block[:, : at.stop - start]
            torch.sub(self.z[:, at], self.top[:, None], out=P)
            P.exp_().mul_(self.scale[:, None])
            P[rows, columns] = 0
            yield at, P, rows, columns


def _room(z: Tensor) -> int:
    """Return how many numbers a block has."""
    return (BLOCK if z.device.type == "cpu" else ON_DEVICES) // z.itemsize


class _Kept(Context, Protocol):
    route: Route
    needs_input_grad: tuple[bool, ...]

    def save_for_backward(self, *tensors: Tensor | None) -> None: ...


class Losses(torch.autograd.Function):
    """The cross-entropy of each token, shape (tokens,), by its class y."""

    @staticmethod
    def forward(
        ctx: _Kept,
        route: Route,
        z: Tensor,
        h: Tensor,
        W: Tensor,
        b: Tensor | None,
        y: Tensor,
    ) -> Tensor:
        top, others = z.amax(dim=1), torch.empty_like(z[:, 0])
        step = max(1, _room(z) // z.shape[1])
        for first in range(0, len(z), step):
            at = slice(first, first + step)
            powers = (z[at] - top[at, None]).exp_()
            others[at] = powers.scatter_(1, y[at, None], 0).sum(dim=1)
        below = top - z.gather(1, y[:, None])[:, 0]
        hit = torch.exp(-below)
        total = others + hit
        of_softmax = top, 1 / total, hit / total, -others / total
        ctx.route = route
        ctx.save_for_backward(z, h, W, b, y, *of_softmax)
        return torch.where(below == 0, others.log1p(), below + total.log())

    @staticmethod
    def backward(ctx: _Kept, g: Tensor) -> tuple[Tensor | None, ...]:
        z, h, W, b, y, *of_softmax = ctx.saved_tensors
        if ctx.route.through_logits:
            with torch.enable_grad():
                losses = cross_entropy(alias := _alias(z), y, reduction="none")
            again = torch.is_grad_enabled()
            (slope,) = torch.autograd.grad(losses, alias, g, create_graph=again)
            return None, slope, None, None, None, None
        needs = ctx.needs_input_grad[2:5]
        found = Slopes.apply(ctx.route, needs, z, h, W, b, y, g, *of_softmax)
        return None, None, *found, None


class Slopes(torch.autograd.Function):
    """The gradient by h, W and b of losses that count g, None where none is needed."""

    @staticmethod
    def forward(
        ctx: _Kept,
        route: Route,
        needs: tuple[bool, ...],
        z: Tensor,
        h: Tensor,
        W: Tensor,
        b: Tensor | None,
        y: Tensor,
        g: Tensor,
        *of_softmax: Tensor,
    ) -> tuple[Tensor | None, ...]:
        softmax = Softmax(z, y, *of_softmax)
        PW, weighted, own = torch.zeros_like(h), g[:, None] * h, softmax.own
        by_W = torch.empty_like(W) if needs[1] else None
        by_b = torch.empty_like(W[:, 0]) if needs[2] else None
        for at, P, rows, columns in softmax.blocks():
            if needs[0]:
                PW.addmm_(P, W[at])
            P[rows, columns] = own[rows]
            if by_W is not None:
                torch.mm(P.T, weighted, out=by_W[at])
            if by_b is not None:
                torch.mv(P.T, g, out=by_b[at])
        ctx.route = route
        ctx.save_for_backward(z, h, W, b, y, g, PW, *of_softmax)
        ctx.set_materialize_grads(False)
        by_h = g[:, None] * (PW + own[:, None] * W[y]) if needs[0] else None
        return by_h, by_W, by_b

    @staticmethod
    def backward(ctx: _Kept, *outer: Tensor | None) -> tuple[Tensor | None, ...]:
        z, h, W, b, y, g, PW, *of_softmax = ctx.saved_tensors
        if ctx.route.through_logits or torch.is_grad_enabled():
            by_z, by_h, by_W, by_b, by_g = _by_torch(z, h, W, b, y, g, outer)
        else:
            by_z, softmax = None, Softmax(z, y, *of_softmax)
            by_h, by_W, by_b, by_g = _moved(softmax, (h, W, b), g, PW, outer)
        rest = (None,) * len(of_softmax)
        return None, None, by_z, by_h, by_W, by_b, None, by_g, *rest


def _moved(
    softmax: Softmax, parts: Parts, g: Tensor, PW: Tensor, along: Along
) -> tuple[Tensor, Tensor | None, Tensor | None, Tensor]:
    """Return how <gradient, (u, V, v)> moves with h, W, b and g."""
    (h, W, b), (u, V, v) = parts, along
    by_h, m, s = _sums(softmax, parts, PW, along)
    by_W = torch.empty_like(W) if W.requires_grad else None
    by_b = torch.empty_like(b) if b is not None else None
    weighted = g[:, None] * h
    for at, P, rows, columns in softmax.blocks():
        D = -m[:, None] + (0 if v is None else v[at]) * torch.ones_like(P[0])
        if V is not None:
            D.addmm_(h, V[at].T)
        if u is not None:
            D.addmm_(u, W[at].T)
        D *= P
        P[rows, columns] = softmax.own[rows]
        D[rows, columns] = -softmax.hit[rows] * s[rows]
        if h.requires_grad:
            by_h.addmm_(D, W[at])
        if by_W is not None:
            torch.mm(D.T, weighted, out=by_W[at])
            if u is not None:
                by_W[at].addmm_(P.T, g[:, None] * u)
        if by_b is not None:
            torch.mv(D.T, g, out=by_b[at])
    return by_h.mul_(g[:, None]), by_W, by_b, s


def _sums(
    softmax: Softmax, parts: Parts, PW: Tensor, along: Along
) -> tuple[Tensor, Tensor, Tensor]:
    """Return G V, m and s."""
    (h, W, _), (u, V, v), y = parts, along, softmax.y
    PV, m, x = (
        torch.zeros_like(h),
        torch.zeros_like(PW[:, 0]),
        torch.zeros_like(PW[:, 0]),
    )
    for at, P, _, _ in softmax.blocks() if V is not None or v is not None else ():
        if V is not None:
            PV.addmm_(P, V[at])
        if v is not None:
            m.addmv_(P, v[at])
    if V is not None:
        m += (h * PV).sum(dim=1)
        x += (h * V[y]).sum(dim=1)
        PV += softmax.own[:, None] * V[y]
    if v is not None:
        x += v[y]
    if u is not None:
        m += (u * PW).sum(dim=1)
        x += (u * W[y]).sum(dim=1)
    return PV, m + softmax.hit * x, m + softmax.own * x


def _by_torch(
    z: Tensor,
    h: Tensor,
    W: Tensor,
    b: Tensor | None,
    y: Tensor,
    g: Tensor,
    along: Along,
) -> list[Tensor | None]:
    """Return the same by z, h, W, b and g, by what can be differentiated once more."""
    again = torch.is_grad_enabled()
    with torch.enable_grad():
        z, h, W, g = map(_alias, (z, h, W, g))
        b = None if b is None else _alias(b)
        losses = cross_entropy(z, y, reduction="none")
        (slope,) = torch.autograd.grad(losses, z, g, create_graph=True)
        made = slope @ W, slope.T @ h, slope.sum(dim=0)
    pairs = [(m, x) for m, x in zip(made, along, strict=True) if x is not None]
    given = z, h, W, b, g
    live = [x for x in given if x is not None and x.requires_grad]
    found = torch.autograd.grad(
        [m for m, _ in pairs],
        live,
        grad_outputs=[x for _, x in pairs],
        create_graph=again,
        allow_unused=True,
    )
    by = iter(found)
    return [None if x is None or not x.requires_grad else next(by) for x in given]


def _alias(x: Tensor) -> Tensor:
    """Return the same tensor, from which derivatives go no further back."""
    return x.view_as(x)
