"""Null directions that a network's layers predict, each asked of the Hessian.

What to try follows from the layers: shifts of what a softmax or a mean takes off again,
of a key's bias, of one of two biases against the other, of what nothing depends on.
Whether it holds is not a matter of names. A shift is kept where the gradient along it
and the product with it vanish next to what other motions of the same layer do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from condlab.curvature.operators._over_parameters import AtPoint, OverParameters
from condlab.curvature.symmetry._calls import Calls
from condlab.curvature.symmetry._shifts import (
    ALWAYS,
    IDLE,
    Candidate,
    Candidates,
    some,
)
from condlab.curvature.symmetry.invariances import Invariance
from condlab.curvature.symmetry.motions import STILL, Shift, Term
from condlab.curvature.symmetry.null_space import INVARIANT, Surroundings

WITHIN = 64  # directions of the other kinds: each costs a product and n numbers
CANCELLED = 16  # times eps: what a gradient near zero is off, of |H| |theta|


def find_invariances(
    H: AtPoint, module: nn.Module, *, most: int = WITHIN
) -> list[Invariance]:
    """Return the shifts of a network's parameters that its loss does not see.

    Parameters
    ----------
    H : HessianOperator
        Of a loss of the module, in all or some of its parameters.
    module : torch.nn.Module
        Conditioned or not; its layers say what to try.
    most : int
        Null directions that are returned beside those of softmax and of attention's
        keys, which always are.

    Returns
    -------
    list of Invariance
        One for each source, verified: what `condition` and `null_space` take.

    Notes
    -----
    Scalings of lines and units, and pairings of queries with keys, are null only where
    the gradient vanishes; `row_scale`, `relu_rescaling` and `attention` make them.

    Examples
    --------
    >>> from condlab.curvature import HessianOperator, make_loss
    >>> net = nn.Sequential(
    ...     nn.Linear(2, 3), nn.LayerNorm(3), nn.Tanh(), nn.Linear(3, 2))
    >>> loss = make_loss(net.double(), nn.CrossEntropyLoss())
    >>> batch = torch.randn(9, 2, dtype=torch.float64), torch.arange(9) % 2
    >>> H = HessianOperator(loss, dict(net.named_parameters()), [batch])
    >>> [(found.source, found.size) for found in find_invariances(H, net)]
    [('softmax shift', 4), ('layer norm shift', 3)]
    """
    level = _Level.of(H)
    names = {id(p): n for n, p in module.named_parameters() if n in H.params}
    tried = Candidates(H.params, names, Calls.of(H, module), level.flat())
    candidates = sorted(
        [*tried.of(module), *level.without_effect()], key=lambda c: c.rank
    )
    found: list[Invariance] = []
    for one in candidates:
        counted = 0 if one.shift.source in ALWAYS else one.shift.size
        if counted <= most and level.holds(one):
            most -= counted
            found.append(one.shift)
    return _joined(found)


@dataclass(frozen=True, slots=True)
class _Level:
    H: OverParameters
    around: Surroundings
    idle: Tensor  # which entries neither the gradient nor a product knows of
    sizes: dict[frozenset[str], float]  # of products with some parameters

    @classmethod
    def of(cls, H: OverParameters) -> _Level:
        around = Surroundings.of(H)
        still = (around.gradient == 0) & (H @ _random(H, 2) == 0)
        return cls(H, around, still, {})

    def flat(self) -> dict[str, Tensor]:
        """Return which entries have no gradient, up to rounding."""
        g = self.around.gradient.abs()
        return self.H.unflatten((g <= self._tolerance * float(g.max())).cpu())

    def without_effect(self) -> Iterator[Candidate]:
        """Yield the idle entries, if there are some."""
        count = int(self.idle.sum())
        if 0 < count < len(self.idle):
            parts = self.H.unflatten(some(self.idle.cpu()))
            terms = tuple(Shift(n, k) for n, k in parts.items() if bool((k >= 0).any()))
            yield Candidate("", Invariance(IDLE, count, terms))

    def holds(self, one: Candidate) -> bool:
        """Tell whether neither the gradient nor a product sees a shift."""
        H, shift, scope = self.H, one.shift, self._scope(one)
        generator = torch.Generator().manual_seed(3)
        c = torch.randn(shift.size, generator=generator, dtype=torch.float64)
        xi = H.flatten(shift.direction(H.params, c.to(H.dtype).to(H.device)))
        only_idle = not bool((xi[~self.idle] != 0).any())
        if only_idle or not self._is_level(xi, scope):
            return shift.source == IDLE
        if scope not in self.sizes:
            self.sizes[scope] = float((H @ self._within(scope)).norm())
        local = min(self.sizes[scope], self.around.size) * float(xi.norm())
        # half: `require_invariant` asks again, with other coefficients
        return float((H @ xi).norm()) <= self._tolerance / 2 * local

    def _is_level(self, xi: Tensor, scope: frozenset[str]) -> bool:
        """Tell whether the loss does not change along a direction, at first order."""
        g, eps = self.around.gradient, torch.finfo(self.H.dtype).eps
        theta = float(self.H.flatten(self.H.params).norm())
        own = float(g[self._within(scope) != 0].norm())
        slope = self._tolerance * own + CANCELLED * eps * self.around.size * theta
        return abs(float(xi @ g)) <= slope * float(xi.norm())

    def _scope(self, one: Candidate) -> frozenset[str]:
        """Return the parameters of the layer, or of what it is part of.

        There must be others than those that may be null, to be held against.
        """
        moved = {term.name for term in one.shift.terms}
        layer = one.layer
        while True:
            start = f"{layer}." if layer else ""
            own = {n for n in self.H.params if n.startswith(start)}
            if own - moved or not layer:
                return frozenset(own | moved)
            layer = layer.rpartition(".")[0]

    def _within(self, scope: frozenset[str]) -> Tensor:
        """Return a random direction, of length one, that moves these parameters."""
        v = _random(self.H, 4)
        for name, place in self.H.layout.slices.items():
            if name not in scope:
                v[place] = 0
        return v / v.norm()

    @property
    def _tolerance(self) -> float:
        return INVARIANT * torch.finfo(self.H.dtype).eps


def _random(H: OverParameters, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    v = torch.randn(H.shape[0], generator=generator, dtype=torch.float64)
    return v.to(H.dtype).to(H.device)


def _joined(found: Sequence[Invariance]) -> list[Invariance]:
    """Return one invariance a source: their directions are numbered on."""
    joined: dict[str, Invariance] = {}
    for one in found:
        before = joined.get(one.source, Invariance(one.source, 0, ()))
        terms = [_renumbered(term, before.size) for term in one.terms]
        joined[one.source] = Invariance(
            one.source, before.size + one.size, (*before.terms, *terms)
        )
    return list(joined.values())


def _renumbered(term: Term, first: int) -> Shift:
    assert isinstance(term, Shift)  # as those of all candidates
    numbers = torch.where(term.numbers == STILL, STILL, term.numbers + first)
    return replace(term, numbers=numbers)
