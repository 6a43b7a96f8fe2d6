"""The generated parts of README.md and docs/results.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from condlab.report import mutations, pages
from condlab.report.records import Records
from condlab.report.summary import (
    SOURCES,
    counts,
    evidence,
    from_sources,
    outcome,
    ratio,
    sentence,
)
from condlab.theory.certificates import STATEMENTS
from condlab.types import Record

MOST = 9  # readings in a row


def update_page(path: Path, records: Records) -> None:
    """Rewrite a page's parts: ``summary``, how many claims hold, ``verdicts``, a table.

    And ``certificates``, which of them a reader can check alone, and ``mutants``, which
    hypotheses are needed.

    Parameters
    ----------
    path : Path
        As `pages.rewrite` takes it; other parts are left alone.
    records : Records
        What the text is made from.

    Raises
    ------
    ValueError
        If a marker is missing or out of order; the file is then left alone.
    """
    pages.rewrite(path, {name: part(records) for name, part in PARTS.items()})


def check_page(path: Path) -> list[str]:
    """Return the names of a page's generated parts; ValueError where it has none."""
    return pages.require(path, PARTS)


def verdict_table(theorems: list[Record]) -> str:
    """Return the Markdown table: a row a claim of the sources, and lines for the rest.

    The readings of one claim share a row, and so do claims whose readings fare alike;
    a falsified one shows the size of its smallest counterexample.

    Parameters
    ----------
    theorems : list of dict
        As in `Records`.

    Returns
    -------
    str
        Without a newline at the end.
    """
    rows = ["| claim | holds | falsified (smallest size) |", "|---|---|---|"]
    claims = [entry for entry in theorems if from_sources(entry)]
    rest = [entry for entry in theorems if not from_sources(entry)]
    claims.sort(key=lambda entry: SOURCES.index(_words(entry, 1)))
    alike: dict[str, list[str]] = {}
    for name, group in _groups(claims).items():
        alike.setdefault(_cells(name, group), []).append(f"`{name}`")
    rows += [f"| {' '.join(names)} | {cells} |" for cells, names in alike.items()]
    return "\n".join([*rows, "", *_rest(rest)])


def _groups(theorems: list[Record]) -> dict[str, list[Record]]:
    """Return the readings of each claim under the words their keys begin with.

    Two words; three where more than `MOST` begin with the same two.
    """
    two = Counter(_words(entry, 2) for entry in theorems)
    three = Counter(_words(entry, 3) for entry in theorems)
    groups: dict[str, list[Record]] = {}
    for entry in theorems:
        name = _words(entry, 2)
        if two[name] > MOST and three[_words(entry, 3)] > 1:
            name = _words(entry, 3)
        groups.setdefault(name, []).append(entry)
    return groups


def _words(entry: Record, count: int) -> str:
    return "-".join(entry["key"].split("-")[:count])


def _cells(group: str, entries: list[Record]) -> str:
    cells: dict[str, list[str]] = {"holds": [], "falsified": [], "inconclusive": []}
    for entry in entries:
        reading = entry["key"].removeprefix(group).removeprefix("-") or "as worded"
        found = outcome(entry)
        size = f" ({evidence(entry)['size']})" if found == "falsified" else ""
        cells[found].append(f"{reading}{size}")
    doubt = [f"{reading}: inconclusive" for reading in cells["inconclusive"]]
    holds = ", ".join([*cells["holds"], *doubt]) or "–"
    return f"{holds} | {', '.join(cells['falsified']) or '–'}"


def _rest(theorems: list[Record]) -> list[str]:
    if not theorems:
        return []
    number = counts(theorems)
    held = [entry for entry in theorems if outcome(entry) == "holds"]
    attained = sum(ratio(e) >= 1 - 1e-9 and evidence(e)["size"] > 1 for e in held)
    line = (
        f"The other {len(theorems)} are theorems and folklore of the literature: "
        f"{number['holds']} hold ({attained} attained), {number['falsified']} "
        f"falsified, {number['inconclusive']} inconclusive. `report.html` lists each "
        "with its source."
    )
    false = [f"`{e['key']}`" for e in theorems if outcome(e) == "falsified"]
    return [line, *([f"Falsified: {', '.join(false)}."] if false else [])]


def certified(theorems: list[Record]) -> str:
    """Return in a sentence which falsified verdicts a reader can check alone.

    Examples
    --------
    >>> certified([])
    ''
    """
    false = [e["key"] for e in theorems if outcome(e) == "falsified"]
    without = [f"`{key}`" for key in false if key not in STATEMENTS]
    if not false:
        return ""
    rest = f"; not of {', '.join(without)}" if without else ""
    return (
        f"Of the {len(false)} falsified verdicts {len(false) - len(without)} have a "
        "certificate in `condlab/theory/certificates/counterexamples.json`, which "
        f"`check.py` beside it verifies with Python alone, without condlab{rest}."
    )


PARTS: dict[str, Callable[[Records], str]] = {
    "summary": lambda found: sentence(found.theorems),
    "certificates": lambda found: certified(found.theorems),
    "mutants": lambda found: mutations.table(found.mutants),
    "verdicts": lambda found: verdict_table(found.theorems),
}
