"""What may be said of runs: when they reach a target, medians, means over seeds."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.special import stdtrit

from studies.engine.records import Number, as_float

LEVEL = 0.95
PENALTY = 1.5  # times its budget: the time of a run that never reached the target


@dataclass(frozen=True, slots=True)
class Time:
    """When a run reached its target.

    Parameters
    ----------
    step : float
        Between two evaluations by linear interpolation; the last step of the run where
        the target was not reached.
    reached : bool
        False where the time is censored.
    """

    step: float
    reached: bool


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its interval, and over how many independent groups."""

    value: float
    lower: float
    upper: float
    n: int


def steps_to_target(
    series: Sequence[Sequence[Number]], target: float, budget: float
) -> Time:
    """Return when a series first falls to a target.

    Parameters
    ----------
    series : sequence of (step, value)
        As records hold it: ascending steps; values may be None or "inf".
    target : float
        To be reached from above.
    budget : float
        Steps of the whole run, at which a run that diverged is censored too.

    Examples
    --------
    >>> steps_to_target([[0, 3.0], [10, 1.0], [20, 2.0]], 2.0, 20)
    Time(step=5.0, reached=True)
    >>> steps_to_target([[0, 3.0], [10, None]], 2.0, 20)
    Time(step=20, reached=False)
    """
    before: tuple[float, float] | None = None
    for at, raw in series:
        step, value = as_float(at), as_float(raw)
        if value <= target:
            if before is None or not math.isfinite(before[1]):
                return Time(step, True)
            share = (before[1] - target) / (before[1] - value)
            return Time(before[0] + share * (step - before[0]), True)
        before = (step, value)
    return Time(budget, False)


def penalised(time: Time) -> float:
    """Return a time for ranking: censored ones come last, at 1.5 times their budget.

    Examples
    --------
    >>> penalised(Time(20, False)), penalised(Time(20, True))
    (30.0, 20.0)
    """
    return float(time.step) * (1.0 if time.reached else PENALTY)


def median_time(times: Sequence[Time]) -> float:
    """Return the Kaplan-Meier median of censored times; inf if most never arrived.

    It is the first time at which at most half are left, by exact counts: shares are
    ratios of integers, which rounding cannot push past a half.

    Parameters
    ----------
    times : sequence of Time
        Of the runs of one arm.

    References
    ----------
    .. [1] E. L. Kaplan and P. Meier, "Nonparametric estimation from incomplete
       observations", Journal of the American Statistical Association 53, 1958.

    Examples
    --------
    >>> median_time([Time(1, True), Time(2, True), Time(3, True), Time(9, False)])
    2.0
    """
    left, share = len(times), Fraction(1)
    for step in sorted({time.step for time in times}):
        ended = [time.reached for time in times if time.step == step]
        share *= Fraction(left - sum(ended), left)
        if share <= Fraction(1, 2):
            return float(step)
        left -= len(ended)  # who is censored at a step was still there at it
    return math.inf


def clustered_mean(clusters: Mapping[Hashable, Sequence[float]]) -> Interval:
    """Return the mean over clusters of each one's mean, with Student's interval.

    Numbers of one cluster, such as a seed's at several learning rates, share what the
    cluster drew: they count once. Over three to five seeds the percentile bootstrap
    that is often used covers 75 to 83 %, this 95 % of normal means.

    Parameters
    ----------
    clusters : dict
        The numbers of each; none may be empty.

    Returns
    -------
    Interval
        Of n clusters; a single one says nothing of its scatter, so that the interval
        is then all numbers.

    Raises
    ------
    ValueError
        If there is no cluster.

    Examples
    --------
    >>> found = clustered_mean({0: [1.0, 3.0], 1: [4.0], 2: [3.0]})
    >>> found.value, round(found.lower, 3), round(found.upper, 3), found.n
    (3.0, 0.516, 5.484, 3)
    """
    if not clusters:
        raise ValueError("no pair is in both arms; compare arms of the same seeds")
    means = np.array([np.mean(values) for values in clusters.values()])
    n, value = len(means), float(means.mean())
    if n == 1:
        return Interval(value, -math.inf, math.inf, 1)
    quantile = float(stdtrit(n - 1, (1 + LEVEL) / 2))
    reach = quantile * float(means.std(ddof=1)) / math.sqrt(n)
    return Interval(value, value - reach, value + reach, n)
