"""Rank correlations within strata, with intervals over whole clusters of runs."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from studies.analysis.statistics import LEVEL

RESAMPLES = 2000

Array = np.ndarray


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
    draws = np.zeros(0)
    if len(members) > 1 and math.isfinite(rho):
        weights = _weights(members, len(a), rng, resamples)
        draws = _weighted_rho(a, b, parts, weights)
    finite = draws[np.isfinite(draws)]
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


def _weights(
    members: list[Array], runs: int, rng: np.random.Generator, resamples: int
) -> Array:
    """Return how often each run is drawn, with its cluster, a resample a row."""
    n = len(members)
    counts = rng.multinomial(n, np.full(n, 1 / n), size=resamples)
    owner = np.zeros(runs, dtype=int)
    for i, member in enumerate(members):
        owner[member] = i
    return counts[:, owner].astype(float)


def _weighted_rho(x: Array, y: Array, parts: list[Array], weights: Array) -> Array:
    """Return rho of each resample, of the ranks that runs have among all."""
    moments = np.zeros((3, len(weights)))
    for part in parts:
        own = weights[:, part]
        total = own.sum(axis=1)
        kept = np.where(total > 0, total, 1.0)
        a, b = (rankdata(v[part]) / len(part) for v in (x, y))
        means = [own @ v / kept for v in (a, b)]
        for k, (v, w, i, j) in enumerate([(a, b, 0, 1), (a, a, 0, 0), (b, b, 1, 1)]):
            moments[k] += own @ (v * w) - total * means[i] * means[j]
    scale = np.sqrt(np.clip(moments[1] * moments[2], 0, None))
    return np.divide(
        moments[0], scale, out=np.full(len(weights), math.nan), where=scale > 1e-12
    )


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
    sums = np.zeros(resamples)
    for part in parts:
        shuffled = np.tile(a[part], (resamples, 1))
        sums += rng.permuted(shuffled, axis=1) @ b[part]
    # Ties of |rho| count, and rounding must not decide about them.
    extreme = int((np.abs(sums) / scale >= abs(rho) * (1 - 1e-12)).sum())
    return (extreme + 1) / (resamples + 1)


def _percentiles(draws: Array) -> tuple[float, float]:
    tail = 100 * (1 - LEVEL) / 2
    lower, upper = np.percentile(draws, [tail, 100 - tail])
    return float(lower), float(upper)
