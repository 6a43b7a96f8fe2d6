"""What is certain of a matrix whose eigenvalues, or some Ritz values, are known."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import torch

from condlab._typing import Record
from condlab.display.tables import record
from condlab.spectra.brackets.intervals import Spectrum
from condlab.spectra.eigenpairs import Eigenpairs, angles, chosen
from condlab.types import Bracket, ConditionEstimate

QUANTILES = (0.01, 0.05, 0.1, 0.25)
ZERO = 2  # times the noise: Ritz values and residuals that count as null
ULPS = 4  # of the divisions by which a condition number is made


@dataclass(frozen=True, slots=True)
class Inertia:
    """How many eigenvalues are negative, zero and positive: at least, and at most.

    Parameters
    ----------
    negative, zero, positive : tuple of int
        Lower and upper bounds. Eigenvalues within the noise, and those that were not
        looked at, count towards each of the upper ones.
    """

    negative: tuple[int, int]
    zero: tuple[int, int]
    positive: tuple[int, int]

    def to_dict(self) -> Record:
        """Return the counts, pairs as lists."""
        return record(self)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bounds of the largest |eigenvalue| and of the smallest ones, ascending."""

    values: list[float]
    largest: Bracket
    uppers: list[float]
    radius: float  # inf where not all eigenvalues are known
    null: int

    @classmethod
    def of(cls, rest: Spectrum, leak: float) -> Sizes:
        noise = rest.noise + leak
        radii = (rest.radii + leak).tolist()
        pairs = sorted(zip(rest.values.abs().tolist(), radii, strict=True), key=sum)
        values = [value for value, _ in pairs]
        if rest.complete:
            radius = max(radii, default=noise)
            top = max(values, default=0.0)
            largest = Bracket(max(top - radius, 0.0), top + radius)
            uppers = [value + radius for value in values]
            null = sum(value <= radius for value in values)
            return cls(values, largest, uppers, radius, null)
        # on the span of j Ritz vectors |H x| is at most the largest |theta| and the
        # norm of all their residuals: so j singular values are at most that
        peaks = itertools.accumulate(values, max)
        off = itertools.accumulate((r for _, r in pairs), math.hypot)
        uppers = [peak + far for peak, far in zip(peaks, off, strict=True)]
        if rest.smallest is not None:
            better = (rest.smallest + leak).tolist()
            uppers = [min(pair) for pair in zip(uppers, better, strict=True)]
        null = sum(v <= ZERO * noise and r <= ZERO * noise for v, r in pairs)
        largest = Bracket(max(max(values) - noise, 0.0), math.inf)
        return cls(values, largest, uppers, math.inf, null)

    def smallest(self, j: int) -> Bracket:
        """Return bounds of the smallest |eigenvalue| but j."""
        return Bracket(max(self.values[j] - self.radius, 0.0), self.uppers[j])

    def kappa(self, j: int, method: str) -> ConditionEstimate:
        """Return the largest |eigenvalue| over the smallest but j."""
        if j >= len(self.values):
            return ConditionEstimate(math.nan, 1.0, math.inf, 2, method)
        lower, upper = _ratio(self.largest, self.smallest(j))
        value = lower
        if self.radius < math.inf:
            small = self.values[j]
            value = max(self.values) / small if small > self.radius else math.inf
        return ConditionEstimate(value, lower, upper, 2, method)


def _ratio(top: Bracket, bottom: Bracket) -> tuple[float, float]:
    """Return bounds of a condition number, which is at least one."""
    slack = ULPS * torch.finfo(torch.float64).eps
    lower = top.lower / bottom.upper * (1 - slack) if bottom.upper else math.inf
    upper = top.upper / bottom.lower * (1 + slack) if bottom.lower else math.inf
    return max(lower, 1.0), upper


def zero(leak: float, rest: Spectrum) -> Bracket:
    """Return bounds of an eigenvalue that is predicted to be zero."""
    return Bracket(0.0, leak + rest.noise)


def whole(sizes: Sizes, nullity: int, leak: float, rest: Spectrum) -> ConditionEstimate:
    """Return the condition number of the whole spectrum, nulls included."""
    if nullity:
        lower, upper = _ratio(sizes.largest, zero(leak, rest))
        return ConditionEstimate(math.inf, lower, upper, 2, rest.method)
    found = sizes.kappa(0, rest.method)
    value = math.inf if sizes.null else found.value
    return ConditionEstimate(value, found.lower, found.upper, 2, rest.method)


def beside_nulls(rest: Spectrum, leak: float) -> Eigenpairs:
    """Return eigenpairs whose angles count the null directions that were set apart.

    With N those, H is within the leak of what it is on both complements: zero is one
    of the other eigenvalues, and all are off by so much.
    """
    pairs = rest.pairs
    assert pairs is not None
    sines, span = torch.ones_like(pairs.sines), 1.0
    if rest.complete:
        places = chosen(rest.values, len(pairs.values), "magnitude")
        left = torch.ones_like(rest.values, dtype=torch.bool)
        left[places] = False
        null = torch.zeros(1, dtype=torch.float64)
        values, radii = torch.cat([rest.values, null]), torch.cat([rest.radii, null])
        left = torch.cat([left, torch.ones(1, dtype=torch.bool)])
        sines, span = angles(pairs, values, radii + leak, places, left)
    return replace(pairs, sines=sines, span_sine=span)


def extremes(rest: Spectrum, leak: float, nullity: int) -> tuple[Bracket, Bracket]:
    """Return bounds of the smallest and largest eigenvalue, by Rayleigh and Weyl."""
    ends, zero = [], leak + rest.noise
    for values in (-rest.values, rest.values):
        lower = float(values.max()) - rest.noise - leak if len(values) else -math.inf
        upper = float(values.max() + rest.radii.max()) + leak if len(values) else 0.0
        upper = upper if rest.complete else math.inf
        if rest.complete and len(values):
            lower = float(values.max() - rest.radii.max()) - leak
        if nullity:
            lower, upper = max(lower, -zero), max(upper, zero)
        ends.append((lower, upper))
    (low, high), top = ends
    return Bracket(-high, -low), Bracket(*top)


def quantiles(
    rest: Spectrum, leak: float, nullity: int
) -> dict[float, ConditionEstimate]:
    """Return quantiles of |eigenvalue| over each other, where all are known."""
    if not rest.complete:
        return {}
    sizes = sorted([0.0] * nullity + rest.values.abs().tolist())
    radius = float(rest.radii.max()) + leak if len(rest.values) else leak
    n, found = len(sizes), {}
    for q in QUANTILES:
        i = max(math.ceil(q * n), 1) - 1
        small, large = sizes[i], sizes[n - 1 - i]
        lower, upper = _ratio(
            Bracket(max(large - radius, 0.0), large + radius),
            Bracket(max(small - radius, 0.0), small + radius),
        )
        value = large / small if small > radius else math.inf
        found[q] = ConditionEstimate(value, lower, upper, 2, rest.method)
    return found


def inertia(rest: Spectrum, leak: float, nullity: int) -> Inertia:
    """Return counts of signs: Weyl's of all eigenvalues, Cauchy's of a part of them."""
    off = rest.noise + leak
    if rest.complete and len(rest.radii):
        off = float(rest.radii.max()) + leak
    negative = int((rest.values < -off).sum())
    positive = int((rest.values > off).sum())
    unknown = rest.size - negative - positive
    return Inertia(
        (negative, negative + unknown),
        (nullity, nullity + unknown),
        (positive, positive + unknown),
    )
