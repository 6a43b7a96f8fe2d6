"""`condlab verify --mutate`: which hypotheses and constants a true claim needs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from condlab.cli import _text

if TYPE_CHECKING:
    from condlab.theory.model import Theorem
    from condlab.theory.mutation import Trial

MEANING = {
    "falsified": "needed",
    "holds": "survived",
    "inconclusive": "undecided",
}


def run(
    theorems: list[Theorem], args: argparse.Namespace, progress: _text.StatusLine
) -> str:
    """Return what `condlab verify --mutate` prints."""
    from condlab.theory.mutation import try_mutants

    trials: list[Trial] = []
    for k, theorem in enumerate(theorems, start=1):
        progress(f"{k} of {len(theorems)}: mutants of {theorem.key}")
        trials += try_mutants(
            theorem, sizes=args.sizes, max_examples=args.max_examples, seed=args.seed
        )
    if args.json:
        return _text.as_json({"mutants": [_record(trial) for trial in trials]})
    if not trials:
        return "No mutant: these claims are false, or have no constant or hypothesis."
    rows = [_row(trial) for trial in trials]
    header = ("theorem", "changed", "that was", "size", "instances")
    summary = _text.table(header, rows, {3, 4})
    return "\n\n".join([summary, *(_page(t) for t in trials if _fell(t))])


def _fell(trial: Trial) -> bool:
    return trial.outcome == "falsified"


def _examples(trial: Trial) -> int:
    return sum(verdict.examples for verdict in trial.verdicts)


def _row(trial: Trial) -> tuple[str, ...]:
    return (
        trial.mutant.claim,
        trial.mutant.change,
        MEANING[trial.outcome],
        str(trial.last.size),
        str(_examples(trial)),
    )


def _page(trial: Trial) -> str:
    """Return the smallest counterexample of a mutant that was falsified."""
    found = trial.last
    lines = [
        f"{trial.mutant.claim}: {trial.mutant.change}",
        f"Counterexample of size {found.size}:",
        *_text.instance(trial.mutant.theorem.parts, found.counterexample),
        found.certificate or "not certified",
    ]
    return "\n  ".join(lines)


def _record(trial: Trial) -> dict[str, object]:
    return {
        "theorem": trial.mutant.claim,
        "kind": trial.mutant.kind,
        "change": trial.mutant.change,
        "outcome": trial.outcome,
        "size": trial.last.size,
        "examples": _examples(trial),
        "counterexample": trial.last.counterexample if _fell(trial) else None,
        "certificate": trial.last.certificate if _fell(trial) else None,
    }
