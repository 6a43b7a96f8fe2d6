"""Rank correlations within strata, with intervals over whole clusters of runs.

Intervals and p-values are of the delete-one-cluster jackknife of Fisher's z (Miller
1974, Biometrika 61) with Student's t. A permutation of runs would take those of an arm
for independent; and none of its p-values is below one over the number of shuffles,
which a correction for many tests then multiplies.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata, t

from studies.analysis.statistics import LEVEL

Array = np.ndarray


@dataclass(frozen=True, slots=True)
class Correlation:
    """A rank correlation within strata.

    Parameters
    ----------
    rho, lower, upper : float
        With its interval; nan where one cluster is all, or rho is 1 or -1.
    p_value : float
        Two-sided.
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
        Of each run: runs that are not independent, such as those of an arm.

    Returns
    -------
    Correlation
        rho is nan where x or y does not vary within any stratum.

    Examples
    --------
    >>> x, y = [1, 2, 3, 11, 12, 13], [3, 2, 1, 13, 12, 11]   # up between, down within
    >>> found = stratified_spearman(x, y, strata="aaabbb", clusters=range(6))
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
    lower, upper, p_value = _jackknife(a, b, parts, members, rho)
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


def _jackknife(
    x: Array, y: Array, parts: list[Array], members: list[Array], rho: float
) -> tuple[float, float, float]:
    """Return an interval of rho and its p-value by leaving out each cluster."""
    n = len(members)
    if n < 2 or not abs(rho) < 1 - 1e-12:  # nan as well
        return math.nan, math.nan, math.nan
    weights = np.ones((n, len(x)))
    for i, member in enumerate(members):
        weights[i, member] = 0
    without = _weighted_rho(x, y, parts, weights)
    z = np.arctanh(np.clip(without, -1 + 1e-12, 1 - 1e-12))
    z = np.where(np.isnan(z), math.atanh(rho), z)  # the rest does not vary
    error = math.sqrt((n - 1) / n * float(((z - z.mean()) ** 2).sum()))
    reach = float(t.ppf((1 + LEVEL) / 2, n - 1)) * error
    middle = math.atanh(rho)
    p_value = 2 * float(t.sf(abs(middle) / error, n - 1)) if error else math.nan
    return math.tanh(middle - reach), math.tanh(middle + reach), p_value


def _weighted_rho(x: Array, y: Array, parts: list[Array], weights: Array) -> Array:
    """Return rho by each row of weights, of the ranks that runs have among all."""
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
