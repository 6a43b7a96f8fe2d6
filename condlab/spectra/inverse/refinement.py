"""Solve for right-hand sides, and for what a recomputed residual says is left."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from condlab.spectra._products import Products
from condlab.spectra.inverse._recurrences import ConjugateGradients, Minres, Recurrence

METHODS: dict[str, Callable[[Tensor], Recurrence]] = {
    "minres": Minres,
    "cg": ConjugateGradients,
}
LESS = 0.5  # of the last residual: more is no progress
WITHIN = 0.9  # of the tolerance, that the recurrence's own residual must be
REACHED, STUCK, STALLED, SPENT = range(4)  # how a column ends


@dataclass(frozen=True, slots=True)
class System:
    """Products with (H + damping I) / scale, of middling size."""

    H: Products
    damping: float
    scale: float

    @classmethod
    def of(cls, H: Products, damping: float) -> System:
        """Return the system, scaled by the larger of its two parts."""
        own = H.scale if bool(H.probe.any()) else 0.0
        size = 2.0 ** math.floor(math.log2(abs(damping))) if damping else 0.0
        return cls(H, damping, max(own, size) or 1.0)

    def __call__(self, V: Tensor) -> Tensor:
        """Return the product with vectors, shape (n, k)."""
        part = (self.H @ V) * (self.H.scale / self.scale)
        return part.add_(V, alpha=self.damping / self.scale) if self.damping else part


class Refinement:
    """Columns X with A X near to B, and how each of them ended.

    Attributes
    ----------
    X : Tensor, shape (n, k)
        The solution so far.
    residual : Tensor, shape (k,)
        Norms of B - A X, from products with X; columns of B have length one, or none.
    ended : Tensor, shape (k,)
        How: one of `REACHED`, `STUCK`, `STALLED` and `SPENT`.
    curvature : float
        The least p'Ap / p'p where CG is stuck; 0 where that is rounding.
    """

    def __init__(self, system: System, B: Tensor, method: str, rtol: float) -> None:
        self._system, self._B, self._method, self._rtol = system, B, method, rtol
        self.X, self._rest, self.residual = torch.zeros_like(B), B, B.norm(dim=0)
        self.ended = torch.full_like(self.residual, REACHED, dtype=torch.int64)
        self.curvature = math.inf

    def finish(self, num_matvecs: int) -> None:
        """Solve until every column is done, stuck or out of products."""
        active = (self.residual > self._rtol).nonzero()[:, 0]
        left = num_matvecs
        while len(active) and left >= 2:
            D, ended, steps = self._solved(active, left - 1)
            left -= steps + 1
            before = self.residual[active]
            # the residuals of CG need not fall; the first ones are taken as they are
            first = self._method == "cg" and left + steps + 1 == num_matvecs
            self._move(active, D, always=first)
            after = self.residual[active]
            ended[(ended == REACHED) & ~(after <= LESS * before)] = STALLED
            ended[after <= self._rtol] = REACHED
            self.ended[active] = ended
            again = (ended == REACHED) & (after > self._rtol) | (ended == SPENT)
            active = active[again]
        self.ended[active] = SPENT

    def _move(self, active: Tensor, D: Tensor, *, always: bool) -> None:
        """Add to the solution where that lowers the residual, or always."""
        X = self.X[:, active] + D
        rest = self._B[:, active] - self._system(X)
        size = rest.norm(dim=0)
        better = torch.ones_like(active, dtype=torch.bool)
        if not always:
            better = size < self.residual[active]
        places = active[better]
        self.X[:, places] = X[:, better]
        self.residual[places] = size[better]
        self._rest = self._rest.clone()
        self._rest[:, places] = rest[:, better]

    def _solved(self, active: Tensor, most: int) -> tuple[Tensor, Tensor, int]:
        """Return what solves for the rest of columns, how they ended, and steps."""
        rest, before = self._rest[:, active], self.residual[active]
        least = before * torch.finfo(rest.dtype).eps
        target = least.clamp(min=WITHIN * self._rtol)
        D, ended = torch.zeros_like(rest), torch.full_like(active, SPENT)
        run, places, steps = METHODS[self._method](rest), torch.arange(len(active)), 0
        places = places.to(active.device)
        while len(places) and steps < most:
            stuck = run.step(self._system)
            steps += 1
            over = stuck | (run.residual <= target[places])
            if bool(over.any()):
                D[:, places[over]] = run.X[:, over]
                ended[places[stuck]], ended[places[over & ~stuck]] = STUCK, REACHED
                if isinstance(run, ConjugateGradients) and bool(stuck.any()):
                    self.curvature = min(self.curvature, float(run.curvature.min()))
                run.select(~over)
                places = places[~over]
        D[:, places] = run.X
        return D, ended, steps
