"""One theorem on trial, as a record."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from condlab.report._json import encode, number
from condlab.theory import Reference, Theorem, Verdict, catalogue, verify

SIZES = (1, 2, 3, 4, 5)
EXAMPLES = 25  # a size; the whole catalogue then takes two cores under three minutes
MORE_EXAMPLES = 100  # a size below the smallest counterexample found
SEED = 0

Entry = dict[str, Any]


def try_theorem(theorem: Theorem, *, examples: int = EXAMPLES) -> Entry:
    """Return the record of a theorem: what it says and what the search found.

    Below the smallest size with a counterexample the search is repeated with more
    examples, so that "the smallest" means something.

    Parameters
    ----------
    theorem : Theorem
        From the catalogue or not.
    examples : int
        Instances to try at each size.

    Returns
    -------
    dict
        JSON; `condlab.report.summary` says what to make of it.

    Examples
    --------
    >>> from condlab.theory import CATALOGUE
    >>> entry = try_theorem(CATALOGUE["wc-thm5.1-rows"], examples=5)
    >>> entry["reference"]["year"], len(entry["verdicts"])
    (2024, 5)
    """
    verdicts = verify(theorem, sizes=SIZES, max_examples=examples, seed=SEED)
    smaller = _below_first_falsified(verdicts)
    if smaller:
        more = max(examples, MORE_EXAMPLES)
        verdicts[: len(smaller)] = verify(
            theorem, sizes=smaller, max_examples=more, seed=SEED
        )
    return {
        "family": _family(theorem.key),
        "key": theorem.key,
        "latex": theorem.latex,
        "note": theorem.note,
        "parts": list(theorem.parts),
        "reference": _reference(theorem.reference),
        "statement": theorem.statement,
        "verdicts": [_verdict(theorem, verdict) for verdict in verdicts],
    }


def _below_first_falsified(verdicts: list[Verdict]) -> list[int]:
    sizes: list[int] = []
    for verdict in verdicts:
        if verdict.outcome == "falsified":
            return sizes
        sizes.append(verdict.size)
    return []


def _verdict(theorem: Theorem, verdict: Verdict) -> Entry:
    instance = verdict.counterexample
    margin = None if instance is None else theorem.check(instance)
    return {
        "certificate": verdict.certificate,
        "counterexample": None if instance is None else encode(instance),
        "examples": verdict.examples,
        "lhs": None if margin is None else number(margin.lhs),
        "outcome": verdict.outcome,
        "rhs": None if margin is None else number(margin.rhs),
        "size": verdict.size,
        "tightness": number(verdict.tightness),
    }


def _reference(reference: Reference | str) -> Entry:
    if isinstance(reference, str):
        return {"text": reference}
    names = ("authors", "year", "title", "venue", "locator")
    return {name: getattr(reference, name) for name in names}


def _family(key: str) -> str:
    """Return the first line of the module whose theorem this is."""
    for module in vars(catalogue).values():
        if not isinstance(module, ModuleType):
            continue
        if any(key == entry.key for entry in getattr(module, "THEOREMS", ())):
            return str(module.__doc__).splitlines()[0].rstrip(".")
    return "Others"
