"""What may be said of runs: censored times, paired differences, ranks within strata."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from scipy.stats import rankdata

RESAMPLES = 2000
LEVEL = 0.95
PENALTY = 1.5  # times its budget: the time of a run that never reached the target

Array = np.ndarray


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
    """An estimate with its bootstrap interval, and of how many runs or pairs."""

    value: float
    lower: float
    upper: float
    n: int


@dataclass(frozen=True, slots=True)
class Correlation:
    """A rank correlation within strata.

    Parameters
    ----------
    rho, lower, upper : float
        With the interval of a bootstrap of whole clusters.
    p_value : float
        Of a permutation within strata, two-sided.
    runs, strata, clusters : int
        How many it rests on.
    """

    rho: float
    lower: float
    upper: float
    p_value: float
    runs: int
    strata: int
    clusters: int


def steps_to_target(
    series: Sequence[Sequence[Any]], target: float, budget: float
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
    for step, raw in series:
        value = math.inf if raw is None else float(raw)
        if value <= target:
            if before is None or not math.isfinite(before[1]):
                return Time(float(step), True)
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


def paired_difference(
    first: Mapping[Hashable, float],
    second: Mapping[Hashable, float],
    *,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> Interval:
    """Return the mean of `second` minus `first` over what both have.

    Parameters
    ----------
    first, second : dict
        A number for each pair: by seed, or by seed and learning rate.
    rng : numpy.random.Generator
        Draws the resamples of pairs.
    resamples : int
        How many.

    Returns
    -------
    Interval
        Percentile bootstrap. With few pairs it is too short: `n` is to be printed.

    Raises
    ------
    ValueError
        If nothing is in both.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> paired_difference({0: 1.0, 1: 5.0}, {0: 2.0, 1: 6.0, 2: 9.0}, rng=rng)
    Interval(value=1.0, lower=1.0, upper=1.0, n=2)
    """
    shared = [pair for pair in first if pair in second]
    if not shared:
        raise ValueError("no pair is in both arms; compare arms of the same seeds")
    gaps = np.array([second[pair] - first[pair] for pair in shared])
    means = rng.choice(gaps, (resamples, len(gaps))).mean(axis=1)
    return Interval(float(gaps.mean()), *_percentiles(means), len(gaps))


def stratified_spearman(
    x: Sequence[float],
    y: Sequence[float],
    *,
    strata: Sequence[Hashable],
    clusters: Sequence[Hashable],
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> Correlation:
    """Return Spearman's rho of ranks taken within strata.

    What differs between strata, such as the learning rate, cannot make a correlation:
    ranks are taken within each, relative to its size, and centred there; rho is the
    correlation of what is left. With one stratum it is Spearman's.

    Parameters
    ----------
    x, y : sequence of float
        One number a run; inf is allowed and ranks last.
    strata : sequence
        Of each run; strata with fewer than three runs are left out.
    clusters : sequence
        Of each run: runs that are not independent, such as those of a seed and arm.
    rng : numpy.random.Generator
        Draws the resamples of whole clusters, and the permutations.
    resamples : int
        How many of both.

    Returns
    -------
    Correlation
        rho is nan where x or y does not vary within any stratum.

    Examples
    --------
    >>> x, y = [1, 2, 3, 11, 12, 13], [3, 2, 1, 13, 12, 11]   # up between, down within
    >>> rng = np.random.default_rng(0)
    >>> found = stratified_spearman(
    ...     x, y, strata="aaabbb", clusters=range(6), rng=rng, resamples=99)
    >>> round(found.rho, 12), found.runs, found.strata
    (-1.0, 6, 2)
    """
    groups = _groups(strata)
    kept = np.sort(np.concatenate([[], *(g for g in groups if len(g) > 2)]).astype(int))
    a, b = (np.asarray(v, dtype=float)[kept] for v in (x, y))
    keys, owners = ([values[i] for i in kept] for values in (strata, clusters))
    parts = _groups(keys)
    rho = _rho(a, b, parts)
    members = _groups(owners)
    draws = []
    for _ in range(resamples if len(members) > 1 and math.isfinite(rho) else 0):
        chosen = rng.integers(len(members), size=len(members))
        runs = np.concatenate([members[i] for i in chosen])
        draws.append(_rho(a[runs], b[runs], _groups([keys[i] for i in runs])))
    finite = np.array([d for d in draws if math.isfinite(d)])
    lower, upper = _percentiles(finite) if len(finite) else (math.nan, math.nan)
    p_value = _permutation_p(a, b, parts, rho, rng, resamples)
    return Correlation(rho, lower, upper, p_value, len(a), len(parts), len(members))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for how many there are, by Holm's method.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    adjusted, running = [0.0] * len(order), 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, (len(order) - rank) * float(p_values[i])))
        adjusted[i] = running
    return adjusted


def _groups(keys: Sequence[Hashable]) -> list[Array]:
    """Return the places of each key, keys in the order in which they first appear."""
    places: dict[Hashable, list[int]] = {}
    for i, key in enumerate(keys):
        places.setdefault(key, []).append(i)
    return [np.array(p) for p in places.values()]


def _rho(x: Array, y: Array, parts: list[Array]) -> float:
    a, b = _centred_ranks(x, parts), _centred_ranks(y, parts)
    scale = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / scale if scale > 0 else math.nan


def _centred_ranks(x: Array, parts: list[Array]) -> Array:
    ranks = np.zeros(len(x))
    for part in parts:
        within = rankdata(x[part])
        ranks[part] = (within - within.mean()) / len(part)
    return ranks


def _permutation_p(
    x: Array,
    y: Array,
    parts: list[Array],
    rho: float,
    rng: np.random.Generator,
    resamples: int,
) -> float:
    """Return how often shuffling x within strata gives at least such a rho."""
    if not math.isfinite(rho):
        return math.nan
    a, b = _centred_ranks(x, parts), _centred_ranks(y, parts)
    scale = math.sqrt(float(a @ a) * float(b @ b))
    extreme = 0
    for _ in range(resamples):
        for part in parts:
            a[part] = rng.permutation(a[part])
        # Ties of |rho| count, and rounding must not decide about them.
        extreme += abs(float(a @ b)) / scale >= abs(rho) * (1 - 1e-12)
    return (extreme + 1) / (resamples + 1)


def _percentiles(draws: Array) -> tuple[float, float]:
    tail = 100 * (1 - LEVEL) / 2
    lower, upper = np.percentile(draws, [tail, 100 - tail])
    return float(lower), float(upper)
