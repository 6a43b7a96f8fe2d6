"""What runs say of a claim about another number than steps, in words."""

from __future__ import annotations

from studies.analysis.entries import JudgedContrast
from studies.analysis.speeds import seen
from studies.analysis.statistics import LEVEL
from studies.engine.records import as_float

COLUMNS = ("claim", "seen on", "number", "mean over seeds", "verdict")
TOLD = (
    "Claims of other numbers: each is above 0 where its claim holds; means over n "
    "seeds with Student's 95 % intervals, each by itself."
)


def told(found: list[JudgedContrast]) -> str:
    """Return what the numbers are, and how many verdicts chance alone would give.

    Examples
    --------
    >>> told([{"verdict": "reproduced"}] * 80).rpartition("itself. ")[2]
    'If none of the 80 differed from 0, some 2 would be reproduced and 2 contradicted.'
    """
    judged = sum(row["verdict"] in ("reproduced", "contradicted", "not shown")
                 for row in found)  # fmt: skip
    chance = round(judged * (1 - LEVEL) / 2)
    if not chance:
        return TOLD
    return (
        f"{TOLD} If none of the {judged} differed from 0, some {chance} would be "
        f"reproduced and {chance} contradicted."
    )


def table(found: list[JudgedContrast]) -> str:
    """Return the Markdown table of the claims that have a number, or nothing.

    Parameters
    ----------
    found : list of dict
        As ``python -m studies analyse`` judges them.

    Returns
    -------
    str
        Without a newline at the end; what is still open is named below the table.
    """
    known = [row for row in found if "mean" in row]
    if not known:
        return ""
    rows = [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    rows += [f"| {' | '.join(cells(row))} |" for row in known]
    asked = {row["claim"] for row in known}
    left = dict.fromkeys(r["claim"] for r in found if r["claim"] not in asked)
    open_ = [f"No runs yet: {'; '.join(left)}."] if left else []
    return "\n\n".join([told(found), "\n".join(rows), *open_])


def cells(row: JudgedContrast) -> list[str]:
    """Return the cells of a claim's row in the order of `COLUMNS`.

    Examples
    --------
    >>> mean = {"value": 0.0512, "lower": -0.01, "upper": "inf", "n": 3}
    >>> cells({"claim": "BN is hurt", "says": "points", "verdict": "not shown",
    ...     "mean": mean, "lost": 1})
    ['BN is hurt', '–', 'points', '0.0512 [−0.01, ∞], n = 3, 1 lost', 'not shown']
    """
    value = "–"
    if mean := row.get("mean"):
        ends = ", ".join(f"{as_float(mean[key]):.3g}" for key in ("lower", "upper"))
        value = f"{as_float(mean['value']):.3g} [{ends}], n = {mean['n']}"
        value = value.replace("-", "−").replace("inf", "∞")
        value += f", {row['lost']} lost" if row.get("lost") else ""
    return [row["claim"], seen(row.get("seen")), row["says"], value, row["verdict"]]
