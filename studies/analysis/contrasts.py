"""Claims of other numbers than steps to a loss: one a seed, above 0 where they hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from studies.analysis.entries import JudgedContrast
from studies.analysis.labels import seen_on
from studies.analysis.runs import grouped
from studies.analysis.statistics import Interval, clustered_mean
from studies.analysis.verdicts import LEAST
from studies.engine.records import Record, as_float


@dataclass(frozen=True)
class Contrast:
    """A source's claim about a number that each seed's runs have.

    Parameters
    ----------
    key, claim : str
        Its name, and what the source says.
    method : str
        What the claim is about.
    study : str
        Whose records it asks.
    says : str
        What the number is, and in which unit; it is above 0 where the claim holds.
    measure : callable
        ``measure(records)`` returns the number by seed, of the records of one preset;
        nan where a seed's runs have none.
    about : mapping
        Fields of the config that the records share, such as ``{"data": "digits"}``.
    """

    key: str
    claim: str
    method: str
    study: str
    says: str
    measure: Callable[[Sequence[Record]], Mapping[int, float]]
    about: Mapping[str, object] = field(default_factory=dict)


def judge_contrast(
    contrast: Contrast, records: Iterable[Record]
) -> list[JudgedContrast]:
    """Return what the runs say of a claim: a row a preset that has its numbers."""
    own = [
        r for r in records if r["study"] == contrast.study and has(r, contrast.about)
    ]
    presets = grouped(own, lambda r: r["preset"]).values()
    rows = [row for runs in presets if (row := _judged(contrast, runs)) is not None]
    return rows or [_row(contrast, "not testable here")]


def _row(contrast: Contrast, verdict: str) -> JudgedContrast:
    return {
        "key": contrast.key,
        "claim": contrast.claim,
        "method": contrast.method,
        "study": contrast.study,
        "says": contrast.says,
        "verdict": verdict,
    }


def _judged(contrast: Contrast, records: Sequence[Record]) -> JudgedContrast | None:
    """Return the row of a preset's runs; None if no seed has a number."""
    numbers = contrast.measure(records)
    known: dict[Hashable, list[float]] = {
        seed: [x] for seed, x in numbers.items() if not math.isnan(x)
    }
    if not known:
        return None
    mean = clustered_mean(known)
    row = _row(contrast, contrast_verdict(mean))
    row["mean"] = {
        "value": mean.value,
        "lower": mean.lower,
        "upper": mean.upper,
        "n": mean.n,
    }
    row["lost"] = len(numbers) - len(known)
    row["seen"] = seen_on(contrast.study, records)
    return row


def contrast_verdict(mean: Interval) -> str:
    """Return the word for a claim that a number is above 0.

    Examples
    --------
    >>> contrast_verdict(Interval(2.0, 1.0, 3.0, 3))
    'reproduced'
    >>> contrast_verdict(Interval(2.0, 1.0, 3.0, 2))
    'too few seeds'
    """
    if mean.n < LEAST:
        return "too few seeds"
    if mean.lower > 0:
        return "reproduced"
    return "contradicted" if mean.upper < 0 else "not shown"


def last(
    records: Iterable[Record],
    series: str,
    *,
    lost: float = math.nan,
    **config: object,
) -> dict[tuple[float, int], float]:
    """Return the last value of a series by rate and seed.

    Parameters
    ----------
    records : iterable of dict
        Of which those are taken whose config has the given fields.
    series : str
        Such as ``"accuracy"``.
    lost : float
        What a run that diverged has.
    **config : object
        Such as ``arm="BN", batch=2``; they leave one run a rate and seed.

    Raises
    ------
    ValueError
        If several runs have the same rate and seed.

    Examples
    --------
    >>> record = {"config": {"arm": "BN", "lr": 0.1, "seed": 3}, "status": "done",
    ...     "series": {"accuracy": [[0, 0.1], [9, 0.7]]}}
    >>> last([record], "accuracy", arm="BN")
    {(0.1, 3): 0.7}
    """
    found: dict[tuple[float, int], float] = {}
    for record in records:
        if not has(record, config) or series not in record["series"]:
            continue
        key = record["config"]["lr"], record["config"]["seed"]
        if key in found:
            raise ValueError(
                f"one run a rate and seed is needed, and {config} leaves several at "
                f"{key}; name more fields"
            )
        diverged = record["status"] == "diverged"
        found[key] = lost if diverged else as_float(record["series"][series][-1][1])
    return found


def at_best(
    values: Mapping[tuple[float, int], float], *, largest: bool = True
) -> dict[int, float]:
    """Return numbers by seed at the rate of the best median over seeds.

    Rates at which a run has no number come last.

    Parameters
    ----------
    values : mapping
        By rate and seed, as `last` returns them.
    largest : bool
        Whether more is better, as of accuracies, or less, as of losses.

    Examples
    --------
    >>> at_best({(0.1, 0): 0.5, (0.1, 1): 0.7, (1.0, 0): 0.9, (1.0, 1): math.nan})
    {0: 0.5, 1: 0.7}
    """
    sign = -1 if largest else 1
    rates = grouped(values.items(), lambda item: item[0][0])
    if not rates:
        return {}

    def rank(lr: float) -> tuple[bool, float, float]:
        numbers = [x for _, x in rates[lr]]
        unknown = any(map(math.isnan, numbers))
        return unknown, 0.0 if unknown else sign * median(numbers), lr

    return {seed: x for (_, seed), x in rates[min(rates, key=rank)]}


def minus(a: Mapping[int, float], b: Mapping[int, float]) -> dict[int, float]:
    """Return the differences of the seeds that both have.

    Examples
    --------
    >>> minus({0: 3.0, 1: 4.0}, {0: 1.0})
    {0: 2.0}
    """
    return {seed: a[seed] - b[seed] for seed in a if seed in b}


def has(record: Record, config: Mapping[str, object]) -> bool:
    """Tell whether a record's config has fields of given values."""
    own: Mapping[str, object] = record["config"]
    return all(own.get(name) == value for name, value in config.items())
