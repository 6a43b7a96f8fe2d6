"""What the report is drawn from: verdicts and matrices, as JSON that never varies."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from condlab.report import _json, sections
from condlab.report.sections import Section


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
    """

    theorems: list[dict[str, Any]]
    matrices: list[dict[str, Any]]
    settings: dict[str, Any]
    sections: tuple[Section, ...] = ()


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
    return Records(
        verdicts["theorems"],
        matrices["matrices"],
        verdicts["settings"],
        sections.read(folder.parent),
    )
