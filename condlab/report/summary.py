"""What to make of a record: outcomes, the decisive evidence, counts, short sources."""

from __future__ import annotations

import math
import re

from condlab.report._json import as_float
from condlab.theory.model import overall
from condlab.types import Record

SOURCES = ("wc", "ws", "an", "norm")  # how the keys of the claims on trial begin
OUTCOMES = ("holds", "falsified", "inconclusive")


def outcome(entry: Record) -> str:
    """Return "falsified", "inconclusive" or "holds" for all sizes together.

    Examples
    --------
    >>> outcome({"verdicts": [{"outcome": "holds", "examples": 9}]})
    'holds'
    """
    return overall((v["outcome"], v["examples"]) for v in entry["verdicts"])


def evidence(entry: Record) -> Record:
    """Return the verdict that says most.

    The smallest counterexample; else the first doubt; else the largest lhs / rhs, at
    the largest size that has it: in one dimension most bounds are equalities.

    Examples
    --------
    >>> small = {"size": 1, "outcome": "holds", "examples": 9, "tightness": 1.0}
    >>> evidence({"verdicts": [small, small | {"size": 2, "tightness": 0.75}]})["size"]
    2
    """
    verdicts = [v for v in entry["verdicts"] if v["examples"]] or entry["verdicts"]
    for verdict in verdicts:
        if verdict["outcome"] == outcome(entry) != "holds":
            return verdict
    telling = [v for v in verdicts if v["size"] > 1 and v["tightness"] is not None]
    return max(telling or verdicts, key=lambda v: (_tightness(v), v["size"]))


def _tightness(verdict: Record) -> float:
    tightness = verdict["tightness"]
    return -math.inf if tightness is None else round(as_float(tightness), 9)


def ratio(entry: Record) -> float:
    """Return lhs / rhs of the evidence; nan where the right side is not positive.

    Examples
    --------
    >>> small = {"size": 2, "outcome": "holds", "examples": 9, "tightness": 0.5}
    >>> ratio({"verdicts": [small]})
    0.5
    """
    return as_float(evidence(entry)["tightness"])


def counts(theorems: list[Record]) -> dict[str, int]:
    """Return how many theorems have each outcome.

    Examples
    --------
    >>> counts([])
    {'holds': 0, 'falsified': 0, 'inconclusive': 0}
    """
    found = [outcome(entry) for entry in theorems]
    return {name: found.count(name) for name in OUTCOMES}


def families(theorems: list[Record]) -> dict[str, list[Record]]:
    """Return the theorems by family, both in the order they come.

    Examples
    --------
    >>> families([{"family": "Weyl", "key": "a"}, {"family": "Weyl", "key": "b"}])
    {'Weyl': [{'family': 'Weyl', 'key': 'a'}, {'family': 'Weyl', 'key': 'b'}]}
    """
    grouped: dict[str, list[Record]] = {}
    for entry in theorems:
        grouped.setdefault(entry["family"], []).append(entry)
    return grouped


def source(entry: Record) -> str:
    """Return the short form of a reference, such as "Higham 2002, Theorem 7.5".

    Examples
    --------
    >>> source({"reference": {"authors": "G. E. Forsythe and E. G. Straus",
    ...     "year": 1955, "locator": "Theorem 1"}})
    'Forsythe and Straus 1955, Theorem 1'
    """
    reference = entry["reference"]
    if "text" in reference:
        return str(reference["text"])
    short = f"{_surnames(reference['authors'])} {reference['year']}"
    return f"{short}, {reference['locator']}" if reference["locator"] else short


def _surnames(authors: str) -> str:
    names = re.split(r",\s*(?:and )?| and ", authors)
    last = [re.sub(r"^(?:[\w-]+\.[\s-]*)+", "", name).strip() for name in names]
    if len(last) > 2:
        return f"{last[0]} et al."
    return " and ".join(last)


def from_sources(entry: Record) -> bool:
    """Return if a claim is a reading of one of the sources on trial.

    Examples
    --------
    >>> from_sources({"key": "wc-row-kappa"}), from_sources({"key": "van-der-sluis"})
    (True, False)
    """
    return entry["key"].split("-")[0] in SOURCES


def sentence(theorems: list[Record]) -> str:
    """Return the counts in words: of readings of the sources, and of the literature.

    Examples
    --------
    >>> held = {"verdicts": [{"outcome": "holds", "examples": 9}]}
    >>> sentence([held | {"key": "wc-a"}, held | {"key": "weyl"}])
    '1 readings of claims of the sources: 1 hold, ... folklore of the literature: ...'
    """
    parts = {
        "readings of claims of the sources": [e for e in theorems if from_sources(e)],
        "theorems and folklore of the literature": [
            e for e in theorems if not from_sources(e)
        ],
    }
    told = []
    for name, entries in parts.items():
        number = counts(entries)
        told.append(
            f"{len(entries)} {name}: {number['holds']} hold, "
            f"{number['falsified']} falsified, {number['inconclusive']} inconclusive."
        )
    return " ".join(told)
