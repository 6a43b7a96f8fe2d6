"""What the report is drawn from: verdicts and matrices, as JSON that never varies."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from condlab.report import _json


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
    studies : dict
        What ``python -m studies analyse`` found; empty where there is nothing.
    audit : dict
        What ``python -m benchmarks.audit`` found; empty where there is nothing.
    """

    theorems: list[dict[str, Any]]
    matrices: list[dict[str, Any]]
    settings: dict[str, Any]
    studies: dict[str, Any] = field(default_factory=dict)
    audit: dict[str, Any] = field(default_factory=dict)


def write(records: Records, folder: Path) -> None:
    """Write verdicts.json, matrices.json and, where there are, studies and audit."""
    folder.mkdir(parents=True, exist_ok=True)
    head = {"settings": records.settings}
    _json.write(folder / "verdicts.json", head, "theorems", records.theorems)
    _json.write(folder / "matrices.json", {}, "matrices", records.matrices)
    if records.studies:
        head = {k: v for k, v in records.studies.items() if k != "settings"}
        settings = records.studies["settings"]
        _json.write(folder / "studies.json", head, "settings", settings)
    if records.audit:
        head = {k: v for k, v in records.audit.items() if k != "subjects"}
        _json.write(folder / "audit.json", head, "subjects", records.audit["subjects"])


def read(folder: Path) -> Records:
    """Read what `write` wrote."""
    verdicts = json.loads((folder / "verdicts.json").read_text(encoding="utf-8"))
    matrices = json.loads((folder / "matrices.json").read_text(encoding="utf-8"))
    studies, audit = (_found(folder / f"{n}.json") for n in ("studies", "audit"))
    return Records(
        verdicts["theorems"],
        matrices["matrices"],
        verdicts["settings"],
        studies,
        audit,
    )


def _found(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
