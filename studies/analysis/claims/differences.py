"""Numbers by seed that tell one arm from another, of the records of one setting.

Accuracies of runs that diverged count as chance; of what a run's probes noted, the
median is taken, without the last one, at which a cosine has left no rate.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, median

from scipy.stats import spearmanr

from studies.analysis.contrasts import at_best, last, minus
from studies.analysis.runs import grouped
from studies.engine.records import Record, points

CHANCE = 0.1  # of ten classes
MARGIN = 0.02  # of accuracy, within which one counts as another
ByRun = dict[tuple[float, int], float]  # by rate and seed
BySeed = dict[int, float]


def accuracy(records: Iterable[Record], arm: str) -> ByRun:
    """Return the last test accuracy of each run of an arm."""
    return last(records, "accuracy", lost=CHANCE, arm=arm)


def error(
    records: Iterable[Record],
    arm: str,
    *,
    series: str = "accuracy",
    chance: float = CHANCE,
) -> ByRun:
    """Return each run's test error in per cent, of all test images where it is known.

    Runs that diverged count as chance.
    """
    own = [record for record in records if record["config"]["arm"] == arm]
    some, every = last(own, series, lost=chance), last(own, f"test_{series}")
    return {run: 100 * (1 - share) for run, share in {**some, **every}.items()}


def typical(records: Iterable[Record], series: str, arm: str) -> ByRun:
    """Return the decimal logarithm of the median of what each run's probes noted."""
    found = {}
    for record in records:
        config = record["config"]
        noted = [x for _, x in points(record["series"], series)[:-1] if x > 0]
        if config["arm"] == arm and noted:
            middle = median(noted)
            known = record["status"] != "diverged" and 0 < middle < math.inf
            found[config["lr"], config["seed"]] = (
                math.log10(middle) if known else math.nan
            )
    return found


def own_best(a: str, b: str, records: Sequence[Record]) -> BySeed:
    """Return the accuracy of one arm minus another's, each at its best rate."""
    return minus(*(at_best(accuracy(records, arm)) for arm in (a, b)))


def equal_rates(a: ByRun, b: ByRun) -> BySeed:
    """Return the mean over the rates of both of the differences, by seed.

    Examples
    --------
    >>> equal_rates({(0.1, 0): 3.0, (1.0, 0): math.nan}, {(0.1, 0): 1.0, (1.0, 0): 1.0})
    {0: 2.0}
    """
    gaps = [(seed, a[lr, seed] - b[lr, seed]) for lr, seed in a if (lr, seed) in b]
    by_seed = grouped(gaps, lambda gap: gap[0])
    known = {s: [x for _, x in own if math.isfinite(x)] for s, own in by_seed.items()}
    return {seed: fmean(own) if own else math.nan for seed, own in known.items()}


def at_equal_rates(a: str, b: str, records: Sequence[Record]) -> BySeed:
    """Return the accuracy of one arm minus another's, the mean over rates."""
    return equal_rates(accuracy(records, a), accuracy(records, b))


def less(series: str, a: str, b: str, records: Sequence[Record]) -> BySeed:
    """Return by how many powers of ten a series is smaller in one arm than another."""
    return equal_rates(typical(records, series, b), typical(records, series, a))


def less_at_best(series: str, a: str, b: str, records: Sequence[Record]) -> BySeed:
    """Return the same at the rates at which each arm has its best accuracy."""
    found = []
    for arm in (b, a):
        best = best_rate(accuracy(records, arm))
        values = typical(records, series, arm)
        found.append({seed: x for (lr, seed), x in values.items() if lr == best})
    return minus(*found)


def best_rate(scores: ByRun) -> float:
    """Return the rate of the largest median over seeds; nan where there is no run."""
    rates = grouped(scores.items(), lambda item: item[0][0])
    return max(rates, key=lambda lr: median(x for _, x in rates[lr]), default=math.nan)


def shift_goes_with_loss(series: str, records: Sequence[Record]) -> BySeed:
    """Return Spearman's rho of a series and the last loss, over a seed's runs."""
    pairs: dict[int, list[tuple[float, float]]] = {}
    for arm in dict.fromkeys(r["config"]["arm"] for r in records):
        losses = last(records, "probe_loss", lost=math.inf, arm=arm)
        for key, value in typical(records, series, arm).items():
            if math.isfinite(value) and math.isfinite(losses[key]):
                pairs.setdefault(key[1], []).append((value, losses[key]))
    return {
        seed: float(spearmanr(*zip(*own, strict=True)).statistic)
        for seed, own in pairs.items()
        if len(own) > 2
    }


def largest_rate(a: str, b: str, records: Sequence[Record]) -> BySeed:
    """Return by how many powers of ten an arm's largest rate that trains is larger.

    A run trains that ends with half of the accuracy above chance, or more, of the best
    run of all arms and rates of its seed.
    """
    arms = {arm: accuracy(records, arm) for arm in (a, b)}
    found = []
    for own in arms.values():
        rates: dict[int, list[float]] = {}
        for (lr, seed), score in own.items():
            best = max(x for v in arms.values() for (_, s), x in v.items() if s == seed)
            if score - CHANCE >= (best - CHANCE) / 2 > 0:
                rates.setdefault(seed, []).append(math.log10(lr))
        found.append({seed: max(logs) for seed, logs in rates.items()})
    return minus(*found)


def gain_beyond(records: Sequence[Record]) -> BySeed:
    """Return what warm-up adds to post-norm's accuracy beyond what to pre-norm's."""
    gains = [
        at_equal_rates(f"{arm}+warm_up", arm, records) for arm in ("post", "plain")
    ]
    return minus(*gains)


def slope(arm: str, records: Sequence[Record]) -> BySeed:
    """Return the change of log2 of the last layer's gradient per doubling of depth."""
    values: dict[int, dict[int, float]] = {}
    for record in records:
        config: Mapping[str, object] = record["config"]
        depth, noted = config["depth"], points(record["series"], "last_gradient")
        if config["arm"] == arm and noted and isinstance(depth, int):
            own = values.setdefault(record["config"]["seed"], {})
            own[depth] = math.log2(noted[0][1])
    return {
        seed: (own[max(own)] - own[min(own)]) / math.log2(max(own) / min(own))
        for seed, own in values.items()
        if len(own) > 1
    }


def no_worse(a: str, b: str, records: Sequence[Record]) -> BySeed:
    """Return how far an arm's accuracy is from falling short by the margin."""
    return {seed: x + MARGIN for seed, x in own_best(a, b, records).items()}


def at_rate(lr: float, a: str, b: str, records: Sequence[Record]) -> BySeed:
    """Return the difference of the accuracies at one rate."""
    return equal_rates(*(
        {key: x for key, x in accuracy(records, arm).items() if key[0] == lr}
        for arm in (a, b)
    ))  # fmt: skip


def smaller(series: str, arm: str, records: Sequence[Record]) -> BySeed:
    """Return by how many powers of ten the last of a series is less than plain's.

    At the best constant rate of each; what is 0 in doubles counts as 1e-16.
    """
    found = (
        {
            seed: math.log10(max(x, 1e-16))
            for (lr, seed), x in last(records, series, arm=name).items()
            if lr == 1
        }
        for name in ("plain", arm)
    )
    return minus(*found)
