"""What the records of one setting come to: times, median curves, shares, a view."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import Any

from studies.analysis.labels import data_words, epochs
from studies.analysis.runs import (
    EARLY,
    best_rate,
    grouped,
    kind_of,
    metric_of,
    target_of,
    time_of,
    value_at,
)
from studies.analysis.statistics import Time, median_time, penalised

Json = dict[str, Any]

SHARES = ("share_centring", "share_dividing")
# Arms whose shares are told.
STANDARDIZED = ("plain", "LN", "WS", "E", "GN", "GN+MO", "GN+DO", "GN+WS")


def describe(study: str, setting: str, records: Sequence[Json]) -> Json:
    """Return the times of each arm at each rate, and its median curves at its best."""
    arms = grouped(records, lambda r: r["config"]["arm"])
    target = target_of(records)
    config = records[0]["config"]
    return {
        "study": study,
        "setting": setting,
        "preset": records[0]["preset"],
        "data": config.get("data", ""),
        "data_words": data_words([config.get("data", "")]),
        "kind": kind_of(records[0]),
        "steps": config["steps"],
        "epochs": epochs(config),
        "metric": metric_of(records[0])[0],
        "target": target,
        "runs": len(records),
        "diverged": sum(r["status"] == "diverged" for r in records),
        "arms": {arm: _arm(rs, target) for arm, rs in arms.items()},
    }


def smoothness(study: str, records: Sequence[Json]) -> list[Json]:
    """Return what standardizing removes from the squared gradient, an arm a row.

    Medians over layers, then over all times at which runs were probed.
    """
    rows = []
    for arm, own in grouped(records, lambda r: r["config"]["arm"]).items():
        if arm not in STANDARDIZED or SHARES[0] not in own[0]["series"]:
            continue
        shares = {
            name: median(
                value
                for r in own
                for _, value in r["series"][name]
                if value is not None  # no row had a gradient, as in dead networks
            )
            for name in SHARES
        }
        rows.append({"study": study, "arm": arm, "runs": len(own), **shares})
    return rows


def _arm(records: Sequence[Json], target: float) -> Json:
    rates = dict(sorted(grouped(records, lambda r: r["config"]["lr"]).items()))
    times = {lr: [time_of(r, target) for r in rs] for lr, rs in rates.items()}
    best = best_rate(times)
    metric = metric_of(records[0])[0]
    shown = ("probe_loss", "lambda_max", *([metric] if metric else []))
    return {
        "best_lr": best,
        "rates": [_rate(lr, times[lr], rs) for lr, rs in rates.items()],
        "curves": {name: _curve(rates[best], name) for name in shown},
        "points": [_point(r, target) for r in records],
        **_view(rates[best][0]),
    }


def _view(record: Json) -> Json:
    """Return a held-out view as a run rendered it, where a study keeps them."""
    kept = record["tables"].get("end") or {}
    names = ("render", "truth", "ssim")
    quality = [value for _, value in record["series"].get("psnr", ())][-1:]
    found = {name: kept[name] for name in names if name in kept}
    return {"view": {**found, "psnr": quality[0]}} if found else {}


def _rate(lr: float, times: Sequence[Time], records: Sequence[Json]) -> Json:
    return {
        "lr": lr,
        "median": median_time(times),
        "reached": sum(t.reached for t in times),
        "diverged": sum(r["status"] == "diverged" for r in records),
    }


def _point(record: Json, target: float) -> list[float]:
    """Return learning rate, early kappa of the effective weights, and time."""
    time = time_of(record, target)
    kappa = value_at(record, "kappa_effective", EARLY)
    return [record["config"]["lr"], kappa, penalised(time), time.reached]


def _curve(records: Sequence[Json], name: str) -> list[list[float]]:
    """Return the median over the runs at each step that any of them has."""
    steps: dict[int, list[float]] = {}
    for record in records:
        for step, value in record["series"].get(name, ()):
            steps.setdefault(step, []).append(
                math.inf if value is None else float(value)
            )
    return [[step, median(values)] for step, values in sorted(steps.items())]
