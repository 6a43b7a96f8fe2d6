"""The generated parts of README.md and docs/results.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from condlab._files import replace_text
from condlab.report import audit, costs
from condlab.report.records import Records
from condlab.report.speeds import COLUMNS, cells, seen, speed, withdrawn, words
from condlab.report.summary import (
    SOURCES,
    counts,
    evidence,
    from_sources,
    outcome,
    ratio,
    sentence,
)

Entry = dict[str, Any]

MOST = 9  # readings in a row
OPEN = ("too few seeds", "not testable here")  # verdicts that are none


def update_page(
    path: Path, records: Records, only: Sequence[str] | None = None
) -> None:
    """Rewrite what stands between the markers of a page.

    Parameters
    ----------
    path : Path
        A Markdown file with lines ``<!-- NAME:begin -->`` and ``<!-- NAME:end -->``
        around what is generated: ``summary`` is how many claims hold, ``verdicts`` the
        table of them, ``answer`` whether condition numbers go with convergence,
        ``studies`` the table behind it, and ``audit`` how other libraries fared. One of
        them at least is needed.
    records : Records
        What the text is made from.
    only : sequence of str, optional
        The parts to rewrite; by default all that the page has.

    Raises
    ------
    ValueError
        If a marker is missing or out of order; the file is then left alone.
    """
    text = path.read_text(encoding="utf-8")
    for name in check_page(path):
        if only is not None and name not in only:
            continue
        found = PARTS[name](records)
        text = _replaced(path, text, name, found) if found else text
    replace_text(path, text)


def check_page(path: Path) -> list[str]:
    """Return the names of a page's generated parts; ValueError where it has none."""
    text = path.read_text(encoding="utf-8")
    names = [
        name
        for name in PARTS
        if any(_marker(name, which) in text for which in ("begin", "end"))
    ]
    for name in names or ["verdicts"]:
        _replaced(path, text, name, "")
    return names


def verdict_table(theorems: list[Entry]) -> str:
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


def claim_table(claims: list[Entry]) -> str:
    """Return the Markdown table of the claims that one arm trains faster.

    Parameters
    ----------
    claims : list of dict
        As ``python -m studies analyse`` judges them.

    Returns
    -------
    str
        Without a newline at the end.
    """
    rows = [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    rows += [f"| {' | '.join(cells(claim))} |" for claim in claims]
    return "\n".join(rows)


def studies_block(found: Entry) -> str:
    """Return the table of claims, and what its words mean, as Markdown.

    Parameters
    ----------
    found : dict
        As ``python -m studies analyse`` writes it.
    """
    judged = [claim for claim in found["claims"] if claim["verdict"] not in OPEN]
    left = [claim for claim in found["claims"] if claim["verdict"] in OPEN]
    parts = [
        claim_table(judged),
        " ".join(filter(None, [words(found.get("words", [])), still_open(left)])),
        withdrawn(found.get("withdrawn", [])),
        costs.table(found.get("costs", {})),
    ]
    return "\n\n".join(part for part in parts if part)


def still_open(claims: list[Entry]) -> str:
    """Return in a sentence which claims have no verdict yet, and why, or nothing.

    Examples
    --------
    >>> still_open([{"claim": "E is faster", "verdict": "too few seeds"}])
    'Still open: E is faster (too few seeds).'
    """
    told = [f"{c['claim']} ({', '.join(_why(c))})" for c in claims]
    return f"Still open: {'; '.join(told)}." if told else ""


def _why(claim: Entry) -> list[str]:
    found = [] if "own" not in claim else [seen(claim), speed(claim["own"])]
    return [claim["verdict"], *found]


def _groups(theorems: list[Entry]) -> dict[str, list[Entry]]:
    """Return the readings of each claim under the words their keys begin with.

    Two words; three where more than `MOST` begin with the same two.
    """
    two = Counter(_words(entry, 2) for entry in theorems)
    three = Counter(_words(entry, 3) for entry in theorems)
    groups: dict[str, list[Entry]] = {}
    for entry in theorems:
        name = _words(entry, 2)
        if two[name] > MOST and three[_words(entry, 3)] > 1:
            name = _words(entry, 3)
        groups.setdefault(name, []).append(entry)
    return groups


def _words(entry: Entry, count: int) -> str:
    return "-".join(entry["key"].split("-")[:count])


def _cells(group: str, entries: list[Entry]) -> str:
    cells: dict[str, list[str]] = {"holds": [], "falsified": [], "inconclusive": []}
    for entry in entries:
        reading = entry["key"].removeprefix(group).removeprefix("-") or "as worded"
        found = outcome(entry)
        size = f" ({evidence(entry)['size']})" if found == "falsified" else ""
        cells[found].append(f"{reading}{size}")
    doubt = [f"{reading}: inconclusive" for reading in cells["inconclusive"]]
    holds = ", ".join([*cells["holds"], *doubt]) or "–"
    return f"{holds} | {', '.join(cells['falsified']) or '–'}"


def _rest(theorems: list[Entry]) -> list[str]:
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


def _replaced(path: Path, text: str, name: str, content: str) -> str:
    begin, end = _marker(name, "begin"), _marker(name, "end")
    head, found_begin, rest = text.partition(begin)
    _, found_end, tail = rest.partition(end)
    if not (found_begin and found_end):
        raise ValueError(
            f"{path} needs the lines {begin} and {end}, in this order, around what is "
            "generated; add them"
        )
    return f"{head}{begin}\n{content}\n{end}{tail}"


def _marker(name: str, which: str) -> str:
    return f"<!-- {name}:{which} -->"


PARTS: dict[str, Callable[[Records], str]] = {
    "summary": lambda found: sentence(found.theorems),
    "answer": lambda found: (found.studies or {}).get("answer", ""),
    "studies": lambda found: studies_block(found.studies) if found.studies else "",
    "audit": lambda found: audit.table(found.audit),
    "verdicts": lambda found: verdict_table(found.theorems),
}
