"""Records as what an analysis needs of them: times to a target, and predictors."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from types import MappingProxyType
from typing import TypeVar

from studies.analysis.entries import Withdrawn
from studies.analysis.statistics import Time, penalised, steps_to_target
from studies.engine.records import Record, Table, as_float, points

# Share of the budget after which the plain network's loss is the target. A cosine
# leaves little to gain after half: seeds' scatter would decide who arrives at all.
TARGETS = MappingProxyType({"constant": 0.65, "cosine": 0.5})
EARLY = 0.1  # of the budget: when predictors are taken
BASELINES = ("plain", "GN", "LN")  # of what is there, the first one
PREDICTORS = (
    "kappa_raw",
    "kappa_effective",
    "kappa_gauge",
    "kappa_first",
    "kappa_last",
    "kappa_hessian",
    "kappa_sphere",
    "kappa_quotient",
    "kappa_bound",
    "lambda_max",
    "row_norm_spread",
    "initial_scale",
)
WEIGHT_NORMALISED = ("WN", "LN+W")  # arms
CURVATURE = (
    "lambda_max", "lambda_min", "kappa_hessian", "kappa_sphere", "kappa_quotient",
    "nullity",
)  # fmt: skip
METRICS = ("accuracy", "psnr", "iou", "miou")  # class_accuracy comes with the first
CONTROL = "quadratics"  # the positive control
PAIRED = ("arm", "lr", "seed")

Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Run:
    """A record as the analysis sees it; `final` is its test metric at the end."""

    study: str
    setting: str
    arm: str
    lr: float
    seed: int
    budget: int
    time: Time
    predictors: Mapping[str, float]
    kind: str = ""
    metric: str = ""
    final: float = math.nan

    @property
    def speed(self) -> float:
        """Return the steps to the target, censored ones at 1.5 budgets."""
        return penalised(self.time)


def withdrawn(record: Record) -> Record:
    """Return a record without what was measured wrongly; the file keeps it.

    Before revision 2 of the probes (see `studies.tasks.curvature`) the curvature of a
    weight-normalised network was that of an unsymmetric matrix: torch 2.13's kernel is
    wrong when it is differentiated twice. Those series are left out of all analysis.

    Examples
    --------
    >>> series = {"loss": [], "lambda_max": [[0, 2.0]]}
    >>> old = {"config": {"arm": "WN"}, "series": series}
    >>> withdrawn(old)["series"]
    {'loss': []}
    >>> withdrawn(old | {"curvature_revision": 2})["series"]["lambda_max"]
    [[0, 2.0]]
    """
    wrong = record["config"]["arm"] in WEIGHT_NORMALISED
    if not wrong or record.get("curvature_revision", 1) > 1:
        return record
    kept = {k: v for k, v in record["series"].items() if k not in CURVATURE}
    return {**record, "series": kept}


def withdrawals(records: Sequence[Record]) -> list[Withdrawn]:
    """Return which series of how many runs `withdrawn` leaves out, an arm a row."""
    rows: dict[tuple[str, str, str], int] = {}
    for record in records:
        kept = withdrawn(record)["series"]
        for name in record["series"]:
            if name not in kept:
                key = record["study"], record["config"]["arm"], name
                rows[key] = rows.get(key, 0) + 1
    return [
        {"study": study, "arm": arm, "series": name, "runs": runs}
        for (study, arm, name), runs in rows.items()
    ]


def study_of(record: Record) -> str:
    """Return the study, the positive control as one of its own."""
    quadratic = record["config"].get("problem") == "quadratic"
    return CONTROL if quadratic else record["study"]


def setting_of(record: Record) -> str:
    """Return what runs must share to be compared: all but arm, rate and seed."""
    rest = {k: v for k, v in record["config"].items() if k not in PAIRED}
    return f"{record['preset']} {json.dumps(rest, sort_keys=True)}"


def kind_of(record: Record) -> str:
    """Return the kind of network, where a study has several."""
    return record["config"].get("activation", "")


def as_runs(study: str, setting: str, records: Sequence[Record]) -> list[Run]:
    """Return the runs of a setting, timed to its target."""
    target = target_of(records)
    return [
        Run(
            study,
            setting,
            r["config"]["arm"],
            r["config"]["lr"],
            r["config"]["seed"],
            r["config"]["steps"],
            time_of(r, target),
            predictors_of(r),
            kind_of(r),
            *metric_of(r),
        )
        for r in records
    ]


def metric_of(record: Record) -> tuple[str, float]:
    """Return the test metric's name and its last value, nan if the run diverged."""
    names = [name for name in METRICS if name in record["series"]]
    if not names:
        return "", math.nan
    value = as_float(record["series"][names[0]][-1][1])
    return names[0], math.nan if record["status"] == "diverged" else value


def time_of(record: Record, target: float) -> Time:
    """Return when a run reached a target, or that it did not."""
    budget = record["config"]["steps"]
    return steps_to_target(record["series"]["probe_loss"], target, budget)


def target_of(records: Sequence[Record]) -> float:
    """Return the plain network's median probe loss at the share that `TARGETS` says.

    At the rate at which its last probe loss is least. Networks that diverge at every
    rate leave no target, and nothing then reaches it.
    """
    arms = grouped(records, lambda r: r["config"]["arm"])
    plain = next((arms[name] for name in BASELINES if name in arms), [])
    by_rate = grouped(plain, lambda r: r["config"]["lr"])
    if not by_rate:
        return -math.inf
    best = min(by_rate.values(), key=lambda rs: median(_loss_at(r, 1.0) for r in rs))
    share = TARGETS.get(records[0]["config"].get("schedule", ""), TARGETS["constant"])
    target = median(_loss_at(r, share) for r in best)
    return target if math.isfinite(target) else -math.inf


def _loss_at(record: Record, share: float) -> float:
    """Return the probe loss at a share of the budget; inf once a run has diverged."""
    return value_at(record, "probe_loss", share, lost=math.inf)


def value_at(record: Record, name: str, share: float, lost: float = math.nan) -> float:
    """Return a series at the first of its points that is not before a share."""
    least = share * record["config"]["steps"]
    for step, value in points(record["series"], name):
        if step >= least:
            return lost if math.isnan(value) else value
    return lost


def predictors_of(record: Record) -> dict[str, float]:
    """Return what may predict the speed: early, or for the scale at the start."""
    early = {name: value_at(record, name, EARLY) for name in PREDICTORS}
    norms = _column(record["tables"].get("start") or {}, "norm")
    return {**early, "initial_scale": median(norms) if norms else math.nan}


def _column(table: Table, name: str) -> list[float]:
    """Return a column's numbers; none where the table has no such column."""
    found = table.get(name)
    return list(map(as_float, found)) if isinstance(found, list) else []


def best_rate(times: Mapping[float, Sequence[Time]]) -> float:
    """Return the rate of the least median time; the lower of two."""
    return min(times, key=lambda lr: (median(map(penalised, times[lr])), lr))


def grouped(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """Return items by key, keys in the order in which they first appear."""
    groups: dict[Key, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups
