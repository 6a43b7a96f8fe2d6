"""Ask all records whether conditioning predicts how fast a network trains.

    python -m studies.meta_analysis

Reads ``studies/results/*/*.jsonl`` and what ``studies.theorem_52`` left, and writes
``studies/results/meta_analysis.json``, from which the report draws: the same records
give the same bytes. A run's speed is the number of steps to a target, the probe loss
that the plain network has at 65 % of the budget at its own best learning rate; a run
that never gets there is censored, and counts as 1.5 budgets where times are ranked.
What is measured of a run after a tenth of its steps, or at its start, is correlated
with that by ranks within strata: runs of one setting at one learning rate. Intervals
resample whole clusters, the runs of an arm and seed. Quadratics, whose speed kappa
does decide, are the positive control and are not pooled with networks.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from studies._common.claims import CLAIMS, CONTROLS
from studies._common.described import describe, smoothness
from studies._common.runs import (
    CONTROL,
    EARLY,
    PREDICTORS,
    TARGET,
    Run,
    as_runs,
    best_rate,
    grouped,
    setting_of,
    study_of,
    withdrawn,
)
from studies._common.statistics import (
    RESAMPLES,
    Interval,
    Time,
    holm,
    paired_difference,
    stratified_spearman,
)
from studies._common.store import number, read_lines

RESULTS = Path(__file__).parent / "results"

Json = dict[str, Any]


def main(results: Path = RESULTS, resamples: int = RESAMPLES) -> Path:
    """Analyse the records in a folder and write what they say beside them."""
    files = sorted(results.glob("*/*.jsonl"))
    if not files:
        raise SystemExit(f"no records in {results}; run: python -m studies all")
    groups: dict[tuple[str, str], list[Json]] = {}
    for record in (withdrawn(record) for file in files for record in read_lines(file)):
        groups.setdefault((study_of(record), setting_of(record)), []).append(record)
    settings = [describe(*key, records) for key, records in groups.items()]
    runs = [run for key, records in groups.items() for run in as_runs(*key, records)]
    found = {
        "files": [[str(f.relative_to(results)), _digest(f)] for f in files],
        "rules": {
            "target": TARGET,
            "early": EARLY,
            "level": 0.95,
            "resamples": resamples,
        },
        "settings": settings,
        "claims": [judge(claim, runs) for claim in CLAIMS],
        "correlations": correlations(runs, resamples),
        "smoothness": [
            row for key, own in groups.items() for row in smoothness(key[0], own)
        ],
    }
    counted = results / "theorem_52.json"
    if counted.exists():
        found["theorem_52"] = json.loads(counted.read_text(encoding="utf-8"))
    path = results / "meta_analysis.json"
    text = json.dumps(_plain(found), sort_keys=True, separators=(",", ":"))
    path.write_text(text.replace('},{"', '},\n{"') + "\n", encoding="utf-8")
    return path


def judge(claim: Json, runs: Sequence[Run]) -> Json:
    """Return what the runs say of a claim that one arm is faster than another."""
    own = [
        r for r in runs if r.study == claim["study"] and claim["kind"] in ("", r.kind)
    ]
    there = {r.arm for r in own}
    if not {claim.get("arm"), claim.get("than")} <= there:
        return {**claim, "verdict": "not testable here"}
    effects = {arm: effect(own, arm, claim["than"]) for arm in sorted(there)}
    found = effects[claim["arm"]]
    alike = [
        arm
        for arm in CONTROLS
        if arm in effects and _overlap(effects[arm]["own"], found["own"])
    ]
    return {**claim, **found, "verdict": _verdict(found), "alike": alike}


def effect(runs: Sequence[Run], arm: str, than: str) -> Json:
    """Return log2 of the ratio of times, paired by seed, arm over the other.

    "own": each arm at its own best learning rate. "matched": at every common rate.
    """
    logs = {name: _logs(runs, name) for name in (arm, than)}
    best = {name: _best_of(runs, name) for name in (arm, than)}
    at_best = [
        {
            (setting, seed): value
            for (setting, lr, seed), value in logs[name].items()
            if lr == best[name][setting]
        }
        for name in (than, arm)
    ]
    rng = np.random.default_rng(zlib.crc32(f"{arm} {than}".encode()))
    return {
        "own": paired_difference(*at_best, rng=rng),
        "matched": paired_difference(logs[than], logs[arm], rng=rng),
        "best_lr": sorted({f"{lr:g}" for lr in best[arm].values()}),
    }


def _logs(runs: Iterable[Run], arm: str) -> dict[tuple[str, float, int], float]:
    # A run that starts below the target counts one step.
    return {
        (r.setting, r.lr, r.seed): math.log2(max(r.speed, 1.0))
        for r in runs
        if r.arm == arm
    }


def _best_of(runs: Iterable[Run], arm: str) -> dict[str, float]:
    settings = grouped([r for r in runs if r.arm == arm], lambda r: r.setting)
    return {
        setting: best_rate(
            {lr: [r.time for r in rs] for lr, rs in grouped(own, _rate_of).items()}
        )
        for setting, own in settings.items()
    }


def _rate_of(run: Run) -> float:
    return run.lr


def _overlap(a: Interval, b: Interval) -> bool:
    return a.lower <= b.upper and b.lower <= a.upper


def _verdict(found: Json) -> str:
    """Return what the intervals at own best and at matched rates allow to say."""
    sides = {_side(found["own"]), _side(found["matched"])}
    if sides == {-1}:
        return "reproduced"
    return "contradicted" if sides == {1} else "not reproduced"


def _side(interval: Interval) -> int:
    return -1 if interval.upper < 0 else int(interval.lower > 0)


def correlations(runs: Sequence[Run], resamples: int) -> list[Json]:
    """Return each predictor's rank correlation with the speed, a study and pooled.

    P-values are adjusted for all of the list by Holm's method.
    """
    studies = list(dict.fromkeys(r.study for r in runs))
    pooled = [r for r in runs if r.study != CONTROL]
    groups = {s: [r for r in runs if r.study == s] for s in studies}
    if len(studies) > 1:
        groups["pooled"] = pooled
    found = [
        entry
        for study, own in groups.items()
        for name in PREDICTORS
        if (entry := correlate(study, name, own, resamples)) is not None
    ]
    adjusted = holm([entry["p_value"] for entry in found])
    return [{**e, "p_holm": p} for e, p in zip(found, adjusted, strict=True)]


def correlate(
    study: str, name: str, runs: Sequence[Run], resamples: int
) -> Json | None:
    """Return one correlation, or None where the predictor does not vary."""
    known = [r for r in runs if not math.isnan(r.predictors[name])]
    if len(known) < 3:
        return None
    result = stratified_spearman(
        [r.predictors[name] for r in known],
        [r.speed for r in known],
        strata=[(r.study, r.setting, r.lr) for r in known],
        clusters=[(r.study, r.setting, r.arm, r.seed) for r in known],
        rng=np.random.default_rng(zlib.crc32(f"{study} {name}".encode())),
        resamples=resamples,
    )
    if math.isnan(result.rho):
        return None
    return {"study": study, "predictor": name, **asdict(result)}


def _plain(value: Any) -> Any:
    """Return what JSON can hold."""
    if isinstance(value, (Interval, Time)):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return number(float(f"{value:.6g}")) if isinstance(value, float) else value


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


if __name__ == "__main__":
    print(main(*map(Path, sys.argv[1:])))
