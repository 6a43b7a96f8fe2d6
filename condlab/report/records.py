"""What the report is drawn from: verdicts and matrices, as JSON that never varies."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from condlab.report import _json, sections
from condlab.report.sections import Section
from condlab.types import Record


@dataclass(frozen=True, slots=True)
class Records:
    """Everything a report shows.

    Parameters
    ----------
    theorems : list of dict
        As `try_theorem` gives them, in the order of the catalogue.
    matrices : list of dict
        As `scale_matrix` gives them, in the order of the collection; one that could
        not be loaded has its name and ``missing``, the reason.
    settings : dict
        Sizes, examples and seed of the search.
    sections : sequence of Section
        That others wrote.
    mutants : list of dict
        What ``python -m condlab.report.mutations`` found; empty where there is nothing.
    """

    theorems: list[Record]
    matrices: list[Record]
    settings: Record
    sections: tuple[Section, ...] = ()
    mutants: list[Record] = field(default_factory=list)


def write(records: Records, folder: Path) -> None:
    """Write verdicts.json and matrices.json; sections are not written here."""
    folder.mkdir(parents=True, exist_ok=True)
    head = {"settings": records.settings}
    _json.write(folder / "verdicts.json", head, "theorems", records.theorems)
    _json.write(folder / "matrices.json", {}, "matrices", records.matrices)


def read(folder: Path) -> Records:
    """Read what `write` wrote, and the sections there."""
    verdicts = json.loads((folder / "verdicts.json").read_text(encoding="utf-8"))
    matrices = json.loads((folder / "matrices.json").read_text(encoding="utf-8"))
    mutants = folder / "mutants.json"
    tried = json.loads(mutants.read_text(encoding="utf-8")) if mutants.exists() else {}
    return Records(
        verdicts["theorems"],
        matrices["matrices"],
        verdicts["settings"],
        sections.read(folder.parent),
        tried.get("claims", []),
    )
