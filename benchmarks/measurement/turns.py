"""Methods that take turns in one process, and the record of what they took."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "results"
TURNS = 9
Times = dict[str, dict[str, float]]


def in_turns(
    methods: Mapping[str, Callable[[], object]],
    turns: int = TURNS,
    clock: Callable[[], float] = time.process_time,
) -> Times:
    """Return the median and the shortest time of each method.

    The order rotates, so that nobody always finds the caches as a greedy neighbour left
    them. Processor time is what other processes disturb least.
    """
    names = list(methods)
    times: dict[str, list[float]] = {name: [] for name in methods}
    for turn in range(turns + 1):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            start = clock()
            methods[name]()
            spent = clock() - start
            if turn:  # the first round warms up
                times[name].append(spent)
    return {name: summary(spent) for name, spent in times.items()}


def summary(seconds: list[float]) -> dict[str, float]:
    """Return the median and the shortest of several times, to five digits."""
    found = {"median": statistics.median(seconds), "fastest": min(seconds)}
    return {name: float(f"{value:.5g}") for name, value in found.items()}


def environment(*packages: str) -> dict[str, object]:
    """Return versions and what else ran: the load average when the work began."""
    return {
        "machine": {
            "cpus": os.cpu_count(),
            "threads": int(os.environ.get("OMP_NUM_THREADS", "0")),
            "system": sys.platform,
            "load": round(os.getloadavg()[0], 1),
        },
        "versions": {
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in packages},
        },
    }


def write(name: str, record: Mapping[str, object]) -> Path:
    """Write a record to results/."""
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return path
