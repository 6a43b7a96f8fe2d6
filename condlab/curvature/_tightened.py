"""What factors say of a condition number beyond Ritz pairs."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from condlab.curvature._certain import Inertia
from condlab.curvature.factored import Factored
from condlab.types import Bracket, ConditionEstimate

if TYPE_CHECKING:
    from condlab.curvature.condition_number import HessianCondition


def tightened(found: HessianCondition, part: Factored, leak: float) -> HessianCondition:
    """Return what the Ritz pairs say, and the bounds that only the factors give."""
    top, guess = max(part.high, -part.low), part.rest.probable
    likely = top
    if guess is not None:
        likely = min(top, max(guess.lambda_max.upper, -guess.lambda_min.lower) + leak)
    near = part.rest.values.abs().min()
    value = float(part.rest.values.abs().max() / near)
    off_nulls = _bounded(found.kappa_nonnull, value, top, part.smallest)
    negative, zero = part.negative, found.predicted
    positive = found.size - negative - zero
    if not zero:
        nearest = Bracket(part.smallest, found.abs_min.upper)
        found = replace(found, kappa=off_nulls, abs_min=nearest)
    return replace(
        found,
        kappa_nonnull=off_nulls,
        lambda_max=Bracket(
            found.lambda_max.lower, max(part.high, found.lambda_max.lower)
        ),
        lambda_min=Bracket(
            min(part.low, found.lambda_min.upper), found.lambda_min.upper
        ),
        inertia=Inertia((negative,) * 2, (zero,) * 2, (positive,) * 2),
        probably_below=min(_over(likely, part.probably), off_nulls.upper),
    )


def _bounded(
    found: ConditionEstimate, value: float, top: float, smallest: float
) -> ConditionEstimate:
    return replace(found, value=value, upper=max(_over(top, smallest), found.lower))


def _over(top: float, bottom: float) -> float:
    return top / bottom * (1 + 1e-15) if bottom > 0 else math.inf
