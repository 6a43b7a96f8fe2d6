"""What a person sees when a study has run: arms by learning rates."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence

from studies.engine.records import Record, as_float

PAIRED = ("arm", "lr", "seed")


def tables(records: Sequence[Record]) -> str:
    """Return a table for each setting, that is, for what is no arm, rate or seed."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        rest = {k: v for k, v in record["config"].items() if k not in PAIRED}
        groups.setdefault(json.dumps(rest, sort_keys=True), []).append(record)
    return "\n\n".join(map(table, groups.values()))


def table(records: Sequence[Record]) -> str:
    """Return the median last probe loss of each arm at each learning rate.

    "x2" says that two of the runs diverged; a cell without any other is all x.
    """
    arms = list(dict.fromkeys(r["config"]["arm"] for r in records))
    lrs = sorted({r["config"]["lr"] for r in records})
    head = ["probe loss", *(f"lr {lr:g}" for lr in lrs)]
    rows = [head]
    for arm in arms:
        cells = [
            [r for r in records if (r["config"]["arm"], r["config"]["lr"]) == (arm, lr)]
            for lr in lrs
        ]
        rows.append([arm, *map(_cell, cells)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _cell(records: list[Record]) -> str:
    finished = [
        as_float(r["series"]["probe_loss"][-1][1])
        for r in records
        if r["status"] == "done" and r["series"]["probe_loss"][-1][1] is not None
    ]
    lost = len(records) - len(finished)
    parts = [f"{statistics.median(finished):.3g}"] if finished else []
    return " ".join([*parts, *([f"x{lost}"] if lost else [])]) or "-"
