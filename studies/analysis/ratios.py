"""How many times the steps of one arm another takes, where some never arrive."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict, TypeVar

from studies.analysis import entries
from studies.analysis.runs import Run, best_rate, grouped
from studies.analysis.statistics import Time, clustered_mean

Bound = Literal["", ">", "<", "?"]
Pair = tuple[Hashable, Time, Time]  # seed, and both arms' times
Key = TypeVar("Key", bound=tuple[Hashable, ...])  # its last part is the seed


@dataclass(frozen=True, slots=True)
class Ratio:
    """Mean of log2 of the ratio of two arms' times, over seeds.

    Parameters
    ----------
    value, lower, upper : float
        With Student's interval over seeds. A run that never arrived counts as if it
        had at its last step, and the interval is open where that can only be too
        little or too much.
    n : int
        Seeds.
    bound : {"", ">", "<", "?"}
        What the value is a bound of: "" is none, ">" says that the ratio is larger;
        "?" that runs of both arms did not arrive, so that it is on no side of it.
    reached : tuple of int
        How many of the pairs' runs arrived: of the arm, and of the other one.
    pairs : int
        Of runs that share seed and rate, or seed at each arm's own best rate.
    """

    value: float
    lower: float
    upper: float
    n: int
    bound: Bound
    reached: tuple[int, int]
    pairs: int


class Effect(TypedDict):
    """What `effect` finds."""

    own: Ratio
    matched: Ratio
    best_lr: dict[str, list[str]]
    edge: list[str]


def entry(ratio: Ratio) -> entries.Ratio:
    """Return a ratio as JSON has it."""
    return {
        "value": ratio.value,
        "lower": ratio.lower,
        "upper": ratio.upper,
        "n": ratio.n,
        "bound": ratio.bound,
        "reached": list(ratio.reached),
        "pairs": ratio.pairs,
    }


def ratio_of(pairs: Sequence[Pair]) -> Ratio:
    """Return the mean log2 ratio of pairs (seed, time of the arm, time of the other).

    Pairs of which neither run arrived say nothing of the ratio: they are counted, and
    not averaged.

    Examples
    --------
    >>> slow, fast, never = Time(80, True), Time(20, True), Time(160, False)
    >>> found = ratio_of([(0, slow, fast), (1, never, fast)])
    >>> found.bound, found.value, found.upper, found.reached
    ('>', 2.5, inf, (1, 2))
    """
    reached = sum(a.reached for _, a, _ in pairs), sum(b.reached for _, _, b in pairs)
    telling = [pair for pair in pairs if pair[1].reached or pair[2].reached]
    if not telling:
        return Ratio(math.nan, -math.inf, math.inf, 0, "?", reached, len(pairs))
    logs: dict[Hashable, list[float]] = {}
    for seed, arm, other in telling:
        logs.setdefault(seed, []).append(_log(arm) - _log(other))
    mean = clustered_mean(logs)
    more = any(not arm.reached for _, arm, _ in telling)
    less = any(not other.reached for _, _, other in telling)
    return Ratio(
        mean.value,
        -math.inf if less else mean.lower,
        math.inf if more else mean.upper,
        mean.n,
        _BOUNDS[more, less],
        reached,
        len(pairs),
    )


_BOUNDS: dict[tuple[bool, bool], Bound] = {
    (False, False): "",
    (True, False): ">",
    (False, True): "<",
    (True, True): "?",
}


def _log(time: Time) -> float:
    return math.log2(max(time.step, 1.0))  # who starts below the target: one step


def effect(runs: Sequence[Run], arm: str, than: str) -> Effect:
    """Return the ratios of an arm's times to another's.

    "own": each at its own best learning rate, pairs share seed. "matched": at every
    rate that both met, pairs share seed and rate; a seed's rates count once.
    "best_lr": both arms' best rates, and "edge": the arms whose best rate is the
    highest or lowest that was tried. The best rates are those of the same runs, so
    that each arm's time is a little too short.
    """
    times = {name: _times(runs, name) for name in (arm, than)}
    best = {name: _best_of(runs, name) for name in (arm, than)}
    edges = [name for name in (arm, than) if _at_edge(runs, name, best[name])]
    return {
        "own": ratio_of(_pairs(*(_at(times[n], best[n]) for n in (arm, than)))),
        "matched": ratio_of(_pairs(times[arm], times[than])),
        "best_lr": {
            name: sorted({f"{lr:g}" for lr in rates.values()}, key=float)
            for name, rates in best.items()
        },
        "edge": edges,
    }


def at_rate(runs: Sequence[Run], arm: str, than: str, lr: float) -> Ratio | None:
    """Return the ratio at one learning rate, the source's own; None if none has it."""
    own = [run for run in runs if run.lr == lr]
    pairs = _pairs(_times(own, arm), _times(own, than))
    return ratio_of(pairs) if pairs else None


def at_end(runs: Sequence[Run], arm: str, than: str) -> entries.End | None:
    """Return the test metric at the end of both arms, each at its own best rate.

    Means over seeds, and the mean difference, the arm's minus the other's.
    """
    found: dict[str, dict[tuple[str, int], float]] = {}
    names = {run.metric for run in runs if run.arm in (arm, than)} - {""}
    if len(names) != 1:
        return None
    for name in (arm, than):
        best = _best_of(runs, name)
        own = [r for r in runs if r.arm == name and best[r.setting] == r.lr]
        found[name] = {(r.setting, r.seed): r.final for r in own}
    gaps: dict[Hashable, list[float]] = {}
    for key in found[arm].keys() & found[than].keys():
        gap = found[arm][key] - found[than][key]
        if math.isfinite(gap):  # a run that diverged has no metric
            gaps.setdefault(key[1], []).append(gap)
    if not gaps:
        return None
    return {
        "metric": names.pop(),
        "arms": {name: _mean(_by_seed(found[name])) for name in (arm, than)},
        "difference": _mean(gaps),
    }


def _mean(clusters: Mapping[Hashable, Sequence[float]]) -> entries.Interval:
    mean = clustered_mean(clusters)
    return {
        "value": mean.value,
        "lower": mean.lower,
        "upper": mean.upper,
        "n": mean.n,
    }


def _by_seed(values: Mapping[tuple[str, int], float]) -> dict[Hashable, list[float]]:
    seeds: dict[Hashable, list[float]] = {}
    for (_, seed), value in values.items():
        if math.isfinite(value):
            seeds.setdefault(seed, []).append(value)
    return seeds


def _times(runs: Iterable[Run], arm: str) -> dict[tuple[str, float, int], Time]:
    return {(r.setting, r.lr, r.seed): r.time for r in runs if r.arm == arm}


def _at(
    times: Mapping[tuple[str, float, int], Time], best: Mapping[str, float]
) -> dict[tuple[str, int], Time]:
    return {
        (setting, seed): time
        for (setting, lr, seed), time in times.items()
        if lr == best[setting]
    }


def _pairs(arm: Mapping[Key, Time], other: Mapping[Key, Time]) -> list[Pair]:
    return [(key[-1], time, other[key]) for key, time in arm.items() if key in other]


def _best_of(runs: Iterable[Run], arm: str) -> dict[str, float]:
    settings = grouped([r for r in runs if r.arm == arm], lambda r: r.setting)
    return {
        setting: best_rate(
            {lr: [r.time for r in rs] for lr, rs in grouped(own, _rate_of).items()}
        )
        for setting, own in settings.items()
    }


def _at_edge(runs: Iterable[Run], arm: str, best: Mapping[str, float]) -> bool:
    """Tell whether a best rate is the first or the last of several that were tried."""
    for setting, lr in best.items():
        tried = {r.lr for r in runs if r.arm == arm and r.setting == setting}
        if len(tried) > 1 and lr in (min(tried), max(tried)):
            return True
    return False


def _rate_of(run: Run) -> float:
    return run.lr
