"""Mutants of the catalogue's true claims: which hypotheses and constants are needed.

``python -m condlab.report.mutations figures/data`` tries all and writes the record.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from condlab.report import _json
from condlab.report._json import encode, number
from condlab.theory import CATALOGUE, Theorem
from condlab.theory.mutants import SIZES
from condlab.theory.mutation import EXAMPLES, Trial, try_mutants
from condlab.types import Record


def try_mutants_of(theorem: Theorem) -> Record:
    """Return the record of a claim's mutants.

    Parameters
    ----------
    theorem : Theorem
        From the catalogue or not.

    Returns
    -------
    dict
        JSON: the key, and of each mutant what was changed and what the search found.

    Examples
    --------
    >>> from condlab.theory import CATALOGUE
    >>> entry = try_mutants_of(CATALOGUE["wc-thm5.1-rows"])
    >>> entry["key"], entry["mutants"]
    ('wc-thm5.1-rows', [])
    """
    return {
        "key": theorem.key,
        "mutants": [_entry(trial) for trial in try_mutants(theorem)],
        "parts": list(theorem.parts),
    }


def _entry(trial: Trial) -> Record:
    last = trial.last
    fallen = trial.outcome == "falsified"
    margin = trial.mutant.theorem.check(last.counterexample) if fallen else None
    return {
        "change": trial.mutant.change,
        "counterexample": encode(last.counterexample) if fallen else None,
        "examples": sum(verdict.examples for verdict in trial.verdicts),
        "kind": trial.mutant.kind,
        "lhs": None if margin is None else number(margin.lhs),
        "outcome": trial.outcome,
        "rhs": None if margin is None else number(margin.rhs),
        "size": _size(last.counterexample) if fallen else last.size,
    }


def _size(instance: object) -> int:
    """Return the largest dimension of an instance."""
    parts = instance if isinstance(instance, tuple) else (instance,)
    return max((max(np.shape(part), default=1) for part in parts), default=1)


def write(entries: list[Record], folder: Path) -> None:
    """Write mutants.json: the claims that have mutants, in the order of the keys."""
    settings = {"examples": EXAMPLES, "seed": 0, "sizes": list(SIZES)}
    tried = sorted((e for e in entries if e["mutants"]), key=lambda e: str(e["key"]))
    _json.write(folder / "mutants.json", {"settings": settings}, "claims", tried)


def table(claims: list[Record]) -> str:
    """Return the Markdown of the hypotheses that were needed, and of what survived.

    Parameters
    ----------
    claims : list of dict
        As `try_mutants_of` gives them.

    Returns
    -------
    str
        Without a newline at the end; empty where there is no claim.
    """
    if not claims:
        return ""
    tried = [mutant for claim in claims for mutant in claim["mutants"]]
    told = (
        f"{len(tried)} mutants of {len(claims)} claims that hold: "
        f"{_count(tried, 'falsified')} falsified, {_count(tried, 'holds')} survived, "
        f"{_count(tried, 'inconclusive')} undecided. One per cent off the right-hand "
        f"side makes {_count(tried, 'falsified', 'constant', '99/100')} of "
        f"{_count(tried, kind='constant', factor='99/100')} claims false."
    )
    rows = ["| claim | falsified where (smallest counterexample) |", "|---|---|"]
    rows += [_row(claim) for claim in claims if _with(claim, "falsified")]
    survived = [
        f"`{claim['key']}` ({'; '.join(_with(claim, 'holds'))})"
        for claim in claims
        if _with(claim, "holds")
    ]
    kept = f"Survived, so perhaps more than was claimed: {', '.join(survived)}."
    own = [_needed(claim) for claim in claims if _is_own(claim) and _needed(claim)]
    unnamed = (
        "Needed in claims for which no publication is cited, or whose form is derived "
        f"here: {', '.join(own)}."
    )
    parts = [told, "\n".join(rows)]
    parts += [unnamed] if own else []
    return "\n\n".join([*parts, *([kept] if survived else [])])


def _is_own(claim: Record) -> bool:
    """Tell whether no publication is cited for a claim, or its form is derived here."""
    theorem = CATALOGUE.get(claim["key"])
    if theorem is None:
        return False
    return isinstance(theorem.reference, str) or theorem.note.startswith("Derived here")


def _needed(claim: Record) -> str:
    """Return a claim and the changes that make it false, with sizes."""
    fallen = [
        f"{mutant['change']} ({mutant['size']})"
        for mutant in claim["mutants"]
        if mutant["outcome"] == "falsified"
    ]
    return f"`{claim['key']}` ({'; '.join(fallen)})" if fallen else ""


def _row(claim: Record) -> str:
    return f"| `{claim['key']}` | {'; '.join(_with(claim, 'falsified'))} |"


def _with(claim: Record, outcome: str) -> list[str]:
    """Return the changes of hypotheses with an outcome, false ones with sizes."""
    return [
        f"{m['change']} ({m['size']})" if outcome == "falsified" else m["change"]
        for m in claim["mutants"]
        if m["kind"] == "hypothesis" and m["outcome"] == outcome
    ]


def _count(
    tried: list[Record], outcome: str = "", kind: str = "", factor: str = ""
) -> int:
    return sum(
        m["outcome"].startswith(outcome)
        and m["kind"].startswith(kind)
        and m["change"].endswith(factor)
        for m in tried
    )


if __name__ == "__main__":
    write(
        [try_mutants_of(theorem) for theorem in CATALOGUE.values()], Path(sys.argv[1])
    )
