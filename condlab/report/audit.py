"""Other libraries on trial: one table, and a page for each subject."""

from __future__ import annotations

from pathlib import Path

from condlab.machine.files import replace_text
from condlab.report._json import as_float
from condlab.report.sections import Section, Table
from condlab.types import Record

VERDICTS = ("right", "flagged", "silently wrong", "refuses")
COLUMNS = ("subject", "kind", *VERDICTS, "worst silent factor", "guess")
LISTED = 12  # answers of a page in full


def factor(x: float | str | None) -> str:
    """Return by how much an answer is off, in three digits.

    Examples
    --------
    >>> factor(2.5), factor(1 + 3e-6), factor("inf"), factor(1.0)
    ('2.5', '1 + 3e-06', 'inf', '–')
    """
    value = as_float(x)
    if value == 1:
        return "–"
    return f"1 + {value - 1:.1g}" if 1 < value < 1.01 else f"{value:.3g}"


def slug(name: str) -> str:
    """Return a subject's name as a file's.

    Examples
    --------
    >>> slug("scipy.sparse.linalg.svds, propack")
    'scipy-sparse-linalg-svds-propack'
    """
    return "-".join("".join(c if c.isalnum() else " " for c in name).split())


def cells(record: Record) -> list[list[str]]:
    """Return a row for each subject and kind, in the order of `COLUMNS`.

    Parameters
    ----------
    record : dict
        As `condlab.audit.record` gives it.
    """
    return [
        [
            subject["name"],
            row["kind"],
            *(str(row[verdict] or "–") for verdict in VERDICTS),
            factor(row["worst"]),
            row["guess"] if row["guess"] == row["found"] else f"{row['guess']} ✗",
        ]
        for subject in record["subjects"]
        for row in subject["kinds"]
    ]


def words(record: Record) -> str:
    """Return in sentences how many were asked what, and how the guesses did."""
    rows = [row for subject in record["subjects"] for row in subject["kinds"]]
    counts = {verdict: sum(row[verdict] for row in rows) for verdict in VERDICTS}
    missed = sum(row["guess"] != row["found"] for row in rows)
    silent = [x for s in record["subjects"] for x in s["off"]]
    silent = [x for x in silent if x["verdict"] == "silently wrong"]
    confirmed = sum(x["confirmed"] is not None for x in silent)
    versions = ", ".join(f"{k} {v}" for k, v in record["versions"].items())
    return (
        f"{record['pairs']} pairs of {len(record['subjects'])} subjects with problems "
        f"of {len({row['kind'] for row in rows})} kinds: "
        f"{', '.join(f'{n} {verdict}' for verdict, n in counts.items())}. *Right* "
        "keeps the promise of the subject's documentation, *flagged* is off with a "
        "warning or a status, *silently wrong* is off without; the factor is the "
        "larger over the smaller, and for arrays 1 and the largest error over the "
        "largest entry. "
        f"The truth of {confirmed} of the {len(silent)} silently wrong answers is "
        "confirmed by another arithmetic. The guess is the worst verdict that was "
        f"expected before the subject ran; {missed} of {len(rows)} were wrong (✗). "
        f"Versions: {versions}."
    )


def table(record: Record, folder: str = "audit") -> str:
    """Return the words and the table as Markdown, subjects linked to their pages."""
    if not record:
        return ""
    rows = [list(COLUMNS), ["---"] * len(COLUMNS)]
    before = ""
    for name, *rest in cells(record):
        link = "" if name == before else f"[{name}]({folder}/{slug(name)}.md)"
        rows.append([link, *rest])
        before = name
    lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{words(record)}\n\n{lines}"


def section(record: Record) -> Section:
    """Return the words and the table as a section of the report."""
    rows = tuple(map(tuple, cells(record)))
    blocks = (
        words(record).replace("*", ""),
        Table("Verdicts on subjects", COLUMNS, rows),
    )
    return Section("audit", "Other libraries on trial", "", blocks)


def write_pages(record: Record, folder: Path) -> list[Path]:
    """Write a page for each subject and one that lists them, and remove all others.

    Parameters
    ----------
    record : dict
        As `condlab.audit.record` gives it.
    folder : Path
        It is made if need be.

    Returns
    -------
    list of Path
        Those of the subjects, in the order of the record.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pages = {folder / f"{slug(s['name'])}.md": s for s in record["subjects"]}
    for path in set(folder.glob("*.md")) - set(pages):
        path.unlink()
    names = "\n".join(path.stem for path in pages)
    listed = f"# Subjects of the audit\n\n```{{toctree}}\n:maxdepth: 1\n{names}\n```\n"
    replace_text(folder / "index.md", listed)
    for path, subject in pages.items():
        replace_text(path, page(subject, record["kinds"]))
    return list(pages)


def page(subject: Record, kinds: Record) -> str:
    """Return a subject's page: its promise, where it fails, what to use instead."""
    promises = "\n".join(_promise(p) for p in subject["promises"])
    asked = "\n".join(_asked(row, kinds) for row in subject["kinds"])
    return (
        f"# {subject['name']}\n\n{subject['package']} {subject['version']}. Generated "
        "by `python -m benchmarks.audit`; the numbers are what it found.\n\n"
        f"## What it promises\n\n{promises}\n\n## What it was asked\n\n{asked}\n\n"
        f"{_failures(subject)}"
    ).rstrip() + "\n"


def _promise(promise: Record) -> str:
    kind = f"{promise['kind']}: " if promise["kind"] else ""
    return f"- {kind}{promise['text']} ({promise['source']})."


def _asked(row: Record, kinds: Record) -> str:
    counts = ", ".join(f"{row[v]} {v}" for v in VERDICTS if row[v])
    guess = "as expected" if row["guess"] == row["found"] else "not as expected"
    return (
        f"- {row['kind']}, {kinds[row['kind']]}: {counts}; {guess} "
        f"(the worst guessed was: {row['guess']})."
    )


def _failures(subject: Record) -> str:
    off = sorted(subject["off"], key=_weight)
    silent = [x for x in off if x["verdict"] == "silently wrong"]
    if not off:
        return ""
    parts = []
    if silent:
        least = min(silent, key=lambda x: x["size"])
        parts.append(f"## The smallest input\n\n{_line(least)}\n\n")
    lines = "\n".join(f"- {_line(x)}" for x in off[:LISTED])
    rest = len(off) - LISTED
    more = f"\n- and {rest} more, in the record." if rest > 0 else ""
    parts.append(f"## Where it fails\n\n{lines}{more}\n\n")
    return f"{''.join(parts)}## Instead\n\nUse {subject['instead']}.\n"


def _weight(x: Record) -> tuple[int, float]:
    order = ("silently wrong", "flagged", "refuses")
    size = as_float(x["factor"])
    return order.index(x["verdict"]), -size if size == size else 0.0


def _line(x: Record) -> str:
    answer = "no answer" if x["answer"] is None else f"{as_float(x['answer']):.12g}"
    truth = "" if x["truth"] is None else f", truth {as_float(x['truth']):.12g}"
    off = f" (factor {factor(x['factor'])})" if x["verdict"] != "refuses" else ""
    note = f"; it says: {_code(x['note'])}" if x["note"] else ""
    way = f" Truth: {x['certificate']}" if x["verdict"] == "silently wrong" else ""
    seen = "; confirmed by another arithmetic" if x["confirmed"] is not None else ""
    return (
        f"{x['verdict']}, {x['kind']} of {_code(x['input'])}: {answer}{truth}{off}"
        f"{note}.{way}{seen}{'.' if way else ''}"
    )


def _code(text: str) -> str:
    return f"`{text.replace('`', chr(39))}`"
