"""The sources' tables and figures, row by row: what stands for each of them here."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from studies.analysis.contrasts import at_best, has, last
from studies.analysis.entries import Published, Status
from studies.analysis.labels import seen_on
from studies.analysis.runs import METRICS, grouped
from studies.analysis.speeds import seen
from studies.analysis.statistics import clustered_mean
from studies.engine.records import Record

STATUSES: tuple[Status, ...] = get_args(Status)
COLUMNS = ("row", "its figure", "here", "seen on", "the source's own setting")
# Of all test images where a run looked at them, or of those that its probes see.
WHOLE = ("test_accuracy", *METRICS)
PRESETS = ("gpu", "real", "cpu")  # of which the first that has runs is told
# What the words of the column "here" mean.
WORDS = (
    "*shown*: what the row says is computed here, exactly or at the source's size; "
    "*stand-in*: runs of the same arm on smaller data, networks or budgets, their test "
    "metric at the end, at the rate of the best median, with Student's 95 % interval "
    "over seeds; *out of reach*: no runs here. The last column is the command that "
    "runs the source's own setting, and what that needs."
)


@dataclass(frozen=True)
class Item:
    """A table or a figure, or the part of it that one study and one setting make.

    Parameters
    ----------
    source : str
        The paper.
    where : str
        Such as ``"Table 1, CIFAR-10"``.
    what : str
        The number that it has.
    rows : mapping
        The source's figures by arm of the study; "" where it draws curves.
    study : str
        Whose ``paper`` preset runs it; "" where nothing is trained.
    choice : str
        Options of the command line beside the arms.
    needs : str
        What it takes.
    about : mapping
        Fields of the config of the runs that stand for it.
    shown : str
        Where it is shown without training, as Markdown.
    """

    source: str
    where: str
    what: str
    rows: Mapping[str, str]
    study: str = ""
    choice: str = ""
    needs: str = ""
    about: Mapping[str, object] = field(default_factory=dict)
    shown: str = ""

    def command(self, arm: str) -> str:
        """Return the command that runs a row as the source has it."""
        parts = ["python -m studies", self.study, "--preset paper", self.choice]
        return " ".join(filter(None, [*parts, f"--arms {arm}"]))


def rows_of(items: Sequence[Item], records: Sequence[Record]) -> list[Published]:
    """Return every row of the sources' tables and figures, and what it has here.

    Parameters
    ----------
    items : sequence of Item
        Tables and figures in the sources' order.
    records : sequence of dict
        Of all studies.
    """
    return [_row(item, arm, records) for item in items for arm in item.rows]


def table(rows: Sequence[Published]) -> str:
    """Return the rows as a Markdown table a source, and how many there are of each.

    Parameters
    ----------
    rows : sequence of dict
        As `rows_of` returns them; none make no table.
    """
    if not rows:
        return ""
    count = Counter(row["status"] for row in rows)
    told = ", ".join(f"{count[word]} {word}" for word in STATUSES)
    parts = [f"{len(rows)} rows: {told}. {WORDS}"]
    for source, own in grouped(rows, lambda row: row["source"]).items():
        lines = [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
        lines += [f"| {' | '.join(_cells(row))} |" for row in own]
        parts += [f"## {source[0].upper()}{source[1:]}", "\n".join(lines)]
    return "\n\n".join(parts)


def _row(item: Item, arm: str, records: Iterable[Record]) -> Published:
    words, seen_as = item.shown, ""
    about = {**item.about, "arm": arm}
    own = [r for r in records if r["study"] == item.study and has(r, about)]
    for preset in PRESETS:
        if not words:
            words, seen_as = _told(
                item.study, [r for r in own if r["preset"] == preset]
            )
    status: Status = "shown" if item.shown else "stand-in" if words else "out of reach"
    return {
        "source": item.source,
        "row": f"{item.where}: {arm}" if arm else item.where,
        "figure": f"{item.what} {item.rows[arm]}".strip(),
        "status": status,
        "here": words,
        "seen": seen_as,
        "command": item.command(arm) if item.study else "",
        "needs": item.needs,
    }


def _cells(row: Published) -> list[str]:
    here = ": ".join(filter(None, [row["status"], row["here"]]))
    command = f"`{row['command']}`" if row["command"] else ""
    needs = f"needs {row['needs']}" if row["needs"] else ""
    whole = "; ".join(filter(None, [command, needs]))
    return [row["row"], row["figure"], here, row["seen"] or "–", whole or "–"]


def _told(study: str, runs: Sequence[Record]) -> tuple[str, str]:
    """Return the metric at the end, and on what; nothing where there is none."""
    name = next((n for n in WHOLE if all(n in r["series"] for r in runs) and runs), "")
    alike = [r for r in runs if _rest(r) == _rest(runs[0])]
    ends = at_best(last(alike, name)) if name else {}
    clusters: dict[Hashable, list[float]] = {
        seed: [x] for seed, x in ends.items() if not math.isnan(x)
    }
    if not clusters:
        return "", ""
    mean = clustered_mean(clusters)
    reach = "" if mean.n == 1 else f" [{mean.lower:.3g}, {mean.upper:.3g}]"
    value = f"{name} {mean.value:.3g}{reach}".replace("-", "−")
    return value, seen(seen_on(study, alike))


def _rest(record: Record) -> dict[str, object]:
    """Return what runs share that differ in rate and seed alone."""
    config: Mapping[str, object] = record["config"]
    return {k: v for k, v in config.items() if k not in ("lr", "seed")}
