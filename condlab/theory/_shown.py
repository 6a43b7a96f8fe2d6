"""What notebooks show of verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from condlab.display.digits import number
from condlab.display.tables import as_html, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from condlab.theory.model import Verdict

HEAD = ("theorem", "size", "verdict", "instances", "largest lhs / rhs")
LONG = 300  # characters of a counterexample


def verdicts_html(verdicts: Sequence[Verdict]) -> str:
    """Return a row a verdict, and what the verdicts mean."""
    lines = [
        (v.theorem, str(v.size), v.outcome, str(v.examples), number(v.tightness))
        for v in verdicts
    ]
    return as_html([HEAD, *lines], dict.fromkeys(map(_meaning, verdicts)))


def _meaning(verdict: Verdict) -> str:
    """Return what a verdict means, and no more than that."""
    if verdict.outcome == "holds":
        return "Holds: the instances tried survived. A search proves nothing."
    if verdict.outcome == "inconclusive":
        return f"Size {verdict.size}, not certain: {verdict.reason}."
    found = str(plain(verdict.counterexample))
    shown = found if len(found) <= LONG else "too long to show"
    sure = verdict.certificate or "not certified: the theorem has no confirmation"
    return f"Size {verdict.size}: the counterexample is {shown}; {sure}."
