"""What associate normalisation's paper says of test errors, as questions to records.

Each is asked at the source's rate of 0.1, and with every arm and batch size at its own
best rate.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from statistics import fmean
from typing import Protocol

from studies.analysis.claims.differences import CHANCE, BySeed, error
from studies.analysis.contrasts import Contrast, at_best, has, minus
from studies.engine.records import Record

STUDY, METHOD = "associate_normalization", "associate normalisation"
RATE = 0.1
HUNDRED = "cifar100"
BATCHES = (64, 32, 16, 8, 4, 2)
UNTRAINED = 100 * (1 - CHANCE) - 1  # error, in per cent; a point is three deviations


class Measure(Protocol):
    """A number by seed at one rate; at own best ones where it is None."""

    def __call__(
        self, records: Sequence[Record], *, rate: float | None
    ) -> Mapping[int, float]:
        """Return the numbers."""


def errors(
    records: Sequence[Record], arm: str, rate: float | None, batch: int
) -> BySeed:
    """Return the test error of an arm in batches of one size, of ten classes."""
    own = [r for r in records if has(r, {"batch": batch}) and _of_ten(r)]
    found = error(own, arm)
    if rate is None:
        several = len({lr for lr, _ in found}) > 1  # one rate alone is no best one
        return at_best(found, largest=False) if several else {}
    return {seed: x for (lr, seed), x in found.items() if lr == rate}


def _of_ten(record: Record) -> bool:
    return record["config"].get("data") != HUNDRED


def lower(
    records: Sequence[Record],
    *,
    rate: float | None,
    arm: str,
    than: str,
    batch: int = 64,
) -> BySeed:
    """Return by how much an arm's error is lower than another's."""
    return minus(*(errors(records, name, rate, batch) for name in (than, arm)))


def lower_on_average(
    records: Sequence[Record], *, rate: float | None, arm: str, than: str
) -> BySeed:
    """Return the mean of the same over all batch sizes, of seeds that have them all."""
    gaps = [
        lower(records, rate=rate, arm=arm, than=than, batch=batch) for batch in BATCHES
    ]
    seeds = set.intersection(*(set(gap) for gap in gaps))
    return {seed: fmean(gap[seed] for gap in gaps) for seed in sorted(seeds)}


def grows_more(
    records: Sequence[Record], *, rate: float | None, arm: str, than: str, to: int
) -> BySeed:
    """Return by how much more an arm's error grows from batches of 64 to smaller ones.

    Nan where both are then at chance: what has nowhere to grow says nothing.
    """
    ends = [
        {b: errors(records, name, rate, b) for b in (64, to)} for name in (arm, than)
    ]
    first, second = (minus(end[to], end[64]) for end in ends)
    lost = {
        seed
        for seed in first.keys() & second.keys()
        if all(end[to][seed] > UNTRAINED for end in ends)
    }
    found = minus(first, second)
    return {seed: math.nan if seed in lost else x for seed, x in found.items()}


def _asked(key: str, claim: str, measure: Measure, **about: object) -> list[Contrast]:
    """Return a question at the source's rate, and one at own best rates."""
    words, points = f"Associate norm: {claim}", "points of test error"
    return [
        Contrast(
            f"association-{key}{suffix}", words, METHOD, STUDY, f"{points}, {where}",
            partial(measure, rate=rate), about,
        )
        for suffix, rate, where in (
            ("", RATE, f"rate {RATE:g}"), ("-own", None, "own best rates")
        )
    ]  # fmt: skip


NAMES = {"BN": "batch norm", "GN": "group norm", "IN": "instance norm",
         "LN": "layer norm"}  # fmt: skip
COMBINED = {"Assoc-bare": "a(WE)", "Assoc-inner": "a(WE + B)",
            "Assoc-times": "a(WE) x B"}  # fmt: skip


def _contrasts() -> Iterator[Contrast]:
    for than, name in NAMES.items():
        yield from _asked(
            f"table-1-{than.lower()}", f"less error than {name} in batches of 64",
            partial(lower, arm="Assoc", than=than), batch=64,
        )  # fmt: skip
    for to in (8, 2):
        yield from _asked(
            f"table-3-growth-{to}", "batch norm's error grows more from batches of 64 "
            f"to {to}", partial(grows_more, arm="BN", than="Assoc", to=to),
        )  # fmt: skip
    yield from _asked(
        "table-3-growth-gn", "batch norm's error grows more than group norm's from "
        "batches of 64 to 2", partial(grows_more, arm="BN", than="GN", to=2),
    )  # fmt: skip
    for than in ("BN", "GN"):
        key, name = f"table-3-{than.lower()}", NAMES[than]
        yield from _asked(
            key, f"less error than {name} on average over batches of 64 to 2",
            partial(lower_on_average, arm="Assoc", than=than),
        )  # fmt: skip
        yield from _asked(
            f"{key}-2", f"less error than {name} in batches of 2",
            partial(lower, arm="Assoc", than=than, batch=2), batch=2,
        )  # fmt: skip
    for than, words in COMBINED.items():
        yield from _asked(
            f"table-5-{than.removeprefix('Assoc-')}", f"a(WE) + B has less error than "
            f"{words}", partial(lower, arm="Assoc", than=than), batch=64,
        )  # fmt: skip
    yield from _asked(
        "figure-5", "less error with group norm's statistics as keys than with those "
        "of instance norm", partial(lower, arm="Assoc", than="Assoc-IN"), batch=64,
    )  # fmt: skip


def _on_cifar100(series: str, chance: float, records: Sequence[Record]) -> BySeed:
    than, arm = (
        {s: x for (lr, s), x in error(
            records, name, series=series, chance=chance).items() if lr == RATE}
        for name in ("BN", "Assoc")
    )  # fmt: skip
    return minus(than, arm)


CONTRASTS = (
    *_contrasts(),
    *(
        Contrast(
            f"association-table-2-{words}",
            f"Associate norm: less {words} error than batch norm on CIFAR-100",
            METHOD, STUDY, f"points of {words} error, rate {RATE:g}",
            partial(_on_cifar100, series, chance), {"data": HUNDRED, "batch": 64},
        )
        for words, series, chance in (
            ("top-1", "accuracy", 0.01), ("top-5", "top5", 0.05)
        )
    ),
)  # fmt: skip
