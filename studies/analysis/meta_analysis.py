"""Ask all records whether conditioning predicts how fast a network trains.

    python -m studies analyse
    python -m studies.analysis.meta_analysis [FOLDER]

Reads ``studies/results/*/*.jsonl`` and what ``studies.theorem_52`` left, and writes
``studies/results/meta_analysis.json``, from which the report draws: the same records
give the same bytes. A run's speed is the number of steps to a target, the probe loss
that the plain network has at 65 % of the budget (half where the rate falls to zero) at
its own best learning rate; a run that never gets there is censored, and counts as 1.5
budgets where times are ranked. What is measured of a run after a tenth of its steps, or
at its start, is correlated with that by ranks within strata: runs of one setting at one
learning rate. Intervals of correlations leave out each arm in turn, as runs of one are
alike; those of ratios are Student's over seeds. Quadratics, whose speed kappa does
decide, are the positive control and are not pooled with networks.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from condlab.machine.files import replace_text
from studies.analysis.answer import answer
from studies.analysis.batches import errors_by_images
from studies.analysis.claims import CLAIMS, CONTRASTS
from studies.analysis.contrasts import judge_contrast
from studies.analysis.correlation import holm, stratified_spearman
from studies.analysis.described import describe, smoothness
from studies.analysis.entries import Correlation, Found, Uncorrected
from studies.analysis.judgement import judge
from studies.analysis.published import ITEMS, rows_of
from studies.analysis.runs import (
    CONTROL,
    EARLY,
    PREDICTORS,
    TARGETS,
    Run,
    as_runs,
    grouped,
    setting_of,
    study_of,
    withdrawals,
    withdrawn,
)
from studies.analysis.verdicts import WORDS
from studies.engine.records import Record, as_float, number
from studies.engine.store import FAILED, read_records

RESULTS = Path(__file__).parents[1] / "results"
COSTS = RESULTS.parents[1] / "benchmarks" / "results" / "training_step.json"


def main(results: Path = RESULTS, costs: Path = COSTS) -> Path:
    """Analyse the records in a folder and write what they say beside them.

    Parameters
    ----------
    results : pathlib.Path
        With ``STUDY/PRESET.jsonl``.
    costs : pathlib.Path
        What ``python -m benchmarks.training_step`` measured, to be reported as well;
        passed over where there is none.

    Returns
    -------
    pathlib.Path
        Of what was written.
    """
    files = sorted(results.glob("*/*.jsonl"))
    if not files:
        raise SystemExit(f"no records in {results}; run: python -m studies all")
    records = [record for file in files for record in read_records(file)]
    found = analysed(records)
    found["files"] = [[str(f.relative_to(results)), _digest(f)] for f in files]
    counted = results / "theorem_52.json"
    if counted.exists():
        found["theorem_52"] = json.loads(counted.read_text(encoding="utf-8"))
    if costs.is_file():
        found["costs"] = json.loads(costs.read_text(encoding="utf-8"))
    path = results / "meta_analysis.json"
    text = json.dumps(_plain(found), sort_keys=True, separators=(",", ":"))
    replace_text(path, text.replace('},{"', '},\n{"') + "\n")
    return path


def analysed(every: Sequence[Record]) -> Found:
    """Return what the records of runs that did not fail say, each part by its name."""
    records = [record for record in every if record["status"] != FAILED]
    kept = [withdrawn(record) for record in records]
    groups = grouped(kept, lambda r: (study_of(r), setting_of(r)))
    settings = [describe(*key, own) for key, own in groups.items()]
    runs = [run for key, own in groups.items() for run in as_runs(*key, own)]
    claims = [row for claim in CLAIMS for row in judge(claim, groups)]
    correlated = correlations(runs)
    return {
        "files": [],
        "rules": {
            "target": dict(TARGETS),
            "early": EARLY,
            "level": 0.95,
        },
        "settings": settings,
        "claims": claims,
        "contrasts": [
            row for asked in CONTRASTS for row in judge_contrast(asked, records)
        ],
        "published": rows_of(ITEMS, records),
        "words": [[word, meaning] for word, meaning in WORDS.items()],
        "withdrawn": withdrawals(records),
        "correlations": correlated,
        "smoothness": [
            row for key, own in groups.items() for row in smoothness(key[0], own)
        ],
        "answer": answer(correlated, claims, settings),
        "ends": errors_by_images(records),
    }


def correlations(runs: Sequence[Run]) -> list[Correlation]:
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
        if (entry := correlate(study, name, own)) is not None
    ]
    adjusted = holm([as_float(entry["p_value"]) for entry in found])
    return [{**e, "p_holm": p} for e, p in zip(found, adjusted, strict=True)]


def correlate(study: str, name: str, runs: Sequence[Run]) -> Uncorrected | None:
    """Return one correlation, or None where the predictor does not vary."""
    known = [r for r in runs if not math.isnan(r.predictors[name])]
    if len(known) < 3:
        return None
    result = stratified_spearman(
        [r.predictors[name] for r in known],
        [r.speed for r in known],
        strata=[(r.study, r.setting, r.lr) for r in known],
        clusters=[_unit(r) for r in known],
    )
    if math.isnan(result.rho):
        return None
    return {
        "study": study,
        "predictor": name,
        "rho": result.rho,
        "lower": result.lower,
        "upper": result.upper,
        "p_value": result.p_value,
        "runs": result.runs,
        "strata": result.strata,
        "clusters": result.clusters,
    }


def _unit(run: Run) -> tuple[str, ...]:
    """Return what a run has in common with others that say the same again.

    That is its arm, and in the control, whose seeds are other problems, its seed.
    """
    arm = (run.study, run.setting, run.arm)
    return (*arm, str(run.seed)) if run.study == CONTROL else arm


def _plain(value: object) -> object:
    """Return what JSON can hold."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return number(float(f"{value:.6g}")) if isinstance(value, float) else value


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m studies.analysis.meta_analysis",
        description="Ask all records whether conditioning predicts how fast a network "
        "trains, and write meta_analysis.json beside them.",
    )
    parser.add_argument(
        "results",
        nargs="?",
        type=Path,
        default=RESULTS,
        metavar="FOLDER",
        help=f"with the records of every study in a folder (default: {RESULTS})",
    )
    parser.add_argument(
        "--costs",
        type=Path,
        default=COSTS,
        metavar="FILE",
        help=f"of python -m benchmarks.training_step (default: {COSTS})",
    )
    given = parser.parse_args()
    print(main(given.results, costs=given.costs))
