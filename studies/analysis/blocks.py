"""What the studies found, as Markdown for the pages and as a section of the report."""

from __future__ import annotations

from collections.abc import Iterable

from condlab.report.sections import Drawings, Section, Table
from studies.analysis import costs, numbers, published
from studies.analysis.entries import Cost, Found, Judged, JudgedContrast, Smoothness
from studies.analysis.speeds import COLUMNS, cells, seen, speed, withdrawn, words
from studies.engine.records import as_float

OPEN = ("too few seeds", "not testable here")  # verdicts that are none
SHARES = ("arm", "removed by centring", "removed by dividing", "runs")
RUNS = (
    "Runs of the studies: the target is the loss that the plain network has at 65 % of "
    "the steps, or half where the rate falls to zero, at its own best learning rate."
)
THEOREM_52 = (
    "Small networks whose Hessian's condition number rose when their weights were "
    "equilibrated: E held while differentiating, at the same weights or where the "
    "networks agree; E inside the loss, as it stands, without the lengths of rows, and "
    "with the plain network's lengths held too. Only networks in which both Hessians "
    "have full rank count, as the theorem asks."
)


def parts(found: Found) -> dict[str, str]:
    """Return what goes between the markers of pages: the answer, and the tables."""
    return {
        "answer": found.get("answer", ""),
        "studies": studies_block(found),
        "sources": published.table(found.get("published", [])),
    }


def claim_table(claims: list[Judged]) -> str:
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


def studies_block(found: Found) -> str:
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
        numbers.table(found.get("contrasts", [])),
        " ".join(filter(None, [words(found.get("words", [])), still_open(left)])),
        withdrawn(found.get("withdrawn", [])),
        costs.table(found.get("costs", {})),
    ]
    return "\n\n".join(part for part in parts if part)


def still_open(claims: list[Judged]) -> str:
    """Return in a sentence which claims have no verdict yet, and why, or nothing.

    Examples
    --------
    >>> still_open([{"claim": "E is faster", "verdict": "too few seeds"}])
    'Still open: E is faster (too few seeds).'
    """
    told = [f"{c['claim']} ({', '.join(_why(c))})" for c in claims]
    return f"Still open: {'; '.join(told)}." if told else ""


def _why(claim: Judged) -> list[str]:
    found = [] if "own" not in claim else [seen(claim.get("seen")), speed(claim["own"])]
    return [claim["verdict"], *found]


def section(found: Found, drawings: list[str]) -> Section:
    """Return the section of the report, with drawings by their names.

    Parameters
    ----------
    found : dict
        As ``python -m studies analyse`` writes it.
    drawings : list of str
        As `studies.figures.draw` named them.
    """
    first = [name for name in drawings if name == "studies-answer"]
    own = [n for n in drawings if n.startswith("studies-") and n not in first]
    counted = [name for name in drawings if name.startswith("theorem-52")]
    meant = words(found.get("words", [])).replace("*", "")
    blocks = (
        Drawings(tuple(first), RUNS),
        "Ratios of the steps to the target, with Student's 95 % intervals over n "
        "seeds; a ratio after > or < is a bound, as runs never arrived. As fast "
        f"are controls whose interval overlaps. {meant}",
        withdrawn(found.get("withdrawn", [])),
        Table("Claims of speed", COLUMNS, _rows(map(cells, found["claims"]))),
        *_contrasts(found.get("contrasts", [])),
        *_costs(found.get("costs", {})),
        *_smoothness(found.get("smoothness", [])),
        Drawings(tuple(own), RUNS),
        Drawings(tuple(counted), THEOREM_52),
    )
    return Section("studies", "Studies", found.get("answer", ""), blocks)


def _rows(rows: Iterable[Iterable[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(map(tuple, rows))


def _contrasts(found: list[JudgedContrast]) -> list[str | Table]:
    rows = _rows(map(numbers.cells, found))
    if not rows:
        return []
    table = Table("Claims of other numbers", numbers.COLUMNS, rows)
    return [numbers.told(found), table]


def _costs(found: dict[str, Cost]) -> list[str | Table]:
    rows = _rows(costs.cells(found))
    if not rows:
        return []
    return [costs.words(found), Table("Costs of arms", costs.COLUMNS, rows)]


def _smoothness(shares: list[Smoothness]) -> list[str | Table]:
    if not shares:
        return []
    told = (
        "What weight standardization would remove from the squared gradient at the "
        "weights of an arm, medians over rows, layers and times: its Figure 4, which "
        "has dividing below 2 %. A norm behind a layer of centred rows leaves nothing "
        "for dividing to remove."
    )
    return [told, Table("Gradient shares", SHARES, _rows(map(share_cells, shares)))]


def share_cells(entry: Smoothness) -> list[str]:
    """Return what standardizing removes from an arm's gradient, in words."""
    name = f"{entry['study'].replace('_', ' ')}, {entry['arm']}"
    parts = (
        f"{100 * as_float(part):.2g} %"
        for part in (entry["share_centring"], entry["share_dividing"])
    )
    return [name, *parts, str(entry["runs"])]
