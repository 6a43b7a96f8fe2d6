"""What the records say of each claim, and on what: a row a claim and preset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studies.analysis.claims.equilibration import BESIDE, CONTROLS, EQUILIBRATION
from studies.analysis.entries import Claim, Judged
from studies.analysis.labels import seen_on
from studies.analysis.ratios import Effect, Ratio, at_end, at_rate, effect, entry
from studies.analysis.runs import as_runs, kind_of
from studies.analysis.verdicts import verdict
from studies.engine.records import Record

Groups = Mapping[tuple[str, str], Sequence[Record]]  # records by study and setting


def judge(claim: Claim, groups: Groups) -> list[Judged]:
    """Return what the runs say of a claim that one arm is faster than another.

    Runs of one preset are judged together, those of different ones apart: what was
    seen on digits is no evidence of CIFAR-10.
    """
    presets: dict[str, dict[tuple[str, str], Sequence[Record]]] = {}
    for key, records in groups.items():
        about = key[0] == claim["study"] and _is_kind(claim, records)
        arms = {record["config"]["arm"] for record in records}
        if about and {claim["arm"], claim["than"]} <= arms:
            presets.setdefault(records[0]["preset"], {})[key] = records
    rows = [_judged(claim, own) for own in presets.values()]
    return rows or [{**claim, "verdict": "not testable here"}]


def _is_kind(claim: Claim, records: Sequence[Record]) -> bool:
    return claim["kind"] in ("", kind_of(records[0]))


def _judged(claim: Claim, own: Groups) -> Judged:
    runs = [run for key, records in own.items() for run in as_runs(*key, records)]
    there, than = {run.arm for run in runs}, claim["than"]
    found = effect(runs, claim["arm"], than)
    controls = {
        arm: effect(runs, arm, than)["own"]
        for arm in (*CONTROLS, *BESIDE)
        if claim["method"] == EQUILIBRATION  # which they are controls of
        and arm in there
        and arm not in (claim["arm"], than)
    }
    source = None
    if claim["rate"] is not None:
        source = at_rate(runs, claim["arm"], than, claim["rate"])
    alike = [a for a in CONTROLS if a in controls and _overlap(controls[a], found)]
    return {
        **claim,
        "own": entry(found["own"]),
        "matched": entry(found["matched"]),
        "best_lr": found["best_lr"],
        "edge": found["edge"],
        "source": None if source is None else entry(source),
        "end": at_end(runs, claim["arm"], than),
        "seen": seen_on(claim["study"], [r for rs in own.values() for r in rs]),
        "verdict": verdict(found["own"], found["matched"]),
        "alike": alike,
        "beside": {arm: entry(controls[arm]) for arm in BESIDE if arm in controls},
    }


def _overlap(control: Ratio, found: Effect) -> bool:
    return bool(
        control.lower <= found["own"].upper and found["own"].lower <= control.upper
    )
