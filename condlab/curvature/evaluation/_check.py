"""Hold derivatives against differences: an autodiff library is no judge of itself.

Along one random direction v, with t the step and +, 0, - the points theta + tv, theta
and theta - tv,

    (f(+) - f(-)) / 2t  is  g'v  for the loss, and  H v  for its gradient.

How good that is can be seen from the same values: |f(+) - 2 f(0) + f(-)| / 2t holds
the rounding of all three and the jumps of kinks between them, and of a smooth f it is
larger than the truncation by a factor of 1/t. So what is allowed is measured, and no
constant of the loss is assumed. A float32 loss is evaluated in float64 where it can be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from condlab.curvature.evaluation._parameters import Flat
from condlab.machine.precision import wide

ALLOWED = 8  # times what the second difference shows
ROUNDED = 16  # times the unit roundoff of a sum or of a point, over the step
PRODUCT = 10  # times the root of the unit roundoff: masks of kinks that rounding flips
# of the step: smaller ones for kinks and small parameters, a larger one for a loss
# that is coarser than its dtype
FACTORS = (1.0, 1e-2, 1e2, 1e-4, 1e-8)
CLOSE = 1e-3  # of the product: a gap that no other step is tried for
APART = 4  # times what two differences are good to: then they contradict each other

Value = tuple[Tensor, Tensor]  # a loss, and its gradient laid end to end
Evaluate = Callable[[dict[str, Tensor]], Value]


@dataclass(frozen=True, slots=True)
class Difference:
    """A central difference, and by how much it may be off."""

    value: Tensor
    allowed: float


@dataclass(frozen=True, slots=True)
class Seen:
    """By how much a derivative is off a difference, and why that is refused, if so."""

    gap: float
    refused: str = ""


class Check:
    """Differences of a loss and its gradient along one direction, made when asked for.

    Parameters
    ----------
    evaluate : callable
        ``evaluate(params)`` gives the loss and its gradient, shapes () and (n,).
    leaves : dict of str to Tensor
        The point.
    flat : Flat
        Their layout.
    centre : (Tensor, Tensor)
        Loss and gradient at the point.
    in_double : callable, optional
        As `evaluate`, of float64 parameters; it may raise RuntimeError or TypeError.
    hold : callable, optional
        Makes of a function of the parameters one in which what torch takes for
        constants stays as it is at the point.

    Attributes
    ----------
    rows : Tensor, shape (2, n)
        Fixed standard normal vectors; the first is the direction.
    """

    def __init__(
        self,
        evaluate: Evaluate,
        leaves: dict[str, Tensor],
        flat: Flat,
        centre: Value,
        in_double: Evaluate | None = None,
        hold: Callable[[Evaluate], Evaluate] = lambda evaluate: evaluate,
    ) -> None:
        self._evaluate = hold(evaluate)
        self._in_double = None if in_double is None else hold(in_double)
        self._hold = hold
        self._leaves, self._flat, self.centre = leaves, flat, centre
        self._made: list[tuple[Difference, Difference]] = []
        generator = torch.Generator().manual_seed(0)
        rows = torch.randn(2, flat.size, generator=generator, dtype=torch.float64)
        self.rows = rows.to(flat.dtype).to(flat.device)

    @cached_property
    def floor(self) -> float:
        """Return the size of the gradient's rounding, as a product with a probe."""
        return float(self.centre[1].norm()) / self._rms

    def of_loss(self) -> Seen:
        """Return how the gradient compares with differences of the loss."""
        slope = float(wide(self.centre[1]) @ wide(self.rows[0]))
        best = Difference(torch.zeros(()), float("inf"))
        for of_loss, _ in self._differences():
            best = min(best, of_loss, key=lambda one: one.allowed)
            if abs(slope - float(best.value)) <= best.allowed:
                return Seen(abs(slope - float(best.value)))
        return Seen(
            abs(slope - float(best.value)),
            f"along a random direction the gradient is {slope:.6g} by torch, and "
            f"{float(best.value):.6g} by differences of the loss",
        )

    def of_gradient(self, product: Tensor) -> Seen:
        """Return how a product with the direction compares with differences.

        Where it is close at once, these cost two gradients in all.
        """
        return self.compare(product)[0]

    def of(self, evaluate: Evaluate, in_double: Evaluate | None) -> Check:
        """Return the same of another function of the parameters, in float64 too."""
        single = self._flat.dtype == torch.float32
        return Check(
            evaluate,
            self._leaves,
            self._flat,
            self._hold(evaluate)(self._leaves),
            in_double if single else None,
            self._hold,
        )

    def compare(self, product: Tensor) -> tuple[Seen, Tensor]:
        """Return how a product compares with differences, and by what it is off."""
        size = float(product.norm())
        own = PRODUCT * torch.finfo(product.dtype).eps ** 0.5 * (size + self.floor)
        best, gap = Difference(product, float("inf")), float("inf")
        missed: list[Difference] = []
        for factor, (_, of_gradient) in zip(FACTORS, self._differences(), strict=True):
            best = min(best, of_gradient, key=lambda one: one.allowed)
            off = product - best.value
            gap = float(off.norm())
            if gap <= best.allowed + own and gap <= CLOSE * size:
                if reason := _contradiction(best, missed, own):
                    return Seen(gap, reason), off
                break
            missed += [of_gradient] if factor <= 1 else []
        if gap <= best.allowed + own:
            return Seen(gap), off
        reason = (
            f"its product is {gap:.1e} off differences of the gradient, of norm "
            f"{float(best.value.norm()):.1e} and good to {best.allowed:.1e}"
        )
        return Seen(gap, reason), off

    def forget(self) -> None:
        """Let go of differences, a vector in float64 each; they are made anew."""
        self._made.clear()

    def _differences(self) -> Iterator[tuple[Difference, Difference]]:
        for i in range(len(FACTORS)):
            if i == len(self._made):
                self._made.append(self._differ(i))
            yield self._made[i]

    @cached_property
    def _rms(self) -> float:
        squares = (wide(p.detach()).square().sum() for p in self._leaves.values())
        return (sum(map(float, squares)) / self._flat.size) ** 0.5 or 1.0

    def _differ(self, i: int) -> tuple[Difference, Difference]:
        """Return the differences at the i-th step, and how good they are."""
        if self._in_double is not None:
            try:
                return self._differ_in(torch.float64, self._in_double, i)
            except (RuntimeError, TypeError):  # something of the loss is float32
                self._in_double = None
        return self._differ_in(self._flat.dtype, self._evaluate, i)

    def _differ_in(
        self, dtype: torch.dtype, evaluate: Evaluate, i: int
    ) -> tuple[Difference, Difference]:
        eps = torch.finfo(dtype).eps
        if dtype == self._flat.dtype:  # some models round their loss to float32
            eps = max(eps, torch.finfo(self.centre[0].dtype).eps)
        # truncation, the square of the step, is balanced with rounding over it
        t = eps ** (1 / 3) * self._rms * FACTORS[i]
        loss, slopes = self.centre
        if i and dtype != self._flat.dtype:
            loss, slopes = evaluate(self._moved(0.0, dtype))
        up, down = (evaluate(self._moved(sign * t, dtype)) for sign in (1, -1))
        sag = abs(float(up[0] - 2 * loss + down[0])) / (2 * t)
        bend = float((up[1] + down[1]).sub_(slopes, alpha=2).norm()) / (2 * t)
        curved = (up[1] - down[1]).div_(2 * t)
        unit, slope = ROUNDED * eps / t, float(slopes.norm())
        # in n sums of the gradient and n entries of the point
        off_loss = unit * (abs(float(loss)) + self._rms * slope)
        off_slope = unit * (slope + self._rms * float(curved.norm()))
        return (
            Difference((up[0] - down[0]) / (2 * t), ALLOWED * sag + off_loss),
            Difference(curved, ALLOWED * bend + off_slope),
        )

    def _moved(self, t: float, dtype: torch.dtype) -> dict[str, Tensor]:
        along = self._flat.unflatten(self.rows[0])
        return {
            name: torch.add(p.detach().to(dtype), along[name], alpha=t).requires_grad_()
            for name, p in self._leaves.items()
        }


def _contradiction(found: Difference, missed: list[Difference], own: float) -> str:
    """Say which larger step moves a gradient that this one leaves where it is, if any.

    A step may be too small for a gradient to see: torch's of sinc is zero at 1e-9, and
    so are its differences, whatever the second derivative.
    """
    still = found.value == 0
    for one in missed:
        moved = float(one.value[still].norm())
        if moved > APART * (found.allowed + one.allowed) + own:
            return (
                "differences of the gradient contradict each other: zero at a small "
                f"step, {moved:.1e} at a larger one, where they are good to "
                f"{one.allowed:.1e}"
            )
    return ""
