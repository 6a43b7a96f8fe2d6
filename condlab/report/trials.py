"""One theorem on trial, as a record."""

from __future__ import annotations

from types import ModuleType

from condlab.report._json import encode, number
from condlab.theory import Reference, Theorem, Verdict, catalogue, verify
from condlab.types import Record

# Examples at each size. The smallest sizes have the smallest counterexamples and cost
# least. With these the whole catalogue takes two cores half a minute.
EXAMPLES = {1: 30, 2: 60, 3: 60, 4: 30, 5: 20}
MORE_EXAMPLES = 200  # at the sizes below and above the smallest counterexample
SEED = 0


def try_theorem(theorem: Theorem) -> Record:
    """Return the record of a theorem: what it says and what the search found.

    Below the smallest size with a counterexample the search is repeated with more
    examples, so that "the smallest" means something. Above it as many are tried, and a
    counterexample is certified but not simplified.

    Parameters
    ----------
    theorem : Theorem
        From the catalogue or not.

    Returns
    -------
    dict
        JSON; `condlab.report.summary` says what to make of it.

    Examples
    --------
    >>> from condlab.theory import CATALOGUE
    >>> entry = try_theorem(CATALOGUE["bauer1963-rows-inf"])
    >>> entry["reference"]["year"], len(entry["verdicts"])
    (1963, 5)
    """
    return {
        "family": _family(theorem.key),
        "key": theorem.key,
        "latex": theorem.latex,
        "note": theorem.note,
        "parts": list(theorem.parts),
        "reference": _reference(theorem.reference),
        "statement": theorem.statement,
        "verdicts": [_verdict(theorem, verdict) for verdict in _verdicts(theorem)],
    }


def _verdicts(theorem: Theorem) -> list[Verdict]:
    found: list[Verdict] = []
    for size, examples in EXAMPLES.items():
        first = all(verdict.outcome != "falsified" for verdict in found)
        count = examples if first else MORE_EXAMPLES
        found += verify(
            theorem, sizes=[size], max_examples=count, seed=SEED, shrink=first
        )
    smaller = _below_first_falsified(found)
    if smaller:
        found[: len(smaller)] = verify(
            theorem, sizes=smaller, max_examples=MORE_EXAMPLES, seed=SEED
        )
    return found


def _below_first_falsified(verdicts: list[Verdict]) -> list[int]:
    sizes: list[int] = []
    for verdict in verdicts:
        if verdict.outcome == "falsified":
            return sizes
        sizes.append(verdict.size)
    return []


def _verdict(theorem: Theorem, verdict: Verdict) -> Record:
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


def _reference(reference: Reference | str) -> Record:
    if isinstance(reference, str):
        return {"text": reference}
    names = ("authors", "year", "title", "venue", "locator")
    return {name: getattr(reference, name) for name in names}


def _family(key: str) -> str:
    """Return the first line of the module whose theorem this is."""
    for module in vars(catalogue).values():
        if not isinstance(module, ModuleType):
            continue
        if any(key == entry.key for entry in catalogue.claims_of(vars(module))):
            return str(module.__doc__).splitlines()[0].rstrip(".")
    return "Others"
